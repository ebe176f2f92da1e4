"""The tags of one contact, facts/mailchimp.md, 2.7."""

import msgspec

from reconciler.sandbox.mailchimp import problems
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.links import links
from reconciler.sandbox.mailchimp.moments import when
from reconciler.sandbox.mailchimp.projection import Json

_STATUSES = ("active", "inactive")


class TagChange(msgspec.Struct):
    """One tag to set or to take off."""

    name: str
    status: str


class TagsBody(msgspec.Struct):
    """What is sent; a list that is not wrapped in `tags` leaves it empty."""

    tags: list[TagChange] = []
    is_syncing: bool = False


def list_tags(call: Call) -> Json:
    """GET /lists/{list_id}/members/{subscriber_hash}/tags."""
    audience, contact = call.audience(), call.contact()
    rows = [
        {"id": number, "name": audience.segments[number].name, "date_added": when(added)}
        for number, added in contact.tags.items()
    ]
    return {
        "tags": rows[call.page()],
        "total_items": len(rows),
        "_links": links(f"/lists/{audience.id}/members/{contact.id}/tags"),
    }


def change_tags(call: Call) -> None:
    """POST /lists/{list_id}/members/{subscriber_hash}/tags.

    Tags that are not wrapped change nothing and are no error, 49; a call that names a tag moves last_changed
    even if the contact has the tag already, 16.
    """
    contact, rules = call.contact(), call.rules()
    if call.request.body.lstrip().startswith(b"["):
        return
    changes = call.body(TagsBody).tags
    for number, change in enumerate(changes):
        if change.status not in _STATUSES:
            raise problems.not_accepted(f"tags[{number}].status", _STATUSES)
        if not change.name:
            raise problems.missing(f"tags[{number}].name")
    for change in changes:
        if change.status == "active":
            contact.tags.setdefault(rules.tag(change.name).id, rules.now)
        elif (known := rules.known_tag(change.name)) is not None:
            contact.tags.pop(known.id, None)
    if changes:
        contact.last_changed = rules.now


def search_tags(call: Call) -> Json:
    """GET /lists/{list_id}/tag-search: tags whose name begins with the text."""
    wanted = call.request.query.get("name", "").lower()
    found = [
        {"id": segment.id, "name": segment.name}
        for segment in call.audience().segments.values()
        if segment.name.lower().startswith(wanted)
    ]
    return {"tags": found, "total_items": len(found)}
