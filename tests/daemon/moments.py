"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class Moments:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def later(self, **ago: float) -> None:
        self.at += timedelta(**ago)
