"""What any request to the sandbox's Mailchimp gets: headers, odd methods, odd bodies, odd credentials."""

import http.client
import json
from base64 import b64encode
from collections.abc import Iterable

import pytest

from reconciler.sandbox.mailchimp import DEFAULT_API_KEY
from tests.sandbox.mailchimp_account import Account, problem

JAN = "jan@bureau.example"
WRITABLE = "subscribed, unsubscribed, cleaned, pending, transactional"
CREDENTIALS = {"Authorization": "Basic " + b64encode(f"x:{DEFAULT_API_KEY}".encode()).decode()}


def _send(
    account: Account,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", account.server.port, timeout=10)
    try:
        connection.request(
            method,
            f"/3.0{path}",
            body,
            {**CREDENTIALS, **(headers or {})},
            encode_chunked=not isinstance(body, bytes | None),
        )
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        connection.close()


def _members(account: Account) -> str:
    return f"/lists/{account.list_id}/members"


def test_every_answer_has_an_id_and_a_type(account: Account) -> None:
    account.add(JAN)
    replies = [
        account.call("GET", "/ping"),
        account.call("GET", "/nothing"),
        account.call("DELETE", account.member(JAN)),
    ]
    assert [reply.status_code for reply in replies] == [200, 404, 204]
    assert [reply.headers["Content-Type"] for reply in replies] == [
        "application/json; charset=utf-8",
        "application/problem+json; charset=utf-8",
        "application/json; charset=utf-8",
    ]
    assert len({reply.headers["X-Request-Id"] for reply in replies}) == 3
    assert replies[1].headers["Link"].endswith('ProblemDetailDocument.json>; rel="describedBy"')


def test_head_answers_as_get_does_without_the_body(account: Account) -> None:
    status, headers, body = _send(account, "HEAD", "/ping")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) == len(_send(account, "GET", "/ping")[2])


def test_options_names_the_methods_that_a_path_knows(account: Account) -> None:
    status, headers, body = _send(account, "OPTIONS", "/lists")
    assert (status, headers["Allow"]) == (405, "GET, POST")
    assert json.loads(body)["title"] == "Method Not Allowed"


def test_looking_is_no_write_in_the_log(account: Account) -> None:
    account.state.switches.may_write = False
    assert _send(account, "HEAD", "/lists")[0] == 200
    assert account.log.writes() == []


def test_a_body_may_come_in_chunks(account: Account) -> None:
    body = json.dumps({"email_address": JAN, "status": "subscribed"}).encode()
    status, _, answer = _send(account, "POST", _members(account), iter([body[:10], body[10:]]))
    assert (status, json.loads(answer)["email_address"]) == (200, JAN)


@pytest.mark.parametrize("length", ["abc", "-1"])
def test_a_body_without_a_known_end_is_refused(account: Account, length: str) -> None:
    status, _, _ = _send(account, "POST", _members(account), b"", {"Content-Length": length})
    assert status == 400
    assert account.call("GET", "/ping").status_code == 200


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b"", "", "Schema describes object, NULL found instead"),
        (b"null", "", "Schema describes object, NULL found instead"),
        (b"[]", "", "Schema describes object, array found instead"),
        (b'{"email_address": 5}', "email_address", "Schema describes string, integer found instead"),
        (b'{"vip": "yes"}', "vip", "Schema describes boolean, string found instead"),
        (b'{"merge_fields": []}', "merge_fields", "Schema describes object, array found instead"),
        (
            b'{"email_address": "jan@bureau.example", "status": "archived"}',
            "status",
            f"Data presented is not one of the accepted values: {WRITABLE}.",
        ),
    ],
)
def test_a_body_of_another_form_is_refused_in_the_words_of_the_schema(
    account: Account, body: bytes, field: str, message: str
) -> None:
    status, _, answer = _send(account, "POST", _members(account), body)
    refusal = json.loads(answer)
    assert (status, refusal["title"]) == (400, "Invalid Resource")
    assert refusal["errors"] == [{"field": field, "message": message}]


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe{"])
def test_a_body_that_is_no_json_is_a_parse_error(account: Account, body: bytes) -> None:
    status, _, answer = _send(account, "POST", _members(account), body)
    assert (status, json.loads(answer)["title"]) == (400, "JSONParseError")


@pytest.mark.parametrize("scheme", ["apikey", "Bearer"])
def test_a_key_is_taken_under_other_schemes_than_basic(account: Account, scheme: str) -> None:
    credentials = {"Authorization": f"{scheme} {DEFAULT_API_KEY}"}
    assert _send(account, "GET", "/ping", headers=credentials)[0] == 200


def test_a_wrong_key_is_refused_in_the_recorded_words(account: Account) -> None:
    account.session.auth = ("x", "0" * 32 + "-us6")
    reply = account.call("GET", "/ping")
    assert problem(reply) == (401, "API Key Invalid")
    assert reply.json()["detail"] == (
        "Your API key may be invalid, or you've attempted to access the wrong datacenter."
    )


def test_only_a_post_may_override_its_method(account: Account) -> None:
    account.add(JAN)
    path, override = f"{_members(account)}/{JAN}", {"X-HTTP-Method-Override": "DELETE"}
    status, _, body = _send(account, "GET", path, headers=override)
    assert (status, json.loads(body)["detail"]) == (
        422,
        "You can only use the X-HTTP-Method-Override header with the POST method.",
    )
    assert _send(account, "POST", path, headers=override)[0] == 204
    assert account.get(JAN)["status"] == "archived"
