"""Knows Mailchimp's rules of consent for one audience that stands in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from reconciler.address import normalise
from reconciler.api.mailchimp_errors import refusal_of_standing
from reconciler.api.mailchimp_wire import member_hash
from reconciler.audience_record import AudienceRecord, ContactRecord, MergeFieldRecord, TagRecord
from reconciler.model import (
    Address,
    Audience,
    AudienceId,
    Change,
    Contact,
    Fields,
    Outcome,
    RefusalKind,
    Standing,
    Tally,
    Verb,
)
from reconciler.sinks.mailchimp_outcomes import (
    CHANGED_SINCE,
    already_true,
    applied,
    changed_since,
    known_contact_id,
    refused,
    retry_later,
)

_NOT_ARCHIVED_BY_DELETE = frozenset({Standing.PENDING, Standing.CLEANED})
_OPTED_OUT = frozenset({Standing.UNSUBSCRIBED, Standing.CLEANED})


class MemoryAudience:
    """One audience: what the sink may write, and what people do to it in Mailchimp."""

    def __init__(self, audience_id: AudienceId, *, name: str, permission_reminder: str) -> None:
        self.id = audience_id
        self.name = name
        self.permission_reminder = permission_reminder
        self._merge_fields = {tag: MergeFieldRecord(tag=tag, name=tag) for tag in ("FNAME", "LNAME")}
        self._tagged: dict[str, set[Address]] = {}
        self._contacts: dict[str, Contact] = {}
        self._opted_out: set[str] = set()
        """Contact ids: archiving hides an opt-out without ending it (facts/mailchimp.md, 32)."""
        self._forgotten: set[Address] = set()
        self._changed: dict[str, datetime] = {}

    @property
    def tags(self) -> frozenset[str]:
        """The tags of its merge fields."""
        return frozenset(self._merge_fields)

    def seen(self) -> Audience:
        """Return the audience as it is listed."""
        return Audience(id=self.id, name=self.name, permission_reminder=self.permission_reminder)

    def contacts(self) -> tuple[Contact, ...]:
        """Return the contacts of every standing."""
        return tuple(self._contacts.values())

    def find(self, email: str) -> Contact | None:
        """Given an address, return its contact, None if there is none."""
        address = normalise(email)
        return next((contact for contact in self._contacts.values() if contact.address == address), None)

    def record(self) -> AudienceRecord:
        """Return everything in it."""
        contacts = tuple(self._record(contact) for contact in self._contacts.values())
        rows = len(contacts)
        return AudienceRecord(
            audience=self.seen(),
            campaign_last_sent=None,
            merge_fields=tuple(self._merge_fields.values()),
            contacts=contacts,
            tally=Tally(rows=rows, declared_before=rows, declared_after=rows),
        )

    # -- what a sink writes -------------------------------------------------------------------------

    def write(self, change: Change) -> Outcome:
        """Given a change, apply it by Mailchimp's rules and return what became of it."""
        match change.verb:
            case Verb.ADD:
                return self._add(change)
            case Verb.RENAME:
                return self._rename(change)
            case Verb.ADOPT | Verb.UPDATE:
                return self._edit(change)
            case Verb.REMOVE:
                return self._remove(change)
            case _:
                raise ValueError(f"{change.verb} is nothing that is written to Mailchimp")

    def add_merge_field(self, field: MergeFieldRecord) -> None:
        """Given a merge field, have it from now on."""
        self._merge_fields[field.tag] = field

    def tag(self, name: str, addresses: Sequence[Address]) -> None:
        """Given a tag and addresses of contacts, let each have it."""
        self._tagged.setdefault(name, set()).update(addresses)

    def _add(self, change: Change) -> Outcome:
        there = self.find(change.address)
        if there is None:
            if change.address in self._forgotten:
                return refused(change, RefusalKind.FORGOTTEN, "the contact was permanently deleted")
            return applied(change, self._put(change.address, Standing.SUBSCRIBED, change.fields).contact_id)
        if there.standing is Standing.SUBSCRIBED:
            return already_true(change, contact_id=there.contact_id)
        if there.standing is not Standing.ARCHIVED or change.contact is None:
            return refused(change, refusal_of_standing(there.standing), f"the contact is {there.standing}")
        if there.contact_id in self._opted_out:
            return refused(change, RefusalKind.COMPLIANCE, "the contact is in a compliance state")
        if changed_since(change, self._changed.get(there.contact_id)):
            return refused(change, RefusalKind.ARCHIVED, CHANGED_SINCE)
        self._keep(self._with_fields(replace(there, standing=Standing.SUBSCRIBED), change.fields))
        return applied(change)

    def _rename(self, change: Change) -> Outcome:
        there = self._known(change)
        if there is None or self.find(change.address):
            return retry_later(change, "the contact is gone, or another one has this address")
        renamed = replace(there, id=member_hash(change.address), address=change.address)
        self._keep(self._with_fields(renamed, change.fields))
        return applied(change)

    def _edit(self, change: Change) -> Outcome:
        there = self._known(change)
        if there is None:
            return retry_later(change, "the contact is not there any more")
        if not change.fields:
            return already_true(change)
        self._keep(self._with_fields(there, change.fields))
        return applied(change)

    def _remove(self, change: Change) -> Outcome:
        there = self._known(change)
        if there is None and known_contact_id(change) in self._contacts:
            return retry_later(change, "the contact changed its address meanwhile")
        if there is None or there.standing is Standing.ARCHIVED:
            return already_true(change)
        if there.standing in _NOT_ARCHIVED_BY_DELETE:
            return refused(change, RefusalKind.CANNOT_ARCHIVE, f"the contact is {there.standing}")
        self._keep(replace(there, standing=Standing.ARCHIVED))
        return applied(change)

    # -- what people do in Mailchimp ----------------------------------------------------------------

    def add_contact(
        self, email: str, standing: Standing = Standing.SUBSCRIBED, fields: Mapping[str, str] | None = None
    ) -> Contact:
        """Somebody adds a contact of any standing by hand."""
        return self._put(normalise(email), standing, fields or {})

    def unsubscribe(self, email: str) -> None:
        """A person opts out."""
        self._stand(email, Standing.UNSUBSCRIBED)

    def bounce(self, email: str) -> None:
        """A mail comes back for good."""
        self._stand(email, Standing.CLEANED)

    def archive(self, email: str) -> None:
        """A marketer archives a contact."""
        self._stand(email, Standing.ARCHIVED)

    def subscribe_by_form(self, email: str) -> None:
        """A person subscribes by its own action, whatever was before."""
        address = normalise(email)
        self._forgotten.discard(address)
        there = self.find(address) or self._put(address, Standing.SUBSCRIBED, {})
        self._opted_out.discard(there.contact_id)
        self._keep(replace(there, standing=Standing.SUBSCRIBED))

    def change_address(self, email: str, new_email: str) -> None:
        """A person changes its address."""
        address = normalise(new_email)
        self._keep(replace(self._must_find(email), id=member_hash(address), address=address))

    def edit_fields(self, email: str, fields: Mapping[str, str]) -> None:
        """A marketer edits merge fields."""
        self._keep(self._with_fields(self._must_find(email), fields))

    def delete_permanently(self, email: str) -> None:
        """A marketer deletes a contact for good: only a form brings the address back."""
        there = self._must_find(email)
        del self._contacts[there.contact_id]
        self._forgotten.add(there.address)

    # -- how it is kept -----------------------------------------------------------------------------

    def _put(self, address: Address, standing: Standing, fields: Fields) -> Contact:
        contact = Contact(
            id=member_hash(address),
            address=address,
            standing=standing,
            contact_id=f"{self.id}-contact-{len(self._contacts) + len(self._forgotten) + 1}",
        )
        contact = self._with_fields(contact, fields)
        if standing in _OPTED_OUT:
            self._opted_out.add(contact.contact_id)
        self._keep(contact)
        return contact

    def _stand(self, email: str, standing: Standing) -> None:
        there = self._must_find(email)
        if standing in _OPTED_OUT:
            self._opted_out.add(there.contact_id)
        self._keep(replace(there, standing=standing))

    def _record(self, contact: Contact) -> ContactRecord:
        names = sorted(name for name, tagged in self._tagged.items() if contact.address in tagged)
        return ContactRecord(
            id=contact.id,
            contact_id=contact.contact_id,
            email_address=contact.address,
            standing=contact.standing,
            merge_fields=dict(contact.fields),
            tags=tuple(TagRecord(name) for name in names),
            tags_count=len(names),
        )

    def _with_fields(self, contact: Contact, fields: Fields) -> Contact:
        """Unknown tags are dropped without a word (facts/mailchimp.md, 46)."""
        known = {tag: value for tag, value in fields.items() if tag in self.tags}
        return replace(contact, fields={**dict.fromkeys(sorted(self.tags), ""), **contact.fields, **known})

    def _known(self, change: Change) -> Contact | None:
        if change.contact is None:
            raise ValueError(f"{change.verb} needs the contact as it was seen")
        there = self._contacts.get(change.contact.contact_id)
        return there if there and there.id == change.contact.id else None

    def _must_find(self, email: str) -> Contact:
        there = self.find(email)
        if there is None:
            raise LookupError("there is no contact with this address")
        return there

    def _keep(self, contact: Contact) -> None:
        self._changed[contact.contact_id] = datetime.now(UTC)
        self._contacts[contact.contact_id] = contact
