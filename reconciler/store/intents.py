"""Announces what must not be done twice before it is done, so that a crash in between is seen."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from reconciler.model import ListUid, PassId
from reconciler.store.columns import decode_text_map, encode_map
from reconciler.store.connection import AnyRow, Database
from reconciler.store.lists import ensure_list
from reconciler.store.records import Intent, IntentKind
from reconciler.store.tables import intents, lists


class Intents:
    """Intents: open until it is known how they ended."""

    _database: Database

    def intend(  # noqa: PLR0917 (called like `record`: what, then in which pass and when)
        self,
        client: str,
        list_uid: ListUid,
        kind: IntentKind,
        detail: Mapping[str, str],
        pass_id: PassId,
        now: datetime,
    ) -> int:
        """Given what is about to be done for a list, make the intent durable; return its number."""
        with self._database.writing() as connection:
            new = insert(intents).values(
                list_id=ensure_list(connection, client, list_uid),
                pass_id=pass_id,
                kind=kind.value,
                detail=encode_map(detail),
                intended_at=now,
            )
            number: int = connection.execute(new.returning(intents.c.id)).scalar_one()
            return number

    def settle(self, intent_id: int, *, result: str, detail: Mapping[str, str], now: datetime) -> None:
        """Given an intent whose end is known, close it."""
        with self._database.writing() as connection:
            settle_intent(connection, intent_id, result=result, detail=detail, now=now)

    def open_intents(self, client: str) -> tuple[Intent, ...]:
        """Given a client, return the intents whose end is not known, oldest first."""
        query = (
            select(intents, lists.c.list_uid)
            .join(lists, lists.c.id == intents.c.list_id)
            .where(lists.c.client == client, intents.c.settled_at.is_(None))
            .order_by(intents.c.id)
        )
        with self._database.reading() as connection:
            return tuple(_intent(row) for row in connection.execute(query))


def settle_intent(
    connection: Connection, intent_id: int, *, result: str, detail: Mapping[str, str], now: datetime
) -> None:
    """Given an intent whose end is known, close it inside somebody else's transaction."""
    connection.execute(
        update(intents)
        .where(intents.c.id == intent_id)
        .values(settled_at=now, result=result, settled_detail=encode_map(detail))
    )


def _intent(row: AnyRow) -> Intent:
    return Intent(
        id=row.id,
        list_uid=ListUid(row.list_uid),
        kind=IntentKind(row.kind),
        detail=decode_text_map(row.detail),
        pass_id=PassId(row.pass_id),
        intended_at=row.intended_at,
    )
