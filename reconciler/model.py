"""The nouns of the product: frozen values that know nothing of files, databases or networks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, NewType

from reconciler.newest import NewestContacts

Address = NewType("Address", str)
"""An e-mail address, trimmed, NFC-normalised and lower-cased: what two sides are matched on."""
ListUid = NewType("ListUid", str)
"""OTYS' opaque identity of a mailing list; its name is not unique."""
AudienceId = NewType("AudienceId", str)
"""Mailchimp's identity of an audience."""
PassId = NewType("PassId", int)
"""One reconcile of one client."""

Fields = Mapping[str, str]
"""Merge fields by tag. A tag that is missing is not touched; an empty text is an empty value."""


# -- what OTYS holds ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Integration:
    """What a client's settings say about the integration (settings 3109, 3110, 3111, 3121, GE203)."""

    enabled: bool
    user_name: str
    api_key: str = field(repr=False)
    permission_reminder: str
    flagged: tuple[ListUid, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingList:
    """One list of the catalogue, with the columns of the manual's list view."""

    uid: ListUid
    name: str
    description: str = ""
    subject: str = ""
    owner: str = ""
    created: str = ""
    category: str = ""
    is_global: bool = False
    last_modified: str = ""
    last_modified_by: str = ""
    published: bool = False
    temporary: bool = False
    mailchimp: bool = False
    permission_reminder: str = ""
    """Empty means the client's default, setting 3121."""
    recipient_count: int | None = None


class Person(NamedTuple):
    """Who stands behind recipients: a kind ("candidate", "contact", ...) and a uid within it."""

    kind: str
    uid: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.uid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A row of a list, as OTYS gives it: the address is not yet normalised nor known to be valid."""

    uid: str
    person: Person
    email: str
    values: Mapping[str, str] = field(default_factory=dict)
    """The mapped values by name (`first_name`, `infix`, ...); a value OTYS did not send is missing."""
    opted_out: bool = False
    erased: str = ""
    """Of somebody who was erased on request: the keyed hash of the address, which is not kept itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What is known about the completeness of a snapshot. Absence means nothing until it is complete."""

    rows: int
    declared_before: int | None = None
    declared_after: int | None = None
    duplicates: int = 0
    failure: str = ""
    """Why reading stopped early; empty when it did not."""
    tells_opt_outs: bool = False
    """Whether OTYS says who opted out: somebody in a row that was not read may have."""

    @property
    def complete(self) -> bool:
        """Whether every declared row was read, and the declared total stood still meanwhile."""
        return (
            not self.failure
            and self.declared_before is not None
            and self.declared_before == self.declared_after == self.rows
        )

    @property
    def problem(self) -> str:
        """One sentence that says why the snapshot is not complete; empty when it is."""
        if self.complete:
            return ""
        if self.failure:
            return self.failure
        if self.declared_before != self.declared_after:
            return f"the total moved from {self.declared_before} to {self.declared_after} while it was read"
        return f"{self.rows} of {self.declared_after} rows were read"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The mailing lists of a client."""

    lists: tuple[MailingList, ...]
    tally: Tally


@dataclass(frozen=True, slots=True)
class RecipientSnapshot:
    """The recipients of one list at one moment."""

    recipients: tuple[Recipient, ...]
    tally: Tally


class Fate(StrEnum):
    """What a lookup of one list by its uid says."""

    LIVES = "lives"
    DELETED = "deleted"


# -- what Mailchimp holds ----------------------------------------------------------------------------


class Standing(StrEnum):
    """The status of a contact, with ABSENT for an address that has none."""

    SUBSCRIBED = "subscribed"
    PENDING = "pending"
    TRANSACTIONAL = "transactional"
    UNSUBSCRIBED = "unsubscribed"
    CLEANED = "cleaned"
    ARCHIVED = "archived"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One contact of an audience."""

    id: str
    """Mailchimp's own id of the member, trusted over our md5 (facts/mailchimp.md, 20)."""
    address: Address
    standing: Standing
    fields: Fields = field(default_factory=dict)
    contact_id: str = ""
    """Survives a change of address (facts/mailchimp.md, 21)."""
    last_changed: datetime | None = None
    """None in a listing: only of a contact that is looked up singly it is kept."""


@dataclass(frozen=True, slots=True)
class ContactSnapshot:
    """The contacts of one audience, of every standing, at one moment."""

    contacts: tuple[Contact, ...]
    tally: Tally
    newest: NewestContacts | None = None
    """What a short look must show while none of them changed; None where that cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """One audience, with what is compared of it."""

    id: AudienceId
    name: str
    permission_reminder: str = ""


@dataclass(frozen=True, slots=True)
class Constraints:
    """How many audiences the account may hold; `maximum` is None when there is no limit."""

    may_create: bool
    maximum: int | None
    current: int


@dataclass(frozen=True, slots=True)
class AudienceCatalogue:
    """The audiences of an account."""

    audiences: tuple[Audience, ...]
    constraints: Constraints
    tally: Tally


# -- what was last synced ----------------------------------------------------------------------------


class BaseState(StrEnum):
    """What we last did about an address of a list."""

    NONE = "none"
    ACTIVE = "active"
    REMOVED = "removed"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRow:
    """The last synced state of one address of one list, while it is or was ours (ACTIVE or REMOVED)."""

    address: Address
    state: BaseState
    persons: tuple[Person, ...]
    fields: Fields = field(default_factory=dict)
    """The values OTYS had when they were last acknowledged."""
    contact_id: str = ""

    def may_be_of(self, contact_id: str | None) -> bool:
        """Given a contact's `contact_id`, return False if it tells that the row is about another contact."""
        return not self.contact_id or not contact_id or self.contact_id == contact_id


class NoReason(StrEnum):
    """Why a list may not reach somebody."""

    UNSUBSCRIBED = "unsubscribed"
    """Unsubscribed in Mailchimp."""
    BOUNCED = "bounced"
    """Cleaned in Mailchimp: the address, not the person, is the trouble."""
    FORGOTTEN = "forgotten"
    """Permanently deleted in Mailchimp."""
    COMPLIANCE = "compliance"
    """Mailchimp answered that the contact is in a compliance state."""
    OPTED_OUT = "opted_out"
    """Opted out in OTYS."""
    TAKEN_OUT = "taken_out"
    """Archived or deleted by somebody in Mailchimp; also ends when OTYS drops the person."""

    @property
    def concerns_otys(self) -> bool:
        """Whether a person said it in Mailchimp, so that OTYS ought to know.

        A bounce is about the address. Who was deleted or taken out there was so by an editor, who says
        nothing of what the person wants.
        """
        return self in (NoReason.UNSUBSCRIBED, NoReason.COMPLIANCE)

    @property
    def is_of_mailbox(self) -> bool:
        """Whether everybody who reads the mailbox has said it, also who came to share it later."""
        return self in (NoReason.UNSUBSCRIBED, NoReason.COMPLIANCE, NoReason.FORGOTTEN)

    @property
    def follows_person(self) -> bool:
        """Whether the no goes along when the person's address changes; a bounce does not."""
        return self is not NoReason.BOUNCED


@dataclass(frozen=True, slots=True, kw_only=True)
class No:
    """A remembered no: it belongs to the list and to everybody behind the address."""

    address: Address
    persons: tuple[Person, ...]
    reason: NoReason
    since: datetime | None = None
    """When it was first remembered; None until it is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut:
    """A remembered no that a person said in Mailchimp, and whether OTYS knows of it."""

    number: int
    """The store's own; later ones are higher."""
    list_uid: ListUid
    list_name: str
    address: Address
    persons: tuple[Person, ...]
    reason: NoReason
    since: datetime
    told_at: datetime | None = None
    """When OTYS was told, or somebody said that they entered it there; None: not yet."""


class RefusalKind(StrEnum):
    """Why Mailchimp refused a write about one contact."""

    INVALID_ADDRESS = "invalid_address"
    FAKE_ADDRESS = "fake_address"
    MERGE_FIELDS = "merge_fields"
    MEMBER_EXISTS = "member_exists"
    COMPLIANCE = "compliance"
    FORGOTTEN = "forgotten"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    ARCHIVED = "archived"
    TOO_MANY_SIGNUPS = "too_many_signups"
    """Temporary: tried again after a day."""
    CANNOT_ARCHIVE = "cannot_archive"
    """A pending or cleaned contact cannot be archived (facts/mailchimp.md, 35)."""
    UNDONE = "undone"
    """No refusal of Mailchimp: a person undid it, and it is not done again while its data stays the same."""
    UNKNOWN = "unknown"
    """A text we do not know: permanent until the data changes, and reported."""

    @property
    def no(self) -> NoReason | None:
        """The no this refusal proves, if it proves one."""
        return _NO_OF_REFUSAL.get(self)


_NO_OF_REFUSAL = {
    RefusalKind.COMPLIANCE: NoReason.COMPLIANCE,
    RefusalKind.FORGOTTEN: NoReason.FORGOTTEN,
    RefusalKind.UNSUBSCRIBED: NoReason.UNSUBSCRIBED,
    RefusalKind.BOUNCED: NoReason.BOUNCED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A write that Mailchimp refused, not to be repeated while `fingerprint` stays the same."""

    address: Address
    verb: "Verb"
    kind: RefusalKind
    detail: str
    fingerprint: str
    """Digest of what was to be written."""
    since: datetime
    retry_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListBase:
    """Everything remembered about the addresses of one list."""

    rows: Mapping[Address, BaseRow] = field(default_factory=dict)
    nos: tuple[No, ...] = ()
    refusals: tuple[Refusal, ...] = ()


class LinkState(StrEnum):
    """Where a list and its audience stand."""

    LINKED = "linked"
    UNLINKED = "unlinked"
    """Deselected, or its audience was deleted by us; nos are kept for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A list and its audience, with the name and reminder they last agreed on."""

    list_uid: ListUid
    list_name: str
    audience_id: AudienceId | None
    state: LinkState = LinkState.LINKED
    name: str = ""
    """The name both sides last agreed on: the base of the three-way merge."""
    permission_reminder: str = ""
    """The reminder both sides last agreed on."""
    synced_once: bool = False
    """False until a first pass over this link was complete: that pass adopts and adds, never removes."""
    absent_passes: int = 0
    """Complete snapshots in which the list was proved deleted, in a row."""
    absent_since: datetime | None = None


# -- what is decided ---------------------------------------------------------------------------------


class Listing(StrEnum):
    """Where an address stands in OTYS."""

    LISTED = "listed"
    ABSENT = "absent"
    OPTED_OUT = "opted out"


class Verb(StrEnum):
    """What a change does to a contact."""

    ADD = "add"
    ADOPT = "adopt"
    UPDATE = "update"
    RENAME = "rename"
    REMOVE = "remove"
    SUPPRESS = "suppress"
    FORGET = "forget"
    HOLD = "hold"


class Deed(StrEnum):
    """What an operator does about one address, beside all plans; history keeps it like a change."""

    RELEASE = "release"
    ERASE = "erase"


class ListVerb(StrEnum):
    """What a change does to a list's audience."""

    CREATE = "create"
    LINK = "link"
    RENAME_AUDIENCE = "rename-audience"
    UPDATE_SETTINGS = "update-settings"
    UNLINK = "unlink"
    DELETE = "delete"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseMove:
    """How the remembered state of one address moves once something is true."""

    address: Address
    row: BaseRow | None
    """The row as it stands afterwards; None: no row remains."""
    no: No | None = None
    """A no to remember from now on."""
    ends_no: bool = False
    """The contact subscribed again by its own action: every no about it ends."""
    replaces: Address | None = None
    """The old address of a rename, whose row goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One decided change of one contact, and the remembered state that follows from it."""

    verb: Verb
    address: Address
    """The address as it will be; a rename's old one stands in `before`."""
    reason: str
    """One sentence a marketer understands."""
    before: Fields = field(default_factory=dict)
    """What Mailchimp shows now: `status`, `email` and merge fields, as far as they change."""
    after: Fields = field(default_factory=dict)
    fields: Fields = field(default_factory=dict)
    """The merge fields to write."""
    contact: Contact | None = None
    """The contact as it was seen; None when there is none."""
    row_before: BaseRow | None = None
    move: BaseMove
    persons: tuple[Person, ...] = ()
    """Who stands behind the address; the first one gives the fields."""
    consent: bool = False
    """Whether it honours a no: limits never withhold it."""
    left_at: datetime | None = None
    """When we archived a contact that is to come back: had it changed since, it may have said no."""
    extras: Mapping[str, object] = field(default_factory=dict)
    """What else an add writes of a contact that comes back from a backup, such as when it signed up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChange:
    """One decided change of a list's audience."""

    verb: ListVerb
    list_uid: ListUid
    list_name: str
    audience_id: AudienceId | None
    reason: str
    before: Fields = field(default_factory=dict)
    after: Fields = field(default_factory=dict)


# -- what became of it -------------------------------------------------------------------------------


class Result(StrEnum):
    """What became of a change."""

    APPLIED = "applied"
    ALREADY_TRUE = "already_true"
    RETRY_LATER = "retry_later"
    REFUSED = "refused"
    WITHHELD = "withheld"
    NOT_TRUE = "not_true"
    """Accepted, but reading back showed otherwise."""

    @property
    def moves_base(self) -> bool:
        """Whether the change is true in Mailchimp now."""
        return self in (Result.APPLIED, Result.ALREADY_TRUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one change of one contact."""

    change: Change
    result: Result
    detail: str = ""
    refusal: RefusalKind | None = None
    contact_id: str = ""
    """The contact's id as the answer gave it; empty when it gave none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOutcome:
    """What became of one change of a list's audience."""

    change: ListChange
    result: Result
    detail: str = ""


class PassResult(StrEnum):
    """How a pass ended."""

    DONE = "done"
    WITHHELD = "withheld"
    FAILED = "failed"
    OFF = "off"
    """The integration is switched off in OTYS (setting 3109)."""
    PLANNED = "planned"
    """Plan mode: nothing was written."""
