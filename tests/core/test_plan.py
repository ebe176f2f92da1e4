"""One list on three sides, by example: what is planned, and what is remembered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.fingerprint import fingerprint
from reconciler.listing import bring_together
from reconciler.model import (
    Address,
    BaseRow,
    BaseState,
    Change,
    Contact,
    ListBase,
    ListUid,
    NoReason,
    Refusal,
    RefusalKind,
    Standing,
    Verb,
)
from reconciler.observe import View
from reconciler.plan import ListPlan
from reconciler.policy import FieldConflicts, Policy, RemovedInMailchimp
from tests.core.world import (
    NOW,
    TEMPLATES,
    World,
    contact,
    no,
    person,
    recipient,
    row,
    unsettled,
    verbs,
    writes,
)


def only(plan: ListPlan) -> Change:
    assert len(plan.changes) == 1
    return plan.changes[0]


def of_verb(plan: ListPlan, verb: Verb) -> Change:
    found = [change for change in plan.changes if change.verb is verb]
    assert len(found) == 1
    return found[0]


# -- addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", ["ann@@x.nl", "ann smith@x.nl", "ann@x", "ann@x..nl", "ann"])
def test_an_invalid_address_is_reported_with_its_person_and_never_sent(email: str) -> None:
    plan = World.of(recipient("ann", email)).plan()

    assert plan.changes == ()
    invalid = plan.invalid[0]
    assert (invalid.person, invalid.email) == (person("ann"), email)
    assert invalid.reason


def test_one_address_in_two_spellings_is_one_contact() -> None:
    plan = World.of(recipient("ann", " Ann@X.nl "), contact("ann@x.nl", first_name="Ann")).plan()

    assert only(plan).verb is Verb.ADOPT


@pytest.mark.parametrize("order", [1, -1])
def test_a_contact_that_shows_up_live_and_archived_in_one_snapshot_counts_as_live(order: int) -> None:
    both = (contact("ann@x.nl"), contact("ann@x.nl", Standing.ARCHIVED))
    listings = bring_together([recipient("ann", "ann@x.nl")], TEMPLATES)

    seen = View(listings, both[::order], ListBase()).observe(Address("ann@x.nl"))

    assert seen.standing is Standing.SUBSCRIBED


def test_a_typing_mistake_in_otys_keeps_the_contact_and_says_why() -> None:
    world = World.of(recipient("ann", "ann@@x.nl"), contact("ann@x.nl"), row("ann@x.nl", "ann"))

    held = only(world.run())

    assert (held.verb, held.address) == (Verb.HOLD, "ann@x.nl")
    assert "not valid" in held.reason
    assert world.standing("ann@x.nl") is Standing.SUBSCRIBED


def test_an_address_that_was_taken_away_from_the_person_is_a_removal() -> None:
    world = World.of(recipient("ann", "  "), contact("ann@x.nl"), row("ann@x.nl", "ann"))

    world.run()

    assert world.standing("ann@x.nl") is Standing.ARCHIVED


def test_somebody_who_opted_out_is_removed_although_the_address_in_otys_is_not_valid() -> None:
    world = World.of(
        recipient("ann", "ann@@x.nl", opted_out=True), contact("ann@x.nl"), row("ann@x.nl", "ann")
    )

    change = only(world.run())

    assert (change.verb, change.consent) == (Verb.REMOVE, True)
    assert [said.reason for said in world.nos] == [NoReason.OPTED_OUT]


def test_a_corrected_typing_mistake_is_a_rename() -> None:
    world = World.of(recipient("ann", "ann@@x.nl"), contact("ann@x.nl"), row("ann@x.nl", "ann"))
    world.run()
    world.recipients = [recipient("ann", "anna@x.nl", first_name="")]

    assert verbs(world.run()) == [(Verb.RENAME, "anna@x.nl")]


# -- a changed address -----------------------------------------------------------------------------


def moved(*others: object) -> World:
    """Ann is ours at old@x.nl and has new@x.nl in OTYS now."""
    world = World.of(recipient("ann", "new@x.nl", first_name=""), contact("old@x.nl"), row("old@x.nl", "ann"))
    more = World.of(*others)  # type: ignore[arg-type]  # each test passes what World.of takes
    world.recipients += more.recipients
    world.contacts |= more.contacts
    world.rows |= more.rows
    world.nos += more.nos
    return world


def test_a_changed_address_is_one_rename_that_keeps_the_contact() -> None:
    world = moved()

    change = only(world.run())

    assert (change.verb, change.before["email"], change.after["email"]) == (
        Verb.RENAME,
        "old@x.nl",
        "new@x.nl",
    )
    renamed = world.contacts[Address("new@x.nl")]
    assert (renamed.contact_id, renamed.standing) == ("contact old@x.nl", Standing.SUBSCRIBED)
    assert list(world.rows) == ["new@x.nl"]
    assert unsettled(world.plan()) == []


def test_a_rename_takes_a_changed_name_along_and_keeps_one_edited_in_mailchimp() -> None:
    world = moved()
    world.recipients = [recipient("ann", "new@x.nl", first_name="Anna")]

    assert only(world.plan()).fields == {"FNAME": "Anna"}

    world.contacts[Address("old@x.nl")] = contact("old@x.nl", first_name="Annie")
    world.recipients = [recipient("ann", "new@x.nl", first_name="")]

    assert only(world.plan()).fields == {}


def test_a_rename_onto_a_live_contact_adopts_that_one_and_archives_the_old_one() -> None:
    world = moved(contact("new@x.nl"))

    assert verbs(world.run()) == [(Verb.ADOPT, "new@x.nl"), (Verb.REMOVE, "old@x.nl")]
    assert world.standing("new@x.nl") is Standing.SUBSCRIBED
    assert world.standing("old@x.nl") is Standing.ARCHIVED


def test_a_rename_onto_an_unsubscribed_contact_honours_the_no() -> None:
    world = moved(contact("new@x.nl", Standing.UNSUBSCRIBED))

    assert verbs(world.run()) == [(Verb.REMOVE, "old@x.nl"), (Verb.SUPPRESS, "new@x.nl")]
    assert world.standing("new@x.nl") is Standing.UNSUBSCRIBED


def test_a_rename_onto_a_contact_that_somebody_archived_does_not_bring_it_back() -> None:
    world = moved(contact("new@x.nl", Standing.ARCHIVED))

    assert verbs(world.run()) == [(Verb.HOLD, "new@x.nl"), (Verb.REMOVE, "old@x.nl")]
    assert world.standing("new@x.nl") is Standing.ARCHIVED


def test_a_rename_onto_a_contact_that_we_archived_brings_it_back_and_archives_the_old_one() -> None:
    world = moved(contact("new@x.nl", Standing.ARCHIVED), row("new@x.nl", "ann", state=BaseState.REMOVED))

    assert verbs(world.run()) == [(Verb.ADD, "new@x.nl"), (Verb.REMOVE, "old@x.nl")]
    assert world.standing("new@x.nl") is Standing.SUBSCRIBED


def test_two_people_who_now_share_an_address_become_one_contact() -> None:
    world = moved(recipient("bob", "new@x.nl", first_name=""), contact("bob@x.nl"), row("bob@x.nl", "bob"))

    assert verbs(world.run()) == [(Verb.REMOVE, "old@x.nl"), (Verb.RENAME, "new@x.nl")]
    assert world.contacts[Address("new@x.nl")].contact_id == "contact bob@x.nl"


@pytest.mark.parametrize("standing", [Standing.PENDING, Standing.TRANSACTIONAL])
def test_a_rename_does_not_subscribe_who_has_not_confirmed(standing: Standing) -> None:
    world = moved(contact("old@x.nl", standing))

    assert verbs(world.run()) == [(Verb.RENAME, "new@x.nl")]
    assert world.standing("new@x.nl") is standing


def test_an_opt_out_that_comes_with_a_new_address_removes_the_old_one_whatever_the_limits() -> None:
    world = moved()
    world.recipients = [recipient("ann", "new@x.nl", opted_out=True)]

    plan = world.run()

    assert verbs(plan) == [(Verb.REMOVE, "old@x.nl"), (Verb.SUPPRESS, "new@x.nl")]
    assert all(change.consent for change in plan.changes)
    assert {said.address for said in world.nos} == {"old@x.nl", "new@x.nl"}


def test_a_removal_that_a_no_still_owes_is_not_turned_into_a_rename() -> None:
    world = moved(no("old@x.nl", "ann", reason=NoReason.OPTED_OUT))

    plan = world.run()

    assert verbs(plan) == [(Verb.REMOVE, "old@x.nl"), (Verb.SUPPRESS, "new@x.nl")]
    assert all(change.consent for change in plan.changes)


@pytest.mark.parametrize("first_sight", [True, False])
def test_a_no_goes_along_to_the_new_address(first_sight: bool) -> None:  # noqa: FBT001 - one of two cases
    world = moved(contact("old@x.nl", Standing.UNSUBSCRIBED))
    if not first_sight:
        new, world.recipients = world.recipients, [recipient("ann", "old@x.nl")]
        world.run()
        world.recipients = new

    plan = world.run()

    assert (Verb.SUPPRESS, "new@x.nl") in verbs(plan)
    assert writes(plan) == []
    assert world.standing("new@x.nl") is Standing.ABSENT
    assert unsettled(world.plan()) == []


def test_of_several_nos_the_one_that_lasts_goes_along() -> None:
    world = World.of(
        recipient("ann", "new@x.nl"),
        no("a@x.nl", "ann", reason=NoReason.TAKEN_OUT),
        no("b@x.nl", "ann", reason=NoReason.UNSUBSCRIBED),
        no("b@x.nl", "ann", reason=NoReason.TAKEN_OUT),
    )

    world.run()

    assert [said.reason for said in world.nos if said.address == "new@x.nl"] == [NoReason.UNSUBSCRIBED]


def test_a_bounce_does_not_go_along_to_the_new_address() -> None:
    world = moved(contact("old@x.nl", Standing.CLEANED))

    assert verbs(world.run()) == [(Verb.ADD, "new@x.nl"), (Verb.SUPPRESS, "old@x.nl")]


def test_a_no_under_a_shared_address_goes_along_with_the_one_who_leaves_it() -> None:
    world = World.of(
        recipient("ann", "own@x.nl"),
        recipient("bob", "shared@x.nl"),
        contact("shared@x.nl", Standing.UNSUBSCRIBED),
        row("shared@x.nl", "ann", "bob"),
    )

    assert verbs(world.run()) == [(Verb.SUPPRESS, "own@x.nl"), (Verb.SUPPRESS, "shared@x.nl")]


def test_somebody_taken_out_stays_out_under_the_new_address_until_otys_drops_them() -> None:
    world = moved()
    world.contacts.clear()

    world.run()
    assert world.standing("new@x.nl") is Standing.ABSENT

    world.recipients = [recipient("other", "other@x.nl")]
    world.run()
    assert world.nos == []

    world.recipients.append(recipient("ann", "new@x.nl"))
    world.run()
    assert world.standing("new@x.nl") is Standing.SUBSCRIBED


def test_somebody_taken_out_stays_out_through_a_typing_mistake() -> None:
    world = moved()
    world.contacts.clear()
    world.recipients = [recipient("ann", "ann@@x.nl")]
    world.run()
    world.run()

    world.recipients = [recipient("ann", "ann@x.nl")]
    world.run()

    assert world.standing("ann@x.nl") is Standing.ABSENT


def test_somebody_taken_out_is_not_dropped_while_the_list_has_a_typing_mistake_of_theirs() -> None:
    world = moved()
    world.contacts.clear()
    world.recipients = [recipient("ann", "ann@@x.nl"), recipient("other", "other@x.nl")]
    world.run()
    world.run()
    assert [said.reason for said in world.nos] == [NoReason.TAKEN_OUT]

    world.recipients[0] = recipient("ann", "ann@x.nl")
    world.run()

    assert world.standing("ann@x.nl") is Standing.ABSENT


def test_whose_contact_became_somebody_elses_was_not_taken_out() -> None:
    """Ann's contact has Bob's address in Mailchimp by now, and Ann has a new one in OTYS."""
    world = World.of(
        recipient("ann", "ann@x.nl"),
        recipient("bob", "bob@x.nl"),
        contact("bob@x.nl", contact_id="c1", first_name="Bob"),
        row("old@x.nl", "ann", contact_id="c1"),
    )

    assert verbs(world.plan()) == [
        (Verb.ADD, "ann@x.nl"),
        (Verb.ADOPT, "bob@x.nl"),
        (Verb.FORGET, "old@x.nl"),
    ]


def test_somebody_who_left_and_returns_under_a_new_address_is_not_added_at_the_old_one() -> None:
    world = World.of(
        recipient("ann", "new@x.nl", first_name=""),
        contact("old@x.nl", Standing.ARCHIVED),
        row("old@x.nl", "ann", state=BaseState.REMOVED),
    )

    assert verbs(world.run()) == [(Verb.ADD, "new@x.nl")]
    assert unsettled(world.plan()) == []


# -- an address changed in Mailchimp ---------------------------------------------------------------


def moved_in_mailchimp(*, listed: str) -> World:
    return World.of(
        recipient("ann", listed, first_name="Ann"),
        contact("new@x.nl", contact_id="c1", first_name="Ann"),
        row("old@x.nl", "ann", contact_id="c1", first_name="Ann"),
    )


def test_a_contact_that_changed_its_own_address_is_still_ours_and_not_taken_out() -> None:
    world = moved_in_mailchimp(listed="old@x.nl")

    assert unsettled(world.run()) == []


def test_a_contact_that_changed_its_own_address_is_removed_under_its_new_one() -> None:
    world = moved_in_mailchimp(listed="old@x.nl")
    world.recipients = [recipient("other", "other@x.nl")]

    world.run()

    assert world.standing("new@x.nl") is Standing.ARCHIVED


def test_otys_catching_up_with_an_address_changed_in_mailchimp_writes_nothing() -> None:
    world = moved_in_mailchimp(listed="new@x.nl")
    world.contacts[Address("new@x.nl")] = contact("new@x.nl", contact_id="c1", first_name="Edited")

    plan = world.run()

    assert plan.changes == ()
    assert list(world.rows) == ["new@x.nl"]
    assert unsettled(world.plan()) == []


def test_a_contact_archived_after_it_changed_its_address_on_both_sides_was_taken_out() -> None:
    world = moved_in_mailchimp(listed="new@x.nl")
    world.contacts[Address("new@x.nl")] = contact("new@x.nl", Standing.ARCHIVED, contact_id="c1")

    world.run()

    assert [said.reason for said in world.nos] == [NoReason.TAKEN_OUT]
    assert world.rows == {}


def test_a_rename_that_was_cut_off_before_it_was_recorded_is_found_done() -> None:
    world = moved(contact("old@x.nl", Standing.PENDING))
    rename = next(world.steps(world.plan()))
    rename()

    plan = world.run()

    assert plan.changes == ()
    assert list(world.rows) == ["new@x.nl"]
    assert unsettled(world.plan()) == []


def test_an_unsubscribed_contact_that_changed_its_own_address_is_remembered_under_both() -> None:
    world = moved_in_mailchimp(listed="old@x.nl")
    world.contacts[Address("new@x.nl")] = contact(
        "new@x.nl", Standing.UNSUBSCRIBED, contact_id="c1", first_name="Ann"
    )
    world.run()
    world.contacts.clear()
    world.recipients = [recipient("ann", "new@x.nl")]

    world.run()

    assert world.standing("new@x.nl") is Standing.ABSENT


# -- shared addresses ------------------------------------------------------------------------------


def test_the_lowest_uid_gives_the_fields_of_a_shared_address_and_all_are_named() -> None:
    world = World.of(
        recipient("10", "shared@x.nl", first_name="Ten"), recipient("9", "shared@x.nl", first_name="Nine")
    )

    plan = world.plan()

    assert only(plan).fields == {"FNAME": "Nine"}
    assert plan.facts.shared == 1
    assert only(plan).persons == (person("9"), person("10"))


def test_one_opt_out_behind_a_shared_address_is_enough() -> None:
    world = World.of(recipient("ann", "shared@x.nl"), recipient("bob", "shared@x.nl", opted_out=True))

    assert world.plan().changes == ()


def test_whoever_had_left_a_shared_address_has_no_part_in_an_opt_out_shown_there() -> None:
    world = World.of(
        recipient("ann", "shared@x.nl", opted_out=True),
        recipient("bob", "own@x.nl"),
        contact("shared@x.nl"),
        row("shared@x.nl", "ann", "bob"),
    )

    assert verbs(world.run()) == [(Verb.ADD, "own@x.nl"), (Verb.REMOVE, "shared@x.nl")]


def test_an_old_address_that_subscribed_again_by_itself_is_left_alone_when_its_person_opts_out() -> None:
    world = World.of(
        recipient("ann", "shared@x.nl"),
        recipient("bob", "shared@x.nl", opted_out=True),
        contact("old@x.nl"),
        replace(row("old@x.nl", "ann"), state=BaseState.REMOVED),
    )

    assert world.run().changes == ()
    assert world.standing("old@x.nl") is Standing.SUBSCRIBED


def test_one_person_at_two_addresses_is_planned_the_same_whatever_the_order_of_the_rows() -> None:
    world = moved(recipient("ann", "third@x.nl", first_name=""))
    reversed_rows = world.copy()
    reversed_rows.recipients.reverse()

    assert reversed_rows.plan().digest == world.plan().digest


@pytest.mark.parametrize(
    "second",
    [row("second@x.nl", "ann", contact_id="one"), contact("other@x.nl", contact_id="one")],
    ids=("rows", "contacts"),
)
def test_what_shares_the_id_of_a_contact_is_planned_the_same_whatever_its_order(
    second: BaseRow | Contact,
) -> None:
    world = World.of(
        recipient("ann", "new@x.nl"),
        contact("new@x.nl", contact_id="one"),
        row("first@x.nl", "ann", contact_id="one"),
        second,
    )
    turned = world.copy()
    turned.rows = dict(reversed(world.rows.items()))
    turned.contacts = dict(reversed(world.contacts.items()))

    assert turned.plan().digest == world.plan().digest
    assert turned.plan().moves == world.plan().moves


# -- fields ----------------------------------------------------------------------------------------


def with_names(*, base: str, otys: str, mailchimp: str, conflicts: FieldConflicts) -> World:
    return World.of(
        recipient("ann", "ann@x.nl", first_name=otys),
        contact("ann@x.nl", first_name=mailchimp),
        row("ann@x.nl", "ann", first_name=base),
        policy=Policy(field_conflicts=conflicts),
    )


@pytest.mark.parametrize("conflicts", FieldConflicts)
@pytest.mark.parametrize(
    ("base", "otys", "mailchimp", "written"),
    [
        ("Ann", "Anna", "Ann", {"FNAME": "Anna"}),  # changed in OTYS only
        ("Ann", "Ann", "Annie", {}),  # changed in Mailchimp only
        ("Ann", "Anna", "Anna", {}),  # changed alike
        ("Ann", "", "Ann", {"FNAME": ""}),  # emptied in OTYS, and it was from us
        ("Ann", "", "Annie", {}),  # emptied in OTYS, but it is not from us any more
        ("", "", "Annie", {}),  # never from us
        ("", "Ann", "", {"FNAME": "Ann"}),
        ("Ann", "Ann", "", {}),  # emptied in Mailchimp
    ],
)
def test_a_field_is_merged_three_ways(
    base: str, otys: str, mailchimp: str, written: dict[str, str], conflicts: FieldConflicts
) -> None:
    world = with_names(base=base, otys=otys, mailchimp=mailchimp, conflicts=conflicts)

    plan = world.run()

    assert [change.fields for change in plan.changes] == ([written] if written else [])
    assert unsettled(world.plan()) == []


@pytest.mark.parametrize(
    ("conflicts", "shown"), [(FieldConflicts.OTYS, "Anna"), (FieldConflicts.MAILCHIMP, "Annie")]
)
def test_a_field_changed_on_both_sides_is_settled_once_and_for_all(
    conflicts: FieldConflicts, shown: str
) -> None:
    world = with_names(base="Ann", otys="Anna", mailchimp="Annie", conflicts=conflicts)

    world.run()

    assert world.contacts[Address("ann@x.nl")].fields == {"FNAME": shown}
    assert unsettled(world.plan()) == []


def test_a_value_that_otys_did_not_send_is_not_touched() -> None:
    world = with_names(base="Ann", otys="Ann", mailchimp="Ann", conflicts=FieldConflicts.OTYS)
    world.recipients = [replace(world.recipients[0], values={})]

    assert unsettled(world.plan()) == []


@pytest.mark.parametrize("name", ["N" * 300, "Zoë 🦊", "山田", "O'Neill", "{first_name}", "100 % {"])
def test_a_name_is_carried_as_it_is(name: str) -> None:
    world = World.of(recipient("ann", "ann@x.nl", first_name=name))

    assert only(world.run()).fields == {"FNAME": name}
    assert unsettled(world.plan()) == []


# -- refusals --------------------------------------------------------------------------------------


def refused(change: Change, *, retry_after: timedelta | None = None) -> Refusal:
    return Refusal(
        address=change.address,
        verb=change.verb,
        kind=RefusalKind.FAKE_ADDRESS,
        detail="looks fake or invalid",
        fingerprint=fingerprint(change),
        since=NOW - timedelta(days=1),
        retry_after=None if retry_after is None else NOW + retry_after,
    )


def test_a_refused_change_is_shown_and_not_repeated() -> None:
    world = World.of(recipient("ann", "ann@x.nl"))
    world.refusals = (refused(only(world.plan())),)

    plan = world.plan()

    assert plan.changes == ()
    assert plan.refused[0].refusal.detail == "looks fake or invalid"


def test_a_refused_change_is_tried_again_once_its_data_changes() -> None:
    world = World.of(recipient("ann", "ann@x.nl"))
    world.refusals = (refused(only(world.plan())),)
    world.recipients = [recipient("ann", "ann@x.nl", first_name="Anna")]

    assert only(world.plan()).fields == {"FNAME": "Anna"}


def test_a_refused_change_is_tried_again_once_the_contact_stands_differently() -> None:
    world = World.of(contact("ann@x.nl", Standing.PENDING), row("ann@x.nl", "ann"))
    world.refusals = (refused(only(world.plan())),)
    assert world.plan().changes == ()

    world.contacts[Address("ann@x.nl")] = contact("ann@x.nl")

    assert only(world.plan()).verb is Verb.REMOVE


def test_a_temporary_refusal_is_tried_again_when_its_time_has_come() -> None:
    world = World.of(recipient("ann", "ann@x.nl"))
    change = only(world.plan())

    world.refusals = (refused(change, retry_after=timedelta(seconds=1)),)
    assert world.plan().changes == ()

    world.refusals = (refused(change, retry_after=timedelta(0)),)
    assert only(world.plan()).verb is Verb.ADD


def test_a_refusal_of_one_address_holds_back_no_other() -> None:
    world = World.of(recipient("ann", "ann@x.nl"), recipient("bob", "bob@x.nl"))
    ann = next(change for change in world.plan().changes if change.address == "ann@x.nl")
    world.refusals = (refused(ann),)

    assert only(world.plan()).address == "bob@x.nl"


# -- memory ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [reason for reason in NoReason if reason is not NoReason.TAKEN_OUT])
def test_a_no_survives_that_the_person_leaves_and_returns(reason: NoReason) -> None:
    world = World.of(recipient("other", "other@x.nl"), no("ann@x.nl", "ann", reason=reason))
    world.run()
    world.recipients.append(recipient("ann", "ann@x.nl"))

    world.run()

    assert world.standing("ann@x.nl") is Standing.ABSENT


def test_a_no_survives_a_new_empty_audience() -> None:
    world = World.of(recipient("ann", "ann@x.nl"), no("ann@x.nl", "ann"))

    assert world.plan().changes == ()


def test_a_contact_that_subscribed_again_by_itself_is_ours_and_its_no_ends() -> None:
    world = World.of(recipient("ann", "ann@x.nl"), no("ann@x.nl", "ann"), contact("ann@x.nl"))

    assert verbs(world.run()) == [(Verb.ADOPT, "ann@x.nl")]
    assert world.nos == []


@pytest.mark.parametrize(
    "glitch",
    [
        pytest.param(lambda world: world.recipients.clear(), id="the list is suddenly empty"),
        pytest.param(lambda world: setattr(world, "list_read", False), id="half of the list"),
        pytest.param(lambda world: setattr(world, "audience_read", False), id="half of the audience"),
    ],
)
def test_taken_out_is_not_forgotten_for_an_absence_that_is_not_proven(
    glitch: Callable[[World], None],
) -> None:
    world = World.of(recipient("other", "other@x.nl"), no("ann@x.nl", "ann", reason=NoReason.TAKEN_OUT))
    assert len(world.plan().moves) == 1

    glitch(world)

    assert world.plan().moves == ()


def test_a_stronger_no_is_remembered_even_from_half_a_list() -> None:
    world = World.of(
        contact("ann@x.nl", Standing.UNSUBSCRIBED),
        no("ann@x.nl", "ann", reason=NoReason.TAKEN_OUT),
    )
    world.list_read = False

    world.run()

    assert {(said.reason, said.persons) for said in world.nos} == {
        (NoReason.TAKEN_OUT, (person("ann"),)),
        (NoReason.UNSUBSCRIBED, (person("ann"),)),
    }


def test_a_removed_contact_comes_back_with_its_own_id() -> None:
    world = World.of(recipient("ann", "ann@x.nl"), contact("ann@x.nl"), row("ann@x.nl", "ann"))
    world.recipients = [recipient("other", "other@x.nl")]
    world.run()
    world.recipients.append(recipient("ann", "ann@x.nl"))

    world.run()

    found = world.contacts[Address("ann@x.nl")]
    assert (found.standing, found.contact_id) == (Standing.SUBSCRIBED, "contact ann@x.nl")


def test_somebody_taken_out_comes_back_where_the_policy_says_so() -> None:
    world = World.of(
        recipient("ann", "ann@x.nl"),
        row("ann@x.nl", "ann"),
        contact("ann@x.nl", Standing.ARCHIVED),
        policy=Policy(removed_in_mailchimp=RemovedInMailchimp.RESTORE),
    )

    world.run()

    assert world.standing("ann@x.nl") is Standing.SUBSCRIBED


# -- the digest and the facts ----------------------------------------------------------------------


def test_the_digest_is_the_same_for_the_same_plan() -> None:
    world = World.of(recipient("ann", "ann@x.nl"), recipient("bob", "bob@x.nl"))
    again = world.copy()
    again.recipients.reverse()

    assert again.plan().digest == world.plan().digest


def renamed(world: World) -> None:
    world.recipients[0] = recipient("ann", "ann@x.nl", first_name="Other")


def one_more(world: World) -> None:
    world.recipients.append(recipient("cas", "cas@x.nl"))


def one_less(world: World) -> None:
    world.recipients.pop()


def other_verb(world: World) -> None:
    world.contacts[Address("bob@x.nl")] = contact("bob@x.nl", first_name="Bob")


def other_status(world: World) -> None:
    world.contacts[Address("gone@x.nl")] = contact("gone@x.nl", Standing.PENDING)


def other_contact(world: World) -> None:
    world.contacts[Address("gone@x.nl")] = contact("gone@x.nl", contact_id="another")


@pytest.mark.parametrize(
    "change",
    [renamed, one_more, one_less, other_verb, other_status, other_contact],
    ids=lambda change: change.__name__,
)
def test_the_digest_differs_as_soon_as_anything_does(change: Callable[[World], None]) -> None:
    world = World.of(
        recipient("ann", "ann@x.nl"),
        recipient("bob", "bob@x.nl"),
        contact("gone@x.nl"),
        row("gone@x.nl", "gone"),
    )
    before = world.plan().digest

    change(world)

    assert world.plan().digest != before


def test_the_digest_names_the_client_and_the_list() -> None:
    plan = World.of(recipient("ann", "ann@x.nl")).plan()
    others = {replace(plan, client="bureau").digest, replace(plan, list_uid=ListUid("8")).digest}

    assert len({plan.digest, *others}) == 3


def test_the_facts_count_what_the_guards_ask_for() -> None:
    world = World.of(
        recipient("ann", "ann@x.nl"),
        recipient("bob", "bob@x.nl"),
        recipient("bad", "bad@@x.nl"),
        contact("ann@x.nl"),
        contact("stranger@x.nl"),
        contact("left@x.nl", Standing.ARCHIVED),
        row("ann@x.nl", "ann"),
        row("vanished@x.nl", "vanished"),
        row("left@x.nl", "left", state=BaseState.REMOVED),
    )

    facts = world.plan().facts

    assert (facts.listed, facts.active, facts.missing, facts.live, facts.foreign) == (2, 2, 1, 2, 1)


def test_a_contact_is_missing_only_if_neither_its_address_nor_its_id_is_there() -> None:
    world = World.of(
        contact("ann@x.nl"),
        row("ann@x.nl", "ann", contact_id=""),
        contact("moved@x.nl", contact_id="c2"),
        row("bob@x.nl", "bob", contact_id="c2"),
        row("cas@x.nl", "cas"),
    )

    assert (world.plan().facts.active, world.plan().facts.missing) == (3, 1)


def test_a_plan_says_of_which_list_it_is() -> None:
    plan = World.of(recipient("ann", "ann@x.nl")).plan()

    assert (plan.client, plan.list_uid, plan.list_name, plan.audience_id) == ("acme", "7", "123", "aud7")


def refusal_of(email: str) -> Refusal:
    return Refusal(
        address=Address(email),
        verb=Verb.ADD,
        kind=RefusalKind.FAKE_ADDRESS,
        detail="looks fake or invalid",
        fingerprint="of other data",
        since=NOW,
    )


def test_a_refusal_is_outdated_once_its_address_is_neither_listed_nor_ours() -> None:
    world = World.of(recipient("ann", "ann@x.nl"), contact("bob@x.nl"), row("bob@x.nl", "bob"))
    world.refusals = tuple(map(refusal_of, ("ann@x.nl", "bob@x.nl", "weg@x.nl", "cas@x.nl")))

    assert world.plan().outdated == ("cas@x.nl", "weg@x.nl")


@pytest.mark.parametrize("side", ["list_read", "audience_read"])
def test_no_refusal_is_outdated_for_an_absence_that_is_not_proven(side: str) -> None:
    world = World.of(recipient("ann", "ann@x.nl"), contact("bob@x.nl"), row("bob@x.nl", "bob"))
    world.refusals = (refusal_of("weg@x.nl"),)
    setattr(world, side, False)

    assert world.plan().outdated == ()


def test_a_list_says_how_many_addresses_are_shared_and_whose_is_not_valid() -> None:
    plan = World.of(
        recipient("ann", "team@x.nl"),
        recipient("bob", "team@x.nl"),
        recipient("cas", "cas@x.nl"),
        recipient("dea", "dea@@x.nl"),
    ).plan()

    assert plan.facts.shared == 1
    assert [one.person for one in plan.invalid] == [person("dea")]
    assert plan.listed == {"team@x.nl", "cas@x.nl"}


def test_who_stays_at_a_shared_address_said_no_there_and_who_left_takes_it_along() -> None:
    world = World.of(
        recipient("ann", "own@x.nl"),
        recipient("bob", "shared@x.nl"),
        contact("shared@x.nl", Standing.UNSUBSCRIBED),
        row("shared@x.nl", "ann", "bob"),
    )

    assert {change.address: change.reason for change in world.plan().changes} == {
        "own@x.nl": "unsubscribed in Mailchimp, under an earlier address",
        "shared@x.nl": "unsubscribed in Mailchimp",
    }


def sharing(standing: Standing, brought: NoReason, *, policy: Policy | None = None) -> World:
    """Ann's contact, at an address to which Bob has come with a no that he said elsewhere."""
    return World.of(
        recipient("ann", "shared@x.nl"),
        recipient("bob", "shared@x.nl"),
        contact("shared@x.nl", standing),
        row("shared@x.nl", "ann"),
        no("old@x.nl", "bob", reason=brought),
        contact("own@x.nl", Standing.ARCHIVED),
        row("own@x.nl", "cas", state=BaseState.REMOVED),
        policy=policy,
    )


NOS_BESIDE_ONE_BROUGHT_ALONG = [
    (Standing.ARCHIVED, NoReason.TAKEN_OUT, NoReason.TAKEN_OUT),
    (Standing.ARCHIVED, NoReason.UNSUBSCRIBED, NoReason.UNSUBSCRIBED),
    (Standing.UNSUBSCRIBED, NoReason.UNSUBSCRIBED, NoReason.UNSUBSCRIBED),
]


@pytest.mark.parametrize(("standing", "brought", "remembered"), NOS_BESIDE_ONE_BROUGHT_ALONG)
def test_a_no_that_somebody_brings_along_does_not_hide_the_no_of_who_shares_the_address(
    standing: Standing, brought: NoReason, remembered: NoReason
) -> None:
    world = sharing(standing, brought)

    world.run()
    world.recipients[0] = recipient("ann", "own@x.nl")
    world.run()

    assert world.standing("own@x.nl") is Standing.ARCHIVED
    assert {one.reason for one in world.nos if person("ann") in one.persons} == {remembered}


@pytest.mark.parametrize("standing", [Standing.SUBSCRIBED, Standing.PENDING, Standing.TRANSACTIONAL])
def test_a_no_outlives_somebody_else_who_has_not_confirmed_at_the_address(standing: Standing) -> None:
    world = World.of(
        recipient("cas", "cas@x.nl"),
        row("ann@x.nl", "ann"),
        contact("ann@x.nl", standing, contact_id="another"),
        no("ann@x.nl", "ann"),
    )

    world.run()

    assert bool(world.nos) is (standing is not Standing.SUBSCRIBED)


def test_a_contact_that_two_rows_may_mean_is_removed_once() -> None:
    world = World.of(
        recipient("cas", "cas@x.nl"),
        row("old@x.nl", "ann", contact_id="one"),
        row("new@x.nl", "bob", contact_id=""),
        contact("new@x.nl", contact_id="one"),
    )

    assert [change.address for change in world.plan().changes if change.verb is Verb.REMOVE] == ["new@x.nl"]


def test_a_no_of_an_address_is_noted_once_whatever_no_somebody_brings_along_there() -> None:
    world = sharing(Standing.UNSUBSCRIBED, NoReason.UNSUBSCRIBED)

    world.run()

    assert world.plan().changes == ()


def test_a_no_that_somebody_brings_along_does_not_hide_that_of_who_left_the_address_just_now() -> None:
    world = sharing(Standing.UNSUBSCRIBED, NoReason.UNSUBSCRIBED)
    world.recipients[0] = recipient("ann", "own@x.nl")

    world.run()

    assert world.standing("own@x.nl") is Standing.ARCHIVED


def test_whom_the_policy_would_restore_said_nothing_of_what_somebody_else_brings_along() -> None:
    restore = Policy(removed_in_mailchimp=RemovedInMailchimp.RESTORE)
    world = sharing(Standing.ARCHIVED, NoReason.TAKEN_OUT, policy=restore)

    world.run()
    shared = world.standing("shared@x.nl")
    world.recipients[0] = recipient("ann", "own@x.nl")
    world.run()

    assert shared is Standing.ARCHIVED
    assert world.standing("own@x.nl") is Standing.SUBSCRIBED


@pytest.mark.parametrize("shown", [True, False])
def test_who_comes_to_an_address_opted_out_in_otys_shares_that_for_as_long_as_it_shows(
    *, shown: bool
) -> None:
    world = World.of(
        recipient("ann", "shared@x.nl", opted_out=shown),
        recipient("bob", "shared@x.nl"),
        no("shared@x.nl", "ann", reason=NoReason.OPTED_OUT),
    )

    world.run()
    world.recipients[1] = recipient("bob", "own@x.nl")
    world.run()

    assert world.standing("own@x.nl") is (Standing.ABSENT if shown else Standing.SUBSCRIBED)


@pytest.mark.parametrize("reads_an_erased_mailbox", [True, False])
def test_who_shares_an_erased_address_was_not_dropped_and_stays_out(*, reads_an_erased_mailbox: bool) -> None:
    ann = recipient("ann", "")
    if reads_an_erased_mailbox:
        ann = replace(ann, erased="keyed hash")
    taken_out = no("ann@x.nl", "ann", reason=NoReason.TAKEN_OUT)
    world = World.of(ann, recipient("bob", "bob@x.nl"), taken_out)

    world.run()
    world.recipients[0] = recipient("ann", "ann@x.nl")
    world.run()

    assert world.standing("ann@x.nl") is (Standing.ABSENT if reads_an_erased_mailbox else Standing.SUBSCRIBED)


def test_a_contact_that_a_bounce_still_removes_is_not_renamed() -> None:
    world = moved(no("old@x.nl", "ann", reason=NoReason.BOUNCED))

    assert verbs(world.plan()) == [(Verb.ADD, "new@x.nl"), (Verb.REMOVE, "old@x.nl")]


def test_a_shared_contact_one_of_whose_people_opted_out_elsewhere_is_removed_and_not_renamed() -> None:
    world = World.of(
        recipient("bob", "new@x.nl", first_name=""),
        recipient("ann", "own@x.nl", opted_out=True),
        contact("old@x.nl"),
        row("old@x.nl", "bob", "ann"),
    )

    plan = world.plan()

    assert (Verb.REMOVE, "old@x.nl") in verbs(plan)
    assert Verb.RENAME not in [change.verb for change in plan.changes]


def removal_and_its_refusal(*, opted_out: bool) -> tuple[World, Refusal]:
    """Ann is to be removed, which an undo holds back."""
    world = World.of(recipient("bob", "bob@x.nl"), contact("ann@x.nl"), row("ann@x.nl", "ann"))
    if opted_out:
        world.recipients.append(recipient("ann", "ann@x.nl", opted_out=True))
    removal = of_verb(world.plan(), Verb.REMOVE)
    refusal = replace(
        refusal_of("ann@x.nl"), kind=RefusalKind.UNDONE, verb=Verb.REMOVE, fingerprint=fingerprint(removal)
    )
    world.refusals = (refusal,)
    return world, refusal


def test_what_was_undone_is_held_back_and_stays_so() -> None:
    world, refusal = removal_and_its_refusal(opted_out=False)

    plan = world.plan()

    assert [change.verb for change in plan.changes] == [Verb.ADD]
    assert [(one.change.verb, one.refusal) for one in plan.refused] == [(Verb.REMOVE, refusal)]
    assert plan.outdated == ()


def test_an_undo_never_holds_back_what_honours_a_no() -> None:
    world, _ = removal_and_its_refusal(opted_out=True)

    plan = world.plan()

    assert of_verb(plan, Verb.REMOVE).consent
    assert plan.refused == ()


def test_another_refusal_holds_back_even_what_honours_a_no() -> None:
    world, refusal = removal_and_its_refusal(opted_out=True)
    world.refusals = (replace(refusal, kind=RefusalKind.CANNOT_ARCHIVE),)

    assert [one.change.verb for one in world.plan().refused] == [Verb.REMOVE]


def test_what_was_undone_is_forgotten_once_no_pass_would_do_it_again() -> None:
    world, _ = removal_and_its_refusal(opted_out=False)
    world.recipients.append(recipient("ann", "ann@x.nl", first_name=""))

    assert world.plan().outdated == ("ann@x.nl",)


def test_the_facts_tell_how_the_contacts_stand_and_who_opted_out() -> None:
    facts = (
        World.of(
            recipient("ann", "ann@x.nl", opted_out=True),
            recipient("bob", "bob@x.nl"),
            contact("ann@x.nl", Standing.UNSUBSCRIBED),
            contact("bob@x.nl"),
            contact("cas@x.nl"),
        )
        .plan()
        .facts
    )

    assert facts.opted_out == 1
    assert facts.standings == {Standing.UNSUBSCRIBED: 1, Standing.SUBSCRIBED: 2}


def test_of_several_contacts_each_is_found_that_changed_its_address_on_both_sides() -> None:
    world = World.of(
        recipient("bob", "bob@x.nl"),
        contact("bob@x.nl", first_name="Bob"),
        row("bob@x.nl", "bob", first_name="Bob"),
        recipient("ann", "new@x.nl"),
        contact("new@x.nl", contact_id="c1", first_name="Ann"),
        row("old@x.nl", "ann", contact_id="c1", first_name="Ann"),
    )

    plan = world.plan()

    assert plan.changes == ()
    assert [(move.replaces, move.address) for move in plan.moves] == [("old@x.nl", "new@x.nl")]


def test_a_stranger_at_the_address_that_our_contact_left_is_not_touched() -> None:
    """Ann has a new address on both sides, and somebody else subscribed at her old one."""
    world = World.of(
        recipient("ann", "new@x.nl"),
        contact("new@x.nl", contact_id="c1", first_name="Ann"),
        contact("old@x.nl", contact_id="a stranger's"),
        row("old@x.nl", "ann", contact_id="c1", first_name="Ann"),
    )

    assert world.run().changes == ()
    assert world.standing("old@x.nl") is Standing.SUBSCRIBED
    assert list(world.rows) == ["new@x.nl"]


def test_whoever_is_still_listed_at_the_address_that_our_contact_left_is_not_added_there_again() -> None:
    """The contact of a mailbox that two people shared has the new address of one of them."""
    world = World.of(
        recipient("ann", "new@x.nl"),
        recipient("bob", "old@x.nl"),
        contact("new@x.nl", contact_id="c1", first_name="Ann"),
        row("old@x.nl", "ann", "bob", contact_id="c1", first_name="Ann"),
    )

    assert verbs(world.plan()) == [(Verb.ADOPT, "new@x.nl"), (Verb.SUPPRESS, "old@x.nl")]
