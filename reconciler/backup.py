"""Audiences saved to files before they are deleted: every contact, compressed, with a checksum."""

import gzip
import hashlib
import os
import re
from datetime import datetime
from pathlib import Path

import msgspec

from reconciler.errors import StoreError
from reconciler.model import Audience, ContactSnapshot


class SavedContact(msgspec.Struct, frozen=True):
    """One contact of a backup."""

    email: str
    status: str
    fields: dict[str, str]
    contact_id: str


class SavedAudience(msgspec.Struct, frozen=True):
    """The first line of a backup; a contact stands on each of the others."""

    audience: str
    name: str
    permission_reminder: str
    saved_at: datetime
    contacts: int


def save_audience(
    folder: Path, client: str, audience: Audience, contacts: ContactSnapshot, now: datetime
) -> Path:
    """Given an audience and its contacts, save them; return the file, beside which its SHA-256 stands.

    The file exists completely or not at all. Raise StoreError when it cannot be written.
    """
    head = SavedAudience(
        audience.id, audience.name, audience.permission_reminder, now, len(contacts.contacts)
    )
    rows = (
        SavedContact(contact.address, contact.standing, dict(contact.fields), contact.contact_id)
        for contact in contacts.contacts
    )
    packed = gzip.compress(msgspec.json.Encoder().encode_lines([head, *rows]), mtime=0)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{client}-{audience.id}-{now:%Y%m%dT%H%M%SZ}.jsonl.gz")
    path = folder / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, packed)
        _write(path.with_name(f"{name}.sha256"), f"{hashlib.sha256(packed).hexdigest()}  {name}\n".encode())
    except OSError as error:
        raise StoreError(
            f"The backup of audience {audience.id} cannot be written to {folder}: {error.strerror}.",
            advice="Make room or make the folder writable; the audience is deleted only after its backup.",
        ) from error
    return path


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
