"""Examines a state database without changing it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, Table, func, inspect, select
from sqlalchemy.exc import DBAPIError

from reconciler.store.failures import MEND, is_damage
from reconciler.store.open import open_database, redo_of
from reconciler.store.schema import newest_version, stored_version
from reconciler.store.tables import meta, metadata

_PROBLEMS_TOLD: Final = 20
_DAMAGES_LOOKED_FOR: Final = 1000
_TREE: Final = re.compile(r"\bTree (\d+)\b")
"""How SQLite names the table or index that a damaged page belongs to: by its first page."""

_NO_DAMAGE: Final = ("ok", "*** in database main ***")
_LOG: Final = "what its log of nos is compared with"

T = TypeVar("T")


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
    advice: str = ""
    """What to do about it."""

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
            whole = _Whole(connection)
            present = set(inspect(connection).get_table_names())
            version = whole.read("the version of its tables", stored_version, None)
            rows = {
                table.name: whole.read(f"table {table.name}", _counting(table), None)
                for table in metadata.sorted_tables
                if table.name in present
            }
            damages = _damages(connection) if database.is_sqlite else ()
            nothing: Sequence[str] = ()
            problems = (
                *(() if whole.damaged else _version_problems(version)),
                *(f"table {name} is missing" for name in sorted(set(metadata.tables) - present)),
                *(whole.read("what points at what", _orphans, nothing) if database.is_sqlite else ()),
                *damages,
                *(
                    ()
                    if redo is None or meta.name not in present
                    else whole.read(_LOG, redo.problems, nothing)
                ),
            )
            connection.rollback()  # SQLite commits nothing after it met a damage, not even a reading
            return DatabaseReport(
                place=database.place,
                kind="SQLite" if database.is_sqlite else "PostgreSQL",
                version=version,
                newest=newest_version(),
                rows={name: count for name, count in rows.items() if count is not None},
                problems=(*(f"{what} cannot be read" for what in whole.damaged), *problems),
                advice=MEND if whole.damaged or damages else "",
            )
    finally:
        database.close()


class _Whole:
    """Reads on where a page is damaged, and notes what that kept it from reading."""

    def __init__(self, connection: Connection) -> None:
        self.damaged: list[str] = []
        self._connection = connection

    def read(self, what: str, how: Callable[[Connection], T], otherwise: T) -> T:
        try:
            return how(self._connection)
        except DBAPIError as error:
            if not is_damage(error):
                raise
            self.damaged.append(what)
            return otherwise


def _counting(table: Table) -> Callable[[Connection], int | None]:
    return lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one()


def _version_problems(version: str | None) -> tuple[str, ...]:
    if version == newest_version():
        return ()
    return (f"its tables are of version {version or 'none'}, this program needs {newest_version()}",)


def _orphans(connection: Connection) -> Sequence[str]:
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [f"a row of {orphan[0]} points at no row of {orphan[2]}" for orphan in orphans[:_PROBLEMS_TOLD]]


def _damages(connection: Connection) -> Sequence[str]:
    """SQLite gives up at some damages, so then each table is examined by itself."""
    whole = _told(connection, str(_DAMAGES_LOOKED_FOR), "the file is damaged")
    if not whole:
        return ()
    found = connection.exec_driver_sql("SELECT rootpage, type, name FROM sqlite_master").all()
    names = {str(page): f"{kind} {name}" for page, kind, name in found}
    tables = [
        _told(connection, f'"{name}"', f"table {name} or an index of it is damaged")
        for _, kind, name in found
        if kind == "table"
    ]
    lines = dict.fromkeys(line for told in tables for line in told) or dict.fromkeys(whole)
    by_tree = groupby(sorted(lines, key=_tree_of), _tree_of)
    return [line for tree, of_tree in by_tree for line in _shortly(names.get(tree), list(of_tree))]


def _shortly(name: str | None, lines: Sequence[str]) -> Sequence[str]:
    """One damaged page can be told a hundred times."""
    if name is None:
        return lines[:_PROBLEMS_TOLD]
    rest = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return [f"{name} is damaged: {lines[0]}{rest}"]


def _told(connection: Connection, what: str, if_it_gives_up: str) -> Sequence[str]:
    told: list[str] = []
    try:
        for damage in connection.exec_driver_sql(f"PRAGMA integrity_check({what})").scalars():
            told += [line for line in damage.splitlines() if line not in _NO_DAMAGE]
    except DBAPIError as error:
        if not is_damage(error):
            raise
        told.append(if_it_gives_up)
    return told


def _tree_of(line: str) -> str:
    found = _TREE.search(line)
    return found[1] if found else ""
