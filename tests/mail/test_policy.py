"""Which passes are told by mail, and how often."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler.failure import FailureKind
from reconciler.guard import Danger
from reconciler.listing import Invalid
from reconciler.model import PassResult, Person, Verb
from reconciler.reconcile import STOPPED
from reconciler.report import PassReport
from reconciler.sinks.mail_policy import Decision, decide
from reconciler.store import Told
from tests.mail.examples import (
    NOW,
    applied,
    broken,
    change,
    listed,
    people,
    planned_only,
    refused,
    report,
    waiting_audience,
    withholding,
)
from tests.mail.office import wish

QUIET = report(listed())
CHANGED = report(listed("News", *applied(people(3))))
FAILED = report(problems=("OTYS: no answer",), failure=FailureKind.UNREACHABLE, result=PassResult.FAILED)
WITHHELD = report(withholding(listed(), people(30)))
OFF = report(result=PassResult.OFF, problems=("switched off",))


class Weeks:
    """Passes one after the other, and what mails they cause."""

    def __init__(self, on: str = "changes") -> None:
        self.notify = wish(on)
        self.now: datetime = NOW
        self.told = tuple[Told, ...]()

    def run(self, of: PassReport, **ago: float) -> Decision:
        """Run a pass so much later; return what is decided."""
        self.now += timedelta(**ago)
        decision = decide(of, self.notify, self.told, self.now)
        self.told = decision.told
        return decision

    def mails(self, of: PassReport, passes: int, **ago: float) -> int:
        """Run the same pass so often, each so much later than the one before; return how many mails."""
        return sum(self.run(of, **ago).sends for _ in range(passes))


@pytest.mark.parametrize(("on", "sends"), [("always", True), ("changes", False), ("problems", False)])
def test_a_pass_without_changes_is_only_told_to_who_wants_every_pass(on: str, *, sends: bool) -> None:
    assert Weeks(on).run(QUIET).sends is sends


@pytest.mark.parametrize(("on", "sends"), [("always", True), ("changes", True), ("problems", False)])
def test_changes_are_told_unless_only_problems_are_wanted(on: str, *, sends: bool) -> None:
    assert Weeks(on).run(CHANGED).sends is sends


@pytest.mark.parametrize("on", ["always", "changes", "problems"])
@pytest.mark.parametrize(
    "of",
    [
        FAILED,
        WITHHELD,
        OFF,
        report(broken()),
        report(waiting_audience()),
        report(listed("News", *refused(people(1)))),
        report(listed(held=[change("a@b.nl", Verb.HOLD)])),
        report(listed(invalid=(Invalid(Person("contact", "1"), "x", "no @"),))),
        report(listed(), problems=("list 7 is missing",)),
    ],
    ids=["failed", "withheld", "off", "list", "audience", "refused", "held", "invalid", "note"],
)
def test_a_problem_is_told_to_everybody(on: str, of: PassReport) -> None:
    assert Weeks(on).run(of).sends


def test_without_recipients_nothing_is_sent_nor_taken_for_told() -> None:
    nobody = wish().model_copy(update={"to": ()})
    assert decide(FAILED, nobody, (), NOW) == Decision(sends=False)


@pytest.mark.parametrize("lasting", [FAILED, WITHHELD, report(broken()), report(waiting_audience())])
def test_a_lasting_problem_is_told_once_then_daily_and_once_when_it_is_over(lasting: PassReport) -> None:
    weeks = Weeks()
    assert weeks.run(lasting).sends
    assert weeks.mails(lasting, 23, hours=1) == 0
    assert weeks.run(lasting, hours=1).sends
    assert weeks.mails(lasting, 71, hours=1) == 2
    healed = report(*(listed(uid=one.list_uid) for one in lasting.lists))
    over = weeks.run(healed, hours=1)
    assert (over.sends, len(over.over)) == (True, 1)
    assert weeks.mails(healed, 50, hours=1) == 0


def test_what_comes_and_goes_is_told_twice_an_hour_at_most() -> None:
    weeks = Weeks()
    mails = sum(weeks.run(of, minutes=5).sends for _ in range(72) for of in (FAILED, QUIET))
    assert mails <= 2 * 12


def test_a_problem_that_comes_back_and_stays_is_told_within_the_hour() -> None:
    weeks = Weeks()
    for of in (FAILED, QUIET):
        weeks.run(of, minutes=5)
    assert weeks.mails(FAILED, 12, minutes=5) == 1


def test_a_withheld_plan_that_changed_is_told_again_but_not_each_pass() -> None:
    weeks = Weeks()
    plans = [report(withholding(listed(), people(30 + number))) for number in range(24)]
    assert sum(weeks.run(plan, minutes=5).sends for plan in plans) == 2


def test_what_was_not_read_is_not_told_again_because_it_looks_different() -> None:
    weeks = Weeks()
    unread = [
        report(withholding(listed(), people(number + 1), danger=Danger.INCOMPLETE_LIST))
        for number in range(20)
    ]
    assert sum(weeks.run(one, hours=1).sends for one in unread) == 1


@pytest.mark.parametrize(
    "blind",
    [FAILED, OFF, report(broken("News", uid="1001")), report(listed(uid="2"), only="2")],
    ids=["failed pass", "off", "failed list", "another list"],
)
def test_nothing_is_over_because_a_pass_did_not_look(blind: PassReport) -> None:
    weeks = Weeks()
    weeks.run(WITHHELD)
    assert weeks.run(blind, minutes=5).over == ()
    over = weeks.run(QUIET, minutes=5).over
    assert "withheld" in {one.kind for one in over}


def test_a_list_that_is_gone_from_a_whole_pass_has_no_problem_any_more() -> None:
    weeks = Weeks()
    weeks.run(WITHHELD)
    assert [one.kind for one in weeks.run(report(listed(uid="2")), hours=1).over] == ["withheld"]


def test_a_pass_that_was_stopped_is_no_failure_and_ends_nothing() -> None:
    weeks = Weeks()
    weeks.run(WITHHELD)
    stopped = replace(report(problems=(STOPPED,)), result=PassResult.FAILED)
    cut_off = report(broken("News", uid="1001", kind=FailureKind.STOPPED), problems=(STOPPED,))
    for of in (stopped, cut_off):
        decision = weeks.run(of, minutes=5)
        assert (decision.sends, decision.over) == (False, ())


def test_contacts_that_are_left_alone_are_told_when_their_number_changes_and_not_daily() -> None:
    weeks = Weeks()
    one = report(listed(held=[change("a@b.nl", Verb.HOLD)]))
    two = report(listed(held=[change("a@b.nl", Verb.HOLD), change("c@b.nl", Verb.HOLD)]))
    assert weeks.mails(one, 100, hours=1) == 1
    assert weeks.mails(two, 100, hours=1) == 1
    assert weeks.run(QUIET, hours=1).sends is False


def test_a_refusal_is_told_in_the_pass_it_happens_in() -> None:
    weeks = Weeks("problems")
    assert weeks.run(report(listed("News", *refused(people(1))))).sends
    assert weeks.run(QUIET, minutes=5).sends is False


def test_in_plan_mode_the_same_plan_is_told_once_and_another_one_the_next_day() -> None:
    weeks = Weeks()
    planned = report(planned_only(listed("News", *applied(people(3)))), mode="plan")
    other = replace(planned, digest="d2" * 32)
    assert weeks.mails(planned, 60, hours=1) == 1
    assert weeks.run(replace(other, digest="d3" * 32), hours=1).sends
    assert weeks.mails(other, 23, hours=1) == 0
    assert weeks.run(other, hours=1).sends
    assert Weeks("problems").run(planned).sends is False


@pytest.mark.parametrize("on", ["changes", "problems"])
@pytest.mark.parametrize(("recipients", "told"), [(200, 0), (201, 1)])
def test_a_first_sync_above_the_limit_is_told_whatever_is_wanted(on: str, recipients: int, told: int) -> None:
    synced = replace(listed(recipients=recipients), first_sync=True)
    decision = Weeks(on).run(report(synced))
    assert (len(decision.first_syncs), decision.sends) == (told, bool(told))
