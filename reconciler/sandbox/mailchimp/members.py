"""The contacts of an audience: listing them and working on one of them."""

from reconciler.sandbox.faults import FaultKind
from reconciler.sandbox.mailchimp import problems, render
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.contacts import ContactBody
from reconciler.sandbox.mailchimp.projection import Json
from reconciler.sandbox.mailchimp.state import Audience, Contact, Status

_OLDEST_SINCE = 2001  # older moments make the service hang, 17; no Mailchimp was there to change a contact
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
        "_links": render.links(f"/lists/{audience.id}/members"),
    }


def add_contact(call: Call) -> Json:
    """POST /lists/{list_id}/members."""
    body = call.body(ContactBody)
    skip = call.flag("skip_merge_validation")
    return render.contact(call.audience(), call.rules().add(body, skip_validation=skip))


def get_contact(call: Call) -> Json:
    """GET /lists/{list_id}/members/{subscriber_hash}."""
    return render.contact(call.audience(), call.contact())


def put_contact(call: Call) -> Json:
    """PUT /lists/{list_id}/members/{subscriber_hash}."""
    body = call.body(ContactBody)
    skip = call.flag("skip_merge_validation")
    changed = call.rules().put(call.path["subscriber_hash"], body, skip_validation=skip)
    return render.contact(call.audience(), changed)


def patch_contact(call: Call) -> Json:
    """PATCH /lists/{list_id}/members/{subscriber_hash}; it cannot make a contact transactional, 25."""
    contact = call.contact()
    body = call.body(ContactBody)
    if body.status == Status.TRANSACTIONAL:
        raise problems.invalid_field(
            "status", "Value must be one of: subscribed, unsubscribed, cleaned, pending"
        )
    skip = call.flag("skip_merge_validation")
    return render.contact(call.audience(), call.rules().update(contact, body, skip_validation=skip))


def archive_contact(call: Call) -> None:
    """DELETE /lists/{list_id}/members/{subscriber_hash}: archives, 34."""
    call.rules().archive(call.contact())


def delete_contact_permanently(call: Call) -> None:
    """POST /lists/{list_id}/members/{subscriber_hash}/actions/delete-permanent."""
    call.rules().delete_permanently(call.contact())


def _filtered(call: Call, audience: Audience) -> list[Contact]:
    rows = _with_status(call, audience)
    after, before = call.moment("since_last_changed"), call.moment("before_last_changed")
    if after is not None:
        if after.year < _OLDEST_SINCE:
            raise problems.hung()
        rows = [one for one in rows if one.last_changed > after]
    if before is not None:
        rows = [one for one in rows if one.last_changed < before]
    unique_email_id = call.request.query.get("unique_email_id")
    if unique_email_id:
        rows = [one for one in rows if one.unique_email_id == unique_email_id]
    return rows


def _with_status(call: Call, audience: Audience) -> list[Contact]:
    text = call.request.query.get("status")
    everyone = audience.contacts.values()
    if text:
        if text not in set(Status):
            raise problems.invalid_field("status", f"Value must be one of: {', '.join(Status)}")
        return [one for one in everyone if one.status == text]
    if call.state.switches.listing_hides_archived:
        return [one for one in everyone if one.status is not Status.ARCHIVED]
    return list(everyone)


def _sorted(call: Call, rows: list[Contact]) -> list[Contact]:
    """Equal moments sort by web_id in the same direction, 15."""
    field = call.request.query.get("sort_field", "")
    descending = call.request.query.get("sort_dir", "ASC").upper() == "DESC"
    if field and field not in _SORTED_BY:
        raise problems.invalid_field("sort_field", f"Value must be one of: {', '.join(_SORTED_BY)}")
    match field:
        case "last_changed":
            return sorted(rows, key=lambda one: (one.last_changed, one.web_id), reverse=descending)
        case "timestamp_opt":
            return sorted(
                rows, key=lambda one: (render.when(one.timestamp_opt), one.web_id), reverse=descending
            )
        case "timestamp_signup":
            return sorted(
                rows, key=lambda one: (render.when(one.timestamp_signup), one.web_id), reverse=descending
            )
        case _:
            return sorted(rows, key=lambda one: one.web_id)
