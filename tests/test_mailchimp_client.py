import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from reconciler.api.mailchimp import Mailchimp, audience_path, member_path
from reconciler.api.mailchimp_wire import MemberRow, field_texts
from reconciler.errors import CredentialsRejected, NotFound, Throttled, UnexpectedAnswer, Unreachable
from reconciler.sandbox.facade import Sandbox
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.world import World
from tests.audience_accounts import SandboxAccount, sandbox_account

KEY = "0123456789abcdef0123456789abcdef-us6"


class Ping(msgspec.Struct):
    health_status: str


@pytest.fixture
def account() -> Iterator[SandboxAccount]:
    with sandbox_account() as found:
        yield found


def ping(account: SandboxAccount) -> Ping:
    return account.client.read("/ping", Ping)


# -- the key ----------------------------------------------------------------------------------------


def test_the_key_names_the_data_centre() -> None:
    with Mailchimp(KEY) as client:
        assert client.base_url == "https://us6.api.mailchimp.com/3.0"


def test_a_base_url_is_taken_as_it_is_given() -> None:
    with Mailchimp("any-key", base_url="http://127.0.0.1:9/3.0/") as client:
        assert client.base_url == "http://127.0.0.1:9/3.0"


@pytest.mark.parametrize("key", ["0123456789abcdef", "0123-", "0123-us", "abcus6", "0123-us6x"])
def test_a_key_without_its_data_centre_is_refused_with_advice(key: str) -> None:
    with pytest.raises(CredentialsRejected, match="data centre") as caught:
        Mailchimp(key)

    assert "suffix" in caught.value.advice
    assert key not in f"{caught.value} {caught.value.advice}"


@pytest.mark.parametrize("key", ["", " ", f"{KEY}\n", f"{KEY} ", "clé-us6", "a b-us6"])
def test_what_can_be_no_key_is_refused_before_anything_is_asked(key: str) -> None:
    with pytest.raises(CredentialsRejected, match="API key") as caught:
        Mailchimp(key, base_url="http://127.0.0.1:9/3.0")

    assert "Copy the key again" in caught.value.advice


def test_the_key_opens_the_account(account: SandboxAccount) -> None:
    assert ping(account).health_status == "Everything's Chimpy!"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("f" * 32 + "-us6", "not accepted"),
        ("f" * 32 + "-us7", "another data centre"),
    ],
)
def test_a_wrong_key_is_told_from_a_wrong_data_centre(key: str, words: str) -> None:
    with (
        Sandbox.start(world=World.empty()) as sandbox,
        Mailchimp(key, base_url=sandbox.mailchimp_url) as client,
        pytest.raises(CredentialsRejected, match=words) as caught,
    ):
        client.read("/ping", Ping)

    assert key not in str(caught.value)


# -- paths ------------------------------------------------------------------------------------------


def test_an_id_cannot_leave_its_path() -> None:
    assert audience_path("../x?y") == "/lists/..%2Fx%3Fy"
    assert member_path("a", "b/c") == "/lists/a/members/b%2Fc"


def test_an_error_about_a_contact_does_not_name_its_id(account: SandboxAccount) -> None:
    digest = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"

    with pytest.raises(NotFound) as caught:
        account.client.read(member_path("a", digest), MemberRow)

    assert digest not in str(caught.value)
    assert "GET /lists/a/members/…" in str(caught.value)


# -- troubles on the way ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.TOO_MANY_REQUESTS,
        FaultKind.TOO_MANY_REQUESTS_BARE,
        FaultKind.FORBIDDEN_BARE,
        FaultKind.FORBIDDEN_HTML,
        FaultKind.CUT_BODY,
        FaultKind.GARBAGE,
        FaultKind.EMPTY_BODY,
        FaultKind.DROP_AFTER_APPLY,
    ],
)
def test_a_read_gets_over_a_passing_trouble(account: SandboxAccount, kind: FaultKind) -> None:
    account.sandbox.faults.add(Fault(kind=kind, system="mailchimp", pattern="/ping", times=1))

    assert ping(account).health_status == "Everything's Chimpy!"
    assert len(account.requests()) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_read_gets_over_a_failing_service(account: SandboxAccount, status: int) -> None:
    account.sandbox.faults.add(Fault(kind=FaultKind.SERVER_ERROR, pattern="/ping", times=2, value=status))

    assert ping(account).health_status == "Everything's Chimpy!"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.TOO_MANY_REQUESTS, Throttled),
        (FaultKind.FORBIDDEN_HTML, Throttled),
        (FaultKind.SERVER_ERROR, Unreachable),
        (FaultKind.GARBAGE, UnexpectedAnswer),
    ],
)
def test_a_lasting_trouble_is_told_by_its_name(
    account: SandboxAccount, kind: FaultKind, error: type[Exception]
) -> None:
    account.sandbox.faults.add(Fault(kind=kind, pattern="/ping", times=None, value=503))

    with pytest.raises(error):
        ping(account)


def test_an_impatient_read_gives_up_at_the_first_failure(account: SandboxAccount) -> None:
    account.sandbox.faults.add(Fault(kind=FaultKind.SERVER_ERROR, pattern="/ping", times=None, value=504))

    with pytest.raises(Unreachable, match="504"):
        account.client.read("/ping", Ping, patient=False)

    assert len(account.requests()) == 1


def test_a_post_that_was_perhaps_applied_is_not_sent_again(account: SandboxAccount) -> None:
    account.sandbox.faults.add(Fault(kind=FaultKind.DROP_AFTER_APPLY, pattern="POST", times=1))

    with pytest.raises(Unreachable):
        account.client.write("POST", "/lists/a", {"members": []}, Ping)

    assert len(account.requests("POST")) == 1


def test_an_answer_of_another_shape_is_named_without_its_values(account: SandboxAccount) -> None:
    class Other(msgspec.Struct):
        health_status: int

    with pytest.raises(UnexpectedAnswer, match="health_status") as caught:
        account.client.read("/ping", Other)

    assert "Chimpy" not in str(caught.value)


def test_a_redirect_is_not_followed_with_the_key() -> None:
    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(302)
            self.send_header("Location", "/3.0/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            pass

    seen: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with (
            Mailchimp(KEY, base_url=f"http://127.0.0.1:{server.server_port}/3.0") as client,
            pytest.raises(UnexpectedAnswer),
        ):
            client.read("/ping", Ping)
        server.shutdown()

    assert seen == ["/3.0/ping"]


# -- merge fields as texts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('"Jan"', "Jan"),
        ('""', ""),
        ("null", ""),
        ("5", "5"),
        ("5.0", "5"),
        ("5.25", "5.25"),
        ("-3.0", "-3"),
        ("true", "true"),
        ("false", "false"),
        ('{"zip": "1234AB", "addr1": "Straat 1"}', '{"addr1": "Straat 1", "zip": "1234AB"}'),
        ('{"addr1": "Straat 1", "addr2": "", "zip": "1234AB"}', '{"addr1": "Straat 1", "zip": "1234AB"}'),
        ('{"addr1": "", "zip": ""}', ""),
    ],
)
def test_a_merge_field_is_compared_as_a_text(value: str, text: str) -> None:
    row = msgspec.json.decode(
        f'{{"id": "1", "status": "subscribed", "merge_fields": {{"X": {value}}}}}'.encode(), type=MemberRow
    )

    assert field_texts(row.merge_fields) == {"X": text}


def test_no_merge_fields_may_arrive_as_an_empty_list() -> None:
    body = json.dumps({"id": "1", "status": "subscribed", "merge_fields": []}).encode()

    assert msgspec.json.decode(body, type=MemberRow).contact().fields == {}
