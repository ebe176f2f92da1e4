"""Remembers what Mailchimp refused to do to an audience, so that it is not asked again and again."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from reconciler.model import Fields, ListChange, ListOutcome, ListUid, ListVerb, Result
from reconciler.store.columns import decode_text_map, encode_map
from reconciler.store.connection import Database, insert
from reconciler.store.keyed_hash import without_addresses
from reconciler.store.tables import list_refusals, lists

_TRIED_AGAIN = (ListVerb.CREATE, ListVerb.DELETE)
_PAUSE = timedelta(days=1)


class ListRefusals:
    """Refused changes of audiences, while what is wanted stays the same."""

    _database: Database

    def refused_list_changes(
        self, client: str, *, now: datetime | None = None
    ) -> Mapping[tuple[ListUid, ListVerb], tuple[Fields, str]]:
        """Given a client, return what was wanted and why it was refused, by list and verb.

        Given the time, what may be tried again is left out. Mailchimp refuses a deletion for about a week
        after a campaign (facts/mailchimp.md, 38), and a creation until the account has a larger plan: both
        are tried once a day.
        """
        query = (
            select(lists.c.list_uid, list_refusals)
            .join(lists, lists.c.id == list_refusals.c.list_id)
            .where(lists.c.client == client)
        )
        with self._database.reading() as connection:
            return {
                (ListUid(row.list_uid), ListVerb(row.verb)): (decode_text_map(row.wanted), row.detail)
                for row in connection.execute(query)
                if now is None or row.verb not in _TRIED_AGAIN or now < row.since + _PAUSE
            }


def remember_list_refusal(connection: Connection, list_id: int, outcome: ListOutcome, now: datetime) -> None:
    """Given what became of a change of an audience, remember a refusal, and forget it once it is true."""
    change = outcome.change
    if outcome.result is Result.REFUSED:
        _save(connection, list_id, change, without_addresses(outcome.detail), now)
    elif outcome.result.moves_base:
        same = (list_refusals.c.list_id == list_id, list_refusals.c.verb == change.verb.value)
        connection.execute(delete(list_refusals).where(*same))


def _save(connection: Connection, list_id: int, change: ListChange, detail: str, now: datetime) -> None:
    statement = insert(connection, list_refusals).values(
        list_id=list_id,
        verb=change.verb.value,
        wanted=encode_map(change.after),
        detail=detail,
        since=now,
    )
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["list_id", "verb"],
            set_={"wanted": new.wanted, "detail": new.detail, "since": new.since},
        )
    )
