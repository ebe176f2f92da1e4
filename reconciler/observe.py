"""One list seen on all three sides, address by address. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.listing import ERASED, Listed, Listings
from reconciler.model import (
    Address,
    BaseRow,
    BaseState,
    Contact,
    ListBase,
    Listing,
    No,
    NoReason,
    Person,
    Standing,
)

REACHED = (Standing.SUBSCRIBED, Standing.PENDING, Standing.TRANSACTIONAL)
"""A contact that is there and said no to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One address seen on all three sides."""

    address: Address
    listed: Listed | None
    contact: Contact | None
    row: BaseRow | None
    nos: tuple[No, ...]
    """The open nos of the address itself."""
    inherited: tuple[No, ...]
    """The open nos that its persons said under other addresses."""

    @property
    def listing(self) -> Listing:
        """Where the address stands in OTYS."""
        if self.listed is None:
            return Listing.ABSENT
        return Listing.OPTED_OUT if self.listed.opted_out else Listing.LISTED

    @property
    def standing(self) -> Standing:
        """Where the contact stands in Mailchimp."""
        return Standing.ABSENT if self.contact is None else self.contact.standing

    @property
    def somebody_elses(self) -> bool:
        """Whether our contact is gone for good, and the address was subscribed anew by somebody else."""
        row, contact = self.row, self.contact
        if row is None or contact is None or contact.standing not in REACHED:
            return False
        return not row.may_be_of(contact.contact_id)

    @property
    def known(self) -> BaseState:
        """What we last did about it, leaving nos aside."""
        if self.somebody_elses:
            return BaseState.NONE if self.listing is Listing.OPTED_OUT else BaseState.REMOVED
        return BaseState.NONE if self.row is None else self.row.state

    @property
    def base(self) -> BaseState:
        """What we last did about it: a no weighs more than a row."""
        known = self.known
        if self.nos:
            # A no is stored before the removal it asks for: while our row stands, that removal is owed.
            ours = self.row is not None and not self.somebody_elses
            owed = ours and self.listing is not Listing.LISTED
            return known if owed else BaseState.SUPPRESSED
        if self.inherited and not (known is BaseState.ACTIVE and self.standing in REACHED):
            return BaseState.SUPPRESSED
        return known

    @property
    def brought_nothing_along(self) -> frozenset[Person]:
        """Who stands behind the address, or stood there last, without a no said elsewhere."""
        behind = frozenset((*self.persons, *(() if self.row is None else self.row.persons)))
        return behind.difference(*(no.persons for no in self.inherited))

    @property
    def reasons(self) -> frozenset[NoReason]:
        """Why the list may not reach the address."""
        return frozenset(no.reason for no in (*self.nos, *self.inherited))

    @property
    def persons(self) -> tuple[Person, ...]:
        """Who stands behind the address now, or stood there last."""
        if self.listed is not None:
            return self.listed.persons
        if self.row is not None:
            return self.row.persons
        return tuple(dict.fromkeys(person for no in self.nos for person in no.persons))


class View:
    """All three sides of one list, indexed."""

    def __init__(self, listings: Listings, contacts: Iterable[Contact], base: ListBase) -> None:
        self.listings = listings
        self.base = base
        self.opted_out = frozenset(
            (
                *(
                    person
                    for listed in listings.by_address.values()
                    if listed.opted_out
                    for person in listed.persons
                ),
                *(invalid.person for invalid in listings.invalid if invalid.opted_out),
            )
        )
        self.broken = {invalid.person: invalid for invalid in listings.invalid if invalid.email}
        self._hidden = frozenset(one.person for one in listings.invalid if one.reason == ERASED)
        self.address_of: Mapping[Person, Address] = {
            person: address
            for address, listed in sorted(listings.by_address.items())
            for person in listed.persons
        }
        self.contacts: Mapping[Address, Contact] = _by_address(contacts)
        self._by_contact_id = {
            contact.contact_id: contact for _, contact in sorted(self.contacts.items()) if contact.contact_id
        }
        self.rows = self._rows_where_contacts_are()
        self._nos_of_address: defaultdict[Address, list[No]] = defaultdict(list)
        self._nos_of_person: defaultdict[Person, list[No]] = defaultdict(list)
        for no in base.nos:
            self.remember(no)

    def remember(self, no: No) -> None:
        """Given a no, let it count for its address and, if it follows them, for its persons."""
        self._nos_of_address[no.address].append(no)
        self.follow(no)

    def follow(self, no: No) -> None:
        """Given a no, let it count for its persons wherever they are now, if it follows them."""
        if no.reason.follows_person:
            for person in no.persons:
                self._nos_of_person[person].append(no)

    def addresses(self) -> list[Address]:
        """Return every address there may be something to do about, in a stable order."""
        return sorted({*self.listings.by_address, *self.rows, *self._nos_of_address})

    def in_step(self, address: Address) -> bool:
        """Given an address, return whether OTYS says what was last synced, and its contact is subscribed.

        Then the table has nothing to decide; asking this first spares it nearly every address.
        """
        listed, row = self.listings.by_address.get(address), self.rows.get(address)
        contact = self.contacts.get(address)
        return (
            listed is not None
            and row is not None
            and contact is not None
            and row.state is BaseState.ACTIVE
            and contact.standing is Standing.SUBSCRIBED
            and row.contact_id == contact.contact_id
            and row.fields == listed.fields
            and row.persons == listed.persons
            and row.address == address
            and not listed.opted_out
            and address not in self._nos_of_address
        )

    def observe(self, address: Address) -> Observation:
        """Given an address, return what the three sides say about it."""
        listed = self.listings.by_address.get(address)
        row = self.rows.get(address)
        persons = () if listed is None else listed.persons
        inherited = {no for person in persons for no in self._nos_of_person.get(person, ())}
        return Observation(
            address=address,
            listed=listed,
            contact=self._contact(address, row),
            row=row,
            nos=tuple(self._nos_of_address.get(address, ())),
            inherited=tuple(sorted((no for no in inherited if no.address != address), key=_longest_first)),
        )

    def _rows_where_contacts_are(self) -> Mapping[Address, BaseRow]:
        """An address that changed on both sides alike is the same contact: its row counts at the new one.

        This is also how a rename looks that was cut off before it was recorded.
        """
        rows = dict(self.base.rows)
        for address, row in sorted(self.base.rows.items()):
            contact = self._by_contact_id.get(row.contact_id)
            if row.state is not BaseState.ACTIVE or contact is None or contact.address in rows:
                continue
            # Whoever has the old address in Mailchimp by now is somebody else, with another contact_id.
            left = address not in self.listings.by_address
            listed = self.listings.by_address.get(contact.address)
            if left and listed is not None and set(row.persons).intersection(listed.persons):
                rows[contact.address] = rows.pop(address)
        return rows

    def _contact(self, address: Address, row: BaseRow | None) -> Contact | None:
        contact = self.contacts.get(address)
        if row is None or not row.contact_id:
            return contact
        if contact is not None and (address in self.listings.by_address or row.may_be_of(contact.contact_id)):
            return contact
        # The person may have changed the address in Mailchimp: the contact keeps its contact_id
        # (facts/mailchimp.md, 21). An address that means somebody else by now is left alone.
        renamed = self._by_contact_id.get(row.contact_id)
        if renamed is None or renamed.address in self.listings.by_address or renamed.address in self.rows:
            return contact
        return renamed

    def still_on_list(self, seen: Observation) -> bool:
        """Given an address, return whether OTYS lists anybody behind it, under whatever address."""
        return any(
            person in self.address_of or person in self.broken or person in self._hidden
            for person in seen.persons
        )

    def still_there(self, row: BaseRow) -> bool:
        """Given one of our rows, return whether its contact lives on in Mailchimp, under any address."""
        return row.address in self.contacts or row.contact_id in self._by_contact_id


def _longest_first(no: No) -> tuple[bool, Address, NoReason]:
    return no.reason is NoReason.TAKEN_OUT, no.address, no.reason


def _by_address(contacts: Iterable[Contact]) -> dict[Address, Contact]:
    found: dict[Address, Contact] = {}
    for contact in contacts:
        # A contact that is archived while it is read may show up in both listings: the live one counts.
        if contact.address not in found or contact.standing is not Standing.ARCHIVED:
            found[contact.address] = contact
    return found
