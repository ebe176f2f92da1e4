"""Knows for one client which pass waits and which runs: never two at once, and no request is lost."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import structlog

from reconciler.model import ListUid, PassId

FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(hours=1)
RETRY_LOCK = timedelta(seconds=5)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A pass that is to run."""

    trigger: str
    since: datetime
    only: ListUid | None = None
    """The one list it is about; None: all."""
    full: bool = False
    """Whether every list is to be read whole."""
    pass_id: PassId | None = None
    """The number that was given to whoever asked."""


class Ending(StrEnum):
    """How a pass ended, as far as the next one depends on it."""

    GOOD = "good"
    """Something of the client worked."""
    FAILED = "failed"
    """Nothing of the client worked."""
    LOCKED = "locked"
    """Another process works on the client."""


class Work(Protocol):
    """What a pass of one client is done with."""

    def reserve(self, trigger: str, only: ListUid | None) -> PassId:
        """Given what is asked for, return the number of the pass that will do it. Raise StoreError."""

    def run(self, wanted: Wanted) -> Ending:
        """Run a pass."""

    def give_up(self, wanted: Wanted) -> None:
        """Record that a pass which was asked for will not run."""

    def stop(self) -> None:
        """End the pass that runs before its next request."""

    def close(self) -> None:
        """Close whatever is open between passes."""


class Runner:
    """One client. Safe to use from several threads."""

    def __init__(self, name: str, work: Work, *, now: Callable[[], datetime]) -> None:
        self.name = name
        self._now = now
        self._work = work
        self._successor: Work | None = None
        self._asking = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: Wanted | None = None
        self._running: Wanted | None = None
        self._failures = 0
        self._rests_until: datetime | None = None
        self._locked_until: datetime | None = None
        self._retired = False

    # -- what is wanted ------------------------------------------------------------------------------

    def tick(self) -> bool:
        """A moment of the schedule has come: want a pass, unless one waits or runs or the client rests.

        Return whether it is wanted.
        """
        with self._lock:
            if self._retired or self._waiting or self._running or self._rests():
                return False
            self._waiting = Wanted(trigger="schedule", since=self._now())
            return True

    def want(self, trigger: str, *, patient: bool = False) -> None:
        """Given who asks, want a pass, after the one that runs if one does.

        It ends the rest of a failing client, unless it is `patient`.
        """
        with self._lock:
            if self._retired or (patient and self._rests()):
                return
            self._rests_until = None
            self._waiting = _both(self._waiting, Wanted(trigger=trigger, since=self._now()))

    def ask(self, trigger: str, *, only: ListUid | None = None, full: bool = False) -> PassId:
        """Given who asks, for which list if not for all, and how, want a pass and return its number.

        Everybody who asks before it begins gets the same number. Raise StoreError if none can be had.
        """
        with self._asking:  # so that two who ask at the same time do not reserve two passes
            asked = Wanted(trigger=trigger, since=self._now(), only=only, full=full)
            joined = self._join(asked)
            if joined is not None:
                return joined
            return self._accept(asked, self._work.reserve(trigger, only))

    def _join(self, asked: Wanted) -> PassId | None:
        """Let the pass that others asked for do for this one too, unless it began already."""
        with self._lock:
            if self._waiting is None or self._waiting.pass_id is None:
                return None
            pass_id = self._waiting.pass_id
            self._waiting = _both(self._waiting, asked)
            return pass_id

    def _accept(self, asked: Wanted, pass_id: PassId) -> PassId:
        asked = replace(asked, pass_id=pass_id)
        with self._lock:
            retired = self._retired
            if not retired:
                self._rests_until = None
                self._waiting = _both(self._waiting, asked)
        if retired:
            self._work.give_up(asked)
        return pass_id

    # -- what runs -----------------------------------------------------------------------------------

    @property
    def waits_since(self) -> datetime | None:
        """Since when a pass could begin; None when none waits or one runs already."""
        with self._lock:
            held_up = self._locked_until is not None and self._now() < self._locked_until
            if self._waiting is None or self._running is not None or held_up:
                return None
            return self._waiting.since

    @property
    def failing(self) -> bool:
        """Whether nothing of the client worked when it was tried last."""
        with self._lock:
            return self._failures > 0

    @property
    def busy(self) -> bool:
        """Whether a pass runs."""
        with self._lock:
            return self._running is not None

    @property
    def waiting_id(self) -> PassId | None:
        """The number of the pass that waits, if it has one."""
        with self._lock:
            return None if self._waiting is None else self._waiting.pass_id

    @property
    def running_id(self) -> PassId | None:
        """The number of the pass that runs, if it was asked for."""
        with self._lock:
            return None if self._running is None else self._running.pass_id

    def begin(self) -> bool:
        """Take what waits, so that nobody else does; return whether there was anything to take."""
        with self._lock:
            if self._running is not None or self._waiting is None:
                return False
            self._running, self._waiting = self._waiting, None
            return True

    def run(self) -> None:
        """Run the pass that was taken."""
        wanted = self._running
        if wanted is None:
            raise RuntimeError("a pass must be taken before it is run")
        ending = Ending.FAILED  # as it is when a defect of the program ends it
        try:
            self._take_over()
            ending = self._work.run(wanted)
        finally:
            self._conclude(wanted, ending)

    # -- changes of the configuration, and the end ---------------------------------------------------

    def replace(self, work: Work) -> None:
        """Given new work, do it from the next pass on."""
        with self._lock:
            unused, self._successor = self._successor, work
        if unused is not None:
            unused.close()

    def retire(self) -> None:
        """Run nothing any more; what waits is given up."""
        with self._lock:
            self._retired = True
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._work.give_up(waiting)

    def stop(self) -> None:
        """Retire, and end the pass that runs before its next request."""
        with self._lock:
            works = [self._work, self._successor]
        for work in works:
            if work is not None:
                work.stop()
        self.retire()

    def close(self) -> None:
        """Close whatever is open. Only when no pass runs."""
        self._take_over()
        self._work.close()

    def _take_over(self) -> None:
        with self._lock:
            if self._successor is None:
                return
            old, self._work, self._successor = self._work, self._successor, None
        old.close()

    def _conclude(self, wanted: Wanted, ending: Ending) -> None:
        with self._lock:
            self._running = self._locked_until = None
            if ending is Ending.LOCKED and not self._retired:
                self._waiting = _both(wanted, self._waiting)
                self._locked_until = self._now() + RETRY_LOCK
                return
            self._failures = self._failures + 1 if ending is Ending.FAILED else 0
            self._rests_until = self._now() + rest_after(self._failures) if self._failures else None
        if ending is Ending.LOCKED:
            self._work.give_up(wanted)
        elif self._failures > 1:
            _log.warning(
                "client_rests",
                client=self.name,
                failures=self._failures,
                until=self._rests_until,
                hint="it is tried again by itself, or at once when somebody asks",
            )

    def _rests(self) -> bool:
        return self._rests_until is not None and self._now() < self._rests_until


def rest_after(failures: int) -> timedelta:
    """Given how often a client failed in a row, return for how long its schedule is not followed."""
    rest = FIRST_REST
    for _ in range(failures - 1):
        rest *= 2
        if rest >= LONGEST_REST:
            return LONGEST_REST
    return rest


def _both(first: Wanted | None, second: Wanted | None) -> Wanted | None:
    """Given two wanted passes, return one that does for both; the first tells who asked."""
    if first is None or second is None:
        return first or second
    only = first.only if first.only == second.only else None
    trigger = second.trigger if first.pass_id is None and second.pass_id is not None else first.trigger
    return replace(
        first,
        trigger=trigger,
        only=only,
        full=first.full or second.full,
        pass_id=first.pass_id or second.pass_id,
    )
