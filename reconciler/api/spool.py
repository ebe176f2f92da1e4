"""Keeps bytes until they are asked for: as many as it may in memory, more in a file without a name."""

import os
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Final, TypeAlias

KEPT_IN_MEMORY: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OnDisk:
    """Where in the file the bytes are."""

    start: int
    length: int


Kept: TypeAlias = bytes | OnDisk


class Spool:
    """Bytes that wait. Those that cannot be put on disk, or not be read again, are all that is lost."""

    def __init__(self) -> None:
        self._in_memory = 0
        self._file: IO[bytes] | None = None

    def keep(self, body: bytes) -> Kept:
        """Given bytes, return what to ask for them with. Raise OSError if the disk has no room for them."""
        if self._in_memory + len(body) <= KEPT_IN_MEMORY:
            self._in_memory += len(body)
            return body
        if self._file is None:
            # Without a buffer a full disk shows when it is written to.
            self._file = TemporaryFile(buffering=0)  # noqa: SIM115 (the spool closes it)
        start = self._file.seek(0, os.SEEK_END)
        if self._file.write(body) != len(body):
            raise OSError("the file of waiting pages was not written to its end")
        return OnDisk(start, len(body))

    def take(self, kept: Kept) -> bytes:
        """Given what was kept, return its bytes. Raise OSError if the file does not hold them any more."""
        if isinstance(kept, bytes):
            return kept
        if self._file is None:
            raise OSError("the file of waiting pages is closed")
        self._file.seek(kept.start)
        body = self._file.read(kept.length)
        if len(body) != kept.length:
            raise OSError("the file of waiting pages ends too early")
        return body

    def close(self) -> None:
        """Let everything go."""
        if self._file is None:
            return
        file, self._file = self._file, None
        with suppress(OSError):  # nothing of it is needed, and the handle is free in any case
            file.close()
