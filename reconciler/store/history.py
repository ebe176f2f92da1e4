"""Writes history: the words once for all whom they are about, and beside them a keyed hash of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, insert

from reconciler.model import PassId
from reconciler.store.connection import insert_rows
from reconciler.store.tables import entries, outcomes

OF_THE_LIST: Final = b""
"""Stands for an address where the list itself changed."""


class Entry(NamedTuple):
    """What is told in the same words of everybody it is true of."""

    verb: str
    result: str
    reason: str
    detail: str


def write_history(
    connection: Connection,
    pass_id: PassId,
    list_id: int,
    told: Sequence[tuple[bytes, Entry]],
    now: datetime,
) -> None:
    """Given what is told of which keyed hashes, add it to history in that order; no text may name anybody."""
    different = list(dict.fromkeys(entry for _, entry in told))
    new = [{"pass_id": pass_id, "list_id": list_id, "at": now, **entry._asdict()} for entry in different]
    numbers = connection.scalars(insert(entries).returning(entries.c.id, sort_by_parameter_order=True), new)
    number_of = dict(zip(different, numbers, strict=True))
    insert_rows(
        connection, outcomes, ("entry_id", "address_key"), [(number_of[entry], key) for key, entry in told]
    )
