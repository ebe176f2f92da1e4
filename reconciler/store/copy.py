"""Moves the whole state from one database to another, of either kind: all of it, or nothing."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Table, delete, func, insert, inspect, select, text

from reconciler.errors import LockHeld, StoreError
from reconciler.process import is_gone
from reconciler.store.connection import Database
from reconciler.store.open import open_database, redo_of
from reconciler.store.schema import upgrade
from reconciler.store.tables import locks, meta, metadata, rests

Tell: TypeAlias = Callable[[str, int, int], None]
"""Gets the table that is being copied, how many rows of all tables are copied, and of how many."""

_BATCH: Final = 1000
# A lock speaks of a process that works on the one database, never on the other. That a list rests is found
# out anew: it would end with every row of its base that arrives.
_COPIED: Final = tuple(table for table in metadata.sorted_tables if table not in {locks, rests})
_Rows: TypeAlias = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCopy:
    """What was copied."""

    source: str
    target: str
    rows: Mapping[str, int]
    """How many rows of each table."""


def copy_state(
    source_url: str, target_url: str, *, now: datetime, tell: Tell, log_folder: Path | None = None
) -> StateCopy:
    """Given two databases, copy all of the first into the second, whole or not at all.

    The first takes up what it lacks of its log of nos before, and the second begins one of its own. Both get
    the newest tables; nobody can write to either meanwhile. Raise StoreError if one cannot be used or the
    second holds anything already, LockHeld if somebody works on one of them.
    """
    redo = redo_of(source_url, log_folder)

    def prepare(source: Database) -> None:
        upgrade(source)
        if redo is not None:
            source.keeper = redo
            redo.settle(source)

    with (
        closing(open_database(source_url, create=False)) as source,
        _frozen(source, now, prepare=prepare) as still,
        closing(open_database(target_url, create=True, called="--to")) as target,
    ):
        _require_another(source, target)
        with _frozen(target, now, prepare=_prepare_target) as into:
            _require_empty(into, target.place)
            _copy_tables(source, into, expected=_counts(still), tell=tell)
            if not target.is_sqlite:
                _set_sequences(into)
            # Asked once more: had the source lost its connection, it could have been written to meanwhile.
            rows = _require_equal(_counts(still), _counts(into))
        return StateCopy(source=source.place, target=target.place, rows=rows)


@contextmanager
def _frozen(
    database: Database, now: datetime, *, prepare: Callable[[Database], None]
) -> Iterator[Connection]:
    """Yield a connection while nobody else can write and no pass can begin."""
    prepare(database)
    with database.writing() as connection:
        if not database.is_sqlite:  # SQLite has one writer at a time anyway
            names = ", ".join(table.name for table in metadata.sorted_tables)
            connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))
        _require_idle(connection, database.place, now)
        yield connection


def _require_idle(connection: Connection, place: str, now: datetime) -> None:
    for row in connection.execute(select(locks).order_by(locks.c.client)):
        if row.expires > now and not is_gone(row.process):
            raise LockHeld(
                f"The state database {place} is in use: {row.client} is held by {row.holder}, "
                f"since {row.since:%Y-%m-%d %H:%M:%S} UTC.",
                advice="End the daemon and wait for every pass. If it was killed, its lock ends at "
                f"{row.expires:%H:%M:%S} UTC by itself.",
            )


def _require_another(source: Database, target: Database) -> None:
    """A copy has the key of its source, so this also finds one file under two names, and a second copy."""
    if _key(source) == _key(target):
        raise StoreError(
            f"The state database {target.place} is the one that is to be copied, or a copy of it.",
            advice="Name a database that holds nothing yet.",
        )


def _key(database: Database) -> str | None:
    with database.reading() as connection:
        if not inspect(connection).has_table(meta.name):
            return None
        return connection.execute(select(meta.c.value).where(meta.c.name == "address_key")).scalar()


def _prepare_target(target: Database) -> None:
    """Looked at before its tables are brought up to date: a database that is refused stays as it was."""
    with target.reading() as connection:
        _require_empty(connection, target.place)
    upgrade(target)


def _require_empty(connection: Connection, place: str) -> None:
    present = set(inspect(connection).get_table_names())
    for table in _COPIED:
        if table is meta or table.name not in present:
            continue
        if connection.execute(select(text("1")).select_from(table).limit(1)).first() is not None:
            raise StoreError(
                f"The state database {place} is not empty: its table {table.name!r} holds rows. "
                "Nothing was copied.",
                advice="Name a file that does not exist yet, or an empty database.",
            )


def _copy_tables(source: Database, into: Connection, *, expected: Mapping[str, int], tell: Tell) -> None:
    total = sum(expected.values())
    done = 0
    into.execute(delete(meta))  # its own key: the history of the other one would be unreadable with it
    for table in _COPIED:
        tell(table.name, done, total)
        with closing(_batches(source, table)) as batches:
            for rows in batches:
                into.execute(insert(table), rows)
                done += len(rows)
                tell(table.name, done, total)


def _batches(source: Database, table: Table) -> Generator[_Rows, None, None]:
    # On a connection of its own: a trouble of the source's is then told of the source, not of the target.
    with source.reading() as connection:
        result = connection.execution_options(yield_per=_BATCH).execute(
            select(table).order_by(*table.primary_key)
        )
        for rows in result.mappings().partitions():
            yield [dict(row) for row in rows]


def _set_sequences(connection: Connection) -> None:
    for table in _COPIED:
        column = table.autoincrement_column
        if column is None:
            continue
        largest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        connection.execute(select(func.setval(sequence, largest, False)))


def _counts(connection: Connection) -> Mapping[str, int]:
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in _COPIED
    }


def _require_equal(wanted: Mapping[str, int], found: Mapping[str, int]) -> Mapping[str, int]:
    for name, count in wanted.items():
        if found[name] != count:
            raise StoreError(
                f"Of the {count:,} rows of table {name!r}, {found[name]:,} arrived. Nothing was copied.",
                advice="Run `reconciler db check` on the source, then try again.",
            )
    return found
