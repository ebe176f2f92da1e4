"""Keeps what is known of each list at rest. The database itself forgets it when what it rests on changes.

Triggers (migration 0005) end a list's rest in the very transaction that changes its base, its nos, its
refusals or its link, and that of all lists of a client when somebody is erased. So no writer can forget to do
so, not even a person with a shell.
"""

from collections.abc import Mapping

from sqlalchemy import delete, select

from reconciler.model import ListUid
from reconciler.store.connection import Database, insert
from reconciler.store.keyed_hash import keyed_digest
from reconciler.store.lists import find_list
from reconciler.store.locks import HeldLock
from reconciler.store.tables import lists, rests

_SEED_BYTES = 8


class Rests:
    """The lists at rest."""

    _database: Database
    _address_key: bytes

    @property
    def page_seed(self) -> int:
        """The secret that fingerprints of pages are made with, as long as this database lives."""
        return int.from_bytes(keyed_digest(self._address_key, "fingerprints of pages")[:_SEED_BYTES])

    def rests(self, client: str) -> Mapping[ListUid, bytes]:
        """Given a client, return what was kept of its lists that are at rest."""
        query = select(lists.c.list_uid, rests.c.body).join(lists, lists.c.id == rests.c.list_id)
        with self._database.reading() as connection:
            mine = connection.execute(query.where(lists.c.client == client))
            return {ListUid(uid): body for uid, body in mine}

    def keep_rest(self, lock: HeldLock, list_uid: ListUid, body: bytes) -> None:
        """Given a list that came to rest under the client's lock, keep what is known of it.

        Nothing is kept if the lock was lost: whoever took it over may have changed what the list rests on.
        """
        with self._database.writing() as connection:
            list_id = find_list(connection, lock.client, list_uid)
            if list_id is None or not lock.holds(connection):
                return
            statement = insert(connection, rests).values(list_id=list_id, body=body)
            connection.execute(
                statement.on_conflict_do_update(index_elements=["list_id"], set_={"body": body})
            )

    def end_rest(self, client: str, list_uid: ListUid) -> None:
        """Given a list that is not at rest, forget that it was."""
        with self._database.writing() as connection:
            list_id = find_list(connection, client, list_uid)
            connection.execute(delete(rests).where(rests.c.list_id == list_id))
