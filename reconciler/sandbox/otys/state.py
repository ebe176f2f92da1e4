"""Knows everything that one tenant of OTYS Go! keeps: people, mailing lists, settings, sessions."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

import msgspec

DEMO_API_KEY = "sandbox-otys-key-4f1d0c9e7b2a"
STANDARD_REMINDER = "Standaard"


class Kind(StrEnum):
    """The words by which a row of a list says what kind of recipient it is (sources/mapping.toml)."""

    CANDIDATE = "candidate"
    PROCEDURE = "procedure"
    CONTACT = "relationcontact"
    RELATION = "relation"
    USER = "user"
    PARTICIPANT = "participant"
    ADDRESS_BOOK = "addressbook"
    MANUAL = "manual"


class Entity(msgspec.Struct):
    """A person, company or procedure that a recipient can point at; unused members stay empty."""

    uid: str
    kind: str
    number: int = 0
    email: str | None = ""
    first_name: str = ""
    infix: str = ""
    last_name: str = ""
    language: str = "nl"
    name: str = ""
    phone: str = ""
    city: str = ""
    status: str = "active"
    entered: str = "2024-01-15 09:00:00"
    candidate_uid: str = ""
    vacancy_uid: str = ""
    opted_out: bool = False
    blocked: bool = False


class Recipient(msgspec.Struct):
    """One row of a mailing list; a row typed by hand carries its own address and name."""

    uid: str
    list_uid: str
    kind: str
    entity: str = ""
    email: str = ""
    name: str = ""


class MailingList(msgspec.Struct):
    """One mailing list ("verzendlijst") with the columns of the manual's list view."""

    uid: str
    name: str
    description: str = ""
    subject: str = ""
    owner: str = "Sanne de Vries"
    created: str = "2024-02-01 10:00:00"
    category: str = ""
    is_global: bool = True
    last_modified: str = "2024-02-01 10:00:00"
    last_modified_by: str = "Sanne de Vries"
    published: bool = False
    temporary: bool = False
    mailchimp: bool = False
    permission_reminder: str = STANDARD_REMINDER
    deleted: bool = False
    recipients: dict[str, Recipient] = {}


class Session(msgspec.Struct):
    """One login, alive until it is 14 hours old, logged out or killed (facts/otys.md, 2)."""

    opened: datetime
    ended: bool = False


class Webhook(msgspec.Struct):
    """One registered webhook (facts/otys.md, 9)."""

    uid: str
    service_call: str
    url: str
    client_wide: bool
    registered: str


class Modified(StrEnum):
    """When a list's Last modified moves; no public source says."""

    ROWS = "rows"
    """When the list is edited, or a row is added to it or taken off."""
    EVERYTHING = "everything"
    """Also when a row, or somebody on the list, is edited."""
    LIST = "list"
    """Only when the list itself is edited: of who is on it, it tells nothing."""


class Switches(msgspec.Struct):
    """What public sources leave open about OTYS."""

    last_modified: Modified = Modified.ROWS

    missing_setting: str = "absent"
    """A setting that does not exist: "absent" key, "null" value, or "error" for the whole call."""
    references_only: bool = False
    """Recipient rows carry neither address nor name, except those typed by hand."""
    opt_out_field: str = ""
    """The field in which this tenant keeps "no mailings", e.g. Person.matchCriteria_9."""
    opt_out_writable: bool = False
    """ASSUMED, no public source shows it: `update` of a service of people sets that field, and no other."""
    name_unreadable_fields: bool = True
    """The refusal of an unreadable field says which field it was."""
    unproven_fields: bool = False
    """Lists of people also show fields that no public source has seen there."""
    honour_exclude_limit_check: bool = False
    """excludeLimitCheck lifts the cap of rows a page."""
    max_rows: int = 200
    default_rows: int = 25
    rows_as_object: bool = False
    """Rows of a page come keyed by their index instead of as an array."""
    collections_as_object: bool = False
    """Sub-collections (Emails, PhoneNumbers) come keyed by their index instead of as an array."""
    small_objects: bool = False
    """Owner and category of a list come as a small object instead of as text."""
    php_types: bool = True
    """Booleans and counts as "1" and "0", an empty map as []."""
    keep_deleted_lists: bool = False
    """A deleted list stays visible and carries isDeleted."""
    denied_services: list[str] = []
    """Services the key's user has no right to, e.g. "MailingListService"."""
    requests_a_minute: int = 350
    """The limit a key; 0 switches it off."""
    retry_after_header: bool = False
    rate_by_real_time: bool = False
    """Count the minute by real time instead of by the sandbox's clock."""
    multi_counts_each: bool = False
    """Each call inside a MultiService batch counts against the rate limit."""
    session_hours: float = 14.0


class OtysState(msgspec.Struct):
    """One tenant; every number it hands out follows from its own counter."""

    api_key: str = DEMO_API_KEY
    key_revoked: bool = False
    user_name: str = "koppeling@werkpunt-recruitment.nl"
    password: str = "sandbox"  # noqa: S105 - a made-up tenant's password, public on purpose
    client_id: int = 4711
    client_name: str = "Werkpunt Recruitment"
    partner_id: int = 78
    next_number: int = 1001
    settings: dict[str, str | None] = {}
    lists: dict[str, MailingList] = {}
    entities: dict[str, dict[str, Entity]] = {}
    sessions: dict[str, Session] = {}
    webhooks: dict[str, Webhook] = {}
    webhook_logs: list[dict[str, str]] = []
    switches: Switches = msgspec.field(default_factory=Switches)

    def take_number(self) -> int:
        """Given nothing, return a number this tenant never handed out before."""
        number = self.next_number
        self.next_number += 1
        return number

    def live_list(self, uid: str) -> MailingList:
        """Given a list's uid, return the list. Raise LookupError if it is unknown or deleted."""
        found = self.lists.get(uid)
        if found is None or found.deleted:
            raise LookupError(f"OTYS has no mailing list with uid {uid}")
        return found

    def entity(self, kind: str, uid: str) -> Entity | None:
        """Given a kind and a uid, return the entity, or None if it does not exist."""
        return self.entities.get(kind, {}).get(uid)

    def address_of(self, row: Recipient) -> str:
        """Given a row, return the address behind it, a procedure's being its candidate's; empty if none."""
        if row.kind == Kind.MANUAL:
            return row.email
        entity = self.entity(row.kind, row.entity)
        if entity is not None and row.kind == Kind.PROCEDURE:
            entity = self.entity(Kind.CANDIDATE, entity.candidate_uid)
        return "" if entity is None else entity.email or ""

    def recipients_of(self, list_uid: str | None) -> Iterator[Recipient]:
        """Given a list's uid, return its rows; given None, the rows of all lists that live."""
        if list_uid is None:
            for mailing_list in self.lists.values():
                if not mailing_list.deleted:
                    yield from mailing_list.recipients.values()
            return
        found = self.lists.get(list_uid)
        if found is not None and not found.deleted:
            yield from found.recipients.values()

    def add_entity(
        self,
        kind: str,
        *,
        email: str | None = "",
        first_name: str = "",
        infix: str = "",
        last_name: str = "",
        language: str = "nl",
        name: str = "",
        candidate_uid: str = "",
    ) -> Entity:
        """Given the data of a person, company or procedure, return it as the entity now stored."""
        number = self.take_number()
        entity = Entity(
            uid=_opaque_uid(kind, number),
            kind=kind,
            number=number,
            email=email,
            first_name=first_name,
            infix=infix,
            last_name=last_name,
            language=language,
            name=name,
            candidate_uid=candidate_uid,
            vacancy_uid=str(9000 + number) if kind == Kind.PROCEDURE else "",
        )
        self.entities.setdefault(kind, {})[entity.uid] = entity
        return entity

    def add_list(
        self,
        name: str,
        *,
        flagged: bool = True,
        recipients: "list[Entity | str] | None" = None,
        permission_reminder: str = STANDARD_REMINDER,
    ) -> MailingList:
        """Given a name, return a new list of these entities and typed addresses, in GE203 if flagged."""
        mailing_list = MailingList(
            uid=str(self.take_number()),
            name=name,
            permission_reminder=permission_reminder,
            mailchimp=flagged,
        )
        self.lists[mailing_list.uid] = mailing_list
        for recipient in recipients or []:
            self.add_recipient(mailing_list.uid, recipient)
        if flagged:
            self.flag(mailing_list.uid)
        return mailing_list

    def add_recipient(self, list_uid: str, who: Entity | str, *, name: str = "") -> Recipient:
        """Given a list and an entity or a typed address, return the new row. Raise LookupError if no list."""
        mailing_list = self.live_list(list_uid)
        uid = str(self.take_number())
        if isinstance(who, Entity):
            row = Recipient(uid=uid, list_uid=list_uid, kind=who.kind, entity=who.uid)
        else:
            row = Recipient(uid=uid, list_uid=list_uid, kind=Kind.MANUAL, email=who, name=name)
        mailing_list.recipients[uid] = row
        return row

    def flagged(self) -> list[str]:
        """Given nothing, return the uids that GE203 names."""
        return [uid.strip() for uid in (self.settings.get("GE203") or "").split(",") if uid.strip()]

    def flag(self, list_uid: str) -> None:
        """Given a list's uid, name it in GE203 as well."""
        self.settings["GE203"] = ",".join([*self.flagged(), list_uid])

    def unflag(self, list_uid: str) -> None:
        """Given a list's uid, take it out of GE203."""
        self.settings["GE203"] = ",".join(uid for uid in self.flagged() if uid != list_uid)


def _opaque_uid(kind: str, number: int) -> str:
    """Candidates carry an opaque text, everything else a number (facts/otys.md, 3)."""
    if kind != Kind.CANDIDATE:
        return str(number)
    return hashlib.blake2b(f"candidate {number}".encode(), digest_size=8).hexdigest()
