"""Forgets a person everywhere in the database, and remembers by a keyed hash that they are erased."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy

from sqlalchemy import Column, Connection, Table, delete, select, update

from reconciler.erased_plan import IsErased, without_erased
from reconciler.model import Address, Deed, ListUid, PassId, Person, Result
from reconciler.store.columns import decode_persons, encode_persons
from reconciler.store.connection import Database, insert
from reconciler.store.deeds import record_deed
from reconciler.store.facts import ErasureFact, Forgotten, note
from reconciler.store.keyed_hash import keyed_digest, keyed_hash, person_hash, without_addresses
from reconciler.store.lists import ensure_list
from reconciler.store.snapshots import take_out_of_snapshots
from reconciler.store.tables import (
    base_rows,
    entries,
    erasures,
    intents,
    list_refusals,
    lists,
    nos,
    outbox,
    outcomes,
    passes,
    plan_bodies,
    proposals,
    refusals,
    rests,
    told,
)

_TEXTS: Sequence[tuple[Table, Column[str]]] = (
    (passes, passes.c.problems),
    (entries, entries.c.reason),
    (entries, entries.c.detail),
    (nos, nos.c.ended_by),
    (refusals, refusals.c.detail),
    (list_refusals, list_refusals.c.detail),
    (intents, intents.c.detail),
    (intents, intents.c.settled_detail),
    (proposals, proposals.c.message),
    (told, told.c.version),
)
"""Where somebody else's words stand: they may hold an address that nobody expects there."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Who is to be forgotten."""

    addresses: frozenset[Address]
    persons: frozenset[Person]

    def __call__(self, whom: Address | Person) -> bool:
        """Given an address or a person, return whether it is one of them."""
        return whom in self.persons if isinstance(whom, Person) else whom in self.addresses


class Erasures:
    """Erasures: who is erased for ever, and what is known of somebody until then."""

    _database: Database
    _address_key: bytes

    def key_person(self, person: Person) -> str:
        """Given a person, return the keyed hash by which an erasure is remembered."""
        return person_hash(self._address_key, person)

    def erased(self, client: str) -> Mapping[str, datetime]:
        """Given a client, return when whom was erased, by `key_address` and `key_person`."""
        query = select(erasures.c.key, erasures.c.erased_at).where(erasures.c.client == client)
        with self._database.reading() as connection:
            return {row.key: row.erased_at for row in connection.execute(query)}

    def is_erased(self, client: str) -> IsErased:
        """Given a client, return what answers whether an address or a person of it is erased."""
        keys = self.erased(client).keys()

        def answer(whom: Address | Person) -> bool:
            key = self.key_person(whom) if isinstance(whom, Person) else keyed_hash(self._address_key, whom)
            return key in keys

        return answer if keys else lambda _whom: False

    def remember_erasure(self, client: str, erased: Erased, now: datetime) -> None:
        """Given who is erased, remember it for ever, by their keyed hashes."""
        keys = {
            *(keyed_hash(self._address_key, address) for address in erased.addresses),
            *map(self.key_person, erased.persons),
        }
        if not keys:
            return
        with self._database.writing() as connection:
            connection.execute(
                insert(connection, erasures).on_conflict_do_nothing(),
                [{"client": client, "key": key, "erased_at": now} for key in sorted(keys)],
            )
            note(connection, ErasureFact(client=client, keys=tuple(sorted(keys)), erased_at=now))

    def record_erasure(  # noqa: PLR0917 (called like `record`: of which pass and list, what, and when)
        self,
        pass_id: PassId,
        client: str,
        list_uid: ListUid,
        address: Address,
        what: str,
        now: datetime,
        *,
        intent: int | None = None,
    ) -> None:
        """Given what was done on a list, write it to history, and close the intent that announced it."""
        key = keyed_hash(self._address_key, address)
        with self._database.writing() as connection:
            list_id = ensure_list(connection, client, list_uid)
            record_deed(connection, pass_id, list_id, Deed.ERASE, key, Result.APPLIED, what, "", now)
            connection.execute(
                update(intents)
                .where(intents.c.id == intent)
                .values(settled_at=now, result=Result.APPLIED.value, settled_detail="{}")
            )

    def last_erasure(self, client: str, address: Address) -> PassId | None:
        """Given an address, return the pass that erased something of it last; None: none did."""
        query = (
            select(entries.c.pass_id)
            .join(outcomes, outcomes.c.entry_id == entries.c.id)
            .join(lists, lists.c.id == entries.c.list_id)
            .where(
                lists.c.client == client,
                entries.c.verb == Deed.ERASE.value,
                outcomes.c.address_key == keyed_digest(self._address_key, address),
            )
            .order_by(outcomes.c.id.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            found: int | None = connection.execute(query).scalar()
        return None if found is None else PassId(found)

    def known_of(self, client: str, erased: Erased) -> Mapping[str, int]:
        """Given whom, return how much the database knows of them, by what it is."""
        return self._forget(client, erased, keep=True)

    def forget(self, client: str, erased: Erased) -> Mapping[str, int]:
        """Given who is erased, forget all that is known of them; return how much that was.

        History keeps what was done, under the keyed hash of the address.
        """
        return self._forget(client, erased, keep=False)

    def compact(self) -> bool:
        """Write the database anew, so that nothing deleted is left in its file; return whether it was.

        It is not while another program reads it.
        """
        return self._database.compact()

    def _forget(self, client: str, erased: Erased, *, keep: bool) -> Mapping[str, int]:
        """To know how much there is, forget it and take that back: so both always mean the same."""
        with self._database.writing() as connection:
            known = forget_everywhere(connection, client, erased)
            if keep:
                connection.rollback()
            else:
                note(connection, Forgotten(client, erased.addresses, erased.persons))
        return known


def forget_everywhere(connection: Connection, client: str, erased: Erased) -> Mapping[str, int]:
    """Given who is erased, forget them inside somebody else's transaction; return how much that was."""
    mine = connection.scalars(select(lists.c.id).where(lists.c.client == client)).all()
    # What is told again of a list at rest names people.
    connection.execute(delete(rests).where(rests.c.list_id.in_(mine)))
    return +Counter(
        {
            "last synced": _delete(connection, base_rows, mine, erased),
            "nos": _delete(connection, nos, mine, erased),
            "refusals": _delete(connection, refusals, mine, erased),
            "shared addresses": _leave_out(connection, mine, erased.persons),
            "plans": take_out_of_plans(connection, mine, erased),
            "snapshots": take_out_of_snapshots(connection, client, erased),
            "mails that wait": _drop_mails(connection, client, erased.addresses),
            "texts": _clean_texts(connection, erased.addresses),
        }
    )


def _delete(connection: Connection, table: Table, mine: Sequence[int], erased: Erased) -> int:
    gone = delete(table).where(table.c.list_id.in_(mine), table.c.address.in_(erased.addresses))
    return connection.execute(gone).rowcount


def _leave_out(connection: Connection, mine: Sequence[int], persons: Collection[Person]) -> int:
    """Take the persons out of addresses that others stand behind too."""
    touched = 0
    for table, key in ((base_rows, (base_rows.c.list_id, base_rows.c.address)), (nos, (nos.c.id,))):
        for row in connection.execute(select(*key, table.c.persons).where(table.c.list_id.in_(mine))).all():
            known = decode_persons(row.persons)
            left = tuple(person for person in known if person not in persons)
            if left != known:
                here = [column == value for column, value in zip(key, row, strict=False)]
                connection.execute(update(table).where(*here).values(persons=encode_persons(left)))
                touched += 1
    return touched


def take_out_of_plans(connection: Connection, mine: Sequence[int], is_erased: IsErased) -> int:
    """Given lists and who is erased, take them out of every plan kept of these; return how many held them."""
    key = (plan_bodies.c.list_id, plan_bodies.c.pass_id)
    touched = 0
    for list_id, pass_id in connection.execute(select(*key).where(key[0].in_(mine))).all():
        here = (key[0] == list_id, key[1] == pass_id)
        body = connection.execute(select(plan_bodies.c.body).where(*here)).scalar_one()
        left = without_erased(body, is_erased)
        if left != body:
            connection.execute(update(plan_bodies).where(*here).values(body=left))
            touched += 1
    return touched


def _drop_mails(connection: Connection, client: str, addresses: Collection[Address]) -> int:
    mails = connection.execute(select(outbox).where(outbox.c.client == client)).all()
    told = [mail.id for mail in mails if _mentions(mail.message, addresses)]
    connection.execute(delete(outbox).where(outbox.c.id.in_(told)))
    return len(told)


def _mentions(message: bytes, addresses: Collection[Address]) -> bool:
    parts = message_from_bytes(message, policy=policy.default).walk()
    texts = [str(part.get_content()) for part in parts if part.get_content_maintype() == "text"]
    return any(address in text.lower() for text in texts for address in addresses)


def _clean_texts(connection: Connection, addresses: Collection[Address]) -> int:
    touched = 0
    for table, column in _TEXTS:
        for address in addresses:
            told = column.icontains(address, autoescape=True)
            for text in connection.scalars(select(column).where(told).distinct()).all():
                same = update(table).where(column == text)
                touched += connection.execute(
                    same.values({column.name: without_addresses(text, *addresses)})
                ).rowcount
    return touched
