from collections.abc import Callable

from reconciler.daemon.hints import LONGEST_WAIT, QUIET, Hints
from reconciler.daemon.runner import Ending, Runner
from reconciler.daemon.slots import MOST_PASSES, SLOT_SECONDS, SLOTS, Slots
from tests.daemon.moments import Moments
from tests.daemon.test_runner import Notes

Job = Callable[[], None]


class Clients:
    """Runners of many clients, whose passes a test ends itself."""

    def __init__(self, count: int) -> None:
        self.time = Moments()
        self.works = [Notes() for _ in range(count)]
        self.runners = [
            Runner(f"client-{number}", work, now=self.time.now) for number, work in enumerate(self.works)
        ]
        self.jobs: list[Job] = []
        self.slots = Slots(lambda: self.runners, self.jobs.append, clock=self.time.monotonic)

    def tick_all(self) -> None:
        for runner in self.runners:
            runner.tick()
            self.time.later(microseconds=1)
        self.slots.dispatch()

    def busy(self) -> list[int]:
        return [number for number, runner in enumerate(self.runners) if runner.busy]

    def finish_all(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()

    def ran(self) -> list[int]:
        return [len(work.ran) for work in self.works]


def test_few_passes_run_at_once_and_whoever_waits_longest_is_next() -> None:
    clients = Clients(20)
    clients.tick_all()
    assert clients.busy() == list(range(SLOTS))

    clients.jobs.pop(3)()

    assert clients.busy() == [0, 1, 2, 4, 5, 6, 7, 8]
    clients.finish_all()
    assert clients.ran() == [1] * 20


def test_clients_that_hang_give_their_slots_to_the_others() -> None:
    clients = Clients(200)
    clients.tick_all()
    hanging = clients.busy()
    del clients.jobs[:]  # they never end
    clients.time.later(seconds=SLOT_SECONDS)

    clients.slots.dispatch()
    clients.finish_all()

    assert [count for number, count in enumerate(clients.ran()) if number not in hanging] == [1] * 192


def test_clients_that_failed_last_time_come_after_the_others() -> None:
    clients = Clients(SLOTS + 2)
    for work in clients.works[:SLOTS]:
        work.endings = [Ending.FAILED]
    clients.tick_all()
    clients.finish_all()
    clients.time.later(hours=2)

    clients.tick_all()

    assert clients.busy() == [*range(SLOTS - 2), SLOTS, SLOTS + 1]
    clients.finish_all()
    assert clients.ran() == [2] * (SLOTS + 2)


def test_even_hanging_clients_have_an_end() -> None:
    clients = Clients(200)
    clients.tick_all()
    for _ in range(50):
        clients.time.later(seconds=SLOT_SECONDS)
        clients.slots.dispatch()

    assert len(clients.busy()) == MOST_PASSES


def test_a_stop_starts_nothing_more_and_waits_for_what_runs() -> None:
    clients = Clients(20)
    clients.tick_all()
    clients.slots.close()
    assert not clients.slots.wait_until_idle(0)

    clients.finish_all()

    assert clients.slots.wait_until_idle(0)
    assert sum(clients.ran()) == SLOTS


def test_thousands_of_ticks_with_clients_that_fail_hang_or_work_lose_no_turn() -> None:
    clients = Clients(30)
    for _ in range(2000):
        clients.time.later(seconds=5)
        clients.tick_all()
        clients.finish_all()

    assert clients.ran() == [2000] * 30


def test_hints_ask_once_they_have_been_quiet() -> None:
    time = Moments()
    hints = Hints(time.now)
    for _ in range(5):
        hints.add("acme", "otys")
        time.later(seconds=10)
        assert hints.take_due() == {}

    time.later(seconds=QUIET.total_seconds() - 10)

    assert hints.take_due() == {"acme": "otys"}
    assert hints.take_due() == {}


def test_hints_that_never_cease_ask_all_the_same() -> None:
    time = Moments()
    hints = Hints(time.now)
    waited = 0
    hints.add("acme", "mailchimp")
    while not hints.take_due():
        time.later(seconds=10)
        waited += 10
        hints.add("acme", "mailchimp")

    assert waited == LONGEST_WAIT.total_seconds()
