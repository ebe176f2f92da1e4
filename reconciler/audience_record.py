"""Everything Mailchimp keeps of an audience, in its own words: what a backup holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from reconciler.address import normalise
from reconciler.api.mailchimp_wire import MergeValue
from reconciler.model import Address, Audience, Standing, Tally

SHOWN_TAGS: Final = 50
"""A listing shows no more tags of a contact than these (facts/mailchimp.md, 1.1)."""


class TagRecord(msgspec.Struct, frozen=True):
    """One tag of a contact; Mailchimp's number of it dies with the audience."""

    name: str


class ContactRecord(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"standing": "status"}
):
    """One contact with all that can be written again, and what tells where its consent came from."""

    id: str
    standing: Standing
    email_address: str | None = None
    """Missing on a contact that is known by telephone only (facts/mailchimp.md, 68)."""
    contact_id: str | None = None
    merge_fields: dict[str, MergeValue] | list[object] | None = None
    """As Mailchimp sent them: an address is an object, and no fields at all may be an empty list."""
    tags: tuple[TagRecord, ...] = ()
    tags_count: int = 0
    timestamp_signup: str = ""
    timestamp_opt: str = ""
    ip_signup: str = ""
    ip_opt: str = ""
    last_changed: str = ""
    email_type: str = ""
    language: str = ""
    vip: bool = False
    source: str = ""
    unsubscribe_reason: str = ""
    member_rating: int = 0

    @property
    def address(self) -> Address:
        """The address both sides are matched on; empty when there is none."""
        return normalise(self.email_address or "")

    @property
    def fields(self) -> Mapping[str, MergeValue]:
        """The filled merge fields by tag."""
        held = self.merge_fields if isinstance(self.merge_fields, dict) else {}
        return {tag: value for tag, value in held.items() if value not in ("", None)}

    @property
    def tag_names(self) -> frozenset[str]:
        """The names of its tags."""
        return frozenset(tag.name for tag in self.tags)


class MergeFieldRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One merge field of an audience: a field made anew cannot change its type (facts/mailchimp.md, 45)."""

    tag: str
    name: str = ""
    type: str = "text"
    required: bool = False
    public: bool = False
    default_value: str = ""
    help_text: str = ""
    options: dict[str, object] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceRecord:
    """One audience with everything in it, at one moment."""

    audience: Audience
    campaign_last_sent: datetime | None
    """When a campaign last went to it; None: never."""
    merge_fields: tuple[MergeFieldRecord, ...]
    contacts: tuple[ContactRecord, ...]
    """Contacts of every standing, those without an address too."""
    tally: Tally
