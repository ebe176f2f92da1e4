"""Static segments, which are the tags of an audience, facts/mailchimp.md, 51."""

import msgspec

from reconciler.sandbox.mailchimp import problems, render
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.contacts import ContactRules
from reconciler.sandbox.mailchimp.projection import Json
from reconciler.sandbox.mailchimp.state import Audience, Contact, Segment, Status

MOST_ADDRESSES = 500


class SegmentBody(msgspec.Struct):
    """What is sent to make one."""

    name: str = ""
    static_segment: list[str] = []


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
        "segments": [_segment(audience, row) for row in rows[call.page()]],
        "list_id": audience.id,
        "total_items": len(rows),
        "_links": render.links(f"/lists/{audience.id}/segments"),
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
    return _segment(audience, segment)


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
        "_links": render.links(f"/lists/{audience.id}/segments/{segment.id}"),
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


def _segment(audience: Audience, segment: Segment) -> Json:
    subscribed = (one for one in audience.contacts.values() if one.status is Status.SUBSCRIBED)
    return {
        "id": segment.id,
        "name": segment.name,
        "member_count": sum(segment.id in one.tags for one in subscribed),
        "type": "static",
        "created_at": render.when(segment.created_at),
        "updated_at": render.when(segment.updated_at),
        "options": {"match": "all", "conditions": []},
        "list_id": audience.id,
        "_links": render.links(f"/lists/{audience.id}/segments/{segment.id}"),
    }
