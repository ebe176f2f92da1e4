"""Examines our clock by the `Date` headers of the services: grace times and remembered dates rest on it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from reconciler.api.http import RequestNote, http_date
from reconciler.doctor.findings import Finding, ok, skipped, warning

TOLERANCE = timedelta(seconds=60)


class ClockWatch:
    """Listens to requests and remembers how far each service's clock is from ours."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = Lock()
        self._ahead: dict[str, timedelta] = {}

    def __call__(self, note: RequestNote) -> None:
        """Given a request that was made, remember what its answer says of the time."""
        told = http_date(note.date)
        if told is not None:
            with self._lock:
                self._ahead[note.system] = self._now() - told

    def finding(self) -> Finding:
        """Return how our clock is."""
        if not self._ahead:
            return skipped("clock", "no service told its time")
        system, ahead = max(self._ahead.items(), key=lambda item: abs(item[1]))
        if abs(ahead) <= TOLERANCE:
            return ok("clock", f"within a minute of {' and '.join(sorted(self._ahead))}")
        way = "ahead of" if ahead > timedelta(0) else "behind"
        return warning(
            "clock",
            f"this computer's clock is {abs(ahead).total_seconds():,.0f} seconds {way} that of {system}",
            "Let the computer set its clock by the network (NTP).",
        )
