"""Who comes back with a deleted audience, and who must not. Pure."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.address import refuse_reason
from reconciler.api.mailchimp_wire import MergeValue
from reconciler.backup import Backup, SavedContact
from reconciler.changes import NO_TEXT
from reconciler.model import Address, ListBase, ListUid, NoReason, Person, Standing

IsErased = Callable[[Address | Person], bool]
WAS_ERASED = "was erased"
_ADDRESS_PARTS = ("addr1", "city", "state", "zip")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A contact of the backup that does not come back."""

    email: str
    """As it was saved; empty for a contact that had none, and for one that was erased."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidNo:
    """Everybody who may not be subscribed, whatever a backup says."""

    base: ListBase
    opted_out: frozenset[Address] = frozenset()
    """Who opted out in OTYS, if the list is there again."""
    is_erased: IsErased = lambda _: False


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """What restoring an audience comes to."""

    client: str
    backup: Backup
    back: tuple[SavedContact, ...]
    left_out: tuple[LeftOut, ...]
    hold: str = ""
    """Why nothing may be restored; empty if it may."""
    audience_id: str | None = None
    """The audience that is there already: restoring it began and was cut off, or is over."""

    @property
    def list_uid(self) -> ListUid:
        """The list whose audience it was."""
        return self.backup.head.list_uid

    @property
    def digest(self) -> str:
        """What names exactly this; empty when nothing may be restored.

        It stays the same while restoring is under way, so that a command that was cut off can be repeated.
        """
        if self.hold:
            return ""
        facts = [
            "restore",
            self.client,
            self.list_uid,
            self.backup.checksum,
            sorted(saved.contact.address for saved in self.back),
            sorted((one.email, one.reason) for one in self.left_out),
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @property
    def reasons(self) -> Mapping[str, int]:
        """How many are left out, by reason, the most frequent first."""
        return dict(Counter(one.reason for one in self.left_out).most_common())

    @property
    def tags(self) -> Mapping[str, tuple[Address, ...]]:
        """Who has each tag, of those who come back."""
        found: defaultdict[str, list[Address]] = defaultdict(list)
        for saved in self.back:
            for name in sorted(saved.contact.tag_names):
                found[name].append(saved.contact.address)
        return {name: tuple(found[name]) for name in sorted(found)}


def divide(backup: Backup, said_no: SaidNo) -> tuple[tuple[SavedContact, ...], tuple[LeftOut, ...]]:
    """Given a backup and who said no, return who comes back and who is left out, each with the reason."""
    judge = _Judge(said_no)
    back: list[SavedContact] = []
    left_out: list[LeftOut] = []
    for saved in backup.contacts:
        reason = judge.why_not(saved)
        if reason:
            shown = "" if reason == WAS_ERASED else saved.contact.email_address or ""
            left_out.append(LeftOut(shown, reason))
        else:
            back.append(saved)
    return tuple(back), tuple(left_out)


def extras_of(saved: SavedContact) -> Mapping[str, object]:
    """Given a contact, return what is written besides its address and status, as Mailchimp takes it."""
    contact = saved.contact
    facts = {
        "email_type": contact.email_type,
        "language": contact.language,
        "vip": contact.vip,
        "ip_signup": contact.ip_signup,
        "timestamp_signup": contact.timestamp_signup,
        "ip_opt": contact.ip_opt,
        "timestamp_opt": contact.timestamp_opt,
    }
    return {"merge_fields": merge_fields_of(saved), **{name: one for name, one in facts.items() if one}}


def merge_fields_of(saved: SavedContact) -> Mapping[str, MergeValue]:
    """Given a contact, return the merge fields that can be written.

    A half-filled address would be refused, and the contact with it (facts/mailchimp.md, 48): it stays out.
    """
    return {
        tag: value
        for tag, value in saved.contact.fields.items()
        if not isinstance(value, dict) or all(value.get(part) for part in _ADDRESS_PARTS)
    }


@dataclass(slots=True)
class _Judge:
    said_no: SaidNo
    _by_address: dict[Address, NoReason] = field(default_factory=dict)
    _by_person: dict[Person, NoReason] = field(default_factory=dict)

    def __post_init__(self) -> None:
        base = self.said_no.base
        for refusal in base.refusals:
            if refusal.kind.no is not None:
                self._by_address[refusal.address] = refusal.kind.no
        for no in base.nos:
            self._by_address[no.address] = no.reason
            if no.reason.follows_person:
                self._by_person |= dict.fromkeys(no.persons, no.reason)

    def why_not(self, saved: SavedContact) -> str:
        """Given a contact, return why it does not come back; empty if it does."""
        return next(self._objections(saved), "")

    def _objections(self, saved: SavedContact) -> Iterator[str]:
        contact, address = saved.contact, saved.contact.address
        persons = () if saved.row is None else saved.row.persons
        names = {address} if saved.row is None else {address, saved.row.address}
        if any(map(self.said_no.is_erased, names)) or any(map(self.said_no.is_erased, persons)):
            yield WAS_ERASED
        if not address:
            yield "has no e-mail address"
        if contact.standing is not Standing.SUBSCRIBED:
            yield f"was {contact.standing} when the audience was saved"
        for name in names & self._by_address.keys():
            yield f"said no: {NO_TEXT[self._by_address[name]]}"
        for person in persons:
            if person in self._by_person:
                yield f"said no with another address: {NO_TEXT[self._by_person[person]]}"
        if names & self.said_no.opted_out:
            yield f"said no: {NO_TEXT[NoReason.OPTED_OUT]}"
        if refuse_reason(address):
            yield "has an address that cannot be mailed"
