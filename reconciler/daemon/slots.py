"""Decides whose turn it is: few passes at once, and one that is held up makes room for the others."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from reconciler.daemon.runner import Runner

SLOTS = 8
SLOT_SECONDS = 2.0
"""Whoever takes longer mostly waits for a service, and goes on without a slot."""
MOST_PASSES = 64


class Slots:
    """Starts the passes that wait, the one that waits longest first, and clients that failed last."""

    def __init__(
        self,
        runners: Callable[[], Iterable[Runner]],
        spawn: Callable[[Callable[[], None]], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Given what tells the runners of all clients and what runs a function in another thread."""
        self._runners = runners
        self._spawn = spawn
        self._clock = clock
        self._lock = threading.Lock()
        self._since: dict[Runner, float] = {}
        self._idle = threading.Condition(self._lock)
        self._closed = False

    def dispatch(self) -> None:
        """Start the passes that wait, as far as there is room."""
        with self._lock:
            waiting = [(since, one) for one in self._runners() if (since := one.waits_since) is not None]
            for _, runner in sorted(waiting, key=_turn):
                if not self._room():
                    return
                if runner.begin():
                    self._since[runner] = self._clock()
                    self._spawn(partial(self._run, runner))

    def close(self) -> None:
        """Start nothing any more."""
        with self._lock:
            self._closed = True

    def wait_until_idle(self, seconds: float | None = None) -> bool:
        """Return True when no pass runs, False if one still does after so many seconds."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._since, seconds)

    def _run(self, runner: Runner) -> None:
        try:
            runner.run()
        finally:
            with self._idle:
                del self._since[runner]
                self._idle.notify_all()
            self.dispatch()

    def _room(self) -> bool:
        fresh = sum(self._clock() - since < SLOT_SECONDS for since in self._since.values())
        return not self._closed and fresh < SLOTS and len(self._since) < MOST_PASSES


def _turn(one: tuple[datetime, Runner]) -> tuple[bool, datetime]:
    since, runner = one
    return runner.failing, since
