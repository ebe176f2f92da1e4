"""What stands in the way of undoing each kind of change, in words, and what is written where nothing does."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.document import ChangeDocument, ListDocument
from reconciler.fingerprint import fingerprint
from reconciler.inverse import Inverse, Verdict
from reconciler.inverse_of_audience import ADVICE
from reconciler.model import (
    Address,
    AudienceId,
    BaseMove,
    BaseRow,
    BaseState,
    Change,
    ListUid,
    ListVerb,
    NoReason,
    PassId,
    Recipient,
    Refusal,
    RefusalKind,
    Result,
    Standing,
    Verb,
)
from reconciler.undo import ListUndo, digest_of_undo, nothing_possible, undo_list
from tests.core.test_undo import (
    ANN,
    AUDIENCE,
    UNDOING,
    a_pass,
    as_recorded,
    removed_and_back,
    renamed,
    undo,
    updated,
)
from tests.core.world import NOW, World, contact, no, person, recipient, row, unsettled

Story = tuple[World, ListDocument]
NEW = Address("new@x.nl")
OTHER = Address("other@x.nl")


def added() -> Story:
    world = World.of(recipient("ann", ANN))
    return world, as_recorded(a_pass(world))


def adopted() -> Story:
    world = World.of(recipient("ann", ANN), contact(ANN, first_name="Annie"))
    return world, as_recorded(a_pass(world))


def planned(story: Story) -> ListUndo:
    world, done = story
    return undo_list(done, world.sides(), AUDIENCE, UNDOING, templates=world.templates, policy=world.policy)


def only(story: Story) -> Inverse:
    (inverse,) = planned(story).inverses
    assert inverse.done == story[1].changes[0]
    return inverse


def objection(story: Story) -> str:
    inverse = only(story)
    assert inverse.verdict is Verdict.IMPOSSIBLE, inverse
    assert inverse.change is None
    return inverse.reason


def already(story: Story) -> str:
    inverse = only(story)
    assert inverse.verdict is Verdict.ALREADY_TRUE, inverse
    assert inverse.change is None
    return inverse.reason


def inverse_of(story: Story) -> Change:
    inverse = only(story)
    assert inverse.verdict is Verdict.TO_DO, inverse
    assert inverse.change is not None
    return inverse.change


def seen_at(story: Story, where_it_was: Address, /, **values: object) -> Story:
    """The story with its contact at the address changed in Mailchimp since."""
    world, done = story
    changed = replace(world.contacts.pop(where_it_was), **values)  # type: ignore[arg-type]  # each test names fields
    world.contacts[changed.address] = changed
    return world, done


def where(story: Story) -> Address:
    (change,) = story[1].changes
    return Address(change.email or "")


# -- whoever said no is left alone in every way ----------------------------------------------------

TOUCHING = [added, adopted, updated, renamed, removed_and_back]


@pytest.mark.parametrize("past", TOUCHING)
def test_no_change_is_undone_at_an_address_that_said_no(past: Callable[[], Story]) -> None:
    world, done = past()
    world.nos = [no(where((world, done)), "zoe", reason=NoReason.BOUNCED)]

    assert objection((world, done)) == "somebody behind it said no: bounced in Mailchimp"


@pytest.mark.parametrize("past", TOUCHING)
def test_no_change_is_undone_of_a_person_who_said_no_elsewhere(past: Callable[[], Story]) -> None:
    world, done = past()
    world.nos = [no(OTHER, "ann")]

    assert objection((world, done)) == "somebody behind it said no: unsubscribed in Mailchimp"


@pytest.mark.parametrize("past", TOUCHING)
def test_no_change_is_undone_of_a_person_who_opted_out_elsewhere(past: Callable[[], Story]) -> None:
    world, done = past()
    world.recipients.append(recipient("ann", OTHER, opted_out=True))

    assert objection((world, done)) == "somebody behind it opted out in OTYS"


@pytest.mark.parametrize("past", TOUCHING)
def test_whoever_came_to_stand_behind_the_address_since_counts_too(past: Callable[[], Story]) -> None:
    world, done = past()
    world.recipients.append(recipient("zoe", where((world, done))))
    world.nos = [no(OTHER, "zoe")]

    assert objection((world, done)).startswith("somebody behind it said no")


def test_whoever_stood_behind_the_row_counts_too() -> None:
    world, done = updated()
    world.recipients = []
    world.rows[ANN] = replace(world.rows[ANN], persons=(person("zoe"),))
    world.nos = [no(OTHER, "zoe")]

    assert objection((world, done)).startswith("somebody behind it said no")


def test_the_no_of_the_address_is_told_before_that_of_a_person() -> None:
    world, done = updated()
    world.nos = [no(OTHER, "ann"), no(ANN, "zoe", reason=NoReason.COMPLIANCE)]

    assert objection((world, done)) == "somebody behind it said no: in a compliance state in Mailchimp"


def test_a_bounce_under_another_address_is_no_objection() -> None:
    world, done = updated()
    world.nos = [no(OTHER, "ann", reason=NoReason.BOUNCED)]

    assert inverse_of((world, done)).fields == {"FNAME": "Ann"}


# -- what is not as that pass left it --------------------------------------------------------------


@pytest.mark.parametrize("past", [added, adopted])
def test_who_is_not_subscribed_any_more_stays_as_they_are(past: Callable[[], Story]) -> None:
    assert objection(seen_at(past(), ANN, standing=Standing.CLEANED)) == "it is cleaned in Mailchimp by now"


@pytest.mark.parametrize("past", [updated, renamed])
def test_who_cannot_be_reached_any_more_stays_as_they_are(past: Callable[[], Story]) -> None:
    story = past()

    assert objection(seen_at(story, where(story), standing=Standing.ARCHIVED)) == (
        "it is archived in Mailchimp by now"
    )


@pytest.mark.parametrize("standing", [Standing.PENDING, Standing.TRANSACTIONAL])
def test_the_values_of_who_has_not_confirmed_are_written_back(standing: Standing) -> None:
    assert inverse_of(seen_at(updated(), ANN, standing=standing)).fields == {"FNAME": "Ann"}


@pytest.mark.parametrize("past", [adopted, updated, renamed])
def test_who_is_gone_stays_gone(past: Callable[[], Story]) -> None:
    world, done = past()
    world.contacts.clear()

    assert objection((world, done)) == "it is absent in Mailchimp by now"


@pytest.mark.parametrize("past", [added, updated, renamed])
def test_what_is_not_ours_any_more_is_left_alone(past: Callable[[], Story]) -> None:
    world, done = past()
    world.rows.clear()

    assert objection((world, done)) == "it is not ours any more at this address"


@pytest.mark.parametrize("past", [updated, renamed])
def test_what_we_removed_since_is_left_alone(past: Callable[[], Story]) -> None:
    world, done = past()
    address = where((world, done))
    world.rows[address] = replace(world.rows[address], state=BaseState.REMOVED)

    assert objection((world, done)) == "it is not ours any more at this address"


@pytest.mark.parametrize("past", [added, adopted, updated, renamed])
def test_another_contact_at_the_address_is_left_alone(past: Callable[[], Story]) -> None:
    story = past()

    assert objection(seen_at(story, where(story), contact_id="another")) == (
        "another contact has this address by now"
    )


def test_a_contact_whose_id_is_not_known_is_taken_for_the_same() -> None:
    assert inverse_of(seen_at(updated(), ANN, contact_id="")).fields == {"FNAME": "Ann"}


@pytest.mark.parametrize("past", [added, adopted, renamed])
def test_who_moved_on_in_mailchimp_stays_there(past: Callable[[], Story]) -> None:
    story = past()

    assert objection(seen_at(story, where(story), address=OTHER)) == (
        "its address was changed in Mailchimp since then"
    )


def test_values_are_written_back_wherever_the_contact_moved() -> None:
    assert inverse_of(seen_at(updated(), ANN, address=OTHER)).fields == {"FNAME": "Ann"}


# -- what is undone already ------------------------------------------------------------------------


def test_an_added_contact_that_is_gone_or_archived_is_undone_already() -> None:
    world, done = added()
    assert already(seen_at((world, done), ANN, standing=Standing.ARCHIVED)) == (
        "it is not in the audience any more"
    )
    world.contacts.clear()
    assert already((world, done)) == "it is not in the audience any more"


def test_an_adopted_contact_that_we_let_go_is_undone_already() -> None:
    world, done = adopted()
    world.rows[ANN] = replace(world.rows[ANN], state=BaseState.REMOVED)
    assert already((world, done)) == "it is not ours any more"
    world.rows.clear()
    assert already((world, done)) == "it is not ours any more"


def test_a_removed_contact_that_is_subscribed_is_undone_already() -> None:
    assert already(seen_at(removed_and_back(), ANN, standing=Standing.SUBSCRIBED)) == "it is subscribed"


def test_old_values_that_are_shown_again_are_undone_already() -> None:
    assert already(seen_at(updated(), ANN, fields={"FNAME": " Ann "})) == "it has its old values"


def test_an_empty_old_value_that_is_not_shown_is_undone_already() -> None:
    world = World.of(recipient("ann", ANN), contact(ANN), row(ANN, "ann"))
    done = as_recorded(a_pass(world))

    assert already(seen_at((world, done), ANN, fields={})) == "it has its old values"


def test_a_value_that_was_not_there_and_is_not_shown_is_undone_already() -> None:
    world = World.of(recipient("ann", ANN), contact(ANN), row(ANN, "ann"))
    done = replace_first(as_recorded(a_pass(world)), before={})

    assert already(seen_at((world, done), ANN, fields={})) == "it has its old values"


def test_values_of_which_some_are_neither_old_nor_written_were_changed_since() -> None:
    story = two_fields_updated()

    assert objection(seen_at(story, ANN, fields={"FNAME": "Ann", "CITY": "Urk"})) == (
        "its values were changed since then"
    )


def test_a_rename_that_was_taken_back_in_mailchimp_is_undone_already() -> None:
    assert already(seen_at(renamed(), NEW, address=ANN)) == "it has its old address"


def test_a_rename_whose_row_is_back_at_the_old_address_is_undone_already() -> None:
    world, done = seen_at(renamed(), NEW, address=ANN)
    world.rows[ANN] = replace(world.rows.pop(NEW), address=ANN)

    assert already((world, done)) == "it has its old address"


# -- what is written -------------------------------------------------------------------------------


def living_in(city: str, who: Recipient) -> Recipient:
    return replace(who, values={**who.values, "city": city})


def two_fields_updated() -> Story:
    world = World.of(living_in("Urmond", recipient("ann", ANN, first_name="Ann")))
    world.templates = {"FNAME": "{first_name}", "CITY": "{city}"}
    a_pass(world)
    world.recipients = [living_in("Ulft", recipient("ann", ANN, first_name="Anne"))]
    return world, as_recorded(a_pass(world))


def ours(world: World, address: Address) -> BaseRow:
    return world.rows[address]


def test_an_added_contact_is_archived_and_stays_in_memory_as_removed() -> None:
    world, done = added()
    was, there = ours(world, ANN), world.contacts[ANN]

    assert inverse_of((world, done)) == Change(
        verb=Verb.REMOVE,
        address=ANN,
        reason="undoes pass 12",
        before={"status": "subscribed"},
        after={"status": "archived"},
        contact=there,
        row_before=was,
        move=BaseMove(address=ANN, row=replace(was, state=BaseState.REMOVED)),
        persons=was.persons,
    )


def test_an_adopted_contact_is_let_go_without_a_write_where_nothing_was_written() -> None:
    world = World.of(recipient("ann", ANN), contact(ANN, first_name="Ann"))
    done = as_recorded(a_pass(world))

    assert inverse_of((world, done)) == Change(
        verb=Verb.FORGET,
        address=ANN,
        reason="undoes pass 12",
        before={"status": "subscribed"},
        after={"status": "subscribed"},
        contact=world.contacts[ANN],
        row_before=ours(world, ANN),
        move=BaseMove(address=ANN, row=None),
        persons=(person("ann"),),
    )


def test_an_adopted_contact_gets_its_own_values_back() -> None:
    world, done = adopted()

    assert inverse_of((world, done)) == Change(
        verb=Verb.UPDATE,
        address=ANN,
        reason="undoes pass 12",
        before={"FNAME": "Ann"},
        after={"FNAME": "Annie"},
        fields={"FNAME": "Annie"},
        contact=world.contacts[ANN],
        row_before=ours(world, ANN),
        move=BaseMove(address=ANN, row=None),
        persons=(person("ann"),),
    )


def test_a_removed_contact_comes_back_as_it_was() -> None:
    world, done = removed_and_back()
    was = ours(world, ANN)

    assert inverse_of((world, done)) == Change(
        verb=Verb.ADD,
        address=ANN,
        reason="undoes pass 12",
        before={"status": "archived"},
        after={"status": "subscribed", "email": ANN},
        contact=world.contacts[ANN],
        row_before=was,
        move=BaseMove(address=ANN, row=replace(was, state=BaseState.ACTIVE)),
        persons=was.persons,
    )


def test_a_removal_that_turned_out_to_be_true_brings_nobody_back() -> None:
    world, done = removed_and_back()
    (removal,) = done.changes
    already_gone = replace_first(done, result=Result.ALREADY_TRUE)

    assert removal.result == Result.APPLIED
    assert objection((world, already_gone)) == "it was not subscribed when that pass came to it"


def replace_first(done: ListDocument, **values: object) -> ListDocument:
    first = {name: getattr(done.changes[0], name) for name in ChangeDocument.__struct_fields__}
    changed = ChangeDocument(**{**first, **values})
    return ListDocument(list=done.list, list_name=done.list_name, audience=done.audience, changes=[changed])


@pytest.mark.parametrize("known", [None, BaseState.ACTIVE])
def test_what_we_did_not_archive_last_does_not_come_back(known: BaseState | None) -> None:
    world, done = removed_and_back()
    if known is None:
        del world.rows[ANN]
    else:
        world.rows[ANN] = replace(world.rows[ANN], state=known)

    assert objection((world, done)) == "it was not archived by us last"


def test_an_update_is_written_back_where_the_value_is_still_ours() -> None:
    story = seen_at(two_fields_updated(), ANN, fields={"FNAME": "Anne ", "CITY": "Urk"})
    world, _ = story
    was = ours(world, ANN)

    assert inverse_of(story) == Change(
        verb=Verb.UPDATE,
        address=ANN,
        reason="undoes pass 12",
        before={"FNAME": "Anne "},
        after={"FNAME": "Ann"},
        fields={"FNAME": "Ann"},
        contact=world.contacts[ANN],
        row_before=was,
        move=BaseMove(address=ANN, row=replace(was, fields={"FNAME": "Ann", "CITY": "Ulft"})),
        persons=was.persons,
    )


def test_a_value_that_was_not_there_before_becomes_empty_again() -> None:
    world = World.of(recipient("ann", ANN, first_name="Ann"), contact(ANN), row(ANN, "ann"))
    done = replace_first(as_recorded(a_pass(world)), before={})

    assert inverse_of((world, done)).after == {"FNAME": ""}


def test_a_rename_is_taken_back_whole() -> None:
    world = World.of(recipient("ann", ANN))
    a_pass(world)
    world.recipients = [recipient("ann", NEW, first_name="Anne")]
    done = as_recorded(a_pass(world))
    was = ours(world, NEW)

    assert inverse_of((world, done)) == Change(
        verb=Verb.RENAME,
        address=ANN,
        reason="undoes pass 12",
        before={"email": NEW, "FNAME": "Anne"},
        after={"email": ANN, "FNAME": "Ann"},
        fields={"FNAME": "Ann"},
        contact=world.contacts[NEW],
        row_before=was,
        move=BaseMove(address=ANN, row=replace(was, address=ANN, fields={"FNAME": "Ann"}), replaces=NEW),
        persons=was.persons,
    )


# -- the old address of a rename -------------------------------------------------------------------

TAKEN = "its old address belongs to somebody else by now"


def test_an_old_address_that_anybody_has_is_taken() -> None:
    world, done = renamed()
    world.recipients.append(recipient("zoe", ANN))
    assert objection((world, done)) == TAKEN

    world, done = renamed()
    world.contacts[ANN] = contact(ANN)
    assert objection((world, done)) == TAKEN

    world, done = renamed()
    world.rows[ANN] = row(ANN, "zoe", state=BaseState.REMOVED)
    assert objection((world, done)) == TAKEN


def test_an_old_address_that_its_own_person_has_again_is_free() -> None:
    world, done = renamed()
    world.recipients.append(recipient("ann", ANN))

    assert inverse_of((world, done)).address == ANN


def test_an_old_address_that_may_not_be_mailed_is_told_with_its_reason() -> None:
    world, done = renamed()
    world.nos = [no(ANN, "zoe", reason=NoReason.BOUNCED)]

    assert objection((world, done)) == "its old address may not be mailed: bounced in Mailchimp"


# -- a pass as a whole -----------------------------------------------------------------------------


def test_what_wrote_nothing_says_so() -> None:
    world = World.of(recipient("ann", ANN), contact(ANN, Standing.UNSUBSCRIBED))
    done = as_recorded(a_pass(world))

    assert objection((world, done)) == "it wrote nothing to Mailchimp: who said no or is gone stays so"


def deleted_list() -> ListDocument:
    def change(verb: str, email: str | None, result: Result = Result.APPLIED) -> ChangeDocument:
        return ChangeDocument(
            list="7", list_name="123", audience="aud7", verb=verb, email=email, reason="", result=result
        )

    return ListDocument(
        list="7",
        list_name="123",
        audience="aud7",
        changes=[
            change(Verb.ADD, ANN),
            change(Verb.ADD, OTHER, Result.REFUSED),
            change(ListVerb.DELETE, None),
            change(ListVerb.RENAME_AUDIENCE, None),
        ],
    )


def test_a_list_that_is_out_of_reach_says_so_of_each_of_its_changes() -> None:
    told = nothing_possible(deleted_list(), "the list is gone")

    assert told.list_uid == ListUid("7")
    assert told.plan is None
    assert told.list_changes == ()
    assert [(one.done.verb, one.verdict, one.reason) for one in told.inverses] == [
        (Verb.ADD, Verdict.IMPOSSIBLE, "the list is gone"),
        (ListVerb.DELETE, Verdict.IMPOSSIBLE, ADVICE[ListVerb.DELETE]),
        (ListVerb.RENAME_AUDIENCE, Verdict.IMPOSSIBLE, "the list is gone"),
    ]


def test_an_undo_plans_nothing_but_what_undoes() -> None:
    world, done = updated()
    world.recipients += [recipient("zoe", OTHER), recipient("cas", "cas@x.nl", opted_out=True)]
    add = next(change for change in world.plan().changes if change.address == OTHER)
    refusal = Refusal(
        address=OTHER,
        verb=Verb.ADD,
        kind=RefusalKind.UNKNOWN,
        detail="",
        fingerprint=fingerprint(add),
        since=NOW,
    )
    world.refusals = (refusal, replace(refusal, address=Address("gone@x.nl")))
    today = world.plan()
    assert today.moves
    assert today.refused
    assert today.outdated

    told = planned((world, done))

    assert told.list_uid == ListUid("7")
    assert told.plan is not None
    assert [change.address for change in told.plan.changes] == [ANN]
    assert (told.plan.moves, told.plan.refused, told.plan.outdated) == ((), (), ())
    assert told.plan.audience_id == AudienceId("aud7")


def test_a_renamed_audience_is_undone_with_its_list() -> None:
    world, done = updated()
    edit = ChangeDocument(
        list="7",
        list_name="123",
        audience="aud7",
        verb=ListVerb.RENAME_AUDIENCE,
        email=None,
        reason="changed in OTYS",
        before={"name": "Old"},
        after={"name": AUDIENCE.name},
        result=Result.APPLIED,
    )
    both = ListDocument(list="7", list_name="123", audience="aud7", changes=[edit, *done.changes])

    told = planned((world, both))

    assert [(one.verb, one.reason, one.after) for one in told.list_changes] == [
        (ListVerb.RENAME_AUDIENCE, "undoes pass 12", {"name": "Old"})
    ]
    assert [one.verb for one in told.held_back] == [Verb.UPDATE]


def test_what_cannot_be_undone_keeps_nothing_else_from_being_held_back() -> None:
    world = World.of(recipient("ann", ANN), recipient("zoe", "zoe@x.nl"))
    done = as_recorded(a_pass(world))
    world.nos = [no(ANN, "ann")]

    told = planned((world, done))

    assert [one.verdict for one in told.inverses] == [Verdict.IMPOSSIBLE, Verdict.TO_DO]
    assert [one.address for one in told.held_back] == ["zoe@x.nl"]


def test_undoing_an_undo_of_an_update_says_that_it_does() -> None:
    world, done = updated()
    first = undo(world, done)
    assert first.plan is not None

    change = inverse_of((world, as_recorded(first.plan)))

    assert (change.verb, change.reason, change.after) == (Verb.UPDATE, "undoes pass 12", {"FNAME": "Anne"})


def test_what_a_pass_would_do_again_is_held_back_in_the_name_of_who_undid_it() -> None:
    world, done = updated()

    (held,) = planned((world, done)).held_back

    assert (held.address, held.verb, held.kind, held.detail, held.since) == (
        ANN,
        Verb.UPDATE,
        RefusalKind.UNDONE,
        "undone by Ada on 2026-03-02",
        NOW,
    )


@pytest.mark.parametrize(
    ("past", "verbs"),
    [
        (added, [Verb.ADD]),
        (adopted, [Verb.ADOPT]),
        (updated, [Verb.UPDATE]),
        (renamed, [Verb.RENAME]),
        (removed_and_back, [Verb.REMOVE]),
    ],
)
def test_every_kind_of_change_is_held_back_by_its_own_kind(
    past: Callable[[], Story], verbs: list[Verb]
) -> None:
    assert [one.verb for one in planned(past()).held_back] == verbs


def test_the_digest_of_an_undo_names_what_is_undone_and_of_whom() -> None:
    world, done = updated()
    told = planned((world, done))
    moved = replace_first(done, email=OTHER)
    of_another = replace(told, inverses=(replace(told.inverses[0], done=moved.changes[0]),))
    otherwise = replace_first(done, after={"FNAME": "Annemarie"})
    of_another_value = replace(told, inverses=(replace(told.inverses[0], done=otherwise.changes[0]),))

    digests = {
        digest_of_undo("acme", PassId(12), [told]),
        digest_of_undo("acme", PassId(13), [told]),
        digest_of_undo("bureau", PassId(12), [told]),
        digest_of_undo("acme", PassId(12), [of_another]),
        digest_of_undo("acme", PassId(12), [of_another_value]),
        digest_of_undo("acme", PassId(12), []),
    }

    assert len(digests) == 6


def test_what_cannot_be_undone_is_no_part_of_the_digest() -> None:
    told = planned(updated())
    impossible = replace(told.inverses[0], verdict=Verdict.IMPOSSIBLE)

    assert digest_of_undo("acme", PassId(12), [replace(told, inverses=(impossible,))]) == (
        digest_of_undo("acme", PassId(12), [])
    )


def test_an_undo_of_an_adoption_is_undone_by_adopting_again() -> None:
    world, done = adopted()
    let_go = undo(world, done)
    assert let_go.plan is not None

    change = inverse_of((world, as_recorded(let_go.plan)))

    assert (change.verb, change.address) == (Verb.ADOPT, ANN)


def test_whoever_subscribed_while_being_added_keeps_every_value() -> None:
    world = World.of(recipient("ann", ANN))
    done = as_recorded(a_pass(world), Result.ALREADY_TRUE)

    change = inverse_of((world, done))

    assert (change.verb, change.fields) == (Verb.FORGET, {})


def test_a_removal_that_honoured_a_no_says_so() -> None:
    world = World.of(recipient("bob", OTHER), contact(ANN), row(ANN, "ann"))
    world.recipients.append(recipient("ann", ANN, opted_out=True))
    plan = world.plan()
    removal = replace(plan, changes=tuple(one for one in plan.changes if one.verb is Verb.REMOVE))

    assert objection((world, as_recorded(removal))) == "it honoured somebody's no"


def test_what_a_pass_erased_is_written_back_although_mailchimp_shows_no_such_field() -> None:
    world, done = updated()
    erased = replace_first(done, before={"FNAME": "Ann"}, after={"FNAME": ""})

    change = inverse_of(seen_at((world, erased), ANN, fields={}))

    assert (change.before, change.after) == ({"FNAME": ""}, {"FNAME": "Ann"})


def test_what_was_empty_before_and_after_is_nothing_to_restore() -> None:
    world, done = updated()
    nothing = replace_first(done, before={}, after={"FNAME": ""})

    assert already(seen_at((world, nothing), ANN, fields={})) == "it has its old values"


@pytest.mark.parametrize(("written", "shown"), [("Ann  Lee", "Ann Lee"), ("Ann Lee", " Ann  Lee")])
def test_blanks_make_no_other_value(written: str, shown: str) -> None:
    world, done = updated()
    spaced = replace_first(done, before={"FNAME": "Ann"}, after={"FNAME": written})

    assert inverse_of(seen_at((world, spaced), ANN, fields={"FNAME": shown})).after == {"FNAME": "Ann"}


@pytest.mark.parametrize("standing", [Standing.UNSUBSCRIBED, Standing.CLEANED, Standing.PENDING])
def test_what_is_not_archived_any_more_does_not_come_back(standing: Standing) -> None:
    assert objection(seen_at(removed_and_back(), ANN, standing=standing)) == (
        f"it is {standing} in Mailchimp by now"
    )


def test_what_was_deleted_since_does_not_come_back() -> None:
    world, done = removed_and_back()
    del world.contacts[ANN]

    assert objection((world, done)) == "it was deleted in Mailchimp since then"


def test_a_person_whose_uid_has_a_colon_is_known_by_it() -> None:
    world = World.of(recipient("a:b", ANN), recipient("bob", OTHER))
    a_pass(world)
    world.recipients = world.recipients[1:]
    done = as_recorded(a_pass(world))
    world.rows[ANN] = replace(world.rows[ANN], persons=())
    world.nos = [no("elsewhere@x.nl", "a:b")]

    assert objection((world, done)).startswith("somebody behind it said no")


def test_a_refusal_that_passes_is_no_hindrance() -> None:
    world, done = updated()
    world.refusals = (
        Refusal(
            address=OTHER,
            verb=Verb.ADD,
            kind=RefusalKind.TOO_MANY_SIGNUPS,
            detail="",
            fingerprint="",
            since=NOW,
            retry_after=NOW,
        ),
    )

    assert inverse_of((world, done)).fields == {"FNAME": "Ann"}


def test_a_rename_that_took_a_name_along_is_not_repeated_once_it_is_undone() -> None:
    world = World.of(recipient("ann", ANN))
    a_pass(world)
    world.recipients = [recipient("ann", NEW, first_name="Anne")]
    done = as_recorded(a_pass(world))
    undo(world, done)

    assert unsettled(a_pass(world)) == []
    assert world.contacts[ANN].fields == {"FNAME": "Ann"}


def test_a_rename_is_held_back_of_a_contact_that_is_known_by_its_address_only() -> None:
    world, done = seen_at(renamed(), NEW, contact_id="")
    world.rows[NEW] = replace(world.rows[NEW], contact_id="")

    assert [one.verb for one in planned((world, done)).held_back] == [Verb.RENAME]
