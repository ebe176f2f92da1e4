"""Lets a pass wait without anybody waiting: what is slept passes on the sandbox's clock instead."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest

from reconciler import wiring
from reconciler.api.ows import OwsClient
from reconciler.sandbox.clock import SandboxClock
from reconciler.stop import Stop


class Patience(Stop):
    """Waits on a clock that can be moved. Whoever waits at the same time waits together."""

    def __init__(self, clock: SandboxClock) -> None:
        super().__init__()
        self._clock = clock
        self._turn = threading.Lock()
        self.waited = timedelta(0)

    def pause(self, system: str, seconds: float) -> None:
        """Given seconds, let them pass at once."""
        self.check(system)
        until = self._clock.now() + timedelta(seconds=seconds)
        with self._turn:
            left = max(until - self._clock.now(), timedelta(0))
            self._clock.advance(left)
            self.waited += left


@contextmanager
def limits_kept_by(clock: SandboxClock) -> Iterator[None]:
    """Given a clock, count the requests a minute to OTYS by it."""
    with pytest.MonkeyPatch.context() as patched:
        by_it = partial(OwsClient, clock=lambda: clock.now().timestamp())
        patched.setattr(wiring, "OwsClient", by_it)
        yield
