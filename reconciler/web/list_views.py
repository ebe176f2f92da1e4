"""Knows how the lists are read from OTYS for whoever looks: briefly kept, and never waited for long."""

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from reconciler.client import Unwatched
from reconciler.errors import ReconcilerError, in_words
from reconciler.list_view import ListView, view_lists
from reconciler.stop import Stop
from reconciler.web.ports import Service
from reconciler.wiring import open_client

KEPT_SECONDS: Final = 60.0
"""So that whoever reloads a page costs OTYS no more than one reading a minute."""
PATIENCE_SECONDS: Final = 10.0
AT_ONCE: Final = 16
"""How many clients are read side by side: one whose OTYS hangs must not hold up the others."""

Read = Callable[[str], ListView]


@dataclass(slots=True)
class _Reading:
    began: float
    view: Future[ListView]
    before: ListView | None
    """What was read before this one."""


class ListViews:
    """The lists of the clients as OTYS showed them within the last minute."""

    def __init__(
        self, read: Read, *, patience: float = PATIENCE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._patience = patience
        self._clock = clock
        self._readers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lists")
        self._readings: dict[str, _Reading] = {}
        self._lock = threading.Lock()

    def of(self, clients: Collection[str]) -> tuple[ListView, ...]:
        """Given clients, return the lists of each, reading what is not known or too old.

        Where OTYS takes too long, what it showed before is returned, or a view that says so.
        """
        with self._lock:
            readings = {client: self._reading(client) for client in clients}
        wait([reading.view for reading in readings.values()], timeout=self._patience)
        return tuple(_view(client, reading) for client, reading in readings.items())

    def close(self) -> None:
        """Begin no further reading."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _reading(self, client: str) -> _Reading:
        known = self._readings.get(client)
        if known is not None and (not known.view.done() or self._clock() - known.began < KEPT_SECONDS):
            return known
        before = known.view.result() if known is not None else None
        self._readings[client] = _Reading(self._clock(), self._readers.submit(self._read, client), before)
        return self._readings[client]


def _view(client: str, reading: _Reading) -> ListView:
    if reading.view.done():
        return reading.view.result()
    if reading.before is not None:
        return reading.before
    return ListView(client=client, problems=("OTYS has not shown its lists yet; look again in a moment",))


def reads_from(service: Service, stop: Stop) -> Read:
    """Given the daemon, return what reads one client's lists, in a session of its own that cannot write."""

    def read(client: str) -> ListView:
        try:
            with open_client(
                client, service.config(), service.store, Unwatched(), plan_only=True, stop=stop
            ) as opened:
                return view_lists(opened)
        except ReconcilerError as error:
            return ListView(client=client, problems=(in_words(error),))

    return read
