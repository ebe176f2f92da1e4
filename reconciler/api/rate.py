"""Knows how to stay below OTYS' limit of requests a minute, and nothing of what is asked."""

import hashlib
import threading
from collections import deque
from collections.abc import Callable

FRAME_SECONDS = 60.0
REQUESTS_A_MINUTE = 300  # OTYS blocks a key above 350 (facts/otys.md)


class Allowance:
    """When the latest requests with one key began, and until when none may: the service counts by key."""

    def __init__(self, requests_a_minute: int = REQUESTS_A_MINUTE) -> None:
        self._lock = threading.Lock()
        self._starts: deque[float] = deque(maxlen=requests_a_minute)
        self._closed_until = float("-inf")

    def take(self, now: float) -> float:
        """Given the time, return when one more request may begin; it counts as begun then."""
        with self._lock:
            start = max(now, self._closed_until)
            if len(self._starts) == self._starts.maxlen:
                start = max(start, self._starts[0] + FRAME_SECONDS)
            self._starts.append(start)
            return start

    def close_until(self, moment: float) -> None:
        """Given a moment, let no request begin before it."""
        with self._lock:
            self._closed_until = max(self._closed_until, moment)


class RateLimiter:
    """Lets requests begin as an allowance permits; the rest wait for their turn, in order."""

    def __init__(
        self, allowance: Allowance, *, clock: Callable[[], float], pause: Callable[[float], None]
    ) -> None:
        self._allowance = allowance
        self._clock = clock
        self._pause = pause

    def wait_for_turn(self) -> None:
        """Return when one more request may begin."""
        now = self._clock()
        start = self._allowance.take(now)
        if start > now:
            self._pause(start - now)

    def hold(self, seconds: float) -> None:
        """Given seconds, let no further request begin before they are over."""
        self._allowance.close_until(self._clock() + seconds)


_allowances: dict[str, Allowance] = {}
_guard = threading.Lock()


def allowance_of(endpoint: str, api_key: str) -> Allowance:
    """Given a key and where it is used, return what it may still do, whoever used it in this process.

    A client that is opened anew, as after every failed pass, does not begin from nothing.
    """
    name = hashlib.sha256(f"{endpoint} {api_key}".encode()).hexdigest()
    with _guard:
        return _allowances.setdefault(name, Allowance(REQUESTS_A_MINUTE))
