"""What a pass tells of itself: while it runs, in its report and in history."""

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from reconciler.client import Unwatched
from reconciler.errors import LockHeld
from reconciler.failure import FailureKind
from reconciler.model import ListUid, PassResult
from reconciler.reconcile import LEASE, STOPPED, make_plan, reconcile
from reconciler.report import ListReport, PassReport
from reconciler.sandbox.faults import Fault, FaultKind
from tests.passes.agency import Agency, results, verbs


@dataclass
class Follower(Unwatched):
    """Notes what it is told, and does something when the lists are begun or when one is done."""

    at_the_lists: Callable[[], object] = lambda: None
    after_a_list: Callable[[], object] = lambda: None
    told: list[object] = field(default_factory=list)

    def began(self, client: str, lists: int) -> None:
        self.told.append((client, lists))
        self.at_the_lists()

    def to_write(self, client: str, contacts: int) -> None:
        self.told.append((client, "to write", contacts))

    def wrote(self, client: str, list_uid: ListUid, changes: int) -> None:
        self.told.append((client, list_uid, changes))

    def finished_list(self, client: str, report: ListReport) -> None:
        self.told.append((client, report))
        self.after_a_list()

    def finished(self, report: PassReport) -> None:
        self.told.append(report)


def ticking(acme: Agency) -> Callable[[], datetime]:
    """Return a clock that goes on by a second whenever somebody looks at it."""
    seconds = count(1)
    return lambda: acme.now + timedelta(seconds=next(seconds))


def test_who_follows_a_pass_is_told_of_every_list_and_of_what_is_written(acme: Agency) -> None:
    nurses, drivers = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl"), acme.list("Chauffeurs")
    follower = Follower()
    with acme.client() as client:
        report = reconcile(replace(client, watcher=follower), trigger="once")
    of_nurses, of_drivers = report.lists
    assert (of_nurses.list_uid, of_drivers.list_uid) == (nurses.uid, drivers.uid)
    [created] = of_nurses.list_outcomes
    assert of_nurses.audience_id == created.change.audience_id == acme.audience(nurses)
    assert of_nurses.list_changes == (created.change,)
    assert of_nurses.first_sync
    assert report.kept == 2
    assert acme.store.open_intents("acme") == ()
    assert follower.told[0] == ("acme", 2)
    assert follower.told[-1] is report
    between = follower.told[1:-1]
    assert len(between) == 4
    for told in (("acme", "to write", 2), ("acme", nurses.uid, 2), ("acme", of_nurses), ("acme", of_drivers)):
        assert told in between


def test_history_knows_what_started_a_pass_and_how_long_it_took(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.list("Chauffeurs", "piet@weg.nl")
    only = ListUid(nurses.uid)
    with acme.client() as opened:
        client = replace(opened, now=ticking(acme))
        reserved = client.store.begin_pass("acme", mode="plan", trigger="asked for", now=acme.now)
        reports = [
            make_plan(client, only=only),
            reconcile(client, trigger="daemon", only=only, pass_id=reserved),
            reconcile(client, trigger="once"),
        ]
    for report, trigger, about in zip(
        reports, (f"plan --list {only}", f"daemon --list {only}", "once"), (only, only, None), strict=True
    ):
        assert report.pass_id is not None
        record = acme.store.pass_record(report.pass_id)
        assert record is not None
        assert record.ended_at is not None
        assert (record.client, record.mode, record.trigger) == ("acme", "apply", trigger)
        assert (report.client, report.mode, report.only) == ("acme", "apply", about)
        assert (record.result, record.plan_digest) == (report.result, report.digest)
        assert report.digest
        assert (record.counts, record.problems) == (report.counts(), report.all_problems)
        assert acme.now < record.started_at < report.started_at < report.ended_at < record.ended_at
        assert report.ended_at - report.started_at > timedelta(seconds=1)
    assert reports[1].pass_id == reserved
    assert [len(report.lists) for report in reports] == [1, 1, 2]


def test_each_pass_tells_its_own_requests(acme: Agency) -> None:
    acme.list("Verpleegkundigen", "jan@zorg.nl")
    with acme.client() as client:
        reconcile(client, trigger="once")
        before = acme.sandbox.log.last_number()
        report = reconcile(client, trigger="once")
        made = [len(acme.sandbox.log.requests(system, after=before)) for system in ("otys", "mailchimp")]
    assert report.requests == dict(zip(("OTYS", "Mailchimp"), made, strict=True))


def test_a_pass_of_an_integration_that_is_off_says_so(acme: Agency) -> None:
    acme.sandbox.otys.set_setting("SE3109", "0")
    with acme.client() as client:
        report = reconcile(replace(client, now=ticking(acme)), trigger="once")
    assert report.result is PassResult.OFF
    assert report.problems == (
        "the integration is switched off in OTYS (setting 3109): nothing was read or written",
    )
    assert report.ended_at - report.started_at > timedelta(seconds=1)


def test_a_pass_that_fails_as_a_whole_says_why_and_when(acme: Agency) -> None:
    acme.sandbox.mailchimp.revoke_keys()
    with acme.client() as client:
        report = reconcile(replace(client, now=ticking(acme)), trigger="once")
    assert (report.result, report.failure) == (PassResult.FAILED, FailureKind.KEY_REJECTED)
    assert "valid key" in report.problems[0]
    assert report.ended_at - report.started_at > timedelta(seconds=1)


def test_a_list_that_nobody_knows_fails_a_pass_that_is_about_it(acme: Agency) -> None:
    acme.list("Verpleegkundigen", "jan@zorg.nl")
    report = acme.once(only="77")
    assert (report.result, report.lists) == (PassResult.FAILED, ())
    assert report.problems == (
        "list 77 is neither flagged in GE203 nor linked; `reconciler lists` shows those that are",
    )


def test_a_pass_that_is_told_to_stop_asks_no_more_and_proposes_nothing(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *(f"persoon{number}@zorg.nl" for number in range(30)))
    acme.once()
    acme.sandbox.otys.empty_list(nurses.uid)
    [proposal] = acme.once().proposals
    with acme.client() as client:
        follower = Follower(at_the_lists=client.stop.ask)
        report = reconcile(replace(client, watcher=follower), trigger="once")
    assert (report.result, report.failure) == (PassResult.FAILED, FailureKind.STOPPED)
    assert report.problems[-1] == STOPPED
    assert report.lists[0].problem.startswith("OTYS")
    assert [one.digest for one in acme.store.proposals("acme", now=acme.now)] == [proposal.digest]


def test_a_pass_that_is_told_to_stop_at_its_end_is_none_that_brought_lists_in_step(acme: Agency) -> None:
    acme.list("Verpleegkundigen", "jan@zorg.nl")
    with acme.client() as client:
        follower = Follower(after_a_list=client.stop.ask)
        report = reconcile(replace(client, watcher=follower), trigger="once")
    assert results(report) == {("create", "applied"): 1, ("add", "applied"): 1}
    assert (report.result, report.failure) == (PassResult.FAILED, FailureKind.STOPPED)
    assert acme.store.last_success("acme") is None


def test_who_comes_while_a_pass_runs_is_told_whose_pass_it_is(acme: Agency) -> None:
    acme.list("Verpleegkundigen")

    def come() -> None:
        with pytest.raises(LockHeld, match=rf"daemon, process {os.getpid()} on {socket.gethostname()}"):
            acme.once()

    follower = Follower(at_the_lists=come)
    with acme.client() as client:
        reconcile(replace(client, watcher=follower), trigger="daemon")
    assert follower.told


def test_once_the_key_is_rejected_no_further_list_is_tried(acme: Agency) -> None:
    nurses, drivers = acme.list("Verpleegkundigen", "jan@zorg.nl"), acme.list("Chauffeurs", "piet@weg.nl")
    acme.once()
    follower = Follower(at_the_lists=acme.sandbox.mailchimp.revoke_keys)
    with acme.client() as client:
        report = reconcile(replace(client, watcher=follower, workers=1), trigger="once")
    first, second = report.lists
    assert (first.list_uid, first.failure) == (nurses.uid, FailureKind.KEY_REJECTED)
    assert (second.list_uid, second.problem) == (drivers.uid, "not tried: Mailchimp rejected the key")


def test_a_pass_whose_lock_was_taken_over_writes_nothing_more(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    acme.join(nurses, acme.person("piet@zorg.nl"))
    with ExitStack() as another, acme.client() as client:

        def take_over() -> None:
            acme.now += 2 * LEASE
            lock = acme.store.lock("acme", "another pass", lease=LEASE, now=lambda: acme.now)
            another.enter_context(lock)

        follower = Follower(at_the_lists=take_over)
        with pytest.raises(LockHeld, match="taken over"):
            reconcile(replace(client, watcher=follower), trigger="once")
    assert acme.subscribed(nurses) == {"jan@zorg.nl"}


def fail(acme: Agency, pattern: str) -> None:
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern=pattern, times=None)
    )


def test_what_cannot_be_read_of_a_new_audience_is_told_and_its_contacts_come_later(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    fail(acme, "GET .*merge-fields")
    [of_nurses] = acme.once().lists
    assert "Mailchimp" in of_nurses.problem
    assert of_nurses.failure is FailureKind.UNREACHABLE
    assert acme.subscribed(nurses) == set()
    acme.sandbox.faults.clear()
    assert results(acme.once()) == {("add", "applied"): 1}


def test_the_pass_that_first_brings_an_audience_in_step_says_so(acme: Agency) -> None:
    acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.LYING_TOTAL, system="otys", pattern="Recipient", times=None, value=5)
    )
    in_part = acme.once()
    acme.sandbox.faults.clear()
    following = [acme.once(), acme.once()]
    assert [report.lists[0].first_sync for report in (in_part, *following)] == [False, True, False]


def test_a_field_made_for_the_contacts_is_told_like_any_change(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    acme.fields += '\nROEPNAAM = "{first_name}"'
    for method in ("GET", "POST"):
        fail(acme, f"{method} .*merge-fields")
        begun = acme.store.open_intents("acme")
        acme.plan()
        assert acme.store.open_intents("acme") == begun, "a look at the plan begins nothing"
        [of_nurses] = acme.once().lists
        assert "Mailchimp" in of_nurses.problem
        assert of_nurses.failure is FailureKind.UNREACHABLE
        acme.sandbox.faults.clear()
    report = acme.once()
    assert verbs(report) == {"update-settings": 1, "update": 1}
    assert results(report) == {("update-settings", "applied"): 1, ("update", "applied"): 1}
    [made] = report.lists[0].list_changes
    assert (made.audience_id, made.list_name) == (acme.audience(nurses), nurses.name)
    assert made.reason == "the audience has no such merge field"
