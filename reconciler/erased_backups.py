"""Takes people out of the audiences that were saved before they were deleted."""

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from reconciler.backup import SavedContact, backups_of, read_backup, save_audience
from reconciler.erased_plan import IsErased
from reconciler.errors import BackupError, in_words


def backups_with(folder: Path, client: str, is_erased: IsErased) -> tuple[str, ...]:
    """Given a client and who is erased, return the names of its backups that hold them."""
    return tuple(path.name for path in _telling(folder, client, is_erased))


def erase_from_backups(folder: Path, client: str, is_erased: IsErased) -> tuple[str, ...]:
    """Given who is erased, write each backup that holds them anew without them; return their names.

    Each has a new checksum. Raise BackupError when one cannot be written.
    """
    rewritten: list[str] = []
    for path in _telling(folder, client, is_erased):
        backup = read_backup(path)
        left = [saved for saved in backup.contacts if not _tells(saved, is_erased)]
        rows = {saved.contact.id: saved.row for saved in left if saved.row is not None}
        new = save_audience(
            folder, replace(backup.head, contacts=len(left)), [saved.contact for saved in left], rows
        )
        if new.path != path:  # somebody gave it another name
            path.unlink()
            path.with_name(f"{path.name}.sha256").unlink(missing_ok=True)
        rewritten.append(path.name)
    return tuple(rewritten)


def unreadable_backups(folder: Path, client: str) -> tuple[str, ...]:
    """Given a client, return which of its backups cannot be read, and why: nobody knows whom they hold."""
    problems: list[str] = []
    for path, _ in backups_of(folder, client):
        try:
            read_backup(path)
        except BackupError as error:
            problems.append(in_words(error))
    return tuple(problems)


def _telling(folder: Path, client: str, is_erased: IsErased) -> Iterator[Path]:
    for path, _ in backups_of(folder, client):
        try:
            contacts = read_backup(path).contacts
        except BackupError:
            continue
        if any(_tells(saved, is_erased) for saved in contacts):
            yield path


def _tells(saved: SavedContact, is_erased: IsErased) -> bool:
    # Whoever changed their address in Mailchimp is known by the old one in the row.
    row = saved.row
    of_row = row is not None and (is_erased(row.address) or any(map(is_erased, row.persons)))
    return is_erased(saved.contact.address) or of_row
