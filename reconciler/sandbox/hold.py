"""Keeps a sandbox's folder for one process at a time: two would save over each other's world."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_NAME = ".in-use"


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Given a folder, keep it until the end. Raise BlockingIOError if another process has it."""
    with (folder / LOCK_NAME).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise BlockingIOError(taken.errno, "another sandbox runs on it; stop that one first") from None
        yield
