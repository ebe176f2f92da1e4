"""The contacts of an audience: listing them and working on one of them."""

from collections.abc import Callable
from datetime import datetime

from reconciler.sandbox.faults import FaultKind
from reconciler.sandbox.mailchimp import problems, render
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.contacts import ContactBody
from reconciler.sandbox.mailchimp.links import links
from reconciler.sandbox.mailchimp.moments import when
from reconciler.sandbox.mailchimp.projection import Json
from reconciler.sandbox.mailchimp.state import Audience, Contact, Status

_PATCHED_TO = (Status.SUBSCRIBED, Status.UNSUBSCRIBED, Status.CLEANED, Status.PENDING)
_OLDEST_SINCE = 2001  # older moments make the service hang, 17; no Mailchimp was there to change a contact
_DIRECTIONS = ("ASC", "DESC")
_SORTED_BY = ("timestamp_opt", "timestamp_signup", "last_changed")


def list_contacts(call: Call) -> Json:
    """GET /lists/{list_id}/members: one page of a list that may change before the next one is read, 13."""
    audience = call.audience()
    found = _sorted(call, _filtered(call, audience))
    rows = found[call.page()]
    if missing := call.fault(FaultKind.SHORT_PAGE):
        rows = rows[:-missing]
    return {
        "members": render.contacts(audience, rows, call.projection),
        "list_id": audience.id,
        "total_items": len(found) + call.fault(FaultKind.LYING_TOTAL),
        "_links": links(f"/lists/{audience.id}/members"),
    }


def add_contact(call: Call) -> Json:
    """POST /lists/{list_id}/members."""
    rules, body = call.rules(), call.body(ContactBody)
    skip = call.flag("skip_merge_validation")
    return render.contact(rules.audience, rules.add(body, skip_validation=skip))


def get_contact(call: Call) -> Json:
    """GET /lists/{list_id}/members/{subscriber_hash}."""
    return render.contact(call.audience(), call.contact())


def put_contact(call: Call) -> Json:
    """PUT /lists/{list_id}/members/{subscriber_hash}."""
    rules, body = call.rules(), call.body(ContactBody)
    skip = call.flag("skip_merge_validation")
    changed = rules.put(call.path["subscriber_hash"], body, skip_validation=skip)
    return render.contact(rules.audience, changed)


def patch_contact(call: Call) -> Json:
    """PATCH /lists/{list_id}/members/{subscriber_hash}; it cannot make a contact transactional, 25."""
    contact = call.contact()
    body = call.body(ContactBody)
    if body.status == Status.TRANSACTIONAL:
        raise problems.not_accepted("status", _PATCHED_TO)
    skip = call.flag("skip_merge_validation")
    return render.contact(call.audience(), call.rules().update(contact, body, skip_validation=skip))


def archive_contact(call: Call) -> None:
    """DELETE /lists/{list_id}/members/{subscriber_hash}: archives, 34."""
    call.rules().archive(call.contact())


def delete_contact_permanently(call: Call) -> None:
    """POST /lists/{list_id}/members/{subscriber_hash}/actions/delete-permanent."""
    call.rules().delete_permanently(call.contact())


def _filtered(call: Call, audience: Audience) -> list[Contact]:
    query, rows = call.request.query, _with_status(call, audience)
    rows = _between(call, "last_changed", rows, lambda one: one.last_changed)
    rows = _between(call, "timestamp_opt", rows, lambda one: one.timestamp_opt)
    if unsubscribed_since := call.moment("unsubscribed_since"):
        rows = [one for one in rows if _is_after(call, _unsubscribed_at(one), unsubscribed_since)]
    if unique_email_id := query.get("unique_email_id"):
        rows = [one for one in rows if one.unique_email_id == unique_email_id]
    if email_type := query.get("email_type"):
        rows = [one for one in rows if one.email_type == email_type]
    return [one for one in rows if one.vip] if call.flag("vip_only") else rows


def _between(
    call: Call, field: str, rows: list[Contact], moment_of: Callable[[Contact], datetime | None]
) -> list[Contact]:
    """Given a field and how to read it, return the rows within since_… and before_…, as far as given."""
    since, before = call.moment(f"since_{field}"), call.moment(f"before_{field}")
    if since is not None:
        if since.year < _OLDEST_SINCE:
            raise problems.hung()
        rows = [one for one in rows if _is_after(call, moment_of(one), since)]
    if before is not None:
        rows = [one for one in rows if (moment := moment_of(one)) is not None and moment < before]
    return rows


def _is_after(call: Call, moment: datetime | None, since: datetime) -> bool:
    if moment is None:
        return False
    return moment > since or (moment == since and call.state.switches.since_includes_equal)


def _unsubscribed_at(one: Contact) -> datetime | None:
    return one.last_changed if one.status is Status.UNSUBSCRIBED else None


def _with_status(call: Call, audience: Audience) -> list[Contact]:
    text = call.request.query.get("status")
    everyone = call.visible(audience)
    if text:
        if text not in set(Status):
            raise problems.not_accepted("status", Status)
        return [one for one in everyone if one.status == text]
    if call.state.switches.listing_hides_archived:
        return [one for one in everyone if one.status is not Status.ARCHIVED]
    return everyone


def _sorted(call: Call, rows: list[Contact]) -> list[Contact]:
    """Equal moments sort by web_id in the same direction, 15."""
    field = call.request.query.get("sort_field", "")
    direction = call.request.query.get("sort_dir", "ASC").upper()
    if direction not in _DIRECTIONS:
        raise problems.not_accepted("sort_dir", _DIRECTIONS)
    descending = direction == "DESC"
    if field and field not in _SORTED_BY:
        raise problems.not_accepted("sort_field", _SORTED_BY)
    match field:
        case "last_changed":
            return sorted(rows, key=lambda one: (one.last_changed, one.web_id), reverse=descending)
        case "timestamp_opt":
            return sorted(rows, key=lambda one: (when(one.timestamp_opt), one.web_id), reverse=descending)
        case "timestamp_signup":
            return sorted(rows, key=lambda one: (when(one.timestamp_signup), one.web_id), reverse=descending)
        case _:
            return sorted(rows, key=lambda one: one.web_id)
