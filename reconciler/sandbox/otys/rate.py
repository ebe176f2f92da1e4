"""Knows the limit of 350 requests a minute a key and the headers that tell about it (facts/otys.md, 8)."""

import math
import time
from dataclasses import dataclass

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.otys.state import Switches

FRAME_SECONDS = 60.0


@dataclass(slots=True)
class _Frame:
    started: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one request leaves of its key's minute."""

    allowed: bool
    remaining: int
    seconds_left: int

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Given nothing, return the headers every answer carries."""
        return (
            ("X-Orl-Limit-Blocked", "0" if self.allowed else "1"),
            ("X-Orl-Remaining-Timeframe", str(self.seconds_left)),
            ("X-Orl-Requests-Remaining", str(self.remaining)),
        )


class RateLimit:
    """Counts the requests of each key in frames of one minute; a frame starts with its first request."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._frames: dict[str, _Frame] = {}

    def spend(self, key: str, requests: int, switches: Switches) -> Allowance:
        """Given a key and how much a request counts, count it and return what is left."""
        limit = switches.requests_a_minute
        now = time.monotonic() if switches.rate_by_real_time else self._clock.now().timestamp()
        frame = self._frames.get(key)
        if frame is None or not 0 <= now - frame.started < FRAME_SECONDS:
            frame = self._frames[key] = _Frame(started=now)
        seconds_left = math.ceil(frame.started + FRAME_SECONDS - now)
        if limit and frame.used + requests > limit:
            return Allowance(allowed=False, remaining=max(limit - frame.used, 0), seconds_left=seconds_left)
        frame.used += requests
        remaining = max(limit - frame.used, 0) if limit else 9999
        return Allowance(allowed=True, remaining=remaining, seconds_left=seconds_left)
