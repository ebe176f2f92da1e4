"""Knows what a database's complaint means to an operator; never repeats a row's values or a password."""

import errno
import sqlite3

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from reconciler.errors import StoreError

_NOT_A_DATABASE = (
    "is not a database of this program",
    "Point state.url at another file, or put a backup of the database in its place.",
)
MEND = "Stop the daemon, keep a copy of the file, and put a backup in its place."
"""What to do about a damaged file."""
_DAMAGED = ("is damaged", MEND)
_READ_ONLY = (
    "cannot be written",
    "Give the user that runs the daemon the right to write the file and its folder.",
)
_CANNOT_OPEN = (
    "cannot be opened",
    "Check that the folder exists and that the user that runs the daemon may write in it.",
)
_FULL = (
    "cannot grow, the disk is full",
    "Make room on the disk; what was recorded before is safe, and the next pass does the rest.",
)
_LOCKED = (
    "was locked by another program for too long",
    "Look for a second daemon, a backup or a database shell that keeps it busy.",
)
_UNWRITABLE = (
    "cannot grow, the disk takes no more",
    "Make room, or raise the quota; what was recorded before is safe, and the next pass does the rest.",
)
_UNREADABLE = (
    "could not be read or written by the disk",
    "Check the disk; then run `reconciler db check`.",
)
_NO_CONNECTION = (
    "cannot be reached",
    "Check host, port, user and password in state.url, and that PostgreSQL runs.",
)
_NO_RIGHT = (
    "refuses this user",
    "Give the user of state.url the right to create and write tables in its schema.",
)

_BY_SQLITE_NAME = {
    "SQLITE_NOTADB": _NOT_A_DATABASE,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_PERM": _READ_ONLY,
    "SQLITE_CANTOPEN": _CANNOT_OPEN,
    "SQLITE_FULL": _FULL,
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    # A quota or a limit on the size of a file, unlike a full disk, has no name of its own in SQLite.
    "SQLITE_IOERR_WRITE": _UNWRITABLE,
    "SQLITE_IOERR_TRUNCATE": _UNWRITABLE,
    "SQLITE_IOERR_SHMSIZE": _UNWRITABLE,
    "SQLITE_IOERR_SHMMAP": _UNWRITABLE,
    "SQLITE_IOERR": _UNREADABLE,
}

_BY_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _UNWRITABLE,
    errno.EFBIG: _UNWRITABLE,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
    errno.EROFS: _READ_ONLY,
    errno.ENOENT: _CANNOT_OPEN,
    errno.EIO: _UNREADABLE,
    errno.EAGAIN: _LOCKED,
}

_BY_SQLSTATE = {
    "08": _NO_CONNECTION,
    "28": _NO_CONNECTION,
    "3D000": _NO_CONNECTION,
    "25006": _READ_ONLY,
    "42501": _NO_RIGHT,
    "53100": _FULL,
    "55P03": _LOCKED,
    "57P": _NO_CONNECTION,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}


def store_error(error: DBAPIError | PoolTimeout, place: str) -> StoreError:
    """Given a database's error and where the database stands, return it in words for the operator."""
    if isinstance(error, PoolTimeout):
        return _worded(place, _LOCKED)
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig, place)
    return _of_postgresql(error, place)


def is_damage(error: DBAPIError) -> bool:
    """Given a database's error, return whether a page of its file is damaged, and others can be read."""
    name: str = getattr(error.orig, "sqlite_errorname", "")
    return name.startswith("SQLITE_CORRUPT")


def log_error(error: OSError, place: str) -> StoreError:
    """Given what the system says of the log of nos, and where it stands, return it in words."""
    words = _BY_ERRNO.get(error.errno or 0)
    if words is None:
        return StoreError(f"The log of nos {place} failed: {error.strerror}.")
    what, advice = words
    return StoreError(f"The log of nos {place} {what}.", advice=advice)


def _of_sqlite(error: sqlite3.Error, place: str) -> StoreError:
    # Errors that Python's module raises by itself (a closed connection) have no name.
    name: str = getattr(error, "sqlite_errorname", "")
    for prefix, words in _BY_SQLITE_NAME.items():
        if name.startswith(prefix):
            return _worded(place, words)
    return StoreError(f"The state database {place} failed: {error}.")


def _of_postgresql(error: DBAPIError, place: str) -> StoreError:
    # `sqlstate` and `diag` are psycopg's, which is not installed where SQLite is used.
    state: str = getattr(error.orig, "sqlstate", None) or ""
    for prefix, words in _BY_SQLSTATE.items():
        if state.startswith(prefix):
            return _worded(place, words)
    if error.connection_invalidated or (not state and isinstance(error, OperationalError)):
        return _unreachable(error, place)
    # Only the primary message: the detail of an error names the values of the row.
    primary: str = getattr(getattr(error.orig, "diag", None), "message_primary", None) or state
    return StoreError(f"The state database {place} failed: {primary}.")


def _unreachable(error: DBAPIError, place: str) -> StoreError:
    what, advice = _NO_CONNECTION
    first_line, *_ = str(error.orig).splitlines() or [""]
    *_, reason = first_line.split("failed: ")  # libpq repeats where it connected; its texts have no password
    return StoreError(f"The state database {place} {what}: {reason or 'no reason given'}.", advice=advice)


def _worded(place: str, words: tuple[str, str]) -> StoreError:
    what, advice = words
    return StoreError(f"The state database {place} {what}.", advice=advice)
