"""What is known of a person, and what becomes of it when they are erased. Pure."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.address import normalise
from reconciler.model import Address, AudienceId, Contact, LinkState, ListUid, PassId, Person, Standing
from reconciler.store.erasures import Erased
from reconciler.whereabouts import Located, Whereabouts


class Fate(StrEnum):
    """What becomes of a contact in Mailchimp."""

    DELETED = "deleted for good"
    ARCHIVED = "archived; Mailchimp keeps what it knows of it"
    ARCHIVED_BEFORE = "archived already; Mailchimp keeps what it knows of it, unless erased --permanently"
    NOT_ARCHIVABLE = "left as it is: Mailchimp archives no such contact, it can only be erased --permanently"

    @property
    def writes(self) -> bool:
        """Whether something has to be written for it."""
        return self in (Fate.DELETED, Fate.ARCHIVED)


_NOT_ARCHIVABLE = (Standing.PENDING, Standing.CLEANED)
"""Neither can be archived (facts/mailchimp.md, 35)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactErasure:
    """One contact of the person, and what becomes of it."""

    list_uid: ListUid
    list_name: str
    audience_id: AudienceId
    contact: Contact
    fate: Fate


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list of OTYS that the person is still on."""

    list_uid: ListUid
    list_name: str
    person: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressErasure:
    """One address of one client, all that is known of it, and what would become of that."""

    client: str
    address: Address
    permanently: bool
    erased: Erased
    contacts: tuple[ContactErasure, ...]
    remembering: tuple[ListUid, ...]
    """The lists whose base knows the person."""
    known: Mapping[str, int]
    """How much the database knows, by what it is."""
    backups: tuple[str, ...]
    listed: tuple[Listing, ...]
    interrupted: tuple[ListUid, ...] = ()
    """The lists in whose audiences an erasure was begun whose end is not known."""
    erased_at: datetime | None = None
    """When it was erased before."""
    erased_in: PassId | None = None
    problems: tuple[str, ...] = ()
    """What could not be read: then nobody can say what is left."""

    @property
    def nothing_left(self) -> bool:
        """Whether there is nothing to erase."""
        work = any(one.fate.writes for one in self.contacts) or self.known or self.backups or self.interrupted
        return not work and (self.erased_at is not None or not self.listed)

    @property
    def digest(self) -> str:
        """The digest of what would be erased; empty when that is nothing, or cannot be told."""
        if self.problems or self.nothing_left:
            return ""
        facts = [
            self.client,
            self.address,
            self.permanently,
            sorted(self.erased.addresses),
            sorted(map(str, self.erased.persons)),
            sorted(
                [one.audience_id, one.contact.contact_id, one.contact.id, one.fate] for one in self.contacts
            ),
            sorted(self.backups),
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What was erased, without the address."""

    client: str
    pass_id: PassId
    erased_at: datetime
    by: str
    address_key: str
    permanently: bool
    contacts: tuple[ContactErasure, ...]
    known: Mapping[str, int]
    backups: tuple[str, ...]
    listed: tuple[Listing, ...]
    compacted: bool
    """Whether the file of the database was written anew, so that it holds no trace."""


def whom(located: Located) -> Erased:
    """Given where an address is, return who is erased: all its people, and the addresses only they had."""
    behind: defaultdict[Address, set[Person]] = defaultdict(set)
    for where in located.lists:
        for address, persons in _behind(where):
            behind[address].update(persons)
    theirs = {address for address, persons in behind.items() if persons and persons <= located.persons}
    return Erased(frozenset({located.address, *theirs}), located.persons)


def contacts_of(located: Located, erased: Erased, *, permanently: bool) -> tuple[ContactErasure, ...]:
    """Given where an address is and who is erased, return their contacts, each audience's once."""
    contacts: dict[tuple[AudienceId, str], ContactErasure] = {}
    owners: dict[AudienceId, Whereabouts] = {}
    # A list made anew takes over an audience that the old one still names: it is told of the heir alone,
    # even where only the old one knows the contact.
    for where in sorted(located.lists, key=_let_go):
        audience_id = where.sides.audience_id
        if audience_id is None:
            continue
        owner = owners.setdefault(audience_id, where).pairing
        theirs = _contact_ids(where, erased)
        for contact in where.sides.contacts.contacts:
            if contact.address in erased.addresses or contact.contact_id in theirs:
                contacts[audience_id, contact.id] = ContactErasure(
                    list_uid=owner.list_uid,
                    list_name=owner.list_name,
                    audience_id=audience_id,
                    contact=contact,
                    fate=_fate(contact, permanently=permanently),
                )
    return tuple(contacts.values())


def _let_go(where: Whereabouts) -> bool:
    link = where.pairing.link
    return link is None or link.state is not LinkState.LINKED


def listings_of(located: Located) -> tuple[Listing, ...]:
    """Given where an address is, return the lists of OTYS that its people are on."""
    return tuple(
        Listing(list_uid=where.pairing.list_uid, list_name=where.pairing.list_name, person=person)
        for where in located.lists
        for person in dict.fromkeys(
            row.person
            for row in where.sides.recipients.recipients
            if row.person in located.persons or normalise(row.email) == located.address
        )
    )


def remembering(located: Located) -> tuple[ListUid, ...]:
    """Given where an address is, return the lists that remember something of it."""
    return tuple(
        where.pairing.list_uid
        for where in located.lists
        if where.sides.base.rows or where.sides.base.nos or where.sides.base.refusals
    )


def _behind(where: Whereabouts) -> Iterator[tuple[Address, tuple[Person, ...]]]:
    for row in where.sides.base.rows.values():
        yield row.address, row.persons
    for no in where.sides.base.nos:
        yield no.address, no.persons


def _contact_ids(where: Whereabouts, erased: Erased) -> frozenset[str]:
    """The person may have changed the address in Mailchimp: the contact keeps its id."""
    rows = where.sides.base.rows.values()
    return frozenset(row.contact_id for row in rows if row.contact_id and row.address in erased.addresses)


def _fate(contact: Contact, *, permanently: bool) -> Fate:
    if permanently:
        return Fate.DELETED
    if contact.standing is Standing.ARCHIVED:
        return Fate.ARCHIVED_BEFORE
    return Fate.NOT_ARCHIVABLE if contact.standing in _NOT_ARCHIVABLE else Fate.ARCHIVED
