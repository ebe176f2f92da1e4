"""Knows how signals reach the main thread one after the other, without ever interrupting its work."""

import os
import select
import signal
import socket
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Self

WATCHED = (signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
LAST_WORDS = 128
"""A process that a signal ends exits with this and the signal's number, as shells say."""


class SignalPipe:
    """The signals that arrive. A signal only leaves its number in a pipe: nothing can be half done.

    Use it as a context in the main thread.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._old_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in WATCHED:
            self._before[number] = signal.signal(number, _noted_already)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in WATCHED:
            signal.signal(number, self._before[number])  # type: ignore[arg-type]  # what `signal` gave
        signal.set_wakeup_fd(self._old_fd)
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float) -> Sequence[int]:
        """Given how long to wait, return the signals that arrived, in order; none if none did."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        return [number for number in self._reader.recv(4096) if number in WATCHED] if ready else []

    def end_at_next(self) -> None:
        """From now on let SIGTERM and SIGINT end the process at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end_now)


def _noted_already(_number: int, _frame: FrameType | None) -> None:
    """The number is in the pipe."""


def _end_now(number: int, _frame: FrameType | None) -> None:
    # Not by sys.exit, which would wait for threads. The state is safe: every transaction is whole.
    os._exit(LAST_WORDS + number)
