"""How contacts, tags and times look in an answer; a whole contact is about 3 KB, facts/mailchimp.md, 10."""

import hashlib
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from reconciler.sandbox.mailchimp.links import MEMBER, links
from reconciler.sandbox.mailchimp.moments import when
from reconciler.sandbox.mailchimp.projection import Json, Projection
from reconciler.sandbox.mailchimp.state import Address, Audience, Contact, MergeValue, Refusal, Status

SHOWN_TAGS = 50


class Absence(Enum):
    """A field that is left out of a contact to which it does not apply, as was recorded."""

    ABSENT = "absent"


ABSENT: Final = Absence.ABSENT
Renderer = Callable[[Audience, Contact], object]
_REASONS = {
    Refusal.BY_API: "N/A (Unsubscribed by admin)",
    Refusal.BY_PERSON: "No longer interested",
    Refusal.COMPLIANCE: "N/A (Compliance review)",
}


def contact(audience: Audience, one: Contact) -> Json:
    """Given a contact of an audience, return the whole of it."""
    return _rendered(audience, one, CONTACT_FIELDS)


def contacts(audience: Audience, rows: list[Contact], projection: Projection) -> list[Json]:
    """Given contacts, return what was asked for of them; only that is rendered, for pages are long."""
    renderers = {
        name: render for name, render in CONTACT_FIELDS.items() if projection.rows_need("members", name)
    }
    return [_rendered(audience, one, renderers) for one in rows]


def _rendered(audience: Audience, one: Contact, renderers: "Mapping[str, Renderer]") -> Json:
    values = ((name, render(audience, one)) for name, render in renderers.items())
    return {name: value for name, value in values if value is not ABSENT}


def _merge_fields(audience: Audience, one: Contact) -> Json:
    return {field.tag: _merge_value(one.merge_fields.get(field.tag, "")) for field in audience.merge_fields}


def _merge_value(value: MergeValue) -> object:
    if isinstance(value, Address):
        return {name: getattr(value, name) for name in Address.__struct_fields__}
    return value


def full_name(_: Audience, one: Contact) -> str:
    """Given a contact, return its name as the account's screens show it."""
    return " ".join(str(part) for tag in ("FNAME", "LNAME") if (part := one.merge_fields.get(tag)))


def _unsubscribe_reason(_: Audience, one: Contact) -> object:
    if one.status is Status.UNSUBSCRIBED and one.refusal is not None:
        return _REASONS.get(one.refusal, "")
    return ABSENT


def _marketing_permissions(audience: Audience, _: Contact) -> object:
    """Only an audience whose GDPR fields are on has any, 66; nobody gives them in the sandbox."""
    if not audience.marketing_permissions:
        return ABSENT
    number = hashlib.sha256(audience.id.encode()).hexdigest()[:10]
    return [{"marketing_permission_id": number, "text": "Email", "enabled": False}]


def _tags(audience: Audience, one: Contact) -> list[Json]:
    shown = list(one.tags)[:SHOWN_TAGS]
    return [{"id": number, "name": audience.segments[number].name} for number in shown]


def _stats(_: Audience, __: Contact) -> Json:
    return {"avg_open_rate": 0, "avg_click_rate": 0}


def _location(_: Audience, one: Contact) -> Json:
    return {
        "latitude": one.latitude,
        "longitude": one.longitude,
        "gmtoff": 0,
        "dstoff": 0,
        "country_code": "",
        "timezone": "",
    }


CONTACT_FIELDS: dict[str, Renderer] = {
    "id": lambda _, one: one.id,
    "email_address": lambda _, one: one.email_address,
    "unique_email_id": lambda _, one: one.unique_email_id,
    "contact_id": lambda _, one: one.contact_id,
    "full_name": full_name,
    "web_id": lambda _, one: one.web_id,
    "email_type": lambda _, one: one.email_type,
    "status": lambda _, one: one.status,
    "unsubscribe_reason": _unsubscribe_reason,
    "consents_to_one_to_one_messaging": lambda _, __: True,
    "sms_phone_number": lambda _, one: one.sms_phone_number or ABSENT,
    "merge_fields": _merge_fields,
    "stats": _stats,
    "ip_signup": lambda _, one: one.ip_signup,
    "timestamp_signup": lambda _, one: when(one.timestamp_signup),
    "ip_opt": lambda _, one: one.ip_opt,
    "timestamp_opt": lambda _, one: when(one.timestamp_opt),
    "member_rating": lambda _, __: 2,
    "last_changed": lambda _, one: when(one.last_changed),
    "language": lambda _, one: one.language,
    "vip": lambda _, one: one.vip,
    "email_client": lambda _, __: "",
    "location": _location,
    "marketing_permissions": _marketing_permissions,
    "source": lambda _, one: one.source,
    "tags_count": lambda _, one: len(one.tags),
    "tags": _tags,
    "list_id": lambda audience, _: audience.id,
    "_links": lambda audience, one: links(f"/lists/{audience.id}/members/{one.id}", MEMBER),
}
