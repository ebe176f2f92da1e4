"""Knows how to wait for an answer no longer, and to read no more of it, than any honest answer needs."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

import requests

MOST_BYTES = 32 * 1024 * 1024
"""Unpacked. A page of 1000 contacts is one or two million bytes."""
PIECE = 64 * 1024
LOOKS_EVERY = 0.25

T = TypeVar("T")


class TooLong(requests.RequestException):
    """The answer did not end in time."""


class TooLarge(requests.RequestException):
    """The answer is larger than any honest one."""


class Courier:
    """Does work in a thread of its own, so that whoever waits for it can give it up.

    The thread stays for the next piece of work: a new one for each costs as much as a request.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[Callable[[], None] | None] | None = None

    def in_time(self, work: Callable[[], T], *, seconds: float, meanwhile: Callable[[], None]) -> T:
        """Given work, return what it returns; `meanwhile` is called while it lasts, and may raise.

        Raise TooLong after so many seconds. What was given up goes on in a thread that nobody waits for, not
        even the end of the process: what hangs in a socket cannot be called back.
        """
        answer: Future[T] = Future()
        self._begin(partial(_do, work, answer))
        ends = time.monotonic() + seconds
        try:
            while not wait([answer], min(LOOKS_EVERY, seconds)).done:
                meanwhile()
                if time.monotonic() >= ends:
                    raise TooLong(f"no whole answer within {seconds:g} seconds")
        finally:
            if not answer.done():
                self.close()
        return answer.result()

    def close(self) -> None:
        """Let the thread end as soon as it can; whoever still has work gets another."""
        if self._tasks is not None:
            self._tasks.put(None)
            self._tasks = None

    def _begin(self, task: Callable[[], None]) -> None:
        if self._tasks is None:
            self._tasks = SimpleQueue()
            Thread(target=_do_each, args=(self._tasks,), name="request", daemon=True).start()
        self._tasks.put(task)


def _do(work: Callable[[], T], answer: Future[T]) -> None:
    try:
        answer.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
        answer.set_exception(error)


def _do_each(tasks: "SimpleQueue[Callable[[], None] | None]") -> None:
    while (task := tasks.get()) is not None:
        task()
        del task  # or what it answered would be held until the next one


def body_of(response: requests.Response, most_bytes: int) -> bytes:
    """Given an answer whose body was not read yet, return it unpacked.

    It is unpacked piece by piece, because a few bytes can unpack to more than there is memory. Raise
    TooLarge.
    """
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_content(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > most_bytes:
            raise TooLarge(f"the answer is larger than {most_bytes} bytes")
    return b"".join(pieces)
