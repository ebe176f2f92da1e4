"""Static segments as resources of their own: looking, renaming, deleting, and their members."""

import pytest

from tests.sandbox.mailchimp_account import Account, problem

JAN = "jan@bureau.example"
PIET = "piet@bureau.example"


@pytest.fixture
def path(account: Account) -> str:
    account.add(JAN)
    account.add(PIET)
    body = {"name": "vip", "static_segment": [JAN, PIET]}
    return f"LIST/segments/{account.ok('POST', 'LIST/segments', body)['id']}"


def _addresses(account: Account, path: str, **query: object) -> list[str]:
    listed = account.ok("GET", f"{path}/members", **query)
    assert listed["total_items"] == len(listed["members"])
    return [member["email_address"] for member in listed["members"]]


def test_its_members_are_those_who_still_want_mail_unless_others_are_included(
    account: Account, path: str
) -> None:
    account.human.unsubscribe(account.list_id, PIET)
    assert _addresses(account, path) == [JAN]
    assert account.ok("GET", path)["member_count"] == 1
    assert _addresses(account, path, include_unsubscribed=True) == [JAN, PIET]
    assert account.ok("GET", path, include_unsubscribed=True)["member_count"] == 2


def test_a_renamed_one_is_the_tag_of_its_members(account: Account, path: str) -> None:
    assert account.ok("PATCH", path, {"name": "belangrijk"})["name"] == "belangrijk"
    assert [tag["name"] for tag in account.get(JAN)["tags"]] == ["belangrijk"]


def test_members_come_and_go_one_at_a_time(account: Account, path: str) -> None:
    jan = f"{path}/members/{JAN}"
    assert account.call("DELETE", jan).status_code == 204
    assert _addresses(account, path) == [PIET]
    assert problem(account.call("DELETE", jan)) == (404, "Resource Not Found")
    assert account.ok("POST", f"{path}/members", {"email_address": JAN})["email_address"] == JAN
    assert _addresses(account, path) == [JAN, PIET]
    stranger = {"email_address": "vreemd@bureau.example"}
    assert problem(account.call("POST", f"{path}/members", stranger)) == (404, "Resource Not Found")


def test_a_deleted_one_leaves_its_contacts_without_the_tag(account: Account, path: str) -> None:
    assert account.call("DELETE", path).status_code == 204
    assert problem(account.call("GET", path)) == (404, "Resource Not Found")
    assert account.get(JAN)["tags"] == []


def test_taking_off_an_unknown_tag_makes_no_tag(account: Account) -> None:
    account.add(JAN)
    body = {"tags": [{"name": "onbekend", "status": "inactive"}]}
    assert account.call("POST", f"{account.member(JAN)}/tags", body).status_code == 204
    assert account.ok("GET", "LIST/segments")["total_items"] == 0


@pytest.mark.parametrize(
    ("tag", "field"),
    [
        ({"name": "vip", "status": "on"}, "tags[0].status"),
        ({"name": "", "status": "active"}, "tags[0].name"),
        ({"name": "vip"}, "tags[0]"),
    ],
)
def test_a_tag_wants_a_name_and_one_of_two_statuses(
    account: Account, tag: dict[str, str], field: str
) -> None:
    account.add(JAN)
    reply = account.call("POST", f"{account.member(JAN)}/tags", {"tags": [tag]})
    assert problem(reply) == (400, "Invalid Resource")
    assert reply.json()["errors"][0]["field"] == field
