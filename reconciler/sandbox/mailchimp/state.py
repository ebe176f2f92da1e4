"""Everything the sandbox's Mailchimp account holds, as plain structs that survive a trip through JSON."""

import hashlib
from datetime import datetime
from enum import StrEnum

import msgspec

from reconciler.sandbox.mailchimp.switches import Switches


class Status(StrEnum):
    """The status of a contact, facts/mailchimp.md, 25."""

    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    CLEANED = "cleaned"
    PENDING = "pending"
    TRANSACTIONAL = "transactional"
    ARCHIVED = "archived"


class Refusal(StrEnum):
    """Why a contact may not simply be subscribed by the API; it outlives the status."""

    BY_PERSON = "by_person"  # unsubscribed by a click of its own
    BY_API = "by_api"  # unsubscribed by a program or a marketer
    BOUNCED = "bounced"
    COMPLIANCE = "compliance"  # under Mailchimp's own review


class FieldType(StrEnum):
    """The type of a merge field."""

    TEXT = "text"
    NUMBER = "number"
    ADDRESS = "address"
    PHONE = "phone"
    DATE = "date"
    URL = "url"
    IMAGE_URL = "imageurl"
    RADIO = "radio"
    DROPDOWN = "dropdown"
    BIRTHDAY = "birthday"
    ZIP = "zip"


class Address(msgspec.Struct, omit_defaults=False):
    """The value of an address field."""

    addr1: str = ""
    addr2: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = "US"


MergeValue = str | int | float | Address


class Contact(msgspec.Struct, kw_only=True):
    """One contact of one audience."""

    id: str  # md5 of the lower-case address, but for a few old ones, facts/mailchimp.md, 20
    contact_id: str
    web_id: int
    unique_email_id: str
    email_address: str  # empty for a contact that has only a telephone, 68
    status: Status
    merge_fields: dict[str, MergeValue] = {}
    tags: dict[int, datetime] = {}  # segment id -> when it was added
    refusal: Refusal | None = None
    last_changed: datetime
    timestamp_opt: datetime | None = None
    timestamp_signup: datetime | None = None
    ip_opt: str = ""
    ip_signup: str = ""
    latitude: float = 0
    longitude: float = 0
    visible_from: datetime | None = None  # until then no GET shows it, 19
    language: str = ""
    email_type: str = "html"
    vip: bool = False
    source: str = "API - Generic"
    sms_phone_number: str = ""
    confirmations_sent: int = 0


UNITED_STATES = 164  # Mailchimp's own number of the country


class MergeField(msgspec.Struct, kw_only=True):
    """One merge field of an audience."""

    merge_id: int
    tag: str
    name: str
    type: FieldType = FieldType.TEXT
    required: bool = False
    default_value: str = ""
    public: bool = False
    display_order: int = 0
    choices: list[str] = []
    date_format: str = ""  # empty: what is usual for the type
    phone_format: str = "none"
    default_country: int = UNITED_STATES
    size: int = 25
    help_text: str = ""


class Segment(msgspec.Struct, kw_only=True):
    """A static segment, which is what Mailchimp shows as a tag."""

    id: int
    name: str
    created_at: datetime
    updated_at: datetime


class WebhookEvents(msgspec.Struct):
    """What a webhook wants to hear of."""

    subscribe: bool = False
    unsubscribe: bool = False
    profile: bool = False
    cleaned: bool = False
    upemail: bool = False
    campaign: bool = False


class WebhookSources(msgspec.Struct):
    """From whom a webhook wants to hear it."""

    user: bool = False
    admin: bool = False
    api: bool = False


class Webhook(msgspec.Struct, kw_only=True):
    """A registered webhook."""

    id: str
    url: str
    events: WebhookEvents
    sources: WebhookSources


class PostalContact(msgspec.Struct, kw_only=True):
    """Who is responsible for an audience, as printed under every mail."""

    company: str = ""
    address1: str = ""
    address2: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = "US"
    phone: str = ""


class CampaignDefaults(msgspec.Struct, kw_only=True):
    """What a new campaign of an audience starts with."""

    from_name: str = ""
    from_email: str = ""
    subject: str = ""
    language: str = "en"


class Audience(msgspec.Struct, kw_only=True):
    """One audience with its contacts; the two indexes are rebuilt when it is read back."""

    id: str
    web_id: int
    name: str
    date_created: datetime
    campaign_last_sent: datetime | None = None
    permission_reminder: str = ""
    email_type_option: bool = False
    double_optin: bool = False
    use_archive_bar: bool = True
    marketing_permissions: bool = False
    notify_on_subscribe: str = ""
    notify_on_unsubscribe: str = ""
    contact: PostalContact = msgspec.field(default_factory=PostalContact)
    campaign_defaults: CampaignDefaults = msgspec.field(default_factory=CampaignDefaults)
    merge_fields: list[MergeField] = []
    segments: dict[int, Segment] = {}
    webhooks: list[Webhook] = []
    contacts: dict[str, Contact] = {}
    forgotten: set[str] = set()  # md5 of permanently deleted addresses
    next_id: int = 1  # for merge fields and segments
    id_by_address: dict[str, str] = {}
    id_by_contact_id: dict[str, str] = {}

    def __post_init__(self) -> None:
        everyone = self.contacts.values()
        self.id_by_address = {key(one.email_address): one.id for one in everyone if one.email_address}
        self.id_by_contact_id = {one.contact_id: one.id for one in everyone}

    def find(self, name: str) -> Contact | None:
        """Given an md5 hash, an address or a contact_id, return the contact it names."""
        return self.contacts.get(name) or self.at_address(name) or self._with_contact_id(name)

    def at_address(self, address: str) -> Contact | None:
        """Given an address, return the contact that has it."""
        return self.contacts.get(self.id_by_address.get(key(address), ""))

    def _with_contact_id(self, contact_id: str) -> Contact | None:
        return self.contacts.get(self.id_by_contact_id.get(contact_id, ""))

    def put(self, contact: Contact) -> None:
        """Given a new contact, hold it under its id, address and contact_id."""
        self.contacts[contact.id] = contact
        if contact.email_address:
            self.id_by_address[key(contact.email_address)] = contact.id
        self.id_by_contact_id[contact.contact_id] = contact.id

    def take_out(self, contact: Contact) -> None:
        """Given a contact, hold it no longer."""
        del self.contacts[contact.id]
        self.id_by_address.pop(key(contact.email_address), None)
        del self.id_by_contact_id[contact.contact_id]

    def take_id(self) -> int:
        """Return the next free number for a merge field or a segment."""
        self.next_id += 1
        return self.next_id - 1


class BatchStatus(StrEnum):
    """How far a batch is."""

    PENDING = "pending"
    PREPROCESSING = "preprocessing"
    STARTED = "started"
    FINALIZING = "finalizing"
    FINISHED = "finished"


class Operation(msgspec.Struct, kw_only=True):
    """One request inside a batch."""

    method: str
    path: str
    params: dict[str, str | int | bool] = {}
    body: str = ""
    operation_id: str = ""


class OperationResult(msgspec.Struct, kw_only=True):
    """What one request inside a batch got; the response is a JSON string, empty for a 204."""

    status_code: int
    operation_id: str
    response: str


class Batch(msgspec.Struct, kw_only=True):
    """One batch of operations."""

    id: str
    submitted_at: datetime
    operations: list[Operation]
    status: BatchStatus = BatchStatus.PENDING
    completed_at: datetime | None = None
    results: list[OperationResult] = []


DEFAULT_API_KEY = "0123456789abcdef0123456789abcdef-us6"


class MailchimpState(msgspec.Struct, kw_only=True):
    """One Mailchimp account."""

    seed: int = 1
    ids_given: int = 0
    datacenter: str = "us6"
    api_keys: set[str] = msgspec.field(default_factory=lambda: {DEFAULT_API_KEY})
    access_tokens: set[str] = set()
    account_name: str = "Sandbox"
    email: str = "owner@agency.example"
    max_audiences: int = 100  # of the plan; -1 = no limit
    switches: Switches = msgspec.field(default_factory=Switches)
    audiences: dict[str, Audience] = {}
    batches: dict[str, Batch] = {}
    oversubscribed: set[str] = set()  # addresses that signed up to a lot of lists lately

    def new_id(self, length: int = 32) -> str:
        """Given a length, return the next id in hexadecimal digits, the same for the same seed."""
        self.ids_given += 1
        return hashlib.sha256(f"{self.seed}:{self.ids_given}".encode()).hexdigest()[:length]

    def new_number(self) -> int:
        """Return the next numeric id, rising, the same for the same seed."""
        self.ids_given += 1
        return 100_000 + 7 * self.ids_given + self.seed % 7


def key(address: str) -> str:
    """Given an address, return the form in which Mailchimp compares it."""
    return address.strip().lower()


def subscriber_hash(address: str) -> str:
    """Given an address, return the md5 hash Mailchimp knows it by, facts/mailchimp.md, 20."""
    return hashlib.md5(key(address).encode(), usedforsecurity=False).hexdigest()
