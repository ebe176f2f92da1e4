"""The account as a whole: ping, the root, searching contacts, and the activity of an audience."""

from collections import Counter
from datetime import timedelta

from reconciler.sandbox.mailchimp import problems, render
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.links import links
from reconciler.sandbox.mailchimp.moments import when
from reconciler.sandbox.mailchimp.projection import Json
from reconciler.sandbox.mailchimp.state import Status

_DAYS_OF_ACTIVITY = 180
_MOST_FOUND = 30
_CONTACT = {"company": "", "addr1": "", "addr2": "", "city": "", "state": "", "zip": "", "country": "NL"}


def ping(_: Call) -> Json:
    """GET /ping."""
    return {"health_status": "Everything's Chimpy!"}


def root(call: Call) -> Json:
    """GET /: who the account is; the plan and its limit of contacts are not in it."""
    state = call.state
    contacts = (one for audience in state.audiences.values() for one in audience.contacts.values())
    return {
        "account_id": "sandbox",
        "login_id": "sandbox",
        "account_name": state.account_name,
        "email": state.email,
        "first_name": "Sandbox",
        "last_name": "Owner",
        "username": "sandbox",
        "avatar_url": "",
        "role": "owner" if state.switches.may_write else "viewer",
        "member_since": "2020-01-01T00:00:00+00:00",
        "pricing_plan_type": "monthly",
        "first_payment": "",
        "account_timezone": "Europe/Amsterdam",
        "account_industry": "Recruitment",
        "contact": _CONTACT | {"company": state.account_name},
        "pro_enabled": False,
        "last_login": when(call.now),
        "total_subscribers": sum(one.status is Status.SUBSCRIBED for one in contacts),
        "industry_stats": {"open_rate": 0, "bounce_rate": 0, "click_rate": 0},
        "_links": links("/"),
    }


def search_members(call: Call) -> Json:
    """GET /search-members: an exact address, and contacts with the text in address or name."""
    wanted = call.request.query.get("query", "").lower()
    if not wanted:
        raise problems.missing("query")
    exact: list[Json] = []
    partial: list[Json] = []
    for audience in call.state.audiences.values():
        if call.request.query.get("list_id", audience.id) != audience.id:
            continue
        for one in call.visible(audience):
            name = render.full_name(audience, one).lower()
            if one.email_address.lower() == wanted:
                exact.append(render.contact(audience, one))
            elif wanted in one.email_address.lower() or wanted in name:
                partial.append(render.contact(audience, one))
    return {
        "exact_matches": {"members": exact[:_MOST_FOUND], "total_items": len(exact)},
        "full_search": {"members": partial[:_MOST_FOUND], "total_items": len(partial)},
        "_links": links("/search-members"),
    }


def activity(call: Call) -> Json:
    """GET /lists/{list_id}/activity: a row a day, newest first, at most 180."""
    audience = call.audience()
    moments = Counter(
        (one.last_changed.date(), one.status is Status.SUBSCRIBED) for one in audience.contacts.values()
    )
    age = (call.now.date() - audience.date_created.date()).days
    days = [call.now.date() - timedelta(days=back) for back in range(min(age + 1, _DAYS_OF_ACTIVITY))]
    rows: list[Json] = [
        {
            "day": day.isoformat(),
            "emails_sent": 0,
            "unique_opens": 0,
            "recipient_clicks": 0,
            "hard_bounce": 0,
            "soft_bounce": 0,
            "subs": 0,
            "unsubs": 0,
            "other_adds": moments[day, True],
            "other_removes": moments[day, False],
            "_links": [],
        }
        for day in days
    ]
    return {
        "activity": rows[call.page()],
        "list_id": audience.id,
        "total_items": len(rows),
        "_links": links(f"/lists/{audience.id}/activity"),
    }
