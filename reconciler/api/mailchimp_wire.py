"""Knows the shapes Mailchimp answers with, as far as they are read, and what they mean in our nouns."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import msgspec

from reconciler.address import normalise
from reconciler.api.decoding import DEEPEST, is_deeper_than
from reconciler.api.values import MOST_DIGITS
from reconciler.model import Address, Audience, AudienceId, Constraints, Contact, Fields, Standing

_Scalar = str | int | float | bool | None
MergeValue = _Scalar | dict[str, object] | list[object]
"""Numbers may come back as numbers, addresses as objects (facts/mailchimp.md, 47 and 48).

What is in a field that is not ours must not keep a whole audience from being read.
"""

Count = Annotated[int, msgspec.Meta(ge=0, lt=10**MOST_DIGITS)]

MEMBER_FIELDS = ("id", "email_address", "status", "contact_id", "merge_fields", "last_changed")


class MemberRow(msgspec.Struct, frozen=True, gc=False):
    """One member, with what is compared of it."""

    id: str
    status: Standing
    email_address: str | None = None
    """Missing on a contact that is known by telephone only (facts/mailchimp.md, 68)."""
    lasting_id: str | None = msgspec.field(name="contact_id", default=None)
    merge_fields: dict[str, MergeValue] | list[object] | None = None
    """An empty object may arrive as an empty list, or not at all."""

    def __post_init__(self) -> None:
        """Raise ValueError, which the decoder tells as its own, for what would break whoever reads it."""
        if is_deeper_than(self.merge_fields, DEEPEST):
            raise ValueError("nested too deeply")

    @property
    def contact_id(self) -> str:
        """What names the contact whatever its address; empty when there is none."""
        return self.lasting_id or ""

    @property
    def address(self) -> Address:
        """The address both sides are matched on; empty when there is none."""
        return normalise(self.email_address or "")

    def contact(self) -> Contact:
        """Return this member as a contact."""
        return Contact(
            id=self.id,
            address=self.address,
            standing=self.status,
            fields=field_texts(self.merge_fields),
            contact_id=self.contact_id,
        )


class SingleMember(MemberRow, frozen=True, gc=False):
    """One member that is looked up by itself."""

    last_changed: datetime | None = None

    def contact(self) -> Contact:
        """Return this member as a contact."""
        return replace(MemberRow.contact(self), last_changed=self.last_changed)


class ListedMember(MemberRow, frozen=True, gc=False):
    """One member of a listing."""

    last_changed: MergeValue = None
    """Moves whenever the contact changes, and by a call about its tags that changes nothing
    (facts/mailchimp.md, 16). What stands there must not keep the audience from being read."""


class MembersPage(msgspec.Struct, frozen=True):
    """A page of GET /lists/{id}/members."""

    members: list[ListedMember]
    total_items: Count


class ChangedRow(msgspec.Struct, frozen=True):
    """One member, with no more than when it changed."""

    id: str
    last_changed: MergeValue = None


class ChangedPage(msgspec.Struct, frozen=True):
    """The beginning of GET /lists/{id}/members, sorted by who changed last."""

    members: list[ChangedRow]
    total_items: Count


class AudienceRow(msgspec.Struct, frozen=True):
    """One audience, with what is compared of it."""

    id: str
    name: str | None = None
    permission_reminder: str | None = None

    def audience(self) -> Audience:
        """Return this row as an audience."""
        return Audience(
            id=AudienceId(self.id),
            name=self.name or "",
            permission_reminder=self.permission_reminder or "",
        )


class ConstraintsRow(msgspec.Struct, frozen=True):
    """How many audiences the account may hold; -1 means any number."""

    may_create: bool = True
    max_instances: int = -1
    current_total_instances: int = 0

    def constraints(self) -> Constraints:
        """Return this row as constraints."""
        return Constraints(
            may_create=self.may_create,
            maximum=self.max_instances if self.max_instances >= 0 else None,
            current=self.current_total_instances,
        )


class AudiencesPage(msgspec.Struct, frozen=True):
    """A page of GET /lists."""

    lists: list[AudienceRow]
    total_items: Count
    constraints: ConstraintsRow = ConstraintsRow()


class MergeFieldRow(msgspec.Struct, frozen=True):
    """One merge field of an audience."""

    tag: str
    required: bool = False


class MergeFieldsPage(msgspec.Struct, frozen=True):
    """A page of GET /lists/{id}/merge-fields."""

    merge_fields: list[MergeFieldRow]
    total_items: Count


class RefusedRow(msgspec.Struct, frozen=True):
    """One row of a batch subscribe that was not taken."""

    email_address: str = ""
    error: str = ""
    error_code: str = ""
    field: str = ""
    field_message: str = ""

    @property
    def words(self) -> str:
        """All the words of the refusal in one line. May name an address."""
        about = f"{self.field}: {self.field_message}" if self.field else self.field_message
        return f"{self.error} {about}".strip()


class BatchAnswer(msgspec.Struct, frozen=True):
    """What POST /lists/{id} answers, with HTTP 200 whatever became of the rows (facts/mailchimp.md, 42)."""

    new_members: list[MemberRow] = []
    updated_members: list[MemberRow] = []
    errors: list[RefusedRow] = []


class Nothing(msgspec.Struct, frozen=True):
    """An answer of which nothing is read."""


def member_hash(address: Address) -> str:
    """Given an address that was never seen as a contact, return the id it should have there."""
    return hashlib.md5(address.encode(), usedforsecurity=False).hexdigest()


def field_texts(values: dict[str, MergeValue] | list[object] | None) -> Fields:
    """Given merge fields as Mailchimp sends them, return them as texts that can be compared."""
    if not isinstance(values, dict):
        return {}
    return {tag: _text(value) for tag, value in values.items()}


def _text(value: MergeValue) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, int):
        return str(value)
    filled = {part: text for part, text in value.items() if text} if isinstance(value, dict) else value
    return json.dumps(filled, ensure_ascii=False, sort_keys=True) if filled else ""
