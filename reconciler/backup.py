"""Audiences saved to files before they are deleted: everything in them, compressed, with a checksum."""

import gzip
import hashlib
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from reconciler.audience_record import ContactRecord, MergeFieldRecord
from reconciler.errors import BackupError
from reconciler.model import AudienceId, BaseRow, ListUid

SUFFIX = ".jsonl.gz"
_READ_AT_A_TIME = 1 << 20


class SavedHead(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a backup; a contact stands on each of the others."""

    client: str
    list_uid: ListUid
    list_name: str
    audience: AudienceId
    name: str
    permission_reminder: str
    saved_at: datetime
    contacts: int
    merge_fields: tuple[MergeFieldRecord, ...] = ()


class SavedContact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One contact, and what was remembered of it if it was ours."""

    contact: ContactRecord
    row: BaseRow | None = None


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was read and found whole."""

    path: Path
    checksum: str
    head: SavedHead
    contacts: tuple[SavedContact, ...]


def save_audience(
    folder: Path, head: SavedHead, contacts: Iterable[ContactRecord], rows: Mapping[str, BaseRow]
) -> Backup:
    """Given an audience and, by contact, the rows of those that are ours, save it and read it again.

    The file exists completely or not at all, with its SHA-256 beside it. Raise BackupError when it cannot
    be written, or when what was written is not what it should be.
    """
    name = (
        f"{_stem(head.client, head.list_uid)}{head.saved_at:%Y%m%dT%H%M%SZ}-{_plain(head.audience)}{SUFFIX}"
    )
    path = folder / name
    lines = (SavedContact(contact=one, row=rows.get(one.id)) for one in contacts)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _replacing(path) as file:
            _write_lines(file, head, lines)
        checksum = _checksum(path)
        with _replacing(_beside(path)) as file:
            file.write(f"{checksum}  {path.name}\n".encode())
        _sync_folder(folder)
    except OSError as error:
        raise BackupError(
            f"the backup of audience {head.audience} cannot be written to {folder}: {error.strerror}",
            advice="Make room or make the folder writable; the audience is deleted only after its backup.",
        ) from error
    return read_backup(path)


def read_backup(path: Path) -> Backup:
    """Given a backup's file, return what is in it. Raise BackupError when it is not what was written."""
    expected = _expected_checksum(path)
    try:
        if _checksum(path) != expected:
            raise BackupError(f"backup {path.name} was {_what_happened(path)} after it was written")
        with gzip.open(path) as lines:
            head = msgspec.json.decode(next(lines), type=SavedHead)
            decoder = msgspec.json.Decoder(SavedContact)
            contacts = tuple(decoder.decode(line) for line in lines)
    except OSError as error:
        raise BackupError(f"backup {path.name} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, StopIteration) as error:
        raise BackupError(f"backup {path.name} was not written by this version of the program") from error
    if len(contacts) != head.contacts:
        raise BackupError(f"backup {path.name} holds {len(contacts)} of {head.contacts} contacts")
    return Backup(path, expected, head, contacts)


def backups_of(folder: Path, client: str) -> tuple[tuple[Path, SavedHead], ...]:
    """Given a folder and a client, return its backups, newest first; files that are none are passed over."""
    heads = ((path, _head(path)) for path in folder.glob(f"*{SUFFIX}"))
    found = [(path, head) for path, head in heads if head is not None and head.client == client]
    return tuple(sorted(found, key=lambda one: (one[1].saved_at, one[0].name), reverse=True))


def newest_backup(folder: Path, client: str, list_uid: ListUid) -> Path | None:
    """Given a list, return the file of its newest backup; None if there is none.

    One that cannot be read counts: it must not give way to an older one in silence.
    """
    for path in sorted(folder.glob(f"{_stem(client, list_uid)}*{SUFFIX}"), reverse=True):
        head = _head(path)
        if head is None or (head.client, head.list_uid) == (client, list_uid):
            return path
    return None


def prune_backups(folder: Path, client: str, *, older_than: datetime) -> tuple[Path, ...]:
    """Given a moment, delete the client's backups from before it; return them.

    The newest backup of a list is never deleted.
    """
    newest: set[ListUid] = set()
    gone: list[Path] = []
    for path, head in backups_of(folder, client):
        if head.list_uid in newest and head.saved_at < older_than:
            path.unlink(missing_ok=True)
            _beside(path).unlink(missing_ok=True)
            gone.append(path)
        newest.add(head.list_uid)
    return tuple(gone)


def _stem(client: str, list_uid: ListUid) -> str:
    return f"{_plain(client)}-{_plain(list_uid)}-"


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text)


def _head(path: Path) -> SavedHead | None:
    try:
        with gzip.open(path) as lines:
            return msgspec.json.decode(lines.readline(), type=SavedHead)
    except (OSError, EOFError, zlib.error, msgspec.DecodeError):
        return None


def _write_lines(file: BinaryIO, head: SavedHead, contacts: Iterable[SavedContact]) -> None:
    encoder = msgspec.json.Encoder()
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
        packed.write(encoder.encode(head) + b"\n")
        for contact in contacts:
            packed.write(encoder.encode(contact) + b"\n")


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes its place when it is complete and on the disk."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    unfinished.replace(path)


def _sync_folder(folder: Path) -> None:
    """Without this a power cut could take the names of files that are safe themselves."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _expected_checksum(path: Path) -> str:
    try:
        words = _beside(path).read_text("ascii").split()
    except FileNotFoundError:
        missing = path if not path.exists() else _beside(path)
        raise BackupError(f"backup {path.name} cannot be trusted: {missing.name} is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"backup {path.name} cannot be trusted: its checksum cannot be read") from error
    if not words or not re.fullmatch(r"[0-9a-f]{64}", words[0]):
        raise BackupError(f"backup {path.name} cannot be trusted: {_beside(path).name} holds no checksum")
    return words[0]


def _what_happened(path: Path) -> str:
    try:
        with gzip.open(path) as packed:
            while packed.read(_READ_AT_A_TIME):
                pass
    except EOFError:
        return "cut short"
    except (OSError, zlib.error):
        return "altered"
    return "altered"
