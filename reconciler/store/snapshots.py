"""Keeps what each list was decided from: one compressed body whenever that changes, for some weeks."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    and_,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from reconciler.model import Address, ListUid, PassId, Person
from reconciler.snapshots import MARK_LENGTH, Body, UnreadableSnapshot, without
from reconciler.store.connection import AnySelect, Database
from reconciler.store.lists import ensure_list, find_list
from reconciler.store.tables import lists, snapshots

_UNSEEN = b""


@dataclass(frozen=True, slots=True)
class KeptBody:
    """What one pass kept of one list."""

    pass_id: PassId
    taken_at: datetime
    body: Body

    @property
    def unseen(self) -> bool:
        """Whether the pass did not see the list: what was kept before says nothing about that pass."""
        return self.body.data == _UNSEEN


class Snapshots:
    """The bodies of every list, in the order of their passes; `reconciler.snapshots` knows what they hold."""

    _database: Database

    def snapshot_mark(self, client: str, list_uid: ListUid) -> tuple[PassId, bytes] | None:
        """Given a list, return which pass kept something of it last, and its mark; None when none did."""
        mark = func.substr(snapshots.c.body, 1, MARK_LENGTH, type_=LargeBinary)
        query = (
            select(snapshots.c.pass_id, mark)
            .join(lists, lists.c.id == snapshots.c.list_id)
            .where(lists.c.client == client, lists.c.list_uid == list_uid)
            .order_by(snapshots.c.pass_id.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            found = connection.execute(query).first()
        # A part of nothing is nothing at all for SQLite.
        return None if found is None else (PassId(found[0]), bytes(found[1] or b""))

    def save_snapshot(
        self,
        pass_id: PassId,
        client: str,
        list_uid: ListUid,
        body: Body,
        now: datetime,
        *,
        after: PassId | None,
    ) -> bool:
        """Given a body made to follow what pass `after` kept, keep it; return whether it was kept.

        It is not when another pass kept something of the list meanwhile, as it would be read after that.
        """
        with self._database.writing() as connection:
            list_id = ensure_list(connection, client, list_uid)
            latest = connection.execute(
                select(func.max(snapshots.c.pass_id)).where(snapshots.c.list_id == list_id)
            ).scalar_one()
            if latest != after or (latest is not None and latest >= pass_id):
                return False
            _insert(connection, list_id, pass_id, body, now)
            return True

    def note_unseen(
        self,
        pass_id: PassId,
        client: str,
        seen: Collection[ListUid],
        now: datetime,
        *,
        only: ListUid | None = None,
    ) -> None:
        """Given which lists a pass saw, note of the others that are known that it did not see them.

        A pass that is about one list says nothing about others.
        """
        with self._database.reading() as connection:
            unseen = [
                known.list_id
                for known in connection.execute(_newest(client))
                if known.pass_id < pass_id
                and not known.unseen
                and known.list_uid not in seen
                and only in (None, known.list_uid)
            ]
        if unseen:
            with self._database.writing() as connection:
                for list_id in unseen:
                    _insert(connection, list_id, pass_id, Body(whole=False, data=_UNSEEN), now)

    def snapshot_lists(self, client: str) -> tuple[ListUid, ...]:
        """Given a client, return the lists of which something is kept."""
        query = select(lists.c.list_uid).where(
            lists.c.client == client, lists.c.id.in_(select(snapshots.c.list_id))
        )
        with self._database.reading() as connection:
            return tuple(ListUid(uid) for uid in connection.scalars(query.order_by(lists.c.list_uid)))

    def snapshot_bodies(
        self, client: str, list_uid: ListUid, until: PassId | None = None
    ) -> tuple[KeptBody, ...]:
        """Given a list, return its bodies from the last whole one on, as of a pass if one is told."""
        so_far: ColumnElement[bool] = snapshots.c.pass_id > 0
        if until is not None:
            so_far = snapshots.c.pass_id <= until
        return self._bodies(client, list_uid, so_far, so_far)

    def snapshot_bodies_since(self, client: str, list_uid: ListUid, since: datetime) -> tuple[KeptBody, ...]:
        """Given a list and a moment, return its bodies from the whole one on that counted then."""
        return self._bodies(client, list_uid, snapshots.c.taken_at <= since, snapshots.c.pass_id > 0)

    def forget_snapshots(self, client: str, before: datetime | None) -> int:
        """Given a moment, drop the client's bodies that counted only before it; return how many went.

        None drops all of them. A list that changed little keeps what its later bodies build on.
        """
        with self._database.reading() as connection:
            outlived = (
                _all_of(connection, client) if before is None else _outlived(connection, client, before)
            )
        if not outlived:
            return 0
        with self._database.writing() as connection:
            return sum(
                connection.execute(
                    delete(snapshots).where(snapshots.c.list_id == list_id, snapshots.c.pass_id < kept)
                ).rowcount
                for list_id, kept in outlived.items()
            )

    def erase_from_snapshots(self, client: str, is_erased: Callable[[Address | Person], bool]) -> int:
        """Given who is erased, take every address they stood behind out of what is kept of the client.

        Where something cannot be read, all of its list is dropped. Return how many bodies were written anew
        or dropped.
        """
        with self._database.writing() as connection:
            return take_out_of_snapshots(connection, client, is_erased)

    def _bodies(
        self,
        client: str,
        list_uid: ListUid,
        begins: ColumnElement[bool],
        wanted: ColumnElement[bool],
    ) -> tuple[KeptBody, ...]:
        with self._database.reading() as connection:
            of_list = snapshots.c.list_id == find_list(connection, client, list_uid)
            first = select(func.max(snapshots.c.pass_id)).where(of_list, begins, snapshots.c.whole)
            start = connection.execute(first).scalar_one() or 0
            query = select(snapshots).where(of_list, wanted, snapshots.c.pass_id >= start)
            return tuple(
                KeptBody(PassId(row.pass_id), row.taken_at, Body(whole=row.whole, data=row.body))
                for row in connection.execute(query.order_by(snapshots.c.pass_id))
            )


def take_out_of_snapshots(
    connection: Connection, client: str, is_erased: Callable[[Address | Person], bool]
) -> int:
    """Do what `erase_from_snapshots` does, inside somebody else's transaction."""
    of_client = select(lists.c.id).where(lists.c.client == client)
    return sum(
        _erase_from_list(connection, list_id, is_erased) for list_id in connection.scalars(of_client).all()
    )


def _insert(connection: Connection, list_id: int, pass_id: PassId, body: Body, now: datetime) -> None:
    connection.execute(
        insert(snapshots).values(
            list_id=list_id, pass_id=pass_id, taken_at=now, whole=body.whole, body=body.data
        )
    )


def _erase_from_list(
    connection: Connection, list_id: int, is_erased: Callable[[Address | Person], bool]
) -> int:
    of_list = snapshots.c.list_id == list_id
    told = and_(of_list, func.length(snapshots.c.body) > 0)
    rewritten = 0
    for pass_id in connection.scalars(select(snapshots.c.pass_id).where(told)).all():
        here = and_(of_list, snapshots.c.pass_id == pass_id)
        row = connection.execute(select(snapshots.c.whole, snapshots.c.body).where(here)).one()
        body = Body(whole=row.whole, data=row.body)
        try:
            cleaned = without(body, is_erased)
        except UnreadableSnapshot:
            return connection.execute(delete(snapshots).where(of_list)).rowcount
        if cleaned is not body:
            connection.execute(update(snapshots).where(here).values(body=cleaned.data))
            rewritten += 1
    return rewritten


def _newest(client: str) -> AnySelect:
    """What was kept last of each list, but for its body."""
    newest = (
        select(snapshots.c.list_id, func.max(snapshots.c.pass_id).label("pass_id"))
        .group_by(snapshots.c.list_id)
        .subquery()
    )
    return (
        select(
            snapshots.c.list_id,
            snapshots.c.pass_id,
            snapshots.c.taken_at,
            lists.c.list_uid,
            (func.length(snapshots.c.body) == 0).label("unseen"),
        )
        .join(newest, and_(*(newest.c[name] == snapshots.c[name] for name in ("list_id", "pass_id"))))
        .join(lists, lists.c.id == snapshots.c.list_id)
        .where(lists.c.client == client)
    )


def _all_of(connection: Connection, client: str) -> Mapping[int, int]:
    return {one.list_id: one.pass_id + 1 for one in connection.execute(_newest(client))}


def _outlived(connection: Connection, client: str, before: datetime) -> Mapping[int, int]:
    """Return the lists of which something can go, each with the first pass whose body stays.

    That is the last whole body that counted before the moment; none stays of a list that was not seen since.
    """
    counted = case((and_(snapshots.c.whole, snapshots.c.taken_at < before), snapshots.c.pass_id))
    query = (
        select(snapshots.c.list_id, func.min(snapshots.c.pass_id), func.max(counted))
        .join(lists, lists.c.id == snapshots.c.list_id)
        .where(lists.c.client == client)
        .group_by(snapshots.c.list_id)
    )
    outlived = {
        list_id: kept
        for list_id, first, kept in connection.execute(query)
        if kept is not None and kept > first
    }
    unseen = {
        one.list_id: one.pass_id + 1
        for one in connection.execute(_newest(client))
        if one.unseen and one.taken_at < before
    }
    return {**outlived, **unseen}
