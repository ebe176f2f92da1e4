"""Remembers the lists of a client and the audiences they are linked to."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, Select, and_, func, select, update

from reconciler.errors import StoreError
from reconciler.model import AudienceId, BaseState, Link, LinkState, ListUid, NoReason, RefusalKind
from reconciler.store.connection import AnyRow, Database, insert
from reconciler.store.records import ListCounts
from reconciler.store.tables import base_rows, lists, nos, refusals


class Lists:
    """Links, and how much each list remembers."""

    _database: Database

    def links(self, client: str) -> tuple[Link, ...]:
        """Given a client, return its links, those that were unlinked too, by list uid."""
        query = select(lists).where(lists.c.client == client, lists.c.state.is_not(None))
        with self._database.reading() as connection:
            return tuple(_link(row) for row in connection.execute(query.order_by(lists.c.list_uid)))

    def save_link(self, client: str, link: Link) -> None:
        """Given a client's link, remember it in place of what was known of its list.

        Raise StoreError when its audience is linked to another list.
        """
        with self._database.writing() as connection:
            write_link(connection, client, link)

    def refusal_kinds(self, client: str) -> Mapping[ListUid, Mapping[RefusalKind, int]]:
        """Given a client, return how many refusals stand, by list and kind."""
        query = (
            select(lists.c.list_uid, refusals.c.kind, func.count())
            .join(lists, lists.c.id == refusals.c.list_id)
            .where(lists.c.client == client)
            .group_by(lists.c.list_uid, refusals.c.kind)
        )
        found: defaultdict[ListUid, dict[RefusalKind, int]] = defaultdict(dict)
        with self._database.reading() as connection:
            for uid, kind, count in connection.execute(query):
                found[ListUid(uid)][RefusalKind(kind)] = count
        return found

    def undelivered_opt_outs(self, client: str) -> Mapping[ListUid, datetime]:
        """Given a client, return since when its oldest opt-out is remembered but not carried out, by list.

        It is not as long as the base says that the contact is subscribed.
        """
        query = (
            select(lists.c.list_uid, func.min(nos.c.since, type_=nos.c.since.type))
            .join(lists, lists.c.id == nos.c.list_id)
            .join(
                base_rows,
                and_(base_rows.c.list_id == nos.c.list_id, base_rows.c.address == nos.c.address),
            )
            .where(
                lists.c.client == client,
                nos.c.reason == NoReason.OPTED_OUT.value,
                nos.c.ended_at.is_(None),
                base_rows.c.state == BaseState.ACTIVE.value,
            )
            .group_by(lists.c.list_uid)
        )
        with self._database.reading() as connection:
            return {ListUid(uid): since for uid, since in connection.execute(query)}

    def counts(self, client: str) -> Mapping[ListUid, ListCounts]:
        """Given a client, return how much each of its lists remembers."""
        of_client = select(lists.c.id).where(lists.c.client == client)
        by_state = (
            select(base_rows.c.list_id, base_rows.c.state, func.count())
            .where(base_rows.c.list_id.in_(of_client))
            .group_by(base_rows.c.list_id, base_rows.c.state)
        )
        open_nos = (
            select(nos.c.list_id, func.count())
            .where(nos.c.list_id.in_(of_client), nos.c.ended_at.is_(None))
            .group_by(nos.c.list_id)
        )
        open_refusals = (
            select(refusals.c.list_id, func.count())
            .where(refusals.c.list_id.in_(of_client))
            .group_by(refusals.c.list_id)
        )
        with self._database.reading() as connection:
            known = connection.execute(
                select(lists.c.id, lists.c.list_uid, lists.c.list_name, lists.c.state)
                .where(lists.c.client == client)
                .order_by(lists.c.list_uid)
            ).all()
            rows = {(list_id, state): count for list_id, state, count in connection.execute(by_state)}
            no_counts: dict[int, int] = dict(connection.execute(open_nos).all())
            refusal_counts: dict[int, int] = dict(connection.execute(open_refusals).all())
        return {
            ListUid(row.list_uid): ListCounts(
                list_name=row.list_name,
                state=LinkState(row.state) if row.state else None,
                active=rows.get((row.id, BaseState.ACTIVE), 0),
                removed=rows.get((row.id, BaseState.REMOVED), 0),
                nos=no_counts.get(row.id, 0),
                refusals=refusal_counts.get(row.id, 0),
            )
            for row in known
        }


def find_list(connection: Connection, client: str, uid: ListUid) -> int | None:
    """Given a client and a list's uid, return the list's number; None when nothing is known of it."""
    return connection.execute(_number(client, uid)).scalar_one_or_none()


def ensure_list(connection: Connection, client: str, uid: ListUid, *, name: str = "") -> int:
    """Given a client and a list's uid, return the list's number, giving it one if it has none.

    A name that is not empty is remembered as the list's last known one.
    """
    known = find_list(connection, client, uid)
    if known is None:
        new = {"agreed_name": "", "agreed_reminder": "", "synced_once": False, "absent_passes": 0}
        connection.execute(
            insert(connection, lists)
            .values(client=client, list_uid=uid, list_name=name, **new)
            .on_conflict_do_nothing()  # a worker of another process may be quicker
        )
        return connection.execute(_number(client, uid)).scalar_one()
    if name:
        renamed = update(lists).where(lists.c.id == known, lists.c.list_name != name)
        connection.execute(renamed.values(list_name=name))
    return known


def write_link(connection: Connection, client: str, link: Link) -> None:
    """Given a client's link, remember it inside somebody else's transaction.

    Raise StoreError when its audience is linked to another list.
    """
    if link.state is LinkState.LINKED:
        _refuse_taken_audience(connection, client, link)
    list_id = ensure_list(connection, client, link.list_uid)
    connection.execute(
        update(lists)
        .where(lists.c.id == list_id)
        .values(
            list_name=link.list_name,
            state=link.state.value,
            audience_id=link.audience_id,
            agreed_name=link.name,
            agreed_reminder=link.permission_reminder,
            synced_once=link.synced_once,
            absent_passes=link.absent_passes,
            absent_since=link.absent_since,
        )
    )


def ensure_lists(connection: Connection, client: str, uids: Collection[ListUid]) -> Mapping[ListUid, int]:
    """Given lists of a client, return the number of each."""
    return {uid: ensure_list(connection, client, uid) for uid in sorted(uids)}


def _number(client: str, uid: ListUid) -> Select[int]:
    return select(lists.c.id).where(lists.c.client == client, lists.c.list_uid == uid)


def _refuse_taken_audience(connection: Connection, client: str, link: Link) -> None:
    other = connection.execute(
        select(lists.c.list_uid).where(
            lists.c.client == client,
            lists.c.audience_id == link.audience_id,
            lists.c.state == LinkState.LINKED.value,
            lists.c.list_uid != link.list_uid,
        )
    ).scalar()
    if other is not None:
        raise StoreError(
            f"Audience {link.audience_id} of {client} is already linked to list {other}, "
            f"so list {link.list_uid} cannot be linked to it.",
            advice="Name the right pair under `links` in the client's configuration.",
        )


def _link(row: AnyRow) -> Link:
    return Link(
        list_uid=ListUid(row.list_uid),
        list_name=row.list_name,
        audience_id=AudienceId(row.audience_id) if row.audience_id is not None else None,
        state=LinkState(row.state),
        name=row.agreed_name,
        permission_reminder=row.agreed_reminder,
        synced_once=row.synced_once,
        absent_passes=row.absent_passes,
        absent_since=row.absent_since,
    )
