import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from reconciler.daemon.runner import Ending, Runner, Wanted, rest_after
from reconciler.model import ListUid, PassId
from tests.daemon.moments import Moments

Job = Callable[[], None]


class Notes:
    """Work that only notes what it was given."""

    def __init__(self) -> None:
        self.ran: list[Wanted] = []
        self.endings: list[Ending | Exception] = []
        self.given_up: list[PassId | None] = []
        self.reserved = 0
        self.stopped = False
        self.closed = 0
        self.during: Job = lambda: None

    def reserve(self, trigger: str, only: ListUid | None) -> PassId:
        assert trigger
        assert only != ""
        self.reserved += 1
        return PassId(self.reserved)

    def run(self, wanted: Wanted) -> Ending:
        self.ran.append(wanted)
        self.during()
        ending = self.endings.pop(0) if self.endings else Ending.GOOD
        if isinstance(ending, Exception):
            raise ending
        return ending

    def give_up(self, wanted: Wanted) -> None:
        self.given_up.append(wanted.pass_id)

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        self.closed += 1


class Desk:
    """A runner whose steps a test takes itself."""

    def __init__(self) -> None:
        self.time = Moments()
        self.work = Notes()
        self.runner = Runner("acme", self.work, now=self.time.now)

    def go(self, *endings: Ending | Exception) -> int:
        """Run whatever waits until nothing does; return how many passes that were."""
        self.work.endings += endings
        before = len(self.work.ran)
        while self.runner.waits_since is not None and self.runner.begin():
            self.runner.run()
        return len(self.work.ran) - before

    def triggers(self) -> list[str]:
        return [wanted.trigger for wanted in self.work.ran]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_tick_brings_one_pass_and_ticks_that_wait_are_one(desk: Desk) -> None:
    assert desk.runner.tick()
    assert not desk.runner.tick()

    assert desk.go() == 1
    assert desk.go() == 0


def test_a_tick_during_a_pass_brings_none_after_it(desk: Desk) -> None:
    desk.runner.tick()
    desk.runner.begin()

    assert not desk.runner.tick()
    desk.runner.run()

    assert desk.go() == 0


def test_whoever_asks_during_a_pass_gets_exactly_one_more_after_it(desk: Desk) -> None:
    desk.runner.tick()
    desk.runner.begin()
    desk.runner.want("SIGUSR1")
    first, second = desk.runner.ask("api"), desk.runner.ask("api")

    assert desk.runner.waits_since is None, "never two passes at once"
    assert not desk.runner.begin()
    desk.runner.run()

    assert first == second
    assert desk.go() == 1
    assert [wanted.pass_id for wanted in desk.work.ran] == [None, first]
    assert desk.work.reserved == 1


def test_who_asks_for_a_full_pass_gets_one_whoever_else_asked_before_or_after(desk: Desk) -> None:
    desk.runner.tick()
    desk.runner.ask("api", full=True)
    assert desk.go() == 1
    desk.runner.ask("api")
    desk.runner.ask("api", full=True)
    desk.runner.ask("api")
    assert desk.go() == 1
    desk.runner.ask("api")
    assert desk.go() == 1

    assert [wanted.full for wanted in desk.work.ran] == [True, True, False]


def test_asking_for_two_lists_before_a_pass_begins_brings_one_pass_of_all(desk: Desk) -> None:
    one, other = desk.runner.ask("api", only=ListUid("1")), desk.runner.ask("api", only=ListUid("2"))

    desk.go()

    assert one == other
    assert [wanted.only for wanted in desk.work.ran] == [None]


def test_asking_for_one_list_twice_stays_a_pass_of_that_list(desk: Desk) -> None:
    desk.runner.ask("api", only=ListUid("1"))
    desk.runner.ask("api", only=ListUid("1"))

    desk.go()

    assert [wanted.only for wanted in desk.work.ran] == [ListUid("1")]


def test_a_list_that_is_asked_for_joins_the_whole_pass_that_waits(desk: Desk) -> None:
    desk.runner.tick()
    asked = desk.runner.ask("api", only=ListUid("1"))

    assert desk.go() == 1
    assert [(wanted.only, wanted.pass_id, wanted.trigger) for wanted in desk.work.ran] == [
        (None, asked, "api")
    ]


def test_nothing_is_lost_or_doubled_when_many_ask_at_once(desk: Desk) -> None:
    ids: list[PassId] = []
    ready = threading.Barrier(9)

    def ask() -> None:
        ready.wait()
        for _ in range(50):
            ids.append(desk.runner.ask("api"))
            desk.runner.begin()

    def run() -> None:
        ready.wait()
        while len(ids) < 400:
            if desk.runner.running_id is not None:
                desk.runner.run()

    everybody = [threading.Thread(target=ask) for _ in range(8)] + [threading.Thread(target=run)]
    for one in everybody:
        one.start()
    for one in everybody:
        one.join()
    if desk.runner.busy:
        desk.runner.run()
    desk.go()

    ran = [wanted.pass_id for wanted in desk.work.ran]
    assert len(set(ran)) == len(ran)
    assert set(ids) == set(ran), "every number that was given out ran, and once"


def test_a_failing_client_is_left_alone_for_longer_and_longer(desk: Desk) -> None:
    rests = []
    for _ in range(8):
        desk.runner.want("SIGUSR1", patient=False)
        desk.go(Ending.FAILED)
        rested = 0
        while not desk.runner.tick():
            desk.time.later(minutes=1)
            rested += 1
        rests.append(rested)
        desk.go(Ending.FAILED)
        desk.time.later(hours=2)

    assert rests[0] == 1
    assert rests == sorted(rests)
    assert rests[-1] == 60
    assert [rest_after(count) for count in (1, 2, 3, 100)] == [
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(minutes=4),
        timedelta(hours=1),
    ]


def test_a_success_or_somebody_who_asks_ends_the_rest(desk: Desk) -> None:
    desk.runner.tick()
    desk.go(Ending.FAILED)
    assert not desk.runner.tick()

    desk.runner.ask("api")
    assert desk.go(Ending.GOOD) == 1

    assert desk.runner.tick()


def test_a_hint_does_not_end_the_rest(desk: Desk) -> None:
    desk.runner.tick()
    desk.go(Ending.FAILED)

    desk.runner.want("hint from otys", patient=True)

    assert desk.go() == 0


def test_a_hint_during_a_pass_brings_one_more(desk: Desk) -> None:
    desk.runner.tick()
    desk.runner.begin()
    desk.runner.want("hint from otys", patient=True)
    desk.runner.run()

    assert desk.go() == 1
    assert desk.triggers() == ["schedule", "hint from otys"]


def test_a_lock_that_another_process_holds_is_tried_again_soon_and_is_no_failure(desk: Desk) -> None:
    asked = desk.runner.ask("api")
    assert desk.go(Ending.LOCKED) == 1
    assert desk.go() == 0, "not at once"

    desk.time.later(seconds=6)

    assert desk.go() == 1
    assert [wanted.pass_id for wanted in desk.work.ran] == [asked, asked]
    assert desk.runner.tick(), "it does not rest"


def test_a_defect_of_the_program_counts_as_a_failure_and_blocks_nothing(desk: Desk) -> None:
    desk.runner.tick()
    with pytest.raises(ZeroDivisionError):
        desk.go(ZeroDivisionError())

    assert not desk.runner.busy
    assert not desk.runner.tick(), "it rests"
    desk.time.later(minutes=2)
    assert desk.runner.tick()
    assert desk.go() == 1


def test_settings_that_come_during_a_pass_are_used_from_the_next_one_on(desk: Desk) -> None:
    new = Notes()
    desk.work.during = lambda: desk.runner.replace(new)
    desk.runner.tick()
    assert desk.go() == 1
    assert desk.work.closed == 0, "it is still in use"

    desk.runner.ask("api")
    desk.go()

    assert (len(desk.work.ran), len(new.ran)) == (1, 1)
    assert desk.work.closed == 1


def test_a_client_that_left_runs_no_more_and_whoever_waits_is_told(desk: Desk) -> None:
    asked = desk.runner.ask("api")
    desk.runner.retire()

    assert desk.work.given_up == [asked]
    assert not desk.runner.tick()
    assert desk.work.given_up == [asked]
    late = desk.runner.ask("api")
    assert desk.work.given_up == [asked, late]
    assert desk.go() == 0


def test_a_stop_reaches_the_settings_in_use_and_the_new_ones(desk: Desk) -> None:
    new = Notes()
    desk.runner.tick()
    desk.runner.begin()
    desk.runner.replace(new)

    desk.runner.stop()

    assert desk.work.stopped
    assert new.stopped


def test_a_pass_that_meets_a_lock_after_the_stop_is_given_up(desk: Desk) -> None:
    asked = desk.runner.ask("api")
    desk.runner.begin()
    desk.runner.stop()
    desk.work.endings = [Ending.LOCKED]
    desk.runner.run()

    assert desk.work.given_up == [asked]
    assert desk.runner.waits_since is None
