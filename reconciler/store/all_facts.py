"""Reads from the database every fact that a log of nos would hold, so that a lost one can be written anew."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, or_, select

from reconciler.model import Address, ListUid, NoReason
from reconciler.store.columns import decode_persons
from reconciler.store.facts import ApprovalFact, ErasureFact, Fact, NoFact
from reconciler.store.tables import erasures, lists, nos, passes, proposals


def all_facts(connection: Connection) -> Iterator[Fact]:
    """Given a connection, yield all facts that its database knows."""
    yield from _nos(connection)
    yield from _erasures(connection)
    yield from _approvals(connection)


def holds_nothing(connection: Connection) -> bool:
    """Given a connection, return whether its database was never worked with."""
    return not any(
        connection.execute(select(func.count()).select_from(table)).scalar()
        for table in (lists, passes, erasures)
    )


def _nos(connection: Connection) -> Iterator[Fact]:
    query = select(nos, lists.c.client, lists.c.list_uid).join(lists, lists.c.id == nos.c.list_id)
    rows = connection.execute(query.order_by(nos.c.id)).all()
    last_end = {
        (row.list_id, row.address, row.reason): row.ended_at
        for row in sorted((row for row in rows if row.ended_at), key=lambda row: row.ended_at)
    }
    # An open no of somebody who said no before comes last: what is told last of an address counts.
    for row in sorted(rows, key=lambda row: row.ended_at is None):
        yield NoFact(
            client=row.client,
            list_uid=ListUid(row.list_uid),
            address=Address(row.address),
            reason=NoReason(row.reason),
            persons=tuple((person.kind, person.uid) for person in decode_persons(row.persons)),
            since=row.since,
            # It may have been heard of after an earlier one had ended, though it was said before.
            noted_at=max(row.since, last_end.get((row.list_id, row.address, row.reason), row.since)),
            ended_at=row.ended_at,
            ended_by=row.ended_by,
        )


def _erasures(connection: Connection) -> Iterator[Fact]:
    for row in connection.execute(select(erasures).order_by(erasures.c.client, erasures.c.key)):
        yield ErasureFact(client=row.client, keys=(row.key,), erased_at=row.erased_at)


def _approvals(connection: Connection) -> Iterator[Fact]:
    over = func.coalesce(proposals.c.used_at, proposals.c.superseded_at, type_=proposals.c.used_at.type)
    query = (
        select(lists.c.client, proposals.c.digest, over.label("over_at"))
        .join(lists, lists.c.id == proposals.c.list_id)
        .where(
            proposals.c.approved_at.is_not(None),
            or_(proposals.c.used_at.is_not(None), proposals.c.superseded_at.is_not(None)),
        )
        .order_by(proposals.c.id)
    )
    for row in connection.execute(query):
        yield ApprovalFact(client=row.client, digest=row.digest, over_at=row.over_at)
