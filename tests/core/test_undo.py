"""Undoing what a pass did to one small list, and what must hold whatever happened in between."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.document import ChangeDocument, ListDocument, list_document
from reconciler.guard import Guarded
from reconciler.inverse import Verdict
from reconciler.inverse_of_audience import invert_list_change
from reconciler.model import (
    Address,
    Audience,
    AudienceId,
    BaseState,
    ListVerb,
    NoReason,
    Outcome,
    PassId,
    Refusal,
    RefusalKind,
    Result,
    Standing,
    Verb,
)
from reconciler.plan import ListPlan
from reconciler.report import ListReport
from reconciler.undo import ListUndo, Undoing, digest_of_undo, undo_list
from tests.core.stories import EMAILS, Deed, behind, chapters, nos, recipients, some_people
from tests.core.test_laws import SecondBook, tell
from tests.core.world import NOW, World, contact, no, recipient, row, unsettled, writes

AUDIENCE = Audience(id=AudienceId("aud7"), name="123")
UNDOING = Undoing(pass_id=PassId(12), by="Ada", now=NOW)
ANN = Address("ann@x.nl")


def as_recorded(plan: ListPlan, result: Result = Result.APPLIED) -> ListDocument:
    """A plan as history has it once all of it was carried out."""
    outcomes = tuple(Outcome(change=change, result=result) for change in plan.changes)
    report = ListReport(
        list_uid=plan.list_uid,
        list_name=plan.list_name,
        audience_id=plan.audience_id,
        guarded=Guarded(plan, plan.changes),
        outcomes=outcomes,
    )
    return list_document(report)


def undo(world: World, done: ListDocument) -> ListUndo:
    """Given a list as a pass left it in history, undo that in the world as it is now."""
    planned = undo_list(
        done, world.sides(), AUDIENCE, UNDOING, templates=world.templates, policy=world.policy
    )
    assert planned.plan is not None
    world.refusals = remembered(world.refusals, planned.held_back)
    for step in world.steps(planned.plan):
        step()
    return planned


def remembered(known: tuple[Refusal, ...], more: tuple[Refusal, ...]) -> tuple[Refusal, ...]:
    return tuple({(one.address, one.verb): one for one in (*known, *more)}.values())


def a_pass(world: World) -> ListPlan:
    """A pass with what it does about refusals, which a world does not do by itself."""
    plan = world.run()
    world.refusals = tuple(one for one in world.refusals if one.address not in plan.outdated)
    return plan


def verdicts(planned: ListUndo) -> list[tuple[str, Verdict, str]]:
    return [(one.done.verb, one.verdict, one.reason) for one in planned.inverses]


def the_reason(planned: ListUndo) -> str:
    (one,) = planned.inverses
    assert one.verdict is Verdict.IMPOSSIBLE
    assert one.change is None
    return one.reason


# -- each verb -------------------------------------------------------------------------------------


def test_an_added_contact_is_archived_and_not_added_again() -> None:
    world = World.of(recipient("ann", ANN))
    done = as_recorded(a_pass(world))

    undo(world, done)

    assert world.standing(ANN) is Standing.ARCHIVED
    held = a_pass(world)
    assert unsettled(held) == []
    assert [one.refusal.detail for one in held.refused] == ["undone by Ada on 2026-03-02"]


def test_an_added_contact_that_is_not_subscribed_any_more_is_left_alone() -> None:
    world = World.of(recipient("ann", ANN))
    done = as_recorded(a_pass(world))
    world.contacts[ANN] = replace(world.contacts[ANN], standing=Standing.UNSUBSCRIBED)

    assert the_reason(undo(world, done)) == "it is unsubscribed in Mailchimp by now"


def test_a_contact_that_subscribed_by_itself_while_it_was_added_is_only_let_go() -> None:
    world = World.of(recipient("ann", ANN))
    done = as_recorded(a_pass(world), Result.ALREADY_TRUE)

    undo(world, done)

    assert world.standing(ANN) is Standing.SUBSCRIBED
    assert world.rows == {}
    assert unsettled(a_pass(world)) == []


def test_an_adopted_contact_is_let_go_with_the_values_it_had() -> None:
    world = World.of(recipient("ann", ANN), contact(ANN, first_name="Annie"))
    done = as_recorded(a_pass(world))
    assert world.contacts[ANN].fields["FNAME"] == "Ann"

    undo(world, done)

    assert world.rows == {}
    assert world.contacts[ANN].fields["FNAME"] == "Annie"
    assert unsettled(a_pass(world)) == []


def test_who_was_let_go_is_not_adopted_again_by_undoing_an_ordinary_pass() -> None:
    world = World.of(recipient("ann", ANN), contact(ANN, first_name="Annie"))
    adopted = as_recorded(a_pass(world))
    world.recipients = [recipient("ann", ANN, first_name="Anneke")]
    changed = as_recorded(a_pass(world))
    undo(world, adopted)
    assert world.rows == {}

    undo(world, changed)

    assert world.rows == {}


def removed_and_back() -> tuple[World, ListDocument]:
    world = World.of(recipient("ann", ANN), recipient("bob", "bob@x.nl"))
    a_pass(world)
    world.recipients = [one for one in world.recipients if one.email != ANN]
    return world, as_recorded(a_pass(world))


def test_a_removed_contact_comes_back_and_is_not_removed_again() -> None:
    world, done = removed_and_back()

    undo(world, done)

    assert world.standing(ANN) is Standing.SUBSCRIBED
    assert world.rows[ANN].state is BaseState.ACTIVE
    held = a_pass(world)
    assert unsettled(held) == []
    assert [one.change.verb for one in held.refused] == [Verb.REMOVE]


def test_what_is_held_back_goes_on_once_the_data_changed_in_otys() -> None:
    world, done = removed_and_back()
    undo(world, done)
    world.recipients.append(recipient("ann", ANN))
    a_pass(world)
    world.recipients = [one for one in world.recipients if one.email != ANN]

    a_pass(world)

    assert world.standing(ANN) is Standing.ARCHIVED
    assert world.refusals == ()


def test_an_opt_out_is_honoured_although_the_removal_was_undone() -> None:
    world, done = removed_and_back()
    undo(world, done)
    world.recipients.append(recipient("ann", ANN, opted_out=True))

    a_pass(world)

    assert world.standing(ANN) is Standing.ARCHIVED


def test_a_removal_that_honoured_a_no_is_never_undone() -> None:
    world = World.of(recipient("ann", ANN))
    a_pass(world)
    world.recipients = [recipient("ann", ANN, opted_out=True)]
    done = as_recorded(a_pass(world))
    world.recipients = []
    world.nos = []
    world.rows = {row(ANN, "ann").address: row(ANN, "ann", state=BaseState.REMOVED)}

    assert the_reason(undo(world, done)) == "it honoured somebody's no"


@pytest.mark.parametrize("reason", NoReason)
def test_nobody_comes_back_to_an_address_that_has_a_no(reason: NoReason) -> None:
    world, done = removed_and_back()
    world.nos = [no(ANN, "ann", reason=reason)]

    assert "said no" in the_reason(undo(world, done))
    assert world.standing(ANN) is Standing.ARCHIVED


def test_nobody_comes_back_who_said_no_under_another_address() -> None:
    world, done = removed_and_back()
    world.nos = [no("other@x.nl", "ann")]

    assert "said no" in the_reason(undo(world, done))


def test_nobody_comes_back_who_opted_out_in_otys_under_another_address() -> None:
    world, done = removed_and_back()
    world.recipients.append(recipient("ann", "other@x.nl", opted_out=True))

    assert the_reason(undo(world, done)) == "somebody behind it opted out in OTYS"


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Standing.UNSUBSCRIBED, "it is unsubscribed in Mailchimp by now"),
        (Standing.CLEANED, "it is cleaned in Mailchimp by now"),
        (Standing.PENDING, "it is pending in Mailchimp by now"),
        (None, "it was deleted in Mailchimp since then"),
    ],
)
def test_only_what_is_still_archived_comes_back(standing: Standing | None, reason: str) -> None:
    world, done = removed_and_back()
    gone = world.contacts.pop(row(ANN).address)
    if standing is not None:
        world.contacts[gone.address] = replace(gone, standing=standing)

    assert the_reason(undo(world, done)) == reason


def test_what_somebody_else_archived_does_not_come_back() -> None:
    world, done = removed_and_back()
    address = row(ANN).address
    world.contacts[address] = replace(world.contacts[address], contact_id="somebody else's")

    assert the_reason(undo(world, done)) == "it was not archived by us last"


def test_a_contact_that_was_never_confirmed_does_not_come_back() -> None:
    world = World.of(contact(ANN, Standing.PENDING), row(ANN, "ann"), recipient("bob", "bob@x.nl"))
    done = as_recorded(a_pass(world))
    (removal,) = [one for one in done.changes if one.email == ANN]

    planned = undo(world, ListDocument(list="7", list_name="123", audience="aud7", changes=[removal]))

    assert the_reason(planned) == "it was not subscribed when that pass came to it"


def updated() -> tuple[World, ListDocument]:
    world = World.of(recipient("ann", ANN, first_name="Ann"))
    a_pass(world)
    world.recipients = [recipient("ann", ANN, first_name="Anne")]
    return world, as_recorded(a_pass(world))


def test_an_update_is_written_back_and_not_repeated() -> None:
    world, done = updated()

    undo(world, done)

    assert world.contacts[row(ANN).address].fields["FNAME"] == "Ann"
    held = a_pass(world)
    assert writes(held) == []
    assert [one.change.verb for one in held.refused] == [Verb.UPDATE]
    world.recipients = [recipient("ann", ANN, first_name="Antje")]
    a_pass(world)
    assert world.contacts[row(ANN).address].fields["FNAME"] == "Antje"


def test_a_value_that_somebody_changed_since_is_not_written_back() -> None:
    world, done = updated()
    address = row(ANN).address
    world.contacts[address] = replace(world.contacts[address], fields={"FNAME": "Annie"})

    assert the_reason(undo(world, done)) == "its values were changed since then"


def renamed() -> tuple[World, ListDocument]:
    world = World.of(recipient("ann", ANN))
    a_pass(world)
    world.recipients = [recipient("ann", "new@x.nl")]
    return world, as_recorded(a_pass(world))


def test_a_rename_is_taken_back_and_not_repeated() -> None:
    world, done = renamed()

    undo(world, done)

    assert [known.address for known in world.contacts.values()] == [ANN]
    held = a_pass(world)
    assert unsettled(held) == []
    assert [one.change.verb for one in held.refused] == [Verb.RENAME]


def test_a_rename_is_not_taken_back_onto_somebody_else() -> None:
    world, done = renamed()
    world.recipients.append(recipient("zoe", ANN))

    assert the_reason(undo(world, done)) == "its old address belongs to somebody else by now"


def test_a_rename_is_not_taken_back_to_an_address_that_bounced() -> None:
    world, done = renamed()
    world.nos = [no(ANN, "zoe", reason=NoReason.BOUNCED)]

    assert "may not be mailed: bounced" in the_reason(undo(world, done))


def test_what_wrote_nothing_cannot_be_undone() -> None:
    world = World.of(recipient("ann", ANN), contact(ANN, Standing.UNSUBSCRIBED))

    assert "wrote nothing" in the_reason(undo(world, as_recorded(a_pass(world))))


# -- the whole -------------------------------------------------------------------------------------


def test_what_is_undone_already_is_not_done_twice_and_keeps_its_digest() -> None:
    world = World.of(recipient("ann", ANN), recipient("bob", "bob@x.nl"), contact("bob@x.nl", first_name="B"))
    done = as_recorded(a_pass(world))

    first = undo(world, done)
    second = undo(world, done)

    assert second.plan is not None
    assert second.plan.changes == ()
    assert {one.verdict for one in second.inverses} == {Verdict.ALREADY_TRUE}
    digests = {digest_of_undo("acme", PassId(12), [one]) for one in (first, second)}
    assert len(digests) == 1


def test_an_undo_can_be_undone() -> None:
    world = World.of(
        recipient("ann", ANN),
        recipient("bob", "bob@x.nl"),
        contact("bob@x.nl", first_name="B"),
        recipient("cas", "cas@x.nl"),
        row("cas@x.nl", "cas", first_name="C"),
        contact("cas@x.nl", first_name="C"),
        row("dea@x.nl", "dea", first_name="Dea"),
        contact("dea@x.nl", first_name="Dea"),
        row("old@x.nl", "eva", first_name="Eva"),
        contact("old@x.nl", first_name="Eva"),
        recipient("eva", "eva@x.nl"),
        recipient("fay", "fay@x.nl"),
        contact("fay@x.nl", first_name="Fay"),
    )
    done = as_recorded(a_pass(world))
    assert {change.verb for change in done.changes} >= {"add", "adopt", "update", "remove", "rename"}
    after = {address: (one.standing, one.fields) for address, one in world.contacts.items()}
    first = undo(world, done)
    assert first.plan is not None

    second = undo(world, as_recorded(first.plan))

    assert not second.with_verdict(Verdict.IMPOSSIBLE)
    assert {address: (one.standing, one.fields) for address, one in world.contacts.items()} == after
    assert unsettled(a_pass(world)) == []
    assert world.refusals == ()


def audience_edit(shown: str) -> str:
    done = ChangeDocument(
        list="7",
        list_name="123",
        audience="aud7",
        verb=ListVerb.RENAME_AUDIENCE,
        email=None,
        reason="changed in OTYS",
        before={"name": "Old"},
        after={"name": "New"},
        result=Result.APPLIED,
    )
    inverse = invert_list_change(done, replace(AUDIENCE, name=shown), "undoes pass 12")
    return inverse.reason or str(inverse.list_change and inverse.list_change.after["name"])


def test_a_renamed_audience_gets_its_old_name_unless_somebody_renamed_it_since() -> None:
    assert audience_edit("New") == "Old"
    assert audience_edit("Old") == "it is as it was before"
    assert audience_edit("Other") == "it was changed since then"


# -- whatever happened in between --------------------------------------------------------------------


def lived_through(story: list[list[Deed]], world: World, book: SecondBook) -> ListDocument:
    """Let a pass follow every chapter; return what the last one did."""
    done = ListDocument(list="7", list_name="123", audience="aud7")
    for chapter in story:
        tell(chapter, world)
        book.read(world)
        done = as_recorded(a_pass(world))
    return done


@given(chapters, chapters)
def test_nobody_who_said_no_is_subscribed_by_an_undo(
    story: list[list[Deed]], meanwhile: list[list[Deed]]
) -> None:
    world, book = World(), SecondBook()
    done = lived_through(story, world, book)
    lived_through(meanwhile[:-1], world, book)
    tell(meanwhile[-1], world)
    book.read(world)
    may_not = (Standing.UNSUBSCRIBED, Standing.CLEANED, Standing.PENDING)
    said_no = {known.contact_id for known in world.contacts.values() if known.standing in may_not}

    planned = undo(world, done)

    assert planned.plan is not None
    assert [change for change in planned.plan.changes if book.forbids(change)] == []
    for known in world.contacts.values():
        assert known.contact_id not in said_no or known.standing is not Standing.SUBSCRIBED


def removal(email: str) -> ChangeDocument:
    return ChangeDocument(
        list="7",
        list_name="123",
        audience="aud7",
        verb=Verb.REMOVE,
        email=email,
        reason="no longer on the list in OTYS",
        before={"status": Standing.SUBSCRIBED},
        after={"status": Standing.ARCHIVED},
        result=Result.APPLIED,
    )


@st.composite
def after_removals(draw: st.DrawFn) -> World:
    """A list most of whose contacts we removed, and whatever became of its people since then."""
    there = [standing for standing in Standing if standing is not Standing.ABSENT]
    gone = st.sampled_from([Standing.ARCHIVED] * len(there) + there)
    world = World.of(
        *(contact(email, draw(gone)) for email in EMAILS),
        *(row(email, *draw(some_people), state=BaseState.REMOVED) for email in EMAILS),
    )
    return replace(world, recipients=draw(recipients()), nos=draw(nos()))


@given(after_removals())
def test_only_those_come_back_whom_we_archived_and_who_said_no_nowhere(
    world: World,
) -> None:
    done = ListDocument(
        list="7", list_name="123", audience="aud7", changes=[removal(email) for email in EMAILS]
    )
    before = world.copy()

    planned = undo(world, done)

    assert planned.plan is not None
    for change in planned.plan.changes:
        assert change.verb is Verb.ADD
        known = before.rows[change.address]
        assert known.state is BaseState.REMOVED
        assert before.standing(change.address) is Standing.ARCHIVED
        persons = {*known.persons, *behind(before, change.address)}
        for said in before.nos:
            assert said.address != change.address
            assert said.reason is NoReason.BOUNCED or persons.isdisjoint(said.persons)
        opted_out = {one.person for one in before.recipients if one.opted_out}
        assert persons.isdisjoint(opted_out)


@given(chapters)
def test_no_pass_does_again_what_was_undone(story: list[list[Deed]]) -> None:
    world = World()
    planned = undo(world, lived_through(story, world, SecondBook()))
    undone = {(one.done.verb, one.done.email) for one in planned.with_verdict(Verdict.TO_DO)}

    again = a_pass(world)

    assert undone.isdisjoint((change.verb, change.address) for change in again.changes)
    assert writes(a_pass(world)) == []


@given(chapters)
def test_only_what_is_ours_is_touched_by_an_undo(story: list[list[Deed]]) -> None:
    world = World()
    done = lived_through(story, world, SecondBook())
    rows = dict(world.rows)

    planned = undo(world, done)

    assert planned.plan is not None
    for change in planned.plan.changes:
        assert change.row_before is not None
        assert rows[change.row_before.address] == change.row_before
        assert change.verb is not Verb.ADD or change.row_before.state is BaseState.REMOVED


def test_what_was_undone_is_remembered_as_undone() -> None:
    world = World.of(recipient("ann", ANN))

    undo(world, as_recorded(a_pass(world)))

    assert [(one.kind, one.verb) for one in world.refusals] == [(RefusalKind.UNDONE, Verb.ADD)]
