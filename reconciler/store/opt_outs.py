"""Remembers which opt-outs OTYS was told of."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update

from reconciler.model import Address, ListUid, NoReason, OptOut
from reconciler.store.columns import decode_persons, encode_persons
from reconciler.store.connection import AnyRow, Database
from reconciler.store.tables import lists, nos

_REASONS = tuple(reason.value for reason in NoReason if reason.concerns_otys)


class OptOuts:
    """The nos that people said in Mailchimp, as far as OTYS ought to know of them."""

    _database: Database

    def opt_outs(
        self, client: str, *, told: bool = False, since: datetime | None = None
    ) -> tuple[OptOut, ...]:
        """Given a client, return the opt-outs that OTYS was not told of, those that it was too if `told`.

        Oldest first, from a moment on if one is given. An opt-out that ended is nobody's any more.
        """
        query = (
            select(nos, lists.c.list_uid, lists.c.list_name)
            .join(lists, lists.c.id == nos.c.list_id)
            .where(lists.c.client == client, nos.c.ended_at.is_(None), nos.c.reason.in_(_REASONS))
            .order_by(nos.c.id)
        )
        if not told:
            query = query.where(nos.c.told_at.is_(None))
        if since is not None:
            query = query.where(nos.c.since >= since)
        with self._database.reading() as connection:
            return tuple(_opt_out(row) for row in connection.execute(query))

    def mark_told(self, opt_outs: Sequence[OptOut], now: datetime) -> None:
        """Given opt-outs, remember that OTYS knows of them, but not of anybody who joined one meanwhile."""
        if not opt_outs:
            return
        same = (nos.c.id == bindparam("number"), nos.c.persons == bindparam("of"), nos.c.told_at.is_(None))
        with self._database.writing() as connection:
            connection.execute(
                update(nos).where(*same).values(told_at=now),
                [{"number": one.number, "of": encode_persons(one.persons)} for one in opt_outs],
            )


def _opt_out(row: AnyRow) -> OptOut:
    return OptOut(
        number=row.id,
        list_uid=ListUid(row.list_uid),
        list_name=row.list_name,
        address=Address(row.address),
        persons=decode_persons(row.persons),
        reason=NoReason(row.reason),
        since=row.since,
        told_at=row.told_at,
    )
