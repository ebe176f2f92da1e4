"""The audiences of the account, called lists in the API, facts/mailchimp.md, 1.1 and 2.8."""

from collections import Counter
from datetime import datetime

import msgspec

from reconciler.sandbox.faults import FaultKind
from reconciler.sandbox.mailchimp import problems
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.links import AUDIENCE, links
from reconciler.sandbox.mailchimp.mergefields import default_fields
from reconciler.sandbox.mailchimp.moments import when
from reconciler.sandbox.mailchimp.projection import Json
from reconciler.sandbox.mailchimp.state import (
    Audience,
    CampaignDefaults,
    MailchimpState,
    PostalContact,
    Status,
)

_REQUIRED = ("name", "permission_reminder", "email_type_option")
_REQUIRED_CONTACT = ("company", "address1", "city", "country")
_REQUIRED_CONTACT_ON_UPDATE = (*_REQUIRED_CONTACT, "state", "zip")
_REQUIRED_DEFAULTS = ("from_name", "from_email", "subject", "language")
_COUNTRY_CODE_LENGTH = 2


class PostalBody(msgspec.Struct, kw_only=True):
    """What is sent about who is responsible."""

    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    phone: str | None = None


class DefaultsBody(msgspec.Struct, kw_only=True):
    """What is sent about new campaigns."""

    from_name: str | None = None
    from_email: str | None = None
    subject: str | None = None
    language: str | None = None


class AudienceBody(msgspec.Struct, kw_only=True):
    """What is sent about an audience."""

    name: str | None = None
    permission_reminder: str | None = None
    email_type_option: bool | None = None
    contact: PostalBody | None = None
    campaign_defaults: DefaultsBody | None = None
    use_archive_bar: bool | None = None
    notify_on_subscribe: str | None = None
    notify_on_unsubscribe: str | None = None
    double_optin: bool | None = None
    marketing_permissions: bool | None = None


def list_audiences(call: Call) -> Json:
    """GET /lists; without a sort field their order means nothing: here it follows their random ids."""
    query = call.request.query
    rows = sorted(call.state.audiences.values(), key=lambda one: one.id)
    if address := query.get("email"):
        rows = [one for one in rows if one.at_address(address) is not None]
    if since := call.moment("since_date_created"):
        rows = [one for one in rows if one.date_created > since]
    if before := call.moment("before_date_created"):
        rows = [one for one in rows if one.date_created < before]
    if query.get("sort_field") == "date_created":
        descending = query.get("sort_dir", "ASC").upper() == "DESC"
        rows.sort(key=lambda one: (one.date_created, one.web_id), reverse=descending)
    with_stats = call.projection.rows_need("lists", "stats")
    page = rows[call.page()]
    if missing := call.fault(FaultKind.SHORT_PAGE):
        page = page[:-missing]
    return {
        "lists": [_shown(call, one, with_stats=with_stats) for one in page],
        "total_items": len(rows) + call.fault(FaultKind.LYING_TOTAL),
        "constraints": _constraints(call.state),
        "_links": links("/lists"),
    }


def add_audience(call: Call) -> Json:
    """POST /lists. Raise Problem if a required field is missing or the plan has no room, 54."""
    body = call.body(AudienceBody)
    _check_complete(body, _REQUIRED_CONTACT)
    if not _has_room(call.state) or call.fault(FaultKind.LIST_LIMITS):
        raise problems.not_permitted()
    audience = new_audience(call.state, body.name or "", call.now)
    _apply(audience, body)
    return _shown(call, audience)


def get_audience(call: Call) -> Json:
    """GET /lists/{list_id}."""
    return _shown(call, call.audience())


def update_audience(call: Call) -> Json:
    """PATCH /lists/{list_id}; a contact that is sent must be whole, with state and zip, 1.1."""
    audience, body = call.audience(), call.body(AudienceBody)
    if call.state.switches.partial_audience_update:
        _check_parts(body, _REQUIRED_CONTACT_ON_UPDATE)
    else:
        _check_complete(body, _REQUIRED_CONTACT_ON_UPDATE)
    _apply(audience, body)
    return _shown(call, audience)


def delete_audience(call: Call) -> None:
    """DELETE /lists/{list_id}: everything goes, every remembered no included, 38."""
    audience = call.audience()
    if not call.state.switches.may_delete_audiences:
        raise problems.not_permitted()
    del call.state.audiences[audience.id]


def new_audience(state: MailchimpState, name: str, now: datetime) -> Audience:
    """Given a name, return a new audience of the account with the default merge fields."""
    fields = default_fields()
    audience = Audience(
        id=state.new_id(10),
        web_id=state.new_number(),
        name=name,
        date_created=now.replace(microsecond=0),
        merge_fields=fields,
        next_id=len(fields) + 1,
    )
    state.audiences[audience.id] = audience
    return audience


def _has_room(state: MailchimpState) -> bool:
    return state.max_audiences < 0 or len(state.audiences) < state.max_audiences


def _constraints(state: MailchimpState) -> Json:
    claimed = state.switches.claim_may_create
    return {
        "may_create": _has_room(state) if claimed is None else claimed,
        "max_instances": state.max_audiences,
        "current_total_instances": len(state.audiences),
    }


def _check_complete(body: AudienceBody, contact_fields: tuple[str, ...]) -> None:
    for field in (*_REQUIRED, "contact", "campaign_defaults"):
        if getattr(body, field) in (None, ""):
            raise problems.missing(field)
    _check_parts(body, contact_fields)


def _check_parts(body: AudienceBody, contact_fields: tuple[str, ...]) -> None:
    """A state or zip may be blank, the others not; what was not sent at all is missing either way."""
    for field in contact_fields if body.contact is not None else ():
        value = getattr(body.contact, field)
        if value is None or (value == "" and field in _REQUIRED_CONTACT):
            raise problems.missing(f"contact.{field}")
    for field in _REQUIRED_DEFAULTS if body.campaign_defaults is not None else ():
        if not getattr(body.campaign_defaults, field):
            raise problems.missing(f"campaign_defaults.{field}")


def _apply(audience: Audience, body: AudienceBody) -> None:
    _copy(body, audience, but=("contact", "campaign_defaults"))
    if body.contact is not None:
        audience.contact = PostalContact()
        _copy(body.contact, audience.contact)
        if len(audience.contact.country) != _COUNTRY_CODE_LENGTH:
            audience.contact.country = "US"
    if body.campaign_defaults is not None:
        audience.campaign_defaults = CampaignDefaults()
        _copy(body.campaign_defaults, audience.campaign_defaults)


def _copy(sent: msgspec.Struct, held: msgspec.Struct, but: tuple[str, ...] = ()) -> None:
    for field in sent.__struct_fields__:
        value = getattr(sent, field)
        if value is not None and field not in but:
            setattr(held, field, value)


def _shown(call: Call, audience: Audience, *, with_stats: bool = True) -> Json:
    stats = {"stats": _stats(audience, with_total=call.flag("include_total_contacts"))} if with_stats else {}
    return {
        "id": audience.id,
        "web_id": audience.web_id,
        "name": audience.name,
        "contact": msgspec.structs.asdict(audience.contact),
        "permission_reminder": audience.permission_reminder,
        "use_archive_bar": audience.use_archive_bar,
        "campaign_defaults": msgspec.structs.asdict(audience.campaign_defaults),
        "notify_on_subscribe": audience.notify_on_subscribe,
        "notify_on_unsubscribe": audience.notify_on_unsubscribe,
        "date_created": when(audience.date_created),
        "list_rating": 0,
        "email_type_option": audience.email_type_option,
        "subscribe_url_short": f"https://eepurl.example/{audience.id}",
        "subscribe_url_long": f"https://sandbox.us6.list-manage.example/subscribe?id={audience.id}",
        "beamer_address": f"us6-{audience.id}@inbound.example",
        "visibility": "prv",
        "double_optin": audience.double_optin,
        "has_welcome": False,
        "marketing_permissions": audience.marketing_permissions,
        "modules": [],
        "_links": links(f"/lists/{audience.id}", AUDIENCE),
        **stats,
    }


def _stats(audience: Audience, *, with_total: bool) -> Json:
    count = Counter(one.status for one in audience.contacts.values())
    total = {"total_contacts": count.total() - count[Status.ARCHIVED]} if with_total else {}
    return {
        "member_count": count[Status.SUBSCRIBED],
        **total,
        "unsubscribe_count": count[Status.UNSUBSCRIBED],
        "cleaned_count": count[Status.CLEANED],
        "member_count_since_send": count[Status.SUBSCRIBED],
        "unsubscribe_count_since_send": count[Status.UNSUBSCRIBED],
        "cleaned_count_since_send": count[Status.CLEANED],
        "campaign_count": int(audience.campaign_last_sent is not None),
        "campaign_last_sent": when(audience.campaign_last_sent),
        "merge_field_count": len(audience.merge_fields),
        "avg_sub_rate": 0,
        "avg_unsub_rate": 0,
        "target_sub_rate": 0,
        "open_rate": 0,
        "click_rate": 0,
        "last_sub_date": "",
        "last_unsub_date": "",
    }
