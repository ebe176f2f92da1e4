"""One pass at a time works on a client, whatever happens to its holder."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.errors import LockHeld
from reconciler.store import Store, open_store
from tests.store.examples import CLIENT, HOUR, NOW, Clock

FAR = timedelta(hours=1)  # the background renewal never comes round in a test


def test_a_held_lock_names_its_holder_and_since_when(store: Store, other_store: Store) -> None:
    clock = Clock()
    with (
        store.lock(CLIENT, "daemon on host1", lease=FAR, now=clock),
        pytest.raises(LockHeld, match=r"works on acme: daemon on host1, since 2025-03-01 12:30:15 UTC"),
        other_store.lock(CLIENT, "once on host2", lease=FAR, now=clock),
    ):
        pytest.fail("two passes held one lock")


def test_a_released_lock_is_free(store: Store, other_store: Store) -> None:
    clock = Clock()
    with store.lock(CLIENT, "first", lease=FAR, now=clock):
        pass
    with other_store.lock(CLIENT, "second", lease=FAR, now=clock) as held:
        assert not held.lost


def test_who_left_a_mark_is_told_whether_another_held_the_lock_since(
    store: Store, other_store: Store
) -> None:
    def alone(at: Store, mark: str = "", client: str = CLIENT) -> bool:
        with at.lock(client, "somebody", lease=FAR, now=Clock(), mark=mark) as held:
            return held.alone

    assert not alone(store, "mine"), "the first time"
    assert alone(store, "mine")
    assert not alone(other_store)
    assert not alone(store, "mine")
    assert not alone(other_store, "theirs")
    assert not alone(store, "mine")
    alone(other_store, "theirs", client="another")
    assert alone(store, "mine"), "another client's lock is another matter"


def test_who_was_refused_the_lock_leaves_no_mark(store: Store, other_store: Store) -> None:
    with store.lock(CLIENT, "first", lease=FAR, now=Clock(), mark="ours") as held:
        with pytest.raises(LockHeld), other_store.lock(CLIENT, "second", lease=FAR, now=Clock()):
            pytest.fail("two passes held one lock")
        assert held.still_held()
    with store.lock(CLIENT, "first", lease=FAR, now=Clock(), mark="ours") as held:
        assert held.alone


def test_a_lock_is_released_when_its_pass_fails(store: Store) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        store.lock(CLIENT, "first", lease=FAR, now=Clock()),
    ):
        raise ZeroDivisionError
    with store.lock(CLIENT, "second", lease=FAR, now=Clock()) as held:
        assert not held.lost


def test_clients_have_locks_of_their_own(store: Store) -> None:
    with (
        store.lock(CLIENT, "first", lease=FAR, now=Clock()),
        store.lock("other", "first", lease=FAR, now=Clock()) as held,
    ):
        assert not held.lost


def test_a_lock_whose_lease_ran_out_is_taken_over(store: Store, other_store: Store) -> None:
    clock = Clock()
    with store.lock(CLIENT, "slow", lease=FAR, now=clock) as slow:
        clock.move(HOUR)
        with other_store.lock(CLIENT, "next", lease=FAR, now=clock) as following:
            with pytest.raises(LockHeld, match="next"):
                slow.renew()
            assert (slow.lost, following.lost) == (True, False)
            following.renew()


def test_a_slow_holder_does_not_release_its_successors_lock(store: Store, other_store: Store) -> None:
    clock = Clock()
    slow = store.lock(CLIENT, "slow", lease=FAR, now=clock)
    slow.__enter__()
    clock.move(HOUR)
    with other_store.lock(CLIENT, "next", lease=FAR, now=clock):
        slow.__exit__(None, None, None)
        with (
            pytest.raises(LockHeld, match="next"),
            store.lock(CLIENT, "third", lease=FAR, now=clock),
        ):
            pytest.fail("the successor lost its lock")


def test_a_holder_knows_that_its_lock_was_taken_over_and_released(store: Store, other_store: Store) -> None:
    clock = Clock()
    with store.lock(CLIENT, "slow", lease=FAR, now=clock) as slow:
        clock.move(HOUR)
        with other_store.lock(CLIENT, "next", lease=FAR, now=clock):
            pass
        with pytest.raises(LockHeld, match="taken over and released"):
            slow.renew()


def test_a_renewed_lease_is_not_taken_over(store: Store, other_store: Store) -> None:
    clock = Clock()
    with store.lock(CLIENT, "first", lease=FAR, now=clock) as held:
        clock.move(HOUR / 2)
        held.renew()
        clock.move(HOUR * 0.75)
        with (
            pytest.raises(LockHeld, match="first"),
            other_store.lock(CLIENT, "second", lease=FAR, now=clock),
        ):
            pytest.fail("a renewed lock was taken over")


def test_a_lease_that_ran_out_unnoticed_can_still_be_renewed(store: Store) -> None:
    clock = Clock()
    with store.lock(CLIENT, "first", lease=FAR, now=clock) as held:
        clock.move(HOUR * 2)
        held.renew()
        assert not held.lost


def test_the_lease_is_renewed_in_the_background(store: Store) -> None:
    clock = _CountingClock(calls=3)
    with store.lock(CLIENT, "first", lease=timedelta(seconds=0.06), now=clock) as held:
        assert clock.reached.wait(20)
        assert not held.lost


def test_a_holder_learns_in_the_background_that_its_lock_was_taken_over(
    store: Store, other_store: Store
) -> None:
    late = Clock()
    late.move(HOUR)
    with (
        store.lock(CLIENT, "slow", lease=timedelta(seconds=0.06), now=Clock()) as slow,
        other_store.lock(CLIENT, "next", lease=FAR, now=late) as following,
    ):
        assert slow._lost.wait(20)
        assert not following.lost


def test_many_who_want_one_lock_get_it_one_at_a_time(store: Store, other_store: Store) -> None:
    start, finish = threading.Barrier(8), threading.Barrier(8)
    taken: list[int] = []
    refused: list[int] = []

    def fight(number: int) -> None:
        own = (store, other_store)[number % 2]
        start.wait()
        try:
            with own.lock(CLIENT, f"worker {number}", lease=FAR, now=Clock()):
                taken.append(number)
                finish.wait()
        except LockHeld:
            refused.append(number)
            finish.wait()

    workers = [threading.Thread(target=fight, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (len(taken), len(refused)) == (1, 7)


class _CountingClock:
    """A clock that says when it was looked at so many times."""

    def __init__(self, calls: int) -> None:
        self._left = calls
        self.reached = threading.Event()

    def __call__(self) -> datetime:
        self._left -= 1
        if self._left <= 0:
            self.reached.set()
        return NOW


def test_the_lock_of_a_process_that_was_killed_is_free_at_once(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom datetime import UTC, datetime, timedelta\nfrom reconciler.store import open_store\n"
        "now, lease = lambda: datetime.now(UTC), timedelta(hours=9)\n"
        "with open_store(sys.argv[1]) as store, store.lock('acme', 'once', lease=lease, now=now):\n"
        "    print('held', flush=True)\n    sys.stdin.read()"
    )
    url = f"sqlite:///{tmp_path}/shared.db"
    open_store(url).close()
    command = [sys.executable, "-c", script, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with open_store(url) as mine:
            with pytest.raises(LockHeld), mine.lock("acme", "me", lease=FAR, now=lambda: datetime.now(UTC)):
                pass
            other.kill()
            other.wait()
            with mine.lock("acme", "me", lease=FAR, now=lambda: datetime.now(UTC)) as held:
                assert not held.lost
