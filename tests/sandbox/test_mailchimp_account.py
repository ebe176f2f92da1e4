"""Who may call the sandbox's Mailchimp, and what the account as a whole answers."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
import requests

from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.mailchimp import DEFAULT_API_KEY, MailchimpState
from tests.sandbox.mailchimp_account import Account, problem, running_account


def test_the_account_is_chimpy(account: Account) -> None:
    assert account.ok("GET", "/ping") == {"health_status": "Everything's Chimpy!"}
    account.add("jan@bureau.example")
    root = account.ok("GET", "/")
    assert (root["account_name"], root["total_subscribers"], root["role"]) == ("Sandbox", 1, "owner")


def test_any_user_name_will_do(account: Account) -> None:
    account.session.auth = ("somebody else", DEFAULT_API_KEY)
    assert account.call("GET", "/ping").status_code == 200


def test_a_token_will_do(account: Account) -> None:
    account.state.access_tokens.add("token")
    account.session.auth = None
    account.session.headers["Authorization"] = "Bearer token"
    assert account.call("GET", "/ping").status_code == 200


@pytest.mark.parametrize(
    ("key", "status", "title"),
    [
        ("ffffffffffffffffffffffffffffffff-us6", 401, "API Key Invalid"),
        ("no key at all", 401, "API Key Invalid"),
        (DEFAULT_API_KEY.replace("us6", "us14"), 403, "Forbidden"),
    ],
)
def test_a_key_that_does_not_fit_is_refused(account: Account, key: str, status: int, title: str) -> None:
    account.session.auth = ("x", key)
    reply = account.call("GET", "/lists")
    assert problem(reply) == (status, title)
    assert title != "Forbidden" or "linked to datacenter 'us14'" in reply.json()["detail"]


def test_no_key_is_named_so(account: Account) -> None:
    with requests.get(account.base_url + "/ping", timeout=5) as reply:
        assert problem(reply) == (401, "API Key Missing")


@pytest.mark.parametrize(
    ("header", "title"),
    [
        ("Basic not-base64", "API Key Invalid"),
        ("Bearer wrong", "API Key Invalid"),
        ("Odd x", "API Key Missing"),
    ],
)
def test_credentials_that_make_no_sense_are_refused(account: Account, header: str, title: str) -> None:
    account.session.auth = None
    account.session.headers["Authorization"] = header
    assert problem(account.call("GET", "/ping")) == (401, title)


def test_a_revoked_key_stops_working(account: Account) -> None:
    account.human.revoke_keys()
    assert problem(account.call("GET", "/ping")) == (401, "API Key Invalid")


def test_a_role_without_rights_may_read_only(account: Account) -> None:
    account.state.switches.may_write = False
    body = {"email_address": "jan@bureau.example", "status": "subscribed"}
    assert problem(account.call("POST", "LIST/members", body)) == (403, "User action not permitted")
    assert account.ok("GET", "LIST/members")["total_items"] == 0


def test_what_is_not_there_and_what_is_not_allowed(account: Account) -> None:
    assert problem(account.call("GET", "/nothing")) == (404, "Resource Not Found")
    reply = account.call("PUT", "/lists")
    assert problem(reply) == (405, "Method Not Allowed")
    assert reply.headers["Allow"] == "GET, POST"


def test_a_method_can_be_overridden_by_post_only(account: Account) -> None:
    account.add("jan@bureau.example")
    account.session.headers["X-HTTP-Method-Override"] = "DELETE"
    assert account.call("POST", account.member("jan@bureau.example")).status_code == 204
    assert problem(account.call("PUT", "/ping")) == (422, "InvalidMethodOverride")


def test_the_eleventh_request_at_a_time_is_too_many(account: Account) -> None:
    account.faults.add(Fault(kind=FaultKind.TIMEOUT_BEFORE, pattern="/ping", times=10))
    with ThreadPoolExecutor(10) as threads:
        ping = account.base_url + "/ping"
        held = [threads.submit(requests.get, ping, timeout=30) for _ in range(10)]
        assert account.server.wait_for_open_requests(10)
        reply = account.call("GET", "/lists")
        assert problem(reply) == (429, "Too Many Requests")
        assert "Retry-After" not in reply.headers
        account.server.stop()
        assert all(isinstance(one.exception(), requests.ConnectionError) for one in held)


def test_an_account_survives_a_trip_through_json(account: Account) -> None:
    account.ok("POST", "LIST/merge-fields", {"name": "Adres", "type": "address", "tag": "WHERE"})
    where = {"addr1": "Dam 1", "city": "Amsterdam", "state": "NH", "zip": "1012", "country": "NL"}
    account.add("jan@bureau.example", tags=["vip"], merge_fields={"FNAME": "Jan", "WHERE": where})
    account.add("piet@bureau.example")
    account.human.unsubscribe(account.list_id, "piet@bureau.example")
    account.human.delete_permanently(account.list_id, "piet@bureau.example")
    before = account.ok("GET", "LIST/members")
    saved = msgspec.json.decode(msgspec.json.encode(account.state), type=MailchimpState)
    assert saved == account.state
    with running_account(saved) as copy:
        copy.list_id = account.list_id
        assert copy.ok("GET", "LIST/members") == before
        assert copy.ok("GET", f"LIST/members/{before['members'][0]['contact_id']}") == before["members"][0]
        piet = {"email_address": "piet@bureau.example", "status": "subscribed"}
        assert problem(copy.call("POST", "LIST/members", piet)) == (400, "Forgotten Email Not Subscribed")


def test_the_same_seed_gives_the_same_ids() -> None:
    def ids(seed: int) -> list[object]:
        with running_account(MailchimpState(seed=seed)) as account:
            added = account.add("jan@bureau.example")
            return [account.list_id, added["contact_id"], added["web_id"], added["unique_email_id"]]

    assert ids(1) == ids(1)
    assert not set(ids(1)) & set(ids(2))


def test_one_contact_can_be_applied_though_its_answer_is_lost(account: Account) -> None:
    account.faults.add(Fault(kind=FaultKind.DROP_AFTER_APPLY, pattern="^PUT "))
    body = {"email_address": "jan@bureau.example", "status_if_new": "subscribed"}
    with pytest.raises(requests.ConnectionError):
        account.call("PUT", account.member("jan@bureau.example"), body)
    assert account.get("jan@bureau.example")["status"] == "subscribed"
