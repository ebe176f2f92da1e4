"""The rules by which a contact comes, changes and goes, facts/mailchimp.md, 2.3 to 2.5."""

from datetime import datetime

import msgspec

from reconciler.sandbox.mailchimp import addresses, mergevalues, problems
from reconciler.sandbox.mailchimp.moments import read_moment
from reconciler.sandbox.mailchimp.state import (
    Audience,
    Contact,
    MailchimpState,
    MergeValue,
    Refusal,
    Segment,
    Status,
    key,
    subscriber_hash,
)

_OWN_ADDRESS = "127.0.0.1"  # a program that names no ip_opt opts in from its own address
_CANNOT_BE_ARCHIVED = (Status.ARCHIVED, Status.PENDING, Status.CLEANED)
_REFUSAL_OF_NEW = {Status.UNSUBSCRIBED: Refusal.BY_API, Status.CLEANED: Refusal.BOUNCED}


class Location(msgspec.Struct):
    """Where a contact is; the rest of a place follows from these two."""

    latitude: float = 0
    longitude: float = 0


class ContactBody(msgspec.Struct, kw_only=True):
    """What a program sends about a contact; what the sandbox has no use for is ignored."""

    email_address: str | None = None
    status: str | None = None
    status_if_new: str | None = None
    merge_fields: dict[str, object] = {}
    email_type: str | None = None
    language: str | None = None
    vip: bool | None = None
    tags: list[str] = []
    ip_signup: str | None = None
    ip_opt: str | None = None
    timestamp_signup: str | None = None
    timestamp_opt: str | None = None
    location: Location | None = None


class ContactRules:
    """What can be done to the contacts of one audience at one moment."""

    def __init__(
        self,
        state: MailchimpState,
        audience: Audience,
        now: datetime,
        *,
        visible_from: datetime | None = None,
    ) -> None:
        self.visible_from = visible_from
        self.state = state
        self.audience = audience
        self.now = now.replace(microsecond=0)  # last_changed knows whole seconds, 15

    def add(self, body: ContactBody, *, skip_validation: bool = False) -> Contact:
        """Given a contact, add it, or revive the archived one, 27. Raise Problem if it is refused."""
        address = self._usable_address(body)
        if body.status is None:
            raise problems.missing("status")
        status = writable_status(body.status)
        held = self.audience.at_address(address)
        if held is None:
            return self.create(address, status, body, skip_validation=skip_validation)
        if held.status is not Status.ARCHIVED:
            raise problems.member_exists(address)
        revived = self.update(held, body, skip_validation=skip_validation)
        if body.timestamp_opt is None:
            revived.timestamp_opt = self.now
        return revived

    def put(self, name: str, body: ContactBody, *, skip_validation: bool = False) -> Contact:
        """Given what a path names and a contact, update or create it, 21 to 23. Raise Problem if refused."""
        named = self.audience.find(name)
        if named is not None:
            return self.update(named, body, skip_validation=skip_validation)
        address = self._usable_address(body)
        wanted = body.status or body.status_if_new
        if wanted is None:
            raise problems.missing("status_if_new")
        held = self.audience.at_address(address)
        if held is None:
            return self.create(address, writable_status(wanted), body, skip_validation=skip_validation)
        if held.status is not Status.ARCHIVED:
            raise problems.member_exists(address)
        revived = msgspec.structs.replace(body, status=wanted)
        return self.update(held, revived, skip_validation=skip_validation)

    def create(
        self, address: str, status: Status, body: ContactBody, *, skip_validation: bool = False
    ) -> Contact:
        """Given an address nobody has, create its contact. Raise Problem if it was forgotten, 36."""
        self._check_not_forgotten(address)
        self._check_patience(address, status)
        origin = _origin(body)
        contact = Contact(
            id=subscriber_hash(address),
            contact_id=self.state.new_id(),
            web_id=self.state.new_number(),
            unique_email_id=self.state.new_id(10),
            email_address=address,
            status=status,
            merge_fields=self._accept(body, {}, skip_validation=skip_validation),
            refusal=_REFUSAL_OF_NEW.get(status),
            last_changed=self.now,
            timestamp_opt=self.now if status is Status.SUBSCRIBED else None,
            language=body.language or "",
            email_type=body.email_type or "html",
            vip=bool(body.vip),
            confirmations_sent=int(status is Status.PENDING),
            ip_opt=_OWN_ADDRESS if status is Status.SUBSCRIBED else "",
            visible_from=self.visible_from,
        )
        _keep(contact, origin)
        for tag in body.tags:
            contact.tags[self.tag(tag).id] = self.now
        self.audience.put(contact)
        return contact

    def update(self, contact: Contact, body: ContactBody, *, skip_validation: bool = False) -> Contact:
        """Given a contact and what is sent about it, change all of it or, raising Problem, nothing.

        Without a status the status stays, 31; so does an archived one if only status_if_new is sent, 26.
        """
        status = contact.status if body.status is None else writable_status(body.status)
        address = body.email_address or contact.email_address
        renamed = key(address) != key(contact.email_address)
        if renamed:
            self._check_rename(address)
        refusal = contact.refusal if status is contact.status else self._refusal_after(contact, status)
        merge_fields = self._accept(body, contact.merge_fields, skip_validation=skip_validation)
        origin = _origin(body)
        before = msgspec.structs.astuple(contact)
        if status is Status.PENDING and body.status is not None:
            contact.confirmations_sent += 1
        contact.status, contact.refusal, contact.merge_fields = status, refusal, merge_fields
        contact.language = contact.language if body.language is None else body.language
        contact.email_type = body.email_type or contact.email_type
        contact.vip = contact.vip if body.vip is None else body.vip
        _keep(contact, origin)
        if renamed:
            self._rename(contact, address)
        else:
            contact.email_address = address  # the case of its letters may differ
        if msgspec.structs.astuple(contact) != before:
            contact.last_changed = self.now
        return contact

    def archive(self, contact: Contact) -> None:
        """Given a contact, archive it. Raise Problem if it is archived, pending or cleaned, 35."""
        if contact.status in _CANNOT_BE_ARCHIVED:
            raise problems.cannot_archive()
        contact.status = Status.ARCHIVED
        contact.last_changed = self.now

    def delete_permanently(self, contact: Contact) -> None:
        """Given a contact, remove it for good; no program brings the address back, 36."""
        self.audience.take_out(contact)
        self.audience.forgotten.add(subscriber_hash(contact.email_address))

    def tag(self, name: str) -> Segment:
        """Given the name of a tag, return it, made if it is new; the case of letters does not matter."""
        known = self.known_tag(name)
        if known is not None:
            return known
        made = Segment(id=self.audience.take_id(), name=name, created_at=self.now, updated_at=self.now)
        self.audience.segments[made.id] = made
        return made

    def known_tag(self, name: str) -> Segment | None:
        """Given the name of a tag, return it if the audience has it."""
        segments = self.audience.segments.values()
        return next((segment for segment in segments if segment.name.lower() == name.lower()), None)

    def refuses(self, contact: Contact) -> Refusal | None:
        """Given a contact, return why it may not be subscribed by the API, None if it may."""
        switches = self.state.switches
        if contact.status is Status.ARCHIVED and not switches.archiving_keeps_refusal:
            return None
        if contact.refusal is Refusal.BY_API and not switches.refuse_resubscribing_after_api:
            return None
        return contact.refusal

    def _refusal_after(self, contact: Contact, status: Status) -> Refusal | None:
        refusal = self.refuses(contact)
        self._check_patience(contact.email_address, status)
        match status:
            case Status.SUBSCRIBED if refusal is not None:
                raise problems.in_compliance_state(contact.email_address)
            case Status.SUBSCRIBED:
                return None
            case Status.PENDING if refusal in (Refusal.BOUNCED, Refusal.COMPLIANCE):
                raise problems.in_compliance_state(contact.email_address)
            case Status.UNSUBSCRIBED | Status.CLEANED:
                return contact.refusal or _REFUSAL_OF_NEW[status]
            case _:
                return refusal

    def _usable_address(self, body: ContactBody) -> str:
        if not body.email_address:
            raise problems.missing("email_address")
        addresses.check(body.email_address.strip())
        return body.email_address.strip()

    def _check_rename(self, address: str) -> None:
        addresses.check(address)
        if self.audience.at_address(address) is not None:
            raise problems.address_taken(address)
        self._check_not_forgotten(address)

    def _check_not_forgotten(self, address: str) -> None:
        if subscriber_hash(address) in self.audience.forgotten:
            raise problems.forgotten(address)

    def _check_patience(self, address: str, status: Status) -> None:
        if status in (Status.SUBSCRIBED, Status.PENDING) and key(address) in self.state.oversubscribed:
            raise problems.too_many_lists(address)

    def _accept(
        self, body: ContactBody, held: dict[str, MergeValue], *, skip_validation: bool
    ) -> dict[str, MergeValue]:
        return mergevalues.accept(
            self.audience.merge_fields, body.merge_fields, held, skip_validation=skip_validation
        )

    def _rename(self, contact: Contact, address: str) -> None:
        """Give the contact another address; contact_id, web_id and tags stay, 21."""
        self.audience.take_out(contact)
        contact.email_address = address
        contact.id = subscriber_hash(address)
        contact.unique_email_id = self.state.new_id(10)
        self.audience.put(contact)


def writable_status(text: str) -> Status:
    """Given a status sent by a program, return it. Raise Problem if nobody can set it, 25."""
    writable = [status.value for status in Status if status is not Status.ARCHIVED]
    if text not in writable:
        raise problems.not_accepted("status", writable)
    return Status(text)


def _origin(body: ContactBody) -> dict[str, object]:
    """Given what is sent about a contact, return what it says about where the contact comes from.

    Raise Problem if a moment is none.
    """
    sent: dict[str, object] = {
        "ip_signup": body.ip_signup,
        "ip_opt": body.ip_opt,
        "timestamp_signup": _moment("timestamp_signup", body.timestamp_signup),
        "timestamp_opt": _moment("timestamp_opt", body.timestamp_opt),
    }
    if body.location is not None:
        sent |= {"latitude": body.location.latitude, "longitude": body.location.longitude}
    return {name: value for name, value in sent.items() if value is not None}


def _keep(contact: Contact, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(contact, name, value)


def _moment(field: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return read_moment(text)
    except ValueError as error:
        raise problems.invalid_field(field, "This value is not a valid datetime.") from error
