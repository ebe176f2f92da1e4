"""What passes decided from is kept in few bytes, and today's rules can be tried on it."""

from collections.abc import Sequence
from functools import partial

import pytest

from reconciler.config import load_config
from reconciler.model import ListUid, PassId
from reconciler.reconcile import operate
from reconciler.replay import CannotReplay, Comparison, Rules, replay_pass, replay_since
from reconciler.report import PassReport
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.store import KeptBody
from tests.passes.agency import Agency

PEOPLE = tuple(f"p{number:02}@zorg.nl" for number in range(30))
LEAVERS = PEOPLE[:12]


def rules(acme: Agency) -> Rules:
    chosen = load_config(acme.write_config(), {}).clients["acme"]
    return Rules(templates=chosen.fields, policy=chosen.policy, limits=chosen.limits)


def at(acme: Agency, report: PassReport) -> Sequence[Comparison]:
    """Decide a pass again with the rules of today."""
    assert report.pass_id
    record = acme.store.pass_record(report.pass_id)
    assert record
    return [one.comparison for one in replay_pass(acme.store, record, rules(acme))]


def kept(acme: Agency, uid: str) -> Sequence[KeptBody]:
    return acme.store.snapshot_bodies("acme", ListUid(uid))


def plans(report: PassReport) -> dict[str, str]:
    return {one.list_uid: one.guarded.plan.digest for one in report.lists if one.guarded}


def test_with_the_same_rules_every_pass_is_decided_again_as_it_was(acme: Agency) -> None:
    zorg = acme.list("Zorg", *PEOPLE)
    acme.list("Bouw", "ada@bouw.nl", "niet goed")
    reports = [acme.once(), acme.once()]
    for email in LEAVERS:
        acme.leave(zorg, email)
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), PEOPLE[20])
    acme.later(hours=1)
    reports.append(acme.once())
    digest = reports[-1].proposals[0].digest
    acme.store.approve(digest, by="ann", now=acme.now)
    acme.later(hours=1)
    reports += [acme.once(), acme.once()]

    for report in reports:
        again = at(acme, report)
        assert {one.list_uid: one.now.digest for one in again} == plans(report)
        assert not any(one.differs for one in again)
    decided = [{one.list_uid: one.then for one in at(acme, report)}[ListUid(zorg.uid)] for report in reports]
    assert [dict(one.withheld) for one in decided] == [{}, {}, {"remove": 12}, {}, {}]
    assert [dict(one.allowed) for one in decided[2:]] == [{"suppress": 1}, {"remove": 12}, {}]
    assert decided[3].released == (digest,)


def test_a_pass_that_finds_a_list_as_the_one_before_did_keeps_nothing_more(acme: Agency) -> None:
    zorg = acme.list("Zorg", *PEOPLE)
    acme.converge()
    before = kept(acme, zorg.uid)

    report = acme.once()

    assert kept(acme, zorg.uid) == before
    assert report.counts()["kept"] == 1
    assert at(acme, report)[0].decided_in == before[-1].pass_id


def test_a_tighter_limit_tells_what_it_would_have_withheld(acme: Agency) -> None:
    zorg = acme.list("Zorg", *PEOPLE)
    acme.converge()
    for email in PEOPLE[:3]:
        acme.leave(zorg, email)
    removal = acme.once()
    acme.configure(limits="removals_free = 2\nremovals_percent = 5")

    [again] = at(acme, removal)

    assert (again.then.allowed, again.then.withheld) == ({"remove": 3}, {})
    assert (again.now.allowed, again.now.withheld) == ({}, {"remove": 3})


def test_another_policy_or_template_is_tried_on_the_very_rows_of_the_pass(acme: Agency) -> None:
    zorg = acme.list("Zorg", "ada@zorg.nl")
    acme.converge()
    acme.sandbox.mailchimp.archive(acme.audience(zorg), "ada@zorg.nl")
    acme.join(zorg, acme.person("bob@zorg.nl", "Bob"))
    taken_out = acme.once()
    acme.configure(policy='removed_in_mailchimp = "restore"')
    acme.fields = 'FNAME = "{last_name}"'

    record = acme.store.pass_record(PassId(taken_out.pass_id or 0))
    assert record
    [again] = replay_pass(acme.store, record, rules(acme))

    assert dict(again.comparison.then.allowed) == {"suppress": 1, "add": 1}
    assert dict(again.comparison.now.allowed) == {"add": 2}
    assert {change.fields["FNAME"] for change in again.guarded.allowed} == {"Jansen"}


def test_all_that_was_decided_since_a_moment_is_tried(acme: Agency) -> None:
    zorg = acme.list("Zorg", *PEOPLE)
    acme.converge()
    acme.later(days=2)
    start = acme.now
    for email in PEOPLE[:2]:
        acme.leave(zorg, email)
        acme.once()
        acme.later(days=1)
    acme.configure(limits="removals_free = 0\nremovals_percent = 0")

    compared = list(replay_since(acme.store, "acme", start, rules(acme)))

    assert [dict(one.now.withheld) for one in compared if one.differs] == [{"remove": 1}] * 2
    assert compared[0].decided_at < start  # what stood when the time began counts as well
    assert not list(replay_since(acme.store, "acme", start, rules(acme), only=ListUid("other")))


def test_a_look_at_the_plan_keeps_nothing_but_a_pass_in_plan_mode_does(acme: Agency) -> None:
    zorg = acme.list("Zorg", *PEOPLE)
    acme.once()
    acme.leave(zorg, PEOPLE[0])
    before = kept(acme, zorg.uid)

    look = acme.plan()

    assert kept(acme, zorg.uid) == before
    with pytest.raises(CannotReplay, match=f"not kept what pass {look.pass_id} was decided from"):
        at(acme, look)

    acme.mode = "plan"
    [again] = at(acme, acme.once())
    assert dict(again.then.allowed) == {"remove": 1}


def test_a_list_that_was_not_read_is_not_replayed_as_it_was_before(acme: Agency) -> None:
    zorg = acme.list("Zorg", *PEOPLE)
    bouw = acme.list("Bouw", "ada@bouw.nl")
    acme.once()
    audience = acme.audience(zorg)
    acme.sandbox.faults.add(
        Fault(
            kind=FaultKind.SERVER_ERROR,
            system="mailchimp",
            pattern=f"{audience}/members",
            times=None,
            value=500,
        )
    )

    broken = acme.once()

    assert [one.list_uid for one in at(acme, broken)] == [bouw.uid]
    assert kept(acme, zorg.uid)[-1].unseen


def test_a_pass_about_one_list_replays_that_list(acme: Agency) -> None:
    zorg, bouw = acme.list("Zorg", *PEOPLE), acme.list("Bouw", "ada@bouw.nl")
    acme.once()

    assert [one.list_uid for one in at(acme, acme.once(only=zorg.uid))] == [zorg.uid]
    assert not any(one.unseen for one in kept(acme, bouw.uid)), "it says nothing about the others"


def test_what_is_old_is_dropped_and_zero_days_keep_nothing(acme: Agency) -> None:
    zorg = acme.list("Zorg", *PEOPLE)
    first = acme.once()
    acme.once()
    acme.later(days=29)
    acme.once()
    assert not at(acme, first)[0].differs

    acme.later(days=2)
    last = acme.once()
    with pytest.raises(CannotReplay):
        at(acme, first)
    assert not at(acme, last)[0].differs

    acme.state = "snapshot_days = 0"
    report = acme.once()

    assert kept(acme, zorg.uid) == ()
    with pytest.raises(CannotReplay):
        at(acme, report)


def test_the_work_of_an_operator_is_no_decision_to_replay(acme: Agency) -> None:
    acme.list("Zorg", *PEOPLE)
    acme.converge()

    with acme.client() as client:
        undone = operate(client, trigger="undo 1", work=lambda _running, _pairings: ())

    with pytest.raises(CannotReplay):
        at(acme, undone)


def test_who_comes_and_goes_is_held_again_as_it_was_then_and_by_another_limit_is_not(acme: Agency) -> None:
    zorg = acme.list("Zorg", *PEOPLE[:2])
    person = acme.sandbox.otys.people_at(PEOPLE[0])[0]
    acme.once()
    reports = []
    leaves, comes = partial(acme.leave, zorg, PEOPLE[0]), partial(acme.join, zorg, person)
    for change in (leaves, comes, leaves):
        change()
        acme.later(hours=1)
        reports.append(acme.once())
    [gone], [back], [held] = (at(acme, report) for report in reports)
    assert [dict(one.now.allowed) for one in (gone, back, held)] == [{"remove": 1}, {"add": 1}, {"hold": 1}]
    assert not gone.differs, "what was written after a decision is no reason against it"
    assert not held.differs

    acme.configure(limits="flap_turns = 9")

    [again] = at(acme, reports[-1])
    assert (again.then.allowed, again.now.allowed) == ({"hold": 1}, {"remove": 1})
