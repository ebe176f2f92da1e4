"""The merge fields of an audience, facts/mailchimp.md, 45."""

import re

import msgspec

from reconciler.sandbox.mailchimp import problems
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.links import MERGE_FIELD, links
from reconciler.sandbox.mailchimp.projection import Json
from reconciler.sandbox.mailchimp.state import UNITED_STATES, Audience, FieldType, MergeField

MOST_FIELDS = 30
_TAG = re.compile(r"[A-Z0-9_]{1,10}")
_RESERVED = {"EMAIL", "INTERESTS", "UNSUB", "FORWARD", "REWARDS", "ARCHIVE", "USER_URL", "DATE", "LIST"}


class MergeFieldOptions(msgspec.Struct):
    """What only some types of field have."""

    choices: list[str] = []
    date_format: str | None = None
    phone_format: str = "none"
    default_country: int = UNITED_STATES
    size: int = 25


class MergeFieldBody(msgspec.Struct, kw_only=True):
    """What is sent about a field."""

    name: str | None = None
    type: str | None = None
    tag: str | None = None
    required: bool | None = None
    default_value: str | None = None
    public: bool | None = None
    display_order: int | None = None
    help_text: str | None = None
    options: MergeFieldOptions | None = None


def default_fields() -> list[MergeField]:
    """Return the fields every new audience has."""
    named = (
        ("FNAME", "First Name", FieldType.TEXT, True),
        ("LNAME", "Last Name", FieldType.TEXT, True),
        ("ADDRESS", "Address", FieldType.ADDRESS, False),
        ("PHONE", "Phone Number", FieldType.PHONE, False),
    )
    return [
        MergeField(merge_id=number, tag=tag, name=name, type=kind, public=public, display_order=number + 1)
        for number, (tag, name, kind, public) in enumerate(named, start=1)
    ]


def list_merge_fields(call: Call) -> Json:
    """GET /lists/{list_id}/merge-fields, by tag, 47."""
    audience, query = call.audience(), call.request.query
    rows = [field for field in audience.merge_fields if query.get("type", field.type) == field.type]
    if "required" in query:
        rows = [field for field in rows if field.required == call.flag("required")]
    rows.sort(key=lambda field: field.tag)
    return {
        "merge_fields": [_merge_field(audience, field) for field in rows[call.page()]],
        "list_id": audience.id,
        "total_items": len(rows),
        "_links": links(f"/lists/{audience.id}/merge-fields"),
    }


def add_merge_field(call: Call) -> Json:
    """POST /lists/{list_id}/merge-fields. Raise Problem for the 31st, or a tag that is taken or no tag."""
    audience, body = call.audience(), call.body(MergeFieldBody)
    if not body.name:
        raise problems.missing("name")
    if body.type not in set(FieldType):
        raise problems.not_accepted("type", FieldType)
    if len(audience.merge_fields) >= MOST_FIELDS:
        raise problems.bad_request(f"You have reached the limit of {MOST_FIELDS} merge fields.")
    number = audience.take_id()
    tag = (body.tag or f"MMERGE{number}").upper()
    _check_tag(audience, tag)
    field = MergeField(
        merge_id=number, tag=tag, name=body.name, type=FieldType(body.type), display_order=number + 1
    )
    _apply(field, body)
    audience.merge_fields.append(field)
    return _merge_field(audience, field)


def update_merge_field(call: Call) -> Json:
    """PATCH /lists/{list_id}/merge-fields/{merge_id}; the type stays what it is, 45."""
    audience, body = call.audience(), call.body(MergeFieldBody)
    field = _named(call, audience)
    if body.type is not None and body.type != field.type:
        raise problems.invalid_field("type", "The type of a merge field cannot be changed.")
    if body.tag is not None and body.tag.upper() != field.tag:
        _check_tag(audience, body.tag.upper())
        _retag(audience, field, body.tag.upper())
    field.name = body.name or field.name
    _apply(field, body)
    return _merge_field(audience, field)


def get_merge_field(call: Call) -> Json:
    """GET /lists/{list_id}/merge-fields/{merge_id}."""
    audience = call.audience()
    return _merge_field(audience, _named(call, audience))


def delete_merge_field(call: Call) -> None:
    """DELETE /lists/{list_id}/merge-fields/{merge_id}: the values go with it."""
    audience = call.audience()
    field = _named(call, audience)
    audience.merge_fields.remove(field)
    for contact in audience.contacts.values():
        contact.merge_fields.pop(field.tag, None)


def _named(call: Call, audience: Audience) -> MergeField:
    for field in audience.merge_fields:
        if str(field.merge_id) == call.path["merge_id"]:
            return field
    raise problems.not_found()


def _check_tag(audience: Audience, tag: str) -> None:
    if not _TAG.fullmatch(tag) or tag in _RESERVED:
        raise problems.invalid_field("tag", "A merge tag is 1 to 10 letters, digits or underscores.")
    if any(field.tag == tag for field in audience.merge_fields):
        raise problems.bad_request(f'A Merge Field with the tag "{tag}" already exists for this list.')


def _retag(audience: Audience, field: MergeField, tag: str) -> None:
    for contact in audience.contacts.values():
        if field.tag in contact.merge_fields:
            contact.merge_fields[tag] = contact.merge_fields.pop(field.tag)
    field.tag = tag


def _apply(field: MergeField, body: MergeFieldBody) -> None:
    for name in ("required", "default_value", "public", "display_order", "help_text"):
        value = getattr(body, name)
        if value is not None:
            setattr(field, name, value)
    if body.options is not None:
        field.choices = body.options.choices
        field.date_format = body.options.date_format or ""
        field.phone_format = body.options.phone_format
        field.default_country = body.options.default_country
        field.size = body.options.size


def _merge_field(audience: Audience, field: MergeField) -> Json:
    return {
        "merge_id": field.merge_id,
        "tag": field.tag,
        "name": field.name,
        "type": field.type,
        "required": field.required,
        "default_value": field.default_value,
        "public": field.public,
        "display_order": field.display_order,
        "options": _options(field),
        "help_text": field.help_text,
        "list_id": audience.id,
        "_links": links(f"/lists/{audience.id}/merge-fields/{field.merge_id}", MERGE_FIELD),
    }


def _options(field: MergeField) -> Json:
    """Given a field, return the options of its type, and none of another type's."""
    match field.type:
        case FieldType.TEXT:
            return {"size": field.size}
        case FieldType.PHONE:
            return {"phone_format": field.phone_format}
        case FieldType.DATE:
            return {"date_format": field.date_format or "MM/DD/YYYY"}
        case FieldType.BIRTHDAY:
            return {"date_format": field.date_format or "MM/DD"}
        case FieldType.ADDRESS:
            return {"default_country": field.default_country}
        case FieldType.RADIO | FieldType.DROPDOWN:
            return {"choices": field.choices}
        case _:
            return {}
