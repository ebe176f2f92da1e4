"""Opens the state database: makes the file if there is none, and says clearly why it cannot be used."""

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from reconciler.errors import StoreError
from reconciler.store.connection import Database
from reconciler.store.redo import Redo
from reconciler.store.redo_log import RedoLog
from reconciler.store.schema import newest_version, require_version, stored_version, upgrade
from reconciler.store.store import Store
from reconciler.store.tables import meta

_FORMS = "Write sqlite:///state/reconciler.db or postgresql+psycopg://user:password@host/database."
_RIGHTS = "Give the user that runs the daemon the right to write the file and its folder."


def open_store(url: str, *, migrate: bool = True, log_folder: Path | None = None) -> Store:
    """Given the URL of a database, return its store, with its tables and its nos brought up to date.

    The log of nos is beside the file of the database; for PostgreSQL it is in `log_folder`, and not kept if
    that is not told. With `migrate` off nothing is changed: the tables must be there and of this version.
    Raise StoreError if the database cannot be used.
    """
    database = open_database(url, create=migrate)
    database.keeper = redo = redo_of(url, log_folder)
    try:
        if migrate:
            upgrade(database)
            if redo is not None:
                redo.settle_on_opening(database)
        else:
            require_version(database)
        with database.reading() as connection:
            key = connection.execute(select(meta.c.value).where(meta.c.name == "address_key")).scalar_one()
    except BaseException:
        database.close()
        raise
    return Store(database, redo, address_key=bytes.fromhex(key))


def redo_of(url: str, log_folder: Path | None) -> Redo | None:
    """Given the URL of a database, return what keeps its log of nos, beside its file if it is one.

    Any other database has its log in the folder, or none where no folder is told.
    """
    parsed = _parse(url, "state.url")
    if parsed.get_backend_name() == "sqlite":
        path = Path(parsed.database or "")
        return Redo(RedoLog(path.with_name(f"{path.name}.nos")))
    return None if log_folder is None else Redo(RedoLog(log_folder / f"{parsed.database}.nos"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """What an upgrade of the tables did."""

    place: str
    before: str | None
    """The version of the tables before; None when there were none."""
    after: str


def upgrade_database(url: str) -> Upgrade:
    """Given the URL of a database, bring its tables up to date. Raise StoreError if it cannot be used."""
    database = open_database(url, create=True)
    try:
        with database.reading() as connection:
            before = stored_version(connection)
        upgrade(database)
        return Upgrade(place=database.place, before=before, after=newest_version())
    finally:
        database.close()


def open_database(url: str, *, create: bool, called: str = "state.url") -> Database:
    """Given a URL and what an error calls it, return its database, whatever its tables are.

    Raise StoreError if the URL is no good.
    """
    parsed = _parse(url, called)
    if parsed.get_backend_name() == "sqlite":
        path = Path(parsed.database or "")
        _prepare_file(path, create=create)
        return Database(parsed, place=str(path))
    shown = parsed.set(query={}).render_as_string(hide_password=True)
    return Database(parsed, place=shown)


def _parse(url: str, called: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Without its cause: the text of a malformed URL may hold a password.
        raise StoreError(f"{called} is not the URL of a database.", advice=_FORMS) from None
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise StoreError(f"{called} names {parsed.drivername}, which is not supported.", advice=_FORMS)
    if parsed.host and "@" in parsed.host:
        raise StoreError(f"The password in {called} holds an '@'.", advice="Write it as %40.")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StoreError(f"{called} names no file, but the state must survive a restart.", advice=_FORMS)
    return parsed


def _prepare_file(path: Path, *, create: bool) -> None:
    if not path.exists():
        if not create:
            raise StoreError(f"There is no state database at {path}.", advice="Run `reconciler db upgrade`.")
        _create_file(path)
    if path.is_dir():
        raise StoreError(f"The state database {path} is a folder.", advice="Name a file in state.url.")
    # A write-ahead log stands beside the file, so the folder must be writable too.
    for needed, what in ((path, "file"), (path.parent, "folder")):
        if not os.access(needed, os.R_OK | os.W_OK, effective_ids=True):
            raise StoreError(
                f"The state database {path} cannot be written: its {what} is read-only.", advice=_RIGHTS
            )


def _create_file(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite gives its log the same mode
    except OSError as error:
        raise StoreError(
            f"The state database {path} cannot be created: {error.strerror}.", advice=_RIGHTS
        ) from error
