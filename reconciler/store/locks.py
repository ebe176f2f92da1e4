"""Lets one pass at a time work on a client, across threads, processes and machines."""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection, delete, select, update

from reconciler.errors import LockHeld, StoreError
from reconciler.process import is_gone, this_process
from reconciler.store.connection import Database, insert
from reconciler.store.records import LockRecord
from reconciler.store.redo import Redo
from reconciler.store.tables import locks, meta

_log = structlog.get_logger(__name__)

_RENEWALS_A_LEASE: Final = 3
_MARK: Final = "lock mark of "


class HeldLock:
    """A client's lock, held until it is released, or lost when its lease ran out and another took it."""

    def __init__(
        self,
        database: Database,
        *,
        client: str,
        lease: timedelta,
        now: Callable[[], datetime],
        mark: str = "",
    ) -> None:
        self.client: Final = client
        self.alone = False
        """Whether nobody held the lock since the same mark was left with it."""
        self._database = database
        self._lease = lease
        self._now = now
        self._token = secrets.token_hex(16)
        self._mark = mark or self._token
        self._lost = threading.Event()

    @property
    def lost(self) -> bool:
        """Whether another holder took the lock over: nothing may be written any more."""
        return self._lost.is_set()

    def still_held(self) -> bool:
        """Return whether the database still says that it is ours: a process may have slept for long."""
        if self.lost:
            return False
        with self._database.reading() as connection:
            token = connection.scalar(select(locks.c.token).where(locks.c.client == self.client))
        if token != self._token:
            self._lost.set()
        return not self.lost

    def holds(self, connection: Connection) -> bool:
        """Given somebody else's transaction, return whether the lock is ours; it is until that ends then."""
        row = select(locks.c.token).where(locks.c.client == self.client).with_for_update(read=True)
        return connection.scalar(row) == self._token

    def take(self, holder: str) -> None:
        """Take the lock if it is free, its lease ran out or its process is gone. Raise LockHeld otherwise."""
        with self._database.writing() as connection:
            now = self._now()
            self._free_from_the_dead(connection)
            statement = insert(connection, locks).values(
                client=self.client,
                holder=holder,
                process=this_process(),
                token=self._token,
                since=now,
                expires=now + self._lease,
            )
            new = statement.excluded
            # One statement: between a look and a take, another could take it too.
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["client"],
                    set_={
                        "holder": new.holder,
                        "process": new.process,
                        "token": new.token,
                        "since": new.since,
                        "expires": new.expires,
                    },
                    where=locks.c.expires <= now,
                )
            )
            self._require_mine(connection)
            self.alone = self._left_mark(connection)

    def renew(self) -> None:
        """Begin the lease anew. Raise LockHeld if another holder took the lock over."""
        with self._database.writing() as connection:
            connection.execute(
                update(locks)
                .where(locks.c.client == self.client, locks.c.token == self._token)
                .values(expires=self._now() + self._lease)
            )
            self._require_mine(connection)

    def release(self) -> None:
        """Free the lock; a successor's lock is left alone."""
        with self._database.writing() as connection:
            connection.execute(
                delete(locks).where(locks.c.client == self.client, locks.c.token == self._token)
            )

    def keep(self, ended: threading.Event) -> None:
        """Renew the lease in good time until `ended` is set or the lock is lost."""
        pause = self._lease.total_seconds() / _RENEWALS_A_LEASE
        while not ended.wait(pause):
            try:
                self.renew()
            except LockHeld as error:
                _log.warning("lock_lost", client=self.client, reason=str(error))
                return
            except StoreError as error:
                _log.warning("lock_not_renewed", client=self.client, reason=str(error))

    def _free_from_the_dead(self, connection: Connection) -> None:
        row = connection.execute(select(locks).where(locks.c.client == self.client)).one_or_none()
        if row is not None and is_gone(row.process):
            left = (locks.c.client == self.client, locks.c.token == row.token)
            connection.execute(delete(locks).where(*left))

    def _left_mark(self, connection: Connection) -> bool:
        """Leave our mark unless it is still there; return whether it was."""
        name = _MARK + self.client
        if connection.scalar(select(meta.c.value).where(meta.c.name == name)) == self._mark:
            return True
        statement = insert(connection, meta).values(name=name, value=self._mark)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"value": self._mark})
        )
        return False

    def _require_mine(self, connection: Connection) -> None:
        row = connection.execute(select(locks).where(locks.c.client == self.client)).one_or_none()
        if row is not None and row.token == self._token:
            return
        self._lost.set()
        if row is None:
            raise LockHeld(f"The lock of {self.client} was taken over and released by another pass.")
        raise LockHeld(
            f"Another pass works on {self.client}: {row.holder}, since {row.since:%Y-%m-%d %H:%M:%S} UTC.",
            advice=f"Wait for it. If it was killed, its lock ends at {row.expires:%H:%M:%S} UTC by itself.",
        )


class Locks:
    """One lock a client."""

    _database: Database
    _redo: Redo | None

    def lock_record(self, client: str) -> LockRecord | None:
        """Given a client, return who holds its lock or left it behind; None when nobody did."""
        with self._database.reading() as connection:
            row = connection.execute(select(locks).where(locks.c.client == client)).one_or_none()
        if row is None:
            return None
        gone = is_gone(row.process)
        return LockRecord(holder=row.holder, since=row.since, expires=row.expires, gone=gone)

    @contextmanager
    def lock(
        self, client: str, holder: str, *, lease: timedelta, now: Callable[[], datetime], mark: str = ""
    ) -> Iterator[HeldLock]:
        """Given a client, hold its lock, renewing the lease in the background.

        Who remembers what was under the lock leaves a mark, to be told whether another held it since. Raise
        LockHeld, naming the holder and since when, if another holds it, and StoreError where the nos that the
        database lacks cannot be taken up from its log.
        """
        if self._redo is not None:
            self._redo.settle(self._database)
        held = HeldLock(self._database, client=client, lease=lease, now=now, mark=mark)
        held.take(holder)
        ended = threading.Event()
        keeper = threading.Thread(target=held.keep, args=(ended,), name=f"lock of {client}", daemon=True)
        keeper.start()
        try:
            yield held
        finally:
            ended.set()
            keeper.join()
            held.release()
