"""Tells work that is under way to end soon: writes in flight are finished, nothing further is begun."""

import threading
from functools import partial

from reconciler.errors import Stopping


class Stop:
    """Asked at most once; afterwards no request is sent, and every pause and read ends at once."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    @property
    def asked(self) -> bool:
        """Whether work should end."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Let work end."""
        self._asked.set()

    def check(self, system: str) -> None:
        """Given the service that would be asked next, return. Raise Stopping if it must not be."""
        if self._asked.is_set():
            raise Stopping(system, "no more requests are sent, because the program is stopping")

    def pause(self, system: str, seconds: float) -> None:
        """Given the service that is waited for, return after so long. Raise Stopping as soon as asked to."""
        if self._asked.wait(seconds):
            self.check(system)

    def pausing(self, system: str) -> "partial[None]":
        """Given a service, return how to wait for it: a function that takes seconds."""
        return partial(self.pause, system)
