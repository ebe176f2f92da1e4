"""Static segments, which are the tags of an audience, facts/mailchimp.md, 51."""

import msgspec

from reconciler.sandbox.mailchimp import problems, render
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.contacts import ContactRules
from reconciler.sandbox.mailchimp.links import links
from reconciler.sandbox.mailchimp.moments import when
from reconciler.sandbox.mailchimp.projection import Json
from reconciler.sandbox.mailchimp.state import Contact, Segment, Status

MOST_ADDRESSES = 500
_INCLUDED = (Status.CLEANED, Status.TRANSACTIONAL, Status.UNSUBSCRIBED)


class SegmentBody(msgspec.Struct):
    """What is sent to make one."""

    name: str = ""
    static_segment: list[str] = []


class SegmentNameBody(msgspec.Struct):
    """What is sent to rename one."""

    name: str


class SegmentMemberBody(msgspec.Struct):
    """Who is to come."""

    email_address: str


class SegmentMembersBody(msgspec.Struct):
    """Who is to come and to go."""

    members_to_add: list[str] = []
    members_to_remove: list[str] = []


def list_segments(call: Call) -> Json:
    """GET /lists/{list_id}/segments; every segment of the sandbox is static."""
    audience = call.audience()
    wanted = call.request.query.get("type", "static")
    rows = list(audience.segments.values()) if wanted == "static" else []
    return {
        "segments": [_segment(call, row) for row in rows[call.page()]],
        "list_id": audience.id,
        "total_items": len(rows),
        "_links": links(f"/lists/{audience.id}/segments"),
    }


def add_segment(call: Call) -> Json:
    """POST /lists/{list_id}/segments."""
    audience, rules, body = call.audience(), call.rules(), call.body(SegmentBody)
    if not body.name:
        raise problems.missing("name")
    if any(segment.name.lower() == body.name.lower() for segment in audience.segments.values()):
        raise problems.bad_request("Sorry, that tag already exists.")
    segment = rules.tag(body.name)
    _tag_all(rules, segment, body.static_segment)
    return _segment(call, segment)


def get_segment(call: Call) -> Json:
    """GET /lists/{list_id}/segments/{segment_id}."""
    return _segment(call, call.segment())


def rename_segment(call: Call) -> Json:
    """PATCH /lists/{list_id}/segments/{segment_id}."""
    segment, name = call.segment(), call.body(SegmentNameBody).name
    if not name:
        raise problems.missing("name")
    segment.name, segment.updated_at = name, call.now
    return _segment(call, segment)


def delete_segment(call: Call) -> None:
    """DELETE /lists/{list_id}/segments/{segment_id}: the contacts stay, without the tag."""
    audience, segment = call.audience(), call.segment()
    for contact in audience.contacts.values():
        contact.tags.pop(segment.id, None)
    del audience.segments[segment.id]


def list_segment_members(call: Call) -> Json:
    """GET /lists/{list_id}/segments/{segment_id}/members: the subscribed ones unless others are included."""
    audience, segment = call.audience(), call.segment()
    rows = _members(call, segment)
    return {
        "members": render.contacts(audience, rows[call.page()], call.projection),
        "total_items": len(rows),
        "_links": links(f"/lists/{audience.id}/segments/{segment.id}/members"),
    }


def add_segment_member(call: Call) -> Json:
    """POST /lists/{list_id}/segments/{segment_id}/members."""
    rules, segment = call.rules(), call.segment()
    added, _ = _tag_all(rules, segment, [call.body(SegmentMemberBody).email_address])
    if not added:
        raise problems.not_found()
    return render.contact(rules.audience, added[0])


def remove_segment_member(call: Call) -> None:
    """DELETE /lists/{list_id}/segments/{segment_id}/members/{subscriber_hash}."""
    contact, segment = call.contact(), call.segment()
    if contact.tags.pop(segment.id, None) is None:
        raise problems.not_found()
    contact.last_changed = call.rules().now


def change_segment_members(call: Call) -> Json:
    """POST /lists/{list_id}/segments/{segment_id}. Raise Problem above 500 addresses either way."""
    audience, rules, segment = call.audience(), call.rules(), call.segment()
    body = call.body(SegmentMembersBody)
    if max(len(body.members_to_add), len(body.members_to_remove)) > MOST_ADDRESSES:
        raise problems.too_many_items()
    added, unknown = _tag_all(rules, segment, body.members_to_add)
    removed = []
    for address in body.members_to_remove:
        contact = audience.at_address(address)
        if contact is not None and contact.tags.pop(segment.id, None) is not None:
            contact.last_changed = rules.now
            removed.append(contact)
    errors = [{"email_addresses": unknown, "error": "Email address is not on the list"}] if unknown else []
    return {
        "members_added": [render.contact(audience, one) for one in added],
        "members_removed": [render.contact(audience, one) for one in removed],
        "errors": errors,
        "total_added": len(added),
        "total_removed": len(removed),
        "error_count": len(errors),
        "_links": links(f"/lists/{audience.id}/segments/{segment.id}"),
    }


def _tag_all(rules: ContactRules, segment: Segment, addresses: list[str]) -> tuple[list[Contact], list[str]]:
    """Given addresses, tag the contacts that have them; return those and the addresses nobody has."""
    tagged, unknown = [], []
    for address in addresses:
        contact = rules.audience.at_address(address)
        if contact is None:
            unknown.append(address)
            continue
        contact.tags[segment.id] = rules.now
        contact.last_changed = rules.now
        tagged.append(contact)
    return tagged, unknown


def _members(call: Call, segment: Segment) -> list[Contact]:
    wanted = {Status.SUBSCRIBED, *(status for status in _INCLUDED if call.flag(f"include_{status}"))}
    return [one for one in call.visible(call.audience()) if one.status in wanted and segment.id in one.tags]


def _segment(call: Call, segment: Segment) -> Json:
    audience = call.audience()
    return {
        "id": segment.id,
        "name": segment.name,
        "member_count": len(_members(call, segment)),
        "type": "static",
        "created_at": when(segment.created_at),
        "updated_at": when(segment.updated_at),
        "options": {"match": "all", "conditions": []},
        "list_id": audience.id,
        "_links": links(f"/lists/{audience.id}/segments/{segment.id}"),
    }
