"""How contacts, tags and times look in an answer; a whole contact is about 3 KB, facts/mailchimp.md, 10."""

from collections.abc import Callable
from datetime import UTC, datetime

from reconciler.sandbox.mailchimp.projection import Json, Projection
from reconciler.sandbox.mailchimp.state import Address, Audience, Contact, MergeValue, Refusal, Status

SHOWN_TAGS = 50
_SCHEMA = "https://us1.api.mailchimp.com/schema/3.0/Definitions/Lists/Members"
_LINKS = (
    ("self", "GET", "", "Response.json"),
    ("parent", "GET", "/..", "CollectionResponse.json"),
    ("update", "PATCH", "", "PATCH.json"),
    ("upsert", "PUT", "", "PUT.json"),
    ("delete", "DELETE", "", ""),
    ("activity", "GET", "/activity", "Activity/Response.json"),
    ("goals", "GET", "/goals", "Goals/Response.json"),
    ("notes", "GET", "/notes", "Notes/CollectionResponse.json"),
    ("events", "POST", "/events", "Events/POST.json"),
    ("delete_permanent", "POST", "/actions/delete-permanent", ""),
)
_REASONS = {
    Refusal.BY_API: "N/A (Unsubscribed by admin)",
    Refusal.BY_PERSON: "No longer interested",
    Refusal.COMPLIANCE: "N/A (Compliance review)",
}


def when(moment: datetime | None) -> str:
    """Given a moment, return it as Mailchimp writes it, to the second; nothing is the empty text."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def contact(audience: Audience, one: Contact) -> Json:
    """Given a contact of an audience, return the whole of it."""
    return {name: render(audience, one) for name, render in CONTACT_FIELDS.items()}


def contacts(audience: Audience, rows: list[Contact], projection: Projection) -> list[Json]:
    """Given contacts, return what was asked for of them; only that is rendered, for pages are long."""
    renderers = {
        name: render for name, render in CONTACT_FIELDS.items() if projection.rows_need("members", name)
    }
    return [{name: render(audience, one) for name, render in renderers.items()} for one in rows]


def links(path: str) -> list[Json]:
    """Given a path of the API, return the links every answer carries."""
    return [{"rel": "self", "href": f"https://us6.api.mailchimp.com/3.0{path}", "method": "GET"}]


def _merge_fields(audience: Audience, one: Contact) -> Json:
    return {field.tag: _merge_value(one.merge_fields.get(field.tag, "")) for field in audience.merge_fields}


def _merge_value(value: MergeValue) -> object:
    if isinstance(value, Address):
        return {name: getattr(value, name) for name in Address.__struct_fields__}
    return value


def full_name(_: Audience, one: Contact) -> str:
    """Given a contact, return its name as the account's screens show it."""
    return " ".join(str(part) for tag in ("FNAME", "LNAME") if (part := one.merge_fields.get(tag)))


def _unsubscribe_reason(_: Audience, one: Contact) -> str:
    if one.status is Status.UNSUBSCRIBED and one.refusal is not None:
        return _REASONS.get(one.refusal, "")
    return ""


def _tags(audience: Audience, one: Contact) -> list[Json]:
    shown = list(one.tags)[:SHOWN_TAGS]
    return [{"id": number, "name": audience.segments[number].name} for number in shown]


def _stats(_: Audience, __: Contact) -> Json:
    money = {"total_revenue": 0, "number_of_orders": 0, "currency_code": "EUR"}
    return {"avg_open_rate": 0, "avg_click_rate": 0, "ecommerce_data": money}


def _location(_: Audience, __: Contact) -> Json:
    return {
        "latitude": 0,
        "longitude": 0,
        "gmtoff": 0,
        "dstoff": 0,
        "country_code": "",
        "timezone": "",
        "region": "",
    }


def _contact_links(audience: Audience, one: Contact) -> list[Json]:
    home = f"https://us6.api.mailchimp.com/3.0/lists/{audience.id}/members/{one.id}"
    return [
        {"rel": rel, "href": home + path, "method": method, "targetSchema": f"{_SCHEMA}/{schema}"}
        for rel, method, path, schema in _LINKS
    ]


CONTACT_FIELDS: dict[str, Callable[[Audience, Contact], object]] = {
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
    "sms_phone_number": lambda _, one: one.sms_phone_number,
    "merge_fields": _merge_fields,
    "interests": lambda _, __: {},
    "stats": _stats,
    "ip_signup": lambda _, __: "",
    "timestamp_signup": lambda _, one: when(one.timestamp_signup),
    "ip_opt": lambda _, __: "",
    "timestamp_opt": lambda _, one: when(one.timestamp_opt),
    "member_rating": lambda _, __: 2,
    "last_changed": lambda _, one: when(one.last_changed),
    "language": lambda _, one: one.language,
    "vip": lambda _, one: one.vip,
    "email_client": lambda _, __: "",
    "location": _location,
    "marketing_permissions": lambda _, __: [],
    "source": lambda _, one: one.source,
    "tags_count": lambda _, one: len(one.tags),
    "tags": _tags,
    "list_id": lambda audience, _: audience.id,
    "_links": _contact_links,
}
