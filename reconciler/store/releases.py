"""Ends what a person released: nos and refusals of one address, with who did it and why."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from reconciler.model import Address, BaseMove, BaseRow, Deed, ListUid, PassId, Person, Result
from reconciler.store.connection import Database
from reconciler.store.deeds import record_deed
from reconciler.store.keyed_hash import keyed_hash, without_addresses
from reconciler.store.lists import ensure_list
from reconciler.store.moves import apply_moves, end_refusals
from reconciler.store.no_memory import end_nos_about


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is released of one address on one list."""

    list_uid: ListUid
    address: Address
    addresses: Collection[Address] = ()
    """The addresses whose nos end for everybody."""
    persons: Collection[Person] = ()
    """The persons for whom nos under other addresses end."""
    rows: Collection[BaseRow] = ()
    """How the base stands from now on, so that the next pass brings back who is listed."""
    refused: Collection[Address] = ()
    """The addresses whose refusals end."""
    told: str
    """What is released, in words for history; it names nobody."""


class Releases:
    """Releases, each one transaction."""

    _database: Database
    _address_key: bytes

    def release(self, pass_id: PassId, client: str, released: Release, *, by: str, now: datetime) -> None:
        """Given what somebody released, end it and write that to history; `by` is who, and why."""
        by = without_addresses(by, *released.addresses)
        with self._database.writing() as connection:
            list_id = ensure_list(connection, client, released.list_uid)
            if released.addresses or released.persons:
                end_nos_about(connection, list_id, released.addresses, released.persons, now, by)
            moves = [BaseMove(address=row.address, row=row) for row in released.rows]
            apply_moves(connection, list_id, moves, now)
            end_refusals(connection, list_id, list(released.refused))
            key, why = keyed_hash(self._address_key, released.address), f"by {by}"
            record_deed(
                connection, pass_id, list_id, Deed.RELEASE, key, Result.APPLIED, released.told, why, now
            )
