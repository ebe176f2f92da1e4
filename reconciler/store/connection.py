"""Holds the connections to one database: durable, and with one writer at a time on SQLite."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import Connection, Engine, Row, Select, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from reconciler.store.facts import NOTED, Note
from reconciler.store.failures import store_error

PATIENCE_SECONDS: Final = 30
"""How long a statement waits for another program's lock; `?timeout=` in an SQLite URL changes it."""

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]

_NO_TRANSACTION: Final = "reconciler_no_transaction"
_WRITES: Final = "reconciler_writes"


class Keeper(Protocol):
    """Keeps what a transaction notes in another place too."""

    def committing(self, connection: Connection, noted: Sequence[Note]) -> AbstractContextManager[None]:
        """Given what a transaction noted, keep it; the transaction commits before the block ends."""
        ...


class Database:
    """An engine and the two ways to use it."""

    def __init__(self, url: URL, *, place: str) -> None:
        self.place: Final = place
        """Where it stands, in words that may be shown."""
        self.keeper: Keeper | None = None
        self.engine: Final = _engine(url)
        # SQLite makes writers wait by polling, which is not fair: threads queue here instead.
        self._turn = threading.Lock()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file rather than a server."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection in a transaction that sees one state. Raise StoreError on trouble."""
        with self._in_words(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection in a transaction that is committed whole or not at all.

        Raise StoreError on trouble.
        """
        noted: list[Note] = []
        with (
            self._in_words(),
            self._exclusive(),
            ExitStack() as until_committed,
            self.engine.connect() as connection,
            connection.execution_options(**{_WRITES: True, NOTED: noted}).begin(),
        ):
            yield connection
            if noted and self.keeper is not None:
                until_committed.enter_context(self.keeper.committing(connection, noted))

    def compact(self) -> bool:
        """Write everything anew, so that no trace is left of what was deleted; return whether that was done.

        It is not while another connection reads. Raise StoreError on trouble.
        """
        with self._in_words(), self._exclusive():
            if not self.is_sqlite:
                with self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                    connection.exec_driver_sql("VACUUM FULL")
                return True
            with self.engine.execution_options(**{_NO_TRANSACTION: True}).connect() as connection:
                connection.exec_driver_sql("VACUUM")
                # It went through the write-ahead log, which holds what was before as well.
                busy, _in_log, _moved = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
                return not busy

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        with self._turn:
            yield

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, PoolTimeout) as error:
            # Without its cause: a database's own text may name a row's values.
            raise store_error(error, self.place) from None


def insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Given a connection, return an insert that can say what happens on a conflict."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def insert_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[str | bytes | int, ...]],
    *,
    replace: bool = False,
) -> None:
    """Given rows as tuples, insert them, or have each take the place of the one with its key.

    They go to the driver as they are: SQLAlchemy makes dicts of each, which costs more than the insert.
    """
    if rows:
        sql = _insert_sql(
            table, tuple(columns), "?" if connection.dialect.name == "sqlite" else "%s", replace
        )
        connection.exec_driver_sql(sql, list(rows))


@cache
def _insert_sql(table: Table, columns: tuple[str, ...], mark: str, replace: bool) -> str:  # noqa: FBT001 (private)
    marks = ", ".join([mark] * len(columns))
    sql = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 # nosec B608 (names of our tables)
    if not replace:
        return sql
    key = [column.name for column in table.primary_key]
    moved = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    return f"{sql} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {moved}"  # nosec B608 (as above)


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        patience = {} if "timeout" in url.query else {"timeout": PATIENCE_SECONDS}
        engine = create_engine(url, hide_parameters=True, connect_args=patience)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=True)
        event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # Python would begin a transaction late; `_begin_sqlite` does
    cursor = connection.cursor()
    _use_write_ahead_log(cursor)
    cursor.execute("PRAGMA synchronous = FULL")  # a remembered no must survive a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


@retry(
    retry=retry_if_exception(lambda error: getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY),
    wait=wait_fixed(0.02),
    stop=stop_after_delay(PATIENCE_SECONDS),
    reraise=True,
)
def _use_write_ahead_log(cursor: sqlite3.Cursor) -> None:
    # Of all statements only this one does not wait for another program that does the same.
    cursor.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get(_NO_TRANSACTION):
        return
    writes = connection.get_execution_options().get(_WRITES, False)
    # A writer that began as a reader could not wait for another writer: it would fail at once.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = '{PATIENCE_SECONDS}s'")
    cursor.execute("SET synchronous_commit = on")  # a remembered no must survive a power cut
    cursor.close()
    connection.commit()
