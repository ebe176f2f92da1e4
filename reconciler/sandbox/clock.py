"""The sandbox's clock: real time with an offset, or time that stands still until it is moved."""

import threading
from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Tells both services the time, so that days can pass in a test without anybody waiting."""

    def __init__(self, *, offset: timedelta = timedelta(0), frozen_at: datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._offset = offset
        self._frozen_at = None if frozen_at is None else _aware(frozen_at)

    @property
    def offset(self) -> timedelta:
        """Return how far the running clock is ahead of real time."""
        return self._offset

    @property
    def frozen_at(self) -> datetime | None:
        """Return the moment at which the clock stands still, None while it runs."""
        return self._frozen_at

    def now(self) -> datetime:
        """Return the sandbox's present moment, aware and in UTC."""
        with self._lock:
            return self._frozen_at or datetime.now(UTC) + self._offset

    def advance(self, by: timedelta) -> None:
        """Given a span of time, let it pass at once, whether the clock runs or stands still."""
        with self._lock:
            if self._frozen_at is None:
                self._offset += by
            else:
                self._frozen_at += by

    def freeze(self, at: datetime | None = None) -> None:
        """Given an aware moment (now if left out), stand still there. Raise ValueError if it is naive."""
        moment = self.now() if at is None else _aware(at)
        with self._lock:
            self._frozen_at = moment

    def run(self) -> None:
        """Run on from the moment at which the clock stood still."""
        with self._lock:
            if self._frozen_at is not None:
                self._offset = self._frozen_at - datetime.now(UTC)
                self._frozen_at = None


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"the sandbox clock needs a moment with a time zone, {moment.isoformat()} has none")
    return moment.astimezone(UTC)
