"""Which fields the sandbox's Mailchimp answers with, and which it leaves out, as was recorded."""

from typing import Any

import pytest

from tests.sandbox.mailchimp_account import Account, Json

JAN = "jan@bureau.example"
DOES_NOT_APPLY = ("unsubscribe_reason", "interests", "marketing_permissions", "sms_phone_number", "last_note")


def _rels(resource: Json) -> list[str]:
    return [link["rel"] for link in resource["_links"]]


def test_a_contact_has_exactly_the_recorded_fields(account: Account) -> None:
    account.add(JAN)
    assert list(account.get(JAN)) == [
        "id",
        "email_address",
        "unique_email_id",
        "contact_id",
        "full_name",
        "web_id",
        "email_type",
        "status",
        "consents_to_one_to_one_messaging",
        "merge_fields",
        "stats",
        "ip_signup",
        "timestamp_signup",
        "ip_opt",
        "timestamp_opt",
        "member_rating",
        "last_changed",
        "language",
        "vip",
        "email_client",
        "location",
        "source",
        "tags_count",
        "tags",
        "list_id",
        "_links",
    ]
    assert account.get(JAN)["stats"] == {"avg_open_rate": 0, "avg_click_rate": 0}


def test_what_does_not_apply_is_left_out_of_pages_too(account: Account) -> None:
    account.add(JAN)
    [listed] = account.ok("GET", "LIST/members")["members"]
    assert not set(DOES_NOT_APPLY) & set(listed)
    asked_for = account.ok("GET", "LIST/members", fields="members.unsubscribe_reason,members.status")
    assert asked_for["members"] == [{"status": "subscribed"}]


def test_a_reason_is_given_while_a_contact_is_unsubscribed(account: Account) -> None:
    account.add(JAN)
    account.ok("PUT", account.member(JAN), {"status": "unsubscribed"})
    assert account.get(JAN)["unsubscribe_reason"] == "N/A (Unsubscribed by admin)"
    account.call("DELETE", account.member(JAN))
    assert "unsubscribe_reason" not in account.get(JAN)


def test_a_telephone_number_is_shown_where_there_is_one(account: Account) -> None:
    account.human.add_telephone(account.list_id, "+31600000001")
    [listed] = account.ok("GET", "LIST/members")["members"]
    assert (listed["sms_phone_number"], listed["email_address"]) == ("+31600000001", "")


def test_permissions_are_shown_where_the_gdpr_fields_are_on(account: Account) -> None:
    account.add(JAN)
    account.ok("PATCH", "LIST", {"marketing_permissions": True})
    [permission] = account.get(JAN)["marketing_permissions"]
    assert (permission["text"], permission["enabled"]) == ("Email", False)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_contact_keeps_what_is_sent_about_its_origin(account: Account, method: str) -> None:
    origin: dict[str, Any] = {
        "ip_signup": "192.0.2.1",
        "ip_opt": "192.0.2.2",
        "timestamp_signup": "2020-01-01T10:00:00+00:00",
        "timestamp_opt": "2020-01-02T10:00:00+00:00",
    }
    body = {"email_address": JAN, "status": "subscribed", "location": {"latitude": 52.1, "longitude": 5.1}}
    path = "LIST/members" if method == "POST" else account.member(JAN)
    answer = account.ok(method, path, body | origin)
    assert {name: answer[name] for name in origin} == origin
    assert (answer["location"]["latitude"], answer["location"]["longitude"]) == (52.1, 5.1)


def test_a_moment_that_is_none_is_refused_and_nothing_is_changed(account: Account) -> None:
    before = account.add(JAN)
    body = {"timestamp_opt": "morgen", "merge_fields": {"FNAME": "Jan"}}
    reply = account.call("PATCH", account.member(JAN), body)
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (400, "timestamp_opt")
    assert account.get(JAN) == before


def test_links_lead_to_what_can_be_done_next(account: Account) -> None:
    contact = account.add(JAN)
    assert _rels(contact) == [
        "self",
        "parent",
        "update",
        "upsert",
        "delete",
        "activity",
        "goals",
        "notes",
        "events",
        "delete_permanent",
    ]
    by_rel = {link["rel"]: link for link in contact["_links"]}
    assert by_rel["parent"]["href"].endswith(f"/lists/{account.list_id}/members")
    assert by_rel["upsert"]["schema"].endswith("/schema/3.0/Definitions/Lists/Members/PUT.json")
    assert set(by_rel["delete"]) == {"rel", "href", "method"}
    assert {"batch-sub-unsub-members", "members", "merge-fields"} <= set(_rels(account.ok("GET", "LIST")))
    [field, *_] = account.ok("GET", "LIST/merge-fields")["merge_fields"]
    assert _rels(field) == ["self", "parent", "update", "delete"]


@pytest.mark.parametrize(
    ("kind", "sent", "options"),
    [
        ("text", {}, {"size": 25}),
        ("text", {"size": 40}, {"size": 40}),
        ("number", {}, {}),
        ("phone", {}, {"phone_format": "none"}),
        ("date", {}, {"date_format": "MM/DD/YYYY"}),
        ("birthday", {}, {"date_format": "MM/DD"}),
        ("address", {}, {"default_country": 164}),
        ("dropdown", {"choices": ["a", "b"]}, {"choices": ["a", "b"]}),
    ],
)
def test_a_merge_field_has_the_options_of_its_type_only(
    account: Account, kind: str, sent: Json, options: Json
) -> None:
    made = account.ok("POST", "LIST/merge-fields", {"name": "X", "type": kind, "options": sent})
    assert made["options"] == options
    assert made["display_order"] == made["merge_id"] + 1
