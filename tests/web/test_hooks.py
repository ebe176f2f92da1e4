import hmac
import io
from hashlib import sha256

import pytest
from flask.testing import FlaskClient

from tests.web.fake import CLIENT, NOW, FakeDaemon

OTYS = "0tys5ecret0123"
MAILCHIMP = "mailch1mp5ecret"
SIGNING = "s1gning"
BODY = b"type=subscribe&data[email]=ann@mailhuis.nl"
HOOKS = '[clients.{name}.hooks]\notys = "{otys}"\nmailchimp = "{mailchimp}"\n'


@pytest.fixture(autouse=True)
def hooks(daemon: FakeDaemon) -> None:
    daemon.text = (
        CLIENT.format(name="acme")
        + HOOKS.format(name="acme", otys=OTYS, mailchimp=MAILCHIMP)
        + CLIENT.format(name="zeta")
        + HOOKS.format(name="zeta", otys="other", mailchimp="another")
        + CLIENT.format(name="bare")
    )


def signature(moment: float, body: bytes = BODY, key: str = SIGNING) -> dict[str, str]:
    digest = hmac.new(key.encode(), f"{moment:.0f}.".encode() + body, sha256).hexdigest()
    return {"X-Mailchimp-Signature": f"t={moment:.0f},v1={digest}"}


def test_a_hook_brings_a_pass_of_its_own_client_forward(port: FlaskClient, daemon: FakeDaemon) -> None:
    assert port.post(f"/hooks/otys/{OTYS}", json={"request": {}}).status_code == 204
    assert port.post(f"/hooks/mailchimp/{MAILCHIMP}", data=BODY).status_code == 204

    assert daemon.hints == [("acme", "otys"), ("acme", "mailchimp")]


def test_a_hook_needs_no_token_and_reads_nothing(port: FlaskClient, daemon: FakeDaemon) -> None:
    assert port.post(f"/hooks/otys/{OTYS}", data=b"\xff{not json").status_code == 204
    assert daemon.hints == [("acme", "otys")]


@pytest.mark.parametrize(
    "path",
    [
        f"/hooks/otys/{MAILCHIMP}",
        f"/hooks/mailchimp/{OTYS}",
        "/hooks/otys/x",
        "/hooks/otys/",
        "/hooks/otys/é",
    ],
)
def test_a_wrong_secret_is_as_if_there_were_no_such_address(
    port: FlaskClient, daemon: FakeDaemon, path: str
) -> None:
    assert port.post(path).status_code == 404
    assert daemon.hints == []


def test_mailchimps_check_of_the_address_is_answered(port: FlaskClient, daemon: FakeDaemon) -> None:
    assert port.get(f"/hooks/mailchimp/{MAILCHIMP}").status_code == 200
    assert port.head(f"/hooks/mailchimp/{MAILCHIMP}").status_code == 200
    assert port.get("/hooks/mailchimp/wrong").status_code == 404
    assert daemon.hints == []


def test_clients_that_share_a_secret_are_all_brought_forward(port: FlaskClient, daemon: FakeDaemon) -> None:
    daemon.text = daemon.text.replace('"other"', f'"{OTYS}"')

    port.post(f"/hooks/otys/{OTYS}")

    assert daemon.hints == [("acme", "otys"), ("zeta", "otys")]


def test_a_secret_that_cannot_be_read_closes_only_its_own_hook(port: FlaskClient, daemon: FakeDaemon) -> None:
    secret = daemon.folder / "hook"
    secret.write_text("x")
    daemon.text = daemon.text.replace('"other"', f'{{ file = "{secret}" }}')
    daemon.config()
    secret.unlink()

    assert port.post("/hooks/otys/x").status_code == 404
    assert port.post(f"/hooks/otys/{OTYS}").status_code == 204


class TestSigned:
    @pytest.fixture(autouse=True)
    def signing(self, daemon: FakeDaemon) -> None:
        daemon.text = daemon.text.replace(
            f'mailchimp = "{MAILCHIMP}"', f'mailchimp = "{MAILCHIMP}"\nmailchimp_signing = "{SIGNING}"'
        )

    @pytest.mark.parametrize("age", [0, 299, -299])
    def test_a_good_signature_counts_for_five_minutes(
        self, port: FlaskClient, daemon: FakeDaemon, age: int
    ) -> None:
        headers = signature(NOW.timestamp() - age)

        assert port.post(f"/hooks/mailchimp/{MAILCHIMP}", data=BODY, headers=headers).status_code == 204
        assert daemon.hints == [("acme", "mailchimp")]

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"X-Mailchimp-Signature": ""},
            {"X-Mailchimp-Signature": "v1"},
            {"X-Mailchimp-Signature": f"t={NOW.timestamp():.0f},v1="},
            {"X-Mailchimp-Signature": "t=²,v1=00"},
            {"X-Mailchimp-Signature": "t=" + "9" * 5000 + ",v1=00"},
            signature(NOW.timestamp() - 301),
            signature(NOW.timestamp() + 301),
            signature(NOW.timestamp(), key="another"),
            signature(NOW.timestamp(), body=BODY + b"x"),
        ],
    )
    def test_any_other_signature_is_refused(
        self, port: FlaskClient, daemon: FakeDaemon, headers: dict[str, str]
    ) -> None:
        answer = port.post(f"/hooks/mailchimp/{MAILCHIMP}", data=BODY, headers=headers)

        assert answer.status_code == 403
        assert answer.mimetype == "application/problem+json"
        assert daemon.hints == []

    def test_otys_signs_nothing_and_mailchimps_check_neither(self, port: FlaskClient) -> None:
        assert port.post(f"/hooks/otys/{OTYS}").status_code == 204
        assert port.get(f"/hooks/mailchimp/{MAILCHIMP}").status_code == 200


def test_neither_the_secret_nor_what_was_sent_is_ever_logged(
    port: FlaskClient, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    def fail(_client: str, _source: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(daemon, "hint", fail)

    answer = port.post(f"/hooks/otys/{OTYS}", data=BODY)

    assert answer.status_code == 500
    assert "ZeroDivisionError" in logged.getvalue()
    assert OTYS not in logged.getvalue() + answer.text
    assert "mailhuis" not in logged.getvalue()
