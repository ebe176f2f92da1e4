"""Callers of the HTTP port that mean harm: what they send is their own mistake, or a hint; no more."""

import json

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.conftest import bearer, daemon, lists, logged, port
from tests.web.fake import CLIENT, FakeDaemon

__all__ = ["bearer", "daemon", "lists", "logged", "port"]

SECRET = "0tys5ecret0123"
BODIES = (
    b"[" * 60_000,
    b'{"a":' * 12_000,
    b'{"client":"acme","client":"zeta"}',
    b'{"client":"\xff"}',
    b'{"client":"\\ud800"}',
    b'{"client":"' + b"a" * 60_000 + b'"}',
    b'{"list":"\\u0000\\u001b]0;x\\u0007"}',
    b'{"client":NaN}',
    b"null",
    b"<html>",
)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:30]))
def test_a_hostile_body_is_the_caller_s_mistake(
    port: FlaskClient, bearer: dict[str, str], body: bytes
) -> None:
    answer = port.post("/api/v1/reconcile", data=body, content_type="application/json", headers=bearer)
    assert answer.status_code in range(200, 300) or answer.status_code in range(400, 500)
    assert b"\x1b" not in answer.data
    assert b"Traceback" not in answer.data


@pytest.mark.parametrize("number", ["9" * 30, "-1", "1e9", "%00", "..%2f..", "٣"])
def test_a_hostile_number_names_no_pass(port: FlaskClient, bearer: dict[str, str], number: str) -> None:
    assert port.get(f"/api/v1/passes/{number}", headers=bearer).status_code == 404


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300), kind=st.sampled_from(("application/json", "text/plain", "x" * 99, "\x7f"))
)
def test_no_body_at_all_is_a_mistake_of_the_program(
    port: FlaskClient, bearer: dict[str, str], body: bytes, kind: str
) -> None:
    answer = port.post("/api/v1/reconcile", data=body, content_type=kind, headers=bearer)
    assert answer.status_code < 500


# -- hooks -----------------------------------------------------------------------------------------------

FORM_BOMB = b"&".join(b"a%d[b][c]=x" % number for number in range(4000))


@pytest.fixture
def hook(daemon: FakeDaemon) -> str:
    daemon.text = CLIENT.format(name="acme") + f'[clients.acme.hooks]\nmailchimp = "{SECRET}"\n'
    return f"/hooks/mailchimp/{SECRET}"


@pytest.mark.parametrize(
    "body",
    [FORM_BOMB, b"type=unsubscribe&data[email]=ann@mailhuis.nl", *BODIES],
    ids=lambda body: repr(body[:30]),
)
def test_what_a_hook_brings_is_a_hint_and_never_data(
    port: FlaskClient, daemon: FakeDaemon, hook: str, body: bytes
) -> None:
    assert port.post(hook, data=body).status_code == 204
    assert daemon.hints == [("acme", "mailchimp")]
    assert daemon.asked == []


def test_a_huge_body_is_refused_before_it_is_read(port: FlaskClient, daemon: FakeDaemon, hook: str) -> None:
    assert port.post(hook, data=b"x" * 70_000).status_code == 413
    assert daemon.hints == []


@pytest.mark.parametrize("secret", ["", "wrong", SECRET[:-1], SECRET + "0", SECRET.upper(), "%00", "é" * 50])
def test_a_hook_without_its_secret_is_no_address_at_all(
    port: FlaskClient, daemon: FakeDaemon, hook: str, secret: str
) -> None:
    assert hook
    answer = port.post(f"/hooks/mailchimp/{secret}", data=b"x")
    assert answer.status_code in (404, 405)
    assert json.loads(answer.data)["status"] in (404, 405)
    assert daemon.hints == []
