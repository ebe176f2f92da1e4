"""Scenario 16 and 17 of facts/mailchimp.md, section 8: audiences come, change and go."""

import copy
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.sandbox.faults import Fault, FaultKind
from tests.sandbox.mailchimp_account import NEW_AUDIENCE, Account, Json, problem


def _without(path: str) -> Json:
    body = copy.deepcopy(NEW_AUDIENCE)
    *parents, last = path.split(".")
    inner = body
    for parent in parents:
        inner = inner[parent]
    del inner[last]
    return body


def test_a_new_audience_is_listed_with_what_was_sent(account: Account) -> None:
    made = account.ok("POST", "/lists", NEW_AUDIENCE)
    read = account.ok("GET", f"/lists/{made['id']}")
    assert read == made
    for name in ("name", "permission_reminder", "email_type_option", "campaign_defaults"):
        assert read[name] == NEW_AUDIENCE[name]
    assert read["contact"] == {"address2": "", "state": "", "zip": "", "phone": "", **NEW_AUDIENCE["contact"]}
    fields = account.ok("GET", f"/lists/{made['id']}/merge-fields")
    assert fields["total_items"] == read["stats"]["merge_field_count"] == 4


@pytest.mark.parametrize(
    "field",
    [
        "name",
        "permission_reminder",
        "email_type_option",
        "contact",
        "contact.company",
        "contact.address1",
        "contact.city",
        "contact.country",
        "campaign_defaults",
        "campaign_defaults.from_name",
        "campaign_defaults.from_email",
        "campaign_defaults.subject",
        "campaign_defaults.language",
    ],
)
def test_what_is_missing_for_a_new_audience_is_named(account: Account, field: str) -> None:
    reply = account.call("POST", "/lists", _without(field))
    assert problem(reply) == (400, "Invalid Resource")
    assert [error["field"] for error in reply.json()["errors"]] == [field]
    assert account.ok("GET", "/lists")["total_items"] == 1


def test_a_country_that_is_none_becomes_the_united_states(account: Account) -> None:
    body = copy.deepcopy(NEW_AUDIENCE)
    body["contact"]["country"] = "Nederland"
    assert account.ok("POST", "/lists", body)["contact"]["country"] == "US"


def test_twelve_audiences_need_two_pages(account: Account) -> None:
    for number in range(11):
        account.human.add_audience(f"Lijst {number}")
    pages = [account.ok("GET", "/lists", offset=offset) for offset in (0, 10)]
    assert [len(page["lists"]) for page in pages] == [10, 2]
    assert {page["total_items"] for page in pages} == {12}
    assert len({one["id"] for page in pages for one in page["lists"]}) == 12


def test_audiences_have_an_order_only_if_asked(account: Account) -> None:
    account.clock.freeze(datetime(2126, 3, 1, tzinfo=UTC))
    for number in range(11):
        account.clock.advance(timedelta(days=1))
        account.human.add_audience(f"Lijst {number:02}")
    sorted_names = [
        one["name"]
        for one in account.ok("GET", "/lists", count=100, sort_field="date_created", sort_dir="ASC")["lists"]
    ]
    plain_names = [one["name"] for one in account.ok("GET", "/lists", count=100)["lists"]]
    since = account.ok("GET", "/lists", count=100, since_date_created="2126-03-11T00:00:00Z")
    before = account.ok("GET", "/lists", count=100, before_date_created="2126-03-03T00:00:00Z")
    assert {one["name"] for one in since["lists"]} == {"Lijst 10"}
    assert {one["name"] for one in before["lists"]} == {"Kandidaten", "Lijst 00"}
    assert sorted_names == ["Kandidaten", *(f"Lijst {number:02}" for number in range(11))]
    assert plain_names != sorted_names


def test_audiences_of_one_address_can_be_asked_for(account: Account) -> None:
    account.human.add_audience("Leeg")
    account.add("jan@bureau.example")
    found = account.ok("GET", "/lists", email="jan@bureau.example")["lists"]
    assert [one["id"] for one in found] == [account.list_id]


def test_the_plan_limits_how_many_audiences_there_are(account: Account) -> None:
    account.state.max_audiences = 2
    assert account.ok("GET", "/lists")["constraints"] == {
        "may_create": True,
        "max_instances": 2,
        "current_total_instances": 1,
    }
    account.ok("POST", "/lists", NEW_AUDIENCE)
    assert account.ok("GET", "/lists")["constraints"]["may_create"] is False
    reply = account.call("POST", "/lists", NEW_AUDIENCE)
    assert problem(reply) == (403, "User action not permitted")
    assert reply.json()["detail"] == "User does not have access to the requested operation"


def test_constraints_can_be_stale_and_a_limit_can_come_from_nowhere(account: Account) -> None:
    account.state.max_audiences = 1
    account.state.switches.claim_may_create = True
    assert account.ok("GET", "/lists")["constraints"]["may_create"] is True
    assert account.call("POST", "/lists", NEW_AUDIENCE).status_code == 403
    account.state.max_audiences = -1
    account.faults.add(Fault(kind=FaultKind.LIST_LIMITS))
    assert account.call("POST", "/lists", NEW_AUDIENCE).status_code == 403
    assert account.call("POST", "/lists", NEW_AUDIENCE).status_code == 200


def test_name_and_reminder_can_be_changed_alone(account: Account) -> None:
    changed = account.ok("PATCH", "LIST", {"name": "Nieuw", "permission_reminder": "Omdat"})
    assert (changed["name"], changed["permission_reminder"]) == ("Nieuw", "Omdat")
    account.state.switches.partial_audience_update = False
    assert problem(account.call("PATCH", "LIST", {"name": "Weer"})) == (400, "Invalid Resource")
    assert account.ok("GET", "LIST")["name"] == "Nieuw"


def test_an_updated_contact_needs_state_and_zip(account: Account) -> None:
    contact = dict(NEW_AUDIENCE["contact"])
    reply = account.call("PATCH", "LIST", {"contact": contact})
    assert reply.json()["errors"][0]["field"] == "contact.state"
    changed = account.ok("PATCH", "LIST", {"contact": {**contact, "state": "", "zip": "1012 AB"}})
    assert changed["contact"]["zip"] == "1012 AB"


def test_a_deleted_audience_is_gone_with_everything_beneath(account: Account) -> None:
    account.add("jan@bureau.example")
    assert account.call("DELETE", "LIST").status_code == 204
    for method, path in (
        ("GET", "LIST"),
        ("DELETE", "LIST"),
        ("GET", "LIST/members"),
        ("POST", "LIST"),
        ("PUT", account.member("jan@bureau.example")),
        ("GET", "LIST/merge-fields"),
        ("GET", "LIST/activity"),
    ):
        assert problem(account.call(method, path)) == (404, "Resource Not Found")
    assert account.ok("GET", "/lists")["total_items"] == 0


def test_deleting_can_be_refused_for_a_while(account: Account) -> None:
    account.state.switches.may_delete_audiences = False
    assert problem(account.call("DELETE", "LIST")) == (403, "User action not permitted")
    assert account.ok("GET", "LIST")["id"] == account.list_id


def test_what_a_marketer_does_shows_in_the_api(account: Account) -> None:
    account.human.rename_audience(account.list_id, "Anders")
    account.human.edit_reminder(account.list_id, "Omdat het kan")
    read = account.ok("GET", "LIST")
    assert (read["name"], read["permission_reminder"]) == ("Anders", "Omdat het kan")
    account.human.delete_audience(account.list_id)
    assert account.call("GET", "LIST").status_code == 404
    with pytest.raises(LookupError, match="no audience"):
        account.human.rename_audience(account.list_id, "Weg")


def test_a_page_of_audiences_can_be_short_or_lie(account: Account) -> None:
    account.faults.add(Fault(kind=FaultKind.SHORT_PAGE))
    account.faults.add(Fault(kind=FaultKind.LYING_TOTAL))
    told = account.ok("GET", "/lists")
    assert (told["lists"], told["total_items"]) == ([], 2)
    assert len(account.ok("GET", "/lists", fields="lists.id")["lists"]) == 1


def test_stats_follow_the_contacts(account: Account) -> None:
    for number, status in enumerate(("subscribed", "unsubscribed", "cleaned", "pending")):
        account.add(f"kandidaat{number}@bureau.example", status)
    account.add("weg@bureau.example")
    account.call("DELETE", account.member("weg@bureau.example"))
    stats = account.ok("GET", "LIST", include_total_contacts=True)["stats"]
    assert (stats["member_count"], stats["unsubscribe_count"], stats["cleaned_count"]) == (1, 1, 1)
    assert stats["total_contacts"] == 4
    assert "total_contacts" not in account.ok("GET", "LIST")["stats"]


def test_activity_has_a_row_a_day(account: Account) -> None:
    account.add("jan@bureau.example")
    account.clock.advance(timedelta(days=3))
    rows = account.ok("GET", "LIST/activity", count=180)["activity"]
    assert len(rows) == 4
    assert [row["other_adds"] for row in rows] == [0, 0, 0, 1]


def test_webhooks_are_registered_once(account: Account) -> None:
    hook = {"url": "https://daemon.example/hooks", "events": {"unsubscribe": True}, "sources": {"user": True}}
    made = account.ok("POST", "LIST/webhooks", hook)
    assert (made["events"]["unsubscribe"], made["sources"]["api"]) == (True, False)
    assert account.call("POST", "LIST/webhooks", hook).status_code == 400
    assert [one["id"] for one in account.ok("GET", "LIST/webhooks")["webhooks"]] == [made["id"]]
    path = f"LIST/webhooks/{made['id']}"
    assert account.ok("GET", path) == made
    assert account.call("DELETE", path).status_code == 204
    assert account.call("GET", path).status_code == 404


def test_a_webhook_on_loopback_must_answer(account: Account) -> None:
    results = f"{account.server.url}/_sandbox/nothing"
    for url in (results, "ftp://daemon.example", ""):
        assert problem(account.call("POST", "LIST/webhooks", {"url": url})) == (400, "Invalid Resource")
