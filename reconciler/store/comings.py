"""Tells from history when contacts came and went by our own hand."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select

from reconciler.model import Address, Deed, ListUid, PassId, Result, Verb
from reconciler.store.connection import Database
from reconciler.store.keyed_hash import keyed_digest
from reconciler.store.lists import find_list
from reconciler.store.tables import entries, lists, outcomes, passes

_CAME_OR_WENT = (Verb.ADD.value, Verb.REMOVE.value)
_WENT = (Verb.REMOVE.value, Deed.RELEASE.value)
_TRUE = (Result.APPLIED.value, Result.ALREADY_TRUE.value)


class Comings:
    """What is asked of history before a contact comes or goes once more."""

    _database: Database
    _address_key: bytes

    def directions(
        self,
        client: str,
        list_uid: ListUid,
        addresses: Collection[Address],
        since: datetime,
        *,
        before: PassId | None = None,
    ) -> Mapping[Address, Sequence[str]]:
        """Given addresses of a list, return the adds and removals of each since then, oldest first.

        Only those of earlier passes, if one is told.
        """
        first = select(func.min(passes.c.id)).where(passes.c.started_at >= since).scalar_subquery()
        query = select(outcomes.c.address_key, entries.c.verb).where(
            outcomes.c.entry_id == entries.c.id,
            entries.c.pass_id >= first,
            entries.c.verb.in_(_CAME_OR_WENT),
            entries.c.result == Result.APPLIED.value,
        )
        if before is not None:
            query = query.where(entries.c.pass_id < before)
        keys = self._keys(addresses)
        found: defaultdict[Address, list[str]] = defaultdict(list)
        with self._database.reading() as connection:
            mine = query.where(entries.c.list_id == find_list(connection, client, list_uid))
            # What was found done late belongs to an early pass.
            for key, verb in connection.execute(mine.order_by(entries.c.pass_id, outcomes.c.id)):
                if key in keys:
                    found[keys[key]].append(verb)
        return found

    def left_at(
        self, client: str, list_uid: ListUid, addresses: Collection[Address]
    ) -> Mapping[Address, datetime]:
        """Given addresses of a list, return when we last archived each, or somebody released it.

        Also where that was done for a list that had its audience before.
        """
        keys = self._keys(addresses)
        query = select(outcomes.c.address_key, func.max(entries.c.at)).where(
            outcomes.c.entry_id == entries.c.id,
            entries.c.verb.in_(_WENT),
            entries.c.result.in_(_TRUE),
        )
        of_client = select(lists.c.id).where(lists.c.client == client)
        audience = select(lists.c.audience_id).where(lists.c.client == client, lists.c.list_uid == list_uid)
        with self._database.reading() as connection:
            had_it = or_(lists.c.list_uid == list_uid, lists.c.audience_id == audience.scalar_subquery())
            mine = query.where(entries.c.list_id.in_(of_client.where(had_it)))
            rows = connection.execute(mine.group_by(outcomes.c.address_key))
            return {keys[key]: at for key, at in rows if key in keys}

    def _keys(self, addresses: Collection[Address]) -> Mapping[bytes, Address]:
        return {keyed_digest(self._address_key, address): address for address in addresses}
