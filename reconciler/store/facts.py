"""The facts of consent that must outlive the loss of the database, and how a transaction notes them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

import msgspec
from sqlalchemy import Connection, select

from reconciler.model import Address, ListUid, No, NoReason, Person
from reconciler.store.tables import lists

NOTED: Final = "reconciler_noted"


class NoFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="no"):
    """How a no of one list stands from now on."""

    client: str
    list_uid: ListUid
    address: Address
    reason: NoReason
    persons: tuple[tuple[str, str], ...]
    since: datetime
    noted_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None


class ErasureFact(msgspec.Struct, frozen=True, kw_only=True, tag="erasure"):
    """Somebody is erased: the keyed hashes of their addresses and persons."""

    client: str
    keys: tuple[str, ...]
    erased_at: datetime


class ApprovalFact(msgspec.Struct, frozen=True, kw_only=True, tag="approval over"):
    """An approval was used, or lapsed because what was approved is not to be done any more."""

    client: str
    digest: str
    over_at: datetime


class ErasedFact(msgspec.Struct, frozen=True, tag="erased"):
    """What stood here was about somebody who is erased since."""


Fact: TypeAlias = NoFact | ErasureFact | ApprovalFact | ErasedFact


@dataclass(frozen=True, slots=True)
class Forgotten:
    """No fact about these addresses and persons may stand anywhere any more."""

    client: str
    addresses: Collection[Address]
    persons: Collection[Person]


@dataclass(frozen=True, slots=True)
class Settling:
    """The database and the log are to be brought together, even if there is nothing else to write."""

    on_opening: bool
    """The log is left as it is then, and a database that holds nothing takes over the key of the log."""


Note: TypeAlias = Fact | Forgotten | Settling


def note(connection: Connection, *notes: Note) -> None:
    """Given a writing connection, note what its transaction does, to be in the log before it commits."""
    connection.get_execution_options()[NOTED].extend(notes)


def note_nos(
    connection: Connection,
    list_id: int,
    stand: Iterable[No],
    now: datetime,
    *,
    ended_at: datetime | None = None,
    ended_by: str | None = None,
) -> None:
    """Given nos of one list as they stand from now on, note each."""
    found = list(stand)
    if not found:
        return
    client, uid = connection.execute(
        select(lists.c.client, lists.c.list_uid).where(lists.c.id == list_id)
    ).one()
    note(
        connection,
        *(
            NoFact(
                client=client,
                list_uid=ListUid(uid),
                address=no.address,
                reason=no.reason,
                persons=tuple((person.kind, person.uid) for person in no.persons),
                since=no.since or now,
                noted_at=now,
                ended_at=ended_at,
                ended_by=ended_by,
            )
            for no in found
        ),
    )
