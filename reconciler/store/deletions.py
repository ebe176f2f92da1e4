"""Remembers that an audience was deleted: all of it at once, so that a crash cannot tell half of it."""

from datetime import datetime

from sqlalchemy import delete, select

from reconciler.model import Address, Link, ListOutcome, ListUid, PassId
from reconciler.store.base import record_list_outcome
from reconciler.store.connection import Database
from reconciler.store.intents import settle_intent
from reconciler.store.lists import find_list, write_link
from reconciler.store.tables import base_rows, nos, refusals


class Deletions:
    """Audiences that we deleted, and what must be known to bring one back."""

    _database: Database

    def audience_deleted(
        self,
        pass_id: PassId,
        client: str,
        outcome: ListOutcome,
        link: Link,
        *,
        intent_id: int,
        now: datetime,
    ) -> None:
        """Given the deletion of an audience and its list's link as it stands then, remember both.

        The list's rows and refusals are forgotten with it; its nos stay for ever.
        """
        with self._database.writing() as connection:
            list_id = record_list_outcome(connection, pass_id, client, outcome, now)
            for table in (base_rows, refusals):
                connection.execute(delete(table).where(table.c.list_id == list_id))
            write_link(connection, client, link)
            settle_intent(connection, intent_id, result=outcome.result, detail={}, now=now)

    def ended_nos(self, client: str, list_uid: ListUid, *, since: datetime) -> frozenset[Address]:
        """Given a list, return the addresses of which a no was ended since then."""
        with self._database.reading() as connection:
            list_id = find_list(connection, client, list_uid)
            ended = select(nos.c.address).where(nos.c.list_id == list_id, nos.c.ended_at >= since)
            return frozenset(Address(address) for address in connection.execute(ended).scalars())
