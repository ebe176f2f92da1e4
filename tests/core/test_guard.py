"""What a guard withholds, what it lets through, and what a person's approval releases."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from reconciler.guard import Danger, Guarded, Proposal, guard
from reconciler.model import (
    Address,
    AudienceId,
    BaseState,
    Change,
    ListChange,
    ListUid,
    ListVerb,
    NoReason,
    Standing,
    Verb,
)
from reconciler.plan import ListPlan, digest_of
from reconciler.policy import Limits, Policy, RemovedInMailchimp
from tests.core.world import World, contact, no, recipient, row


def email(number: int) -> Address:
    return Address(f"p{number}@x.nl")


def synced(active: int, *, kept: int, policy: Policy | None = None) -> World:
    """A list of which `active` are ours and subscribed, and `kept` are still listed."""
    world = World(policy=policy or Policy())
    for number in range(active):
        ours = contact(email(number))
        world.contacts[ours.address] = ours
        known = row(email(number), f"p{number}")
        world.rows[known.address] = known
    world.recipients = [recipient(f"p{number}", email(number), first_name="") for number in range(kept)]
    return world


def growing(active: int, *, adds: int) -> World:
    world = synced(active, kept=active)
    world.recipients += [recipient(f"n{number}", f"n{number}@x.nl") for number in range(adds)]
    return world


def nobody_approved(_: str) -> bool:
    return False


def guarded(world: World, limits: Limits | None = None) -> Guarded:
    return guard(world.plan(), limits or Limits(), approved=nobody_approved)


def dangers(result: Guarded) -> set[Danger]:
    return {objection.danger for proposal in result.proposals for objection in proposal.objections}


def count(changes: Iterable[Change], verb: Verb) -> int:
    return sum(change.verb is verb for change in changes)


def withheld(result: Guarded) -> dict[Verb, int]:
    return {proposal.verb: len(proposal.changes) for proposal in result.proposals}


def only(proposals: tuple[Proposal, ...]) -> Proposal:
    assert len(proposals) == 1
    return proposals[0]


# -- too many removals -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("active", "removed", "waits"),
    [
        (20, 9, False),  # under the number that is always free, although nearly half of the list
        (20, 10, False),  # the last free one
        (20, 11, True),
        (200, 19, False),
        (200, 20, False),  # exactly 10 %
        (200, 21, True),
    ],
)
def test_removals_wait_above_a_share_of_the_list(active: int, removed: int, waits: bool) -> None:  # noqa: FBT001 - a column of the table above
    result = guarded(synced(active, kept=active - removed))

    assert withheld(result) == ({Verb.REMOVE: removed} if waits else {})
    assert count(result.allowed, Verb.REMOVE) == (0 if waits else removed)


@pytest.mark.parametrize(("removed", "waits"), [(14, False), (15, False), (16, True)])
def test_removals_wait_above_a_number_whatever_their_share(removed: int, waits: bool) -> None:  # noqa: FBT001 - a column of the table above
    result = guarded(synced(200, kept=200 - removed), Limits(removals_count=15))

    assert withheld(result) == ({Verb.REMOVE: removed} if waits else {})


def test_the_message_says_how_many_and_what_the_limit_is() -> None:
    proposal = only(guarded(synced(200, kept=100)).proposals)

    assert proposal.message == "100 of 200 would be removed; the limit is 10 % or 500"


def test_everything_but_the_removals_goes_on() -> None:
    world = synced(40, kept=10)
    world.recipients.append(recipient("new", "new@x.nl"))
    world.recipients[0] = replace(world.recipients[0], values={"first_name": "Changed"})
    unsubscribed = contact(email(1), Standing.UNSUBSCRIBED)
    world.contacts[unsubscribed.address] = unsubscribed

    result = guarded(world)

    assert withheld(result) == {Verb.REMOVE: 30}
    assert sorted(change.verb for change in result.allowed) == [Verb.ADD, Verb.SUPPRESS, Verb.UPDATE]


def test_a_rename_counts_as_no_removal() -> None:
    world = synced(40, kept=40)
    world.recipients = [
        replace(known, email=f"new-{known.email}") if number < 30 else known
        for number, known in enumerate(world.recipients)
    ]

    result = guarded(world)

    assert count(result.allowed, Verb.RENAME) == 30
    assert result.proposals == ()


# -- consent ---------------------------------------------------------------------------------------


def test_a_mass_opt_out_is_honoured_whatever_the_limits() -> None:
    world = synced(40, kept=40)
    world.recipients = [replace(known, opted_out=True) for known in world.recipients]

    result = guarded(world, Limits(removals_free=0, removals_percent=0, removals_count=0))

    assert count(result.allowed, Verb.REMOVE) == 40
    assert result.proposals == ()


def test_opt_outs_run_while_the_other_removals_wait() -> None:
    world = synced(40, kept=20)
    world.recipients[:5] = [replace(known, opted_out=True) for known in world.recipients[:5]]

    result = guarded(world)

    assert withheld(result) == {Verb.REMOVE: 20}
    assert {change.address for change in result.allowed} == {email(number) for number in range(5)}


def test_a_removal_that_an_opt_out_still_owes_runs_when_the_person_has_left_too() -> None:
    world = synced(40, kept=0)
    world.recipients = [recipient("p39", email(39), first_name="", opted_out=True)]
    remembered = next(world.steps(world.plan()))
    remembered()
    world.recipients = [recipient("other", "other@x.nl")]

    result = guarded(world)

    assert [change.address for change in result.allowed if change.verb is Verb.REMOVE] == [email(39)]
    assert withheld(result) == {Verb.REMOVE: 39}


def test_every_kind_of_danger_lets_a_no_through() -> None:
    world = synced(5, kept=5)
    world.recipients[0] = replace(world.recipients[0], opted_out=True)
    unsubscribed = contact(email(1), Standing.UNSUBSCRIBED)
    world.contacts[unsubscribed.address] = unsubscribed
    world.list_read = world.audience_read = False

    result = guarded(world, Limits(removals_free=0, removals_percent=0, canaries=("canary@x.nl",)))

    assert {(change.verb, change.address) for change in result.allowed} == {
        (Verb.REMOVE, email(0)),
        (Verb.SUPPRESS, email(1)),
    }


# -- suddenly empty --------------------------------------------------------------------------------


def test_a_list_that_is_suddenly_empty_removes_nobody_however_few_they_are() -> None:
    result = guarded(synced(3, kept=0))

    assert withheld(result) == {Verb.REMOVE: 3}
    assert dangers(result) == {Danger.EMPTY_LIST}
    assert only(result.proposals).approvable


def test_a_list_with_one_person_left_is_not_empty() -> None:
    assert guarded(synced(3, kept=1)).proposals == ()


def test_a_list_that_never_had_anybody_may_be_empty() -> None:
    assert guarded(World()).proposals == ()


def test_an_audience_that_is_suddenly_empty_is_no_reason_to_remember_anything() -> None:
    world = synced(3, kept=3)
    world.contacts.clear()

    result = guarded(world)

    assert withheld(result) == {Verb.SUPPRESS: 3}
    assert dangers(result) == {Danger.EMPTY_AUDIENCE}
    assert result.allowed == ()


def test_an_audience_that_is_suddenly_empty_is_not_filled_again_either() -> None:
    world = synced(3, kept=3, policy=Policy(removed_in_mailchimp=RemovedInMailchimp.RESTORE))
    world.contacts.clear()

    assert withheld(guarded(world)) == {Verb.ADD: 3}


def test_an_audience_with_one_contact_left_is_not_empty() -> None:
    world = synced(3, kept=3)
    world.contacts = {email(0): contact(email(0))}

    assert guarded(world).proposals == ()


def test_a_first_pass_into_an_empty_audience_is_no_danger() -> None:
    world = World.of(*(recipient(f"p{number}", email(number)) for number in range(300)))

    result = guarded(world)

    assert count(result.allowed, Verb.ADD) == 300
    assert result.proposals == ()


# -- growth ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("active", "adds", "waits"),
    [
        (200, 201, False),  # not established yet: only above 200
        (201, 200, False),
        (201, 201, False),  # exactly doubles
        (201, 202, True),
    ],
)
def test_adds_that_more_than_double_an_established_list_wait(active: int, adds: int, waits: bool) -> None:  # noqa: FBT001 - a column of the table above
    result = guarded(growing(active, adds=adds))

    assert withheld(result) == ({Verb.ADD: adds} if waits else {})


def test_a_first_sync_that_was_cut_off_goes_on_without_asking() -> None:
    world = growing(500, adds=1500)
    world.synced_once = False

    assert guarded(world).proposals == ()


def test_too_many_adds_do_not_stop_removals() -> None:
    world = growing(201, adds=300)
    del world.recipients[0]

    result = guarded(world)

    assert withheld(result) == {Verb.ADD: 300}
    assert count(result.allowed, Verb.REMOVE) == 1


# -- canaries --------------------------------------------------------------------------------------


def test_a_canary_on_the_list_is_recognised_in_any_spelling() -> None:
    assert guarded(synced(3, kept=2), Limits(canaries=(f" {email(1).upper()}",))).proposals == ()


def test_without_its_canary_a_list_removes_and_renames_nobody() -> None:
    world = synced(3, kept=2)
    world.recipients[1] = replace(world.recipients[1], email="new@x.nl")
    world.recipients.append(recipient("other", "other@x.nl"))

    result = guarded(world, Limits(canaries=("canary@x.nl", email(0))))

    assert withheld(result) == {Verb.REMOVE: 1, Verb.RENAME: 1}
    assert dangers(result) == {Danger.CANARY}
    assert [change.verb for change in result.allowed] == [Verb.ADD]
    assert "1 of 2 canary addresses" in result.proposals[0].message


# -- incomplete snapshots --------------------------------------------------------------------------


def test_a_list_that_was_not_read_completely_removes_renames_and_forgets_nobody() -> None:
    world = synced(5, kept=2)
    world.recipients[1] = replace(world.recipients[1], email="new@x.nl")
    del world.contacts[world.rows[next(iter(world.rows))].address]
    del world.recipients[0]
    world.recipients.append(recipient("other", "other@x.nl"))
    world.list_read = False

    result = guarded(world)

    assert withheld(result) == {Verb.REMOVE: 3, Verb.RENAME: 1, Verb.FORGET: 1}
    assert [change.verb for change in result.allowed] == [Verb.ADD]
    assert all(danger is Danger.INCOMPLETE_LIST for danger in dangers(result))


def test_an_opt_out_seen_in_half_a_list_is_honoured_at_the_earlier_address_too() -> None:
    world = synced(1, kept=0)
    world.recipients = [recipient("p0", "new@x.nl", opted_out=True)]
    world.list_read = False

    result = guarded(world, Limits(canaries=("canary@x.nl",)))

    assert count(result.allowed, Verb.REMOVE) == 1
    assert result.proposals == ()


def test_what_was_missing_from_half_a_list_is_not_archived_even_after_a_no() -> None:
    world = synced(1, kept=0, policy=Policy(archive_opted_out=True))
    world.contacts = {email(0): contact(email(0), Standing.UNSUBSCRIBED)}
    world.recipients = [recipient("other", "other@x.nl")]
    world.list_read = False

    assert withheld(guarded(world)) == {Verb.REMOVE: 1}


def test_an_audience_that_was_not_read_completely_proves_nobody_gone() -> None:
    world = synced(3, kept=2)
    world.contacts.clear()
    world.contacts[contact("stranger@x.nl").address] = contact("stranger@x.nl")
    world.recipients.append(recipient("new", "new@x.nl"))
    world.audience_read = False

    result = guarded(world)

    assert withheld(result) == {Verb.ADD: 1, Verb.SUPPRESS: 2, Verb.FORGET: 1}
    assert dangers(result) == {Danger.INCOMPLETE_AUDIENCE}
    assert result.allowed == ()


def test_what_was_seen_of_an_incomplete_audience_counts() -> None:
    world = synced(3, kept=3)
    world.contacts = {
        email(0): contact(email(0), Standing.UNSUBSCRIBED),
        email(1): contact(email(1), Standing.ARCHIVED),
    }
    world.audience_read = False

    result = guarded(world)

    reasons = {change.address: change.move.no.reason for change in result.allowed if change.move.no}
    assert reasons == {email(0): NoReason.UNSUBSCRIBED, email(1): NoReason.TAKEN_OUT}
    assert withheld(result) == {Verb.SUPPRESS: 1}


def test_nobody_can_approve_what_was_not_read() -> None:
    world = synced(30, kept=10)
    world.list_read = False

    result = guard(world.plan(), Limits(), approved=lambda _: True)

    assert withheld(result) == {Verb.REMOVE: 20}
    assert not only(result.proposals).approvable
    assert result.released == ()


# -- approval --------------------------------------------------------------------------------------


def approving(digest: str, plan: ListPlan) -> Guarded:
    return guard(plan, Limits(), approved=lambda asked: asked == digest)


def test_an_approval_releases_exactly_the_plan_that_was_shown() -> None:
    world = synced(40, kept=20)
    digest = only(guarded(world).proposals).digest

    result = approving(digest, world.plan())

    assert count(result.allowed, Verb.REMOVE) == 20
    assert result.proposals == ()
    assert only(result.released).digest == digest


@pytest.mark.parametrize("kept", [19, 21])
def test_an_approval_is_stale_once_one_more_or_one_less_would_be_removed(kept: int) -> None:
    digest = only(guarded(synced(40, kept=20)).proposals).digest

    result = approving(digest, synced(40, kept=kept).plan())

    assert count(result.allowed, Verb.REMOVE) == 0
    assert result.released == ()


def test_an_approval_is_stale_once_a_contact_stands_differently() -> None:
    world = synced(40, kept=20)
    digest = only(guarded(world).proposals).digest
    pending = contact(email(30), Standing.PENDING)
    world.contacts[pending.address] = pending

    assert approving(digest, world.plan()).released == ()


def test_an_approval_outlives_changes_that_it_is_not_about() -> None:
    world = synced(40, kept=20)
    digest = only(guarded(world).proposals).digest
    world.recipients.append(recipient("new", "new@x.nl"))

    assert only(approving(digest, world.plan()).released).digest == digest


def test_an_approval_of_removals_releases_nothing_else() -> None:
    world = synced(240, kept=120)
    world.recipients += [recipient(f"n{number}", f"n{number}@x.nl") for number in range(300)]
    proposals = {proposal.verb: proposal for proposal in guarded(world).proposals}

    result = approving(proposals[Verb.REMOVE].digest, world.plan())

    assert withheld(result) == {Verb.ADD: 300}
    assert count(result.allowed, Verb.REMOVE) == 120


def test_the_same_removals_of_another_list_need_their_own_approval() -> None:
    plan = synced(40, kept=20).plan()
    digest = only(guard(plan, Limits(), approved=nobody_approved).proposals).digest

    other = replace(plan, list_uid=ListUid("8"))

    assert approving(digest, other).released == ()


def test_what_is_released_or_withheld_is_the_whole_plan() -> None:
    world = synced(40, kept=20)
    world.recipients.append(recipient("new", "new@x.nl"))
    plan = world.plan()

    result = guard(plan, Limits(), approved=nobody_approved)

    waiting = [change for proposal in result.proposals for change in proposal.changes]
    assert sorted(map(str, (*result.allowed, *waiting))) == sorted(map(str, plan.changes))


def test_what_we_removed_before_does_not_make_the_list_look_larger() -> None:
    world = synced(20, kept=8)
    for number in range(100, 300):
        gone = row(email(number), f"p{number}", state=BaseState.REMOVED)
        world.rows[gone.address] = gone

    assert withheld(guarded(world)) == {Verb.REMOVE: 12}


def test_nothing_is_forgotten_while_removals_are_doubted() -> None:
    world = synced(30, kept=10)
    world.nos.append(no("weg@x.nl", "weg", reason=NoReason.TAKEN_OUT))
    assert guarded(world).moves == ()
    world = synced(30, kept=30)
    world.nos.append(no("weg@x.nl", "weg", reason=NoReason.TAKEN_OUT))
    assert [move.address for move in guarded(world).moves] == ["weg@x.nl"]


def test_the_same_removals_of_another_client_need_their_own_approval() -> None:
    plan = synced(40, kept=20).plan()
    digest = only(guard(plan, Limits(), approved=nobody_approved).proposals).digest

    assert approving(digest, replace(plan, client="bureau")).released == ()


def test_every_objection_to_the_same_changes_is_told() -> None:
    world = synced(40, kept=0)

    proposal = only(guarded(world).proposals)

    assert proposal.message == (
        "the list is suddenly empty in OTYS; 40 were on it; "
        "40 of 40 would be removed; the limit is 10 % or 500"
    )


def test_while_removals_are_doubted_memory_still_learns_a_no_and_what_is_on_the_list() -> None:
    world = synced(30, kept=10)
    left = contact("weg@x.nl", Standing.UNSUBSCRIBED)
    world.contacts[left.address] = left
    world.nos.append(no("weg@x.nl", "weg", reason=NoReason.TAKEN_OUT))
    renamed = row(email(0), "p0", "who shared it before")
    world.rows[renamed.address] = renamed

    result = guarded(world)

    assert withheld(result) == {Verb.REMOVE: 20}
    assert {move.address for move in result.moves} == {"weg@x.nl", email(0)}


def of_half_a_list_that_tells_opt_outs(world: World) -> ListPlan:
    plan = world.plan()
    half = replace(plan.facts.recipients, declared_before=99, declared_after=99, tells_opt_outs=True)
    return replace(plan, facts=replace(plan.facts, recipients=half))


def test_nobody_is_added_from_half_a_list_whose_other_half_may_tell_of_an_opt_out() -> None:
    world = growing(3, adds=2)
    world.recipients[0] = replace(world.recipients[0], values={"first_name": "Changed"})

    result = guard(of_half_a_list_that_tells_opt_outs(world), Limits(), approved=lambda _: True)

    assert withheld(result) == {Verb.ADD: 2}
    assert [change.verb for change in result.allowed] == [Verb.UPDATE]


def told(world: World, verb: Verb, limits: Limits | None = None) -> str:
    (proposal,) = [one for one in guarded(world, limits).proposals if one.verb is verb]
    return proposal.message


def test_each_objection_says_what_is_wrong_with_its_numbers() -> None:
    half = synced(3, kept=2)
    half.list_read = False
    assert told(half, Verb.REMOVE) == "the list was not read completely from OTYS (2 of 3 rows were read)"

    unseen = growing(3, adds=1)
    unseen.audience_read = False
    assert told(unseen, Verb.ADD) == (
        "the audience was not read completely from Mailchimp (3 of 4 rows were read)"
    )

    emptied = synced(3, kept=3)
    emptied.contacts.clear()
    assert told(emptied, Verb.SUPPRESS) == (
        "the audience is suddenly empty in Mailchimp; 3 of ours were in it"
    )

    assert told(growing(300, adds=301), Verb.ADD) == "301 would be added to a list of 300"

    canaries = Limits(canaries=("canary@x.nl", email(0), "other@x.nl"))
    assert told(synced(3, kept=2), Verb.REMOVE, canaries) == (
        "2 of 3 canary addresses are not on the list in OTYS"
    )


def test_a_proposal_names_its_client_and_its_list() -> None:
    proposal = only(guarded(synced(40, kept=20)).proposals)

    assert (proposal.client, proposal.list_uid, proposal.list_name) == ("acme", "7", "123")


def list_change(audience_id: str | None) -> ListChange:
    return ListChange(
        verb=ListVerb.DELETE,
        list_uid=ListUid("7"),
        list_name="123",
        audience_id=None if audience_id is None else AudienceId(audience_id),
        reason="deleted in OTYS",
    )


def test_an_approved_deletion_is_of_one_audience_only() -> None:
    digests = {digest_of("acme", ListUid("7"), [list_change(one)]) for one in ("a", "b", None)}

    assert len(digests) == 3
