"""Waits until hints about a client have been quiet for a while, so that a burst of them asks once."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

QUIET = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=5)
"""Hints that never cease must not put a pass off for ever."""


class Hints:
    """What was hinted and has not led to a pass yet."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._hinted: dict[str, tuple[datetime, datetime, str]] = {}

    def add(self, client: str, source: str) -> None:
        """Given a client and who hinted, begin its quiet time anew."""
        now = self._now()
        with self._lock:
            first, _, _ = self._hinted.get(client, (now, now, source))
            self._hinted[client] = (first, now, source)

    def take_due(self) -> dict[str, str]:
        """Return the clients whose quiet time is over, each with who hinted last."""
        now = self._now()
        with self._lock:
            due = {
                client: source
                for client, (first, last, source) in self._hinted.items()
                if now - last >= QUIET or now - first >= LONGEST_WAIT
            }
            for client in due:
                del self._hinted[client]
        return due
