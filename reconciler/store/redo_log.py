"""Knows the file of the log of nos: one checksummed line a fact, appended, read, and written anew."""

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from reconciler.errors import StoreError
from reconciler.store.facts import Fact
from reconciler.store.failures import log_error

PATIENCE_SECONDS: Final = 30
_MARK_BYTES: Final = 8
_CHECKSUM: Final = 16
"""Hexadecimal digits of a line's SHA-256 that stand before it."""
_TAIL_BYTES: Final = 1 << 16
_TOLD: Final = 10


class Position(msgspec.Struct, frozen=True):
    """A line of a log; the mark tells it from the line of that number in any other log."""

    number: int
    mark: str


class Head(msgspec.Struct, frozen=True, tag="head"):
    """The first line, of number 0."""

    number: int
    mark: str
    key: str
    """What the hashes of this log were made with."""


class Entry(msgspec.Struct, frozen=True, tag="entry"):
    """Any other line."""

    number: int
    mark: str
    fact: Fact


Line: TypeAlias = Head | Entry

_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


class DamagedLog(StoreError):
    """A line of the log is not what was written."""


@dataclass(frozen=True, slots=True)
class LogContents:
    """All of a log."""

    head: Head
    entries: tuple[Entry, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """All of its lines."""
        return (self.head, *self.entries)

    @property
    def end(self) -> Position:
        """Its last line."""
        return Position(self.lines[-1].number, self.lines[-1].mark)

    def after(self, position: Position | None) -> tuple[Entry, ...] | None:
        """Given a line, return the entries after it; None when this log has no such line."""
        lines = self.lines
        if position is None or position.number >= len(lines) or lines[position.number].mark != position.mark:
            return None
        return self.entries[position.number :]


class RedoLog:
    """The file. Whoever changes it holds it."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path

    def end(self) -> Position | None:
        """Return its last line; None when there is none. Raise StoreError if it cannot be read."""
        try:
            with self.path.open("rb") as file:
                return _end(file.fileno(), self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise log_error(error, str(self.path)) from error

    def read(self) -> LogContents | None:
        """Return all of it; None when there is none. Raise StoreError if it cannot be read or is damaged."""
        try:
            return _contents(self.path.read_bytes(), self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise log_error(error, str(self.path)) from error

    @contextmanager
    def held(self, *, for_writing: bool = True) -> Iterator["HeldLog"]:
        """Yield the log while nobody else changes it. Raise StoreError if it cannot be opened or is held."""
        with ExitStack() as opened:
            held = HeldLog(self.path, opened)
            try:
                held.open(for_writing=for_writing)
            except OSError as error:
                raise log_error(error, str(self.path)) from error
            yield held


class HeldLog:
    """The log, which nobody else changes meanwhile."""

    def __init__(self, path: Path, opened: ExitStack) -> None:
        self._path = path
        self._opened = opened
        self._file = -1

    def open(self, *, for_writing: bool) -> None:
        """Open the file, made if it is to be written, and wait until nobody else holds it."""
        flags = os.O_RDONLY
        if for_writing:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        patiently = Retrying(
            retry=retry_if_exception_type(BlockingIOError),
            wait=wait_fixed(0.01),
            stop=stop_after_delay(PATIENCE_SECONDS),
            reraise=True,
        )
        while True:
            self._file = self._keep_open(os.open(self._path, flags | os.O_CLOEXEC, 0o600))
            patiently(fcntl.flock, self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._is_still_the_file():
                return

    def end(self) -> Position | None:
        """Return its last line; None when it is empty."""
        try:
            return _end(self._file, self._path)
        except OSError as error:
            raise log_error(error, str(self._path)) from error

    def contents(self) -> LogContents | None:
        """Return all of it; None when it is empty. Raise DamagedLog if a line is not what was written."""
        try:
            return _contents(_read_all(self._file), self._path)
        except OSError as error:
            raise log_error(error, str(self._path)) from error

    def append(self, facts: Iterable[Fact]) -> Position:
        """Given facts, add them, on the disk when this returns; return the last line.

        A line that a power cut left torn gives way. Raise StoreError if they cannot be written; then none is
        there, as far as the disk allows.
        """
        end = self.end()
        if end is None:
            raise StoreError(f"The log of nos {self._path} has no beginning.")
        lines = [_entry(end.number + place, fact) for place, fact in enumerate(facts, 1)]
        try:
            _, whole = _last_line(self._file)
            os.ftruncate(self._file, whole)
            try:
                _write(self._file, b"".join(map(_encoded, lines)))
                os.fsync(self._file)
            except OSError:
                os.ftruncate(self._file, whole)
                raise
        except OSError as error:
            raise log_error(error, str(self._path)) from error
        return Position(lines[-1].number, lines[-1].mark) if lines else end

    def write_anew(self, key: str, facts: Iterable[Fact]) -> Position:
        """Given the key of the hashes and all facts, let a new log take this one's place; return its end."""
        head = Head(0, secrets.token_hex(_MARK_BYTES), key)
        entries = tuple(_entry(number, fact) for number, fact in enumerate(facts, 1))
        contents = LogContents(head, entries)
        self.replace(contents)
        return contents.end

    def replace(self, contents: LogContents) -> None:
        """Given other contents, let them take the place of these, whole or not at all."""
        unfinished = self._path.with_name(f".{self._path.name}.unfinished")
        try:
            file = self._keep_open(
                os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
            )
            # Held before it has its name: nobody may write to it before we are done.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                _write(file, b"".join(map(_encoded, contents.lines)))
                os.fsync(file)
                unfinished.replace(self._path)
            except OSError:
                unfinished.unlink(missing_ok=True)
                raise
            self._file = file
            _sync_folder(self._path.parent)
        except OSError as error:
            raise log_error(error, str(self._path)) from error

    def _keep_open(self, file: int) -> int:
        self._opened.callback(os.close, file)
        return file

    def _is_still_the_file(self) -> bool:
        """Whoever held it before may have put another one in its place."""
        try:
            return os.path.samestat(os.fstat(self._file), self._path.stat())
        except FileNotFoundError:
            return False


def _entry(number: int, fact: Fact) -> Entry:
    return Entry(number, secrets.token_hex(_MARK_BYTES), fact)


def _encoded(line: Line) -> bytes:
    payload = msgspec.json.encode(line)
    return b"%s %s\n" % (_checksum(payload), payload)


def _checksum(payload: bytes) -> bytes:
    return sha256(payload).hexdigest()[:_CHECKSUM].encode()


def _decoded(line: bytes) -> Line | None:
    """None where it is not what was written."""
    checksum, _, payload = line.partition(b" ")
    if checksum != _checksum(payload):
        return None
    try:
        return _decoder.decode(payload)
    except msgspec.DecodeError:
        return None


def _contents(text: bytes, path: Path) -> LogContents | None:
    """What stands after the last line's end was torn off by a power cut: nobody was told that it is kept."""
    *written, _torn = text.split(b"\n")
    if not written:
        return None
    lines = [_decoded(line) for line in written]
    head, entries = lines[0], [line for line in lines[1:] if isinstance(line, Entry)]
    damaged = _damaged(lines)
    if not isinstance(head, Head) or damaged:
        raise _told(path, damaged or [1], len(lines))
    return LogContents(head, tuple(entries))


def _damaged(lines: Sequence[Line | None]) -> list[int]:
    """The lines, counted from 1, that are not what was written there."""
    return [place for place, line in enumerate(lines, 1) if line is None or line.number != place - 1]


def _told(path: Path, damaged: Sequence[int], count: int) -> DamagedLog:
    lines = "line" if len(damaged) == 1 else "lines"
    which = ", ".join(map(str, damaged[:_TOLD])) + (", …" if len(damaged) > _TOLD else "")
    return DamagedLog(
        f"The log of nos {path} is damaged: {lines} {which} of {count:,} are not what was written.",
        advice="Put a whole copy of it back. If there is none, move it away, and it is written anew from the "
        "database; whoever said no after the database was backed up is then known to nobody.",
    )


def _end(file: int, path: Path) -> Position | None:
    line, _ = _last_line(file)
    if not line:
        return None
    last = _decoded(line)
    if last is None:
        count = _read_all(file).count(b"\n")
        raise _told(path, [count], count)
    return Position(last.number, last.mark)


def _last_line(file: int) -> tuple[bytes, int]:
    """The last line that is not torn, empty if there is none, and where it ends."""
    size = os.fstat(file).st_size
    start = max(0, size - _TAIL_BYTES)
    tail = os.pread(file, size - start, start)
    if start and tail.count(b"\n") < 2:  # noqa: PLR2004 (the end of the last line and of the one before)
        start, tail = 0, _read_all(file)
    end = tail.rfind(b"\n")
    return tail[:end].rpartition(b"\n")[2] if end >= 0 else b"", start + end + 1


def _read_all(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)


def _write(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def _sync_folder(folder: Path) -> None:
    """Without this a power cut could take the name of a file that is safe itself."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
