"""Examines a state database without changing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select

from reconciler.store.open import open_database, redo_of
from reconciler.store.schema import newest_version, stored_version
from reconciler.store.tables import meta, metadata

_PROBLEMS_TOLD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseReport:
    """What an examination of the state database found."""

    place: str
    kind: str
    version: str | None
    """The version of its tables; None when it has none."""
    newest: str
    """The version this program needs."""
    rows: Mapping[str, int]
    """How many rows each table has."""
    problems: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Whether it is sound and up to date."""
        return not self.problems


def check_database(url: str, *, log_folder: Path | None = None) -> DatabaseReport:
    """Given a database's URL, return what is to be said about it. Raise StoreError if it cannot be read.

    So is its log of nos, which is beside the file; for PostgreSQL it is in `log_folder`.
    """
    redo = redo_of(url, log_folder)
    database = open_database(url, create=False)
    try:
        with database.reading() as connection:
            version = stored_version(connection)
            present = set(inspect(connection).get_table_names())
            return DatabaseReport(
                place=database.place,
                kind="SQLite" if database.is_sqlite else "PostgreSQL",
                version=version,
                newest=newest_version(),
                rows=_rows(connection, present),
                problems=(
                    *_version_problems(version),
                    *(f"table {name} is missing" for name in sorted(set(metadata.tables) - present)),
                    *(_file_problems(connection) if database.is_sqlite else ()),
                    *(() if redo is None or meta.name not in present else redo.problems(connection)),
                ),
            )
    finally:
        database.close()


def _version_problems(version: str | None) -> tuple[str, ...]:
    if version == newest_version():
        return ()
    return (f"its tables are of version {version or 'none'}, this program needs {newest_version()}",)


def _file_problems(connection: Connection) -> tuple[str, ...]:
    damages = connection.exec_driver_sql(f"PRAGMA integrity_check({_PROBLEMS_TOLD})").scalars().all()
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return (
        *(damage for damage in damages if damage != "ok"),
        *(f"a row of {orphan[0]} points at no row of {orphan[2]}" for orphan in orphans[:_PROBLEMS_TOLD]),
    )


def _rows(connection: Connection, present: set[str]) -> Mapping[str, int]:
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
        if table.name in present
    }
