"""Knows how an operator follows a pass that runs: a bar on a terminal, else a few log lines if asked for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic

import structlog
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from reconciler.client import Watcher
from reconciler.model import ListUid
from reconciler.report import ListReport, PassReport

_PAUSE = 60.0


@contextmanager
def watching(errors: Console) -> Iterator[Watcher]:
    """Given the console for everything but results, yield what follows passes on it.

    Where nobody watches, as under cron, log lines of the level INFO tell the beginning, the end and at most
    one line a minute in between; `--verbose` shows them.
    """
    if not errors.is_terminal:
        yield LogWatcher()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left:", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as progress:
        yield BarWatcher(progress)


class BarWatcher:
    """Shows a bar a client, of its lists first and then of the contacts it writes; it goes at the end."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("looking around", total=None, unit="")
        self._written = self._to_write = 0
        self._lock = Lock()

    def began(self, client: str, lists: int) -> None:
        """Given how many lists there are, start the bar."""
        with self._lock:
            self._written = self._to_write = 0
            self._progress.reset(self._task, description=client, total=lists, unit=_lists_and(0))

    def to_write(self, client: str, contacts: int) -> None:
        """Given how many contacts are to be written, let the bar be about them."""
        with self._lock:
            if contacts:
                self._written, self._to_write = 0, contacts
                self._progress.reset(self._task, description=client, total=contacts, unit="contacts")

    def wrote(self, client: str, list_uid: ListUid, changes: int) -> None:  # noqa: ARG002 (the protocol's)
        """Given that so many changes became durable, count them."""
        with self._lock:
            self._written += changes
            if self._to_write:
                # What reading back finds to be otherwise is recorded a second time.
                self._progress.update(self._task, completed=min(self._written, self._to_write))
            else:
                self._progress.update(self._task, unit=_lists_and(self._written))

    def finished_list(self, client: str, report: ListReport) -> None:  # noqa: ARG002 (the protocol's)
        """Given that a list is done, move the bar on if it is about lists."""
        with self._lock:
            if not self._to_write:
                self._progress.advance(self._task)

    def finished(self, report: PassReport) -> None:  # noqa: ARG002 (the protocol's)
        """Given that the pass is over, look around for the next one."""
        self._progress.reset(self._task, description="looking around", total=None, unit="")


def _lists_and(written: int) -> str:
    return f"lists, {written:,} contacts written"


class LogWatcher:
    """Tells the beginning and the end of each pass, and how far it is at most once a minute."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._log = structlog.get_logger("reconciler.progress")
        self._clock = clock
        self._lock = Lock()
        self._told = 0.0
        self._lists = self._done = self._to_write = self._written = 0

    def began(self, client: str, lists: int) -> None:
        """Given how many lists there are, tell it."""
        with self._lock:
            self._lists, self._done, self._told = lists, 0, self._clock()
            self._to_write = self._written = 0
        self._log.info("pass began", client=client, lists=lists)

    def to_write(self, client: str, contacts: int) -> None:  # noqa: ARG002 (the protocol's)
        """Given how many contacts are to be written, count those that are from here on."""
        with self._lock:
            self._to_write, self._written = contacts, 0

    def wrote(self, client: str, list_uid: ListUid, changes: int) -> None:  # noqa: ARG002 (the protocol's)
        """Given that so many changes became durable, count them."""
        with self._lock:
            self._written += changes
            self._tell_sometimes(client)

    def finished_list(self, client: str, report: ListReport) -> None:  # noqa: ARG002 (the protocol's)
        """Given that a list is done, count it."""
        with self._lock:
            self._done += 1
            self._tell_sometimes(client)

    def finished(self, report: PassReport) -> None:
        """Given that the pass is over, tell how it ended."""
        self._log.info("pass ended", client=report.client, result=report.result, **report.counts())

    def _tell_sometimes(self, client: str) -> None:
        if self._clock() - self._told < _PAUSE:
            return
        self._told = self._clock()
        self._log.info(
            "pass goes on",
            client=client,
            lists=self._lists,
            done=self._done,
            contacts_written=self._written,
            contacts_to_write=self._to_write,
        )
