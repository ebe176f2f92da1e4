"""Knows how to stay below a limit of requests a minute, and nothing of what is asked."""

import threading
from collections import deque
from collections.abc import Callable

FRAME_SECONDS = 60.0


class RateLimiter:
    """Lets at most so many requests begin in any minute; the rest wait for their turn, in order."""

    def __init__(
        self, requests_a_minute: int, *, clock: Callable[[], float], pause: Callable[[float], None]
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._starts: deque[float] = deque(maxlen=requests_a_minute)
        self._closed_until = float("-inf")

    def wait_for_turn(self) -> None:
        """Return when one more request may begin."""
        with self._lock:
            now = self._clock()
            start = max(now, self._closed_until)
            if len(self._starts) == self._starts.maxlen:
                start = max(start, self._starts[0] + FRAME_SECONDS)
            self._starts.append(start)
        if start > now:
            self._pause(start - now)

    def hold(self, seconds: float) -> None:
        """Given seconds, let no further request begin before they are over."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock() + seconds)
