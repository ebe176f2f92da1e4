"""One address on all three sides in few bytes: what is as usual on a list is not said again. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import TypeAlias

import msgspec

from reconciler.model import (
    Address,
    BaseRow,
    BaseState,
    Contact,
    Fields,
    No,
    Person,
    Recipient,
    Refusal,
    Standing,
)

Mentions: TypeAlias = Callable[[Address | Person], bool]


class Listed(msgspec.Struct, frozen=True, array_like=True):
    """A recipient."""

    uid: str
    kind: str
    person: str
    email: str | None
    """None: as the entry's key has it."""
    values: Mapping[str, str]
    opted_out: bool
    erased: str

    @classmethod
    def of(cls, key: str, one: Recipient) -> "Listed":
        """Given a recipient and the key of its entry, return what is kept of it."""
        email = None if one.email == key else one.email
        who = one.person
        return cls(one.uid, who.kind, who.uid, email, one.values, one.opted_out, one.erased)

    def recipient(self, key: str) -> Recipient:
        """Given the key of its entry, return the recipient."""
        return Recipient(
            uid=self.uid,
            person=Person(self.kind, self.person),
            email=key if self.email is None else self.email,
            values=self.values,
            opted_out=self.opted_out,
            erased=self.erased,
        )


class There(msgspec.Struct, frozen=True, array_like=True):
    """A contact without its id: only a write needs it, and a hash is what compresses worst."""

    standing: Standing
    fields: Fields
    contact_id: str
    last_changed: datetime | None

    @classmethod
    def of(cls, one: Contact) -> "There":
        """Given a contact, return what is kept of it."""
        return cls(one.standing, one.fields, one.contact_id, one.last_changed)

    def contact(self, key: str) -> Contact:
        """Given the key of its entry, return the contact but for its id."""
        return Contact(
            id="",
            address=Address(key),
            standing=self.standing,
            fields=self.fields,
            contact_id=self.contact_id,
            last_changed=self.last_changed,
        )


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One address on all three sides; of a recipient without an address, the person."""

    recipients: Sequence[Listed]
    contacts: Sequence[There]
    rows: Sequence[BaseRow] | None
    """None: as usual."""
    nos: Sequence[No]
    refusals: Sequence[Refusal]

    def mentions(self, key: str, whom: Mentions) -> bool:
        """Given the entry's key, return whether it is about one of those whom."""
        rows_and_nos: Iterable[BaseRow | No] = (*(self.rows or ()), *self.nos)
        behind = chain.from_iterable(one.persons for one in rows_and_nos)
        # Of who was erased before it was kept, it tells no more than that they are on the list.
        listed = (Person(one.kind, one.person) for one in self.recipients if not one.erased)
        return whom(Address(key)) or any(map(whom, chain(listed, behind)))

    def rows_of(self, key: str, usual: Sequence[str] | None) -> Sequence[BaseRow]:
        """Given the entry's key and what is usual on the list, return the row of the address, if any."""
        if self.rows is not None:
            return self.rows
        return usual_rows(key, self.recipients, self.contacts, usual)


def usual_fields(rows: Collection[BaseRow], *, of: int) -> tuple[str, ...] | None:
    """Given the rows of a list and of how many entries, return the merge fields that most of them have."""
    if 2 * len(rows) <= of:
        return None
    ((fields, _),) = Counter(tuple(sorted(row.fields)) for row in rows).most_common(1)
    return fields


def usual_rows(
    key: str, listed: Sequence[Listed], there: Sequence[There], usual: Sequence[str] | None
) -> list[BaseRow]:
    """Given an address on both sides, return the row that it has if what both tell was synced as it is."""
    if usual is None or not listed or len(there) != 1:
        return []
    (contact,) = there
    row = BaseRow(
        address=Address(key),
        state=BaseState.ACTIVE,
        persons=tuple(Person(one.kind, one.person) for one in listed),
        fields={tag: contact.fields[tag] for tag in usual if tag in contact.fields},
        contact_id=contact.contact_id,
    )
    return [row]
