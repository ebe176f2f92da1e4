"""Knows which version of the tables a database has, and brings it to the one this program needs."""

from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from reconciler.errors import StoreError
from reconciler.store.connection import Database
from reconciler.store.tables import metadata

VERSION_TABLE: Final = "reconciler_version"
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_ADVISORY_LOCK: Final = 0x5EC0_C11E  # any number will do, as long as every version uses the same


def newest_version() -> str:
    """Return the version of the tables that this program needs."""
    return _scripts().get_heads()[0]


def stored_version(connection: Connection) -> str | None:
    """Given a connection, return the version of its tables; None when there are none."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def require_version(database: Database) -> None:
    """Given a database, do nothing if this program can use it as it is. Raise StoreError otherwise."""
    with database.reading() as connection:
        version = _known_version(connection, database.place)
    if version != newest_version():
        raise StoreError(
            f"The state database {database.place} has the tables of version {version or 'none'}, "
            f"this program needs {newest_version()}.",
            advice="Run `reconciler db upgrade`.",
        )


def upgrade(database: Database) -> None:
    """Given a database, bring its tables to the newest version, whole or not at all.

    Raise StoreError when they are newer than this program, or when the database is another program's.
    """
    with database.reading() as connection:
        if _known_version(connection, database.place) == newest_version():
            return
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        if _known_version(connection, database.place) == newest_version():
            return  # another process was quicker
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _known_version(connection: Connection, place: str) -> str | None:
    version = stored_version(connection)
    if version is None:
        _refuse_foreign_tables(connection, place)
    elif version not in {script.revision for script in _scripts().walk_revisions()}:
        raise StoreError(
            f"The state database {place} was written by a newer version of this program "
            f"(its tables are of version {version}, this program knows {newest_version()}).",
            advice="Install the newer version again, or restore a backup from before the upgrade.",
        )
    return version


def _refuse_foreign_tables(connection: Connection, place: str) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if taken:
        raise StoreError(
            f"The state database {place} belongs to another program: it has a table {taken[0]!r} of its own.",
            advice="Point state.url at a file that does not exist yet, or at an empty database.",
        )


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_MIGRATIONS))
