"""Contacts that a batch or a list write made are seen only after a while, facts/mailchimp.md, 19."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.mailchimp_account import Account, problem

JAN = "jan@bureau.example"
ROW = {"email_address": JAN, "status": "subscribed"}


@pytest.fixture(autouse=True)
def _late(account: Account) -> None:
    account.clock.freeze(datetime(2026, 3, 1, 12, tzinfo=UTC))
    account.state.switches.visible_after_seconds = 60


def _by_list_write(account: Account) -> None:
    assert account.ok("POST", "LIST", {"members": [ROW]})["total_created"] == 1


def _by_batch(account: Account) -> None:
    operation = {"method": "POST", "path": f"/lists/{account.list_id}/members", "body": json.dumps(ROW)}
    batch_id = account.ok("POST", "/batches", {"operations": [operation]})["id"]
    stages = [account.ok("GET", f"/batches/{batch_id}")["status"] for _ in range(4)]
    assert stages[-1] == "finished"


@pytest.mark.parametrize("add", [_by_list_write, _by_batch])
def test_it_is_not_read_at_first_and_is_read_later(account: Account, add: object) -> None:
    assert callable(add)
    add(account)
    assert problem(account.call("GET", account.member(JAN))) == (404, "Resource Not Found")
    assert account.ok("GET", "LIST/members")["total_items"] == 0
    assert account.ok("GET", "/search-members", query=JAN)["exact_matches"]["total_items"] == 0
    account.clock.advance(timedelta(seconds=60))
    assert account.get(JAN)["status"] == "subscribed"
    assert account.ok("GET", "LIST/members")["total_items"] == 1


def test_writes_know_it_at_once(account: Account) -> None:
    _by_list_write(account)
    assert problem(account.call("POST", "LIST/members", ROW)) == (400, "Member Exists")
    named = account.ok("PATCH", account.member(JAN), {"merge_fields": {"FNAME": "Jan"}})
    assert named["merge_fields"]["FNAME"] == "Jan"


def test_a_contact_added_alone_is_seen_at_once(account: Account) -> None:
    account.add(JAN)
    assert account.get(JAN)["email_address"] == JAN


def test_an_update_hides_nobody(account: Account) -> None:
    account.add(JAN)
    account.ok("POST", "LIST", {"members": [ROW], "update_existing": True})
    assert account.get(JAN)["email_address"] == JAN
