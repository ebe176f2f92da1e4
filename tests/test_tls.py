"""Nothing but a trusted certificate opens a connection: no switch, variable or address leads around it."""

import ast
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from reconciler.api.http import HttpClient
from reconciler.api.mailchimp import Mailchimp
from reconciler.api.mailchimp_wire import Nothing
from reconciler.config.values import safe_endpoint
from reconciler.errors import Unreachable, Untrusted
from tests.mail.servers import authority, server_context, trust_file
from tests.scripted import Pauses

KEY = "0123456789abcdef0123456789abcdef-us1"
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


class TlsServer:
    """Answers every request with an empty object, and keeps what it could read."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.heard: list[bytes] = []
        self.breaks_off = 0
        """How many connections it ends in the middle of the handshake."""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self._context = context
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if self.breaks_off:
                self.breaks_off -= 1
                connection.recv(65536)
                connection.close()
                continue
            try:
                with self._context.wrap_socket(connection, server_side=True) as secured:
                    self.heard.append(secured.recv(65536))
                    secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            except OSError:
                connection.close()  # the client does not trust us

    def stop(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[TlsServer]:
    server = TlsServer(server_context())
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*BUNDLES, "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def ask(url: str, pauses: Pauses | None = None) -> None:
    with Mailchimp(KEY, base_url=url, pause=Pauses() if pauses is None else pauses) as client:
        client.read("/ping", Nothing)


def is_refused(server: TlsServer) -> bool:
    pauses = Pauses()
    with pytest.raises(Untrusted) as caught:
        ask(server.url, pauses)
    assert pauses == [], "it would be refused again"
    assert "no secure connection to 127.0.0.1" in str(caught.value) or "cannot be read" in str(caught.value)
    assert "certificates" in caught.value.advice
    return server.heard == []


def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_key_is_sent(server: TlsServer) -> None:
    assert is_refused(server)


def test_a_connection_that_breaks_off_before_it_is_secure_is_tried_again(
    server: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trust_file(tmp_path)))
    server.breaks_off = 1
    pauses = Pauses()
    ask(server.url, pauses)
    assert len(pauses) == 1


def test_a_certificate_for_another_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().issue_cert("another.example").configure_cert(context)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trust_file(tmp_path)))
    server = TlsServer(context)
    try:
        assert is_refused(server)
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PYTHONHTTPSVERIFY", "0"),
        *((name, value) for name in BUNDLES for value in ("", "/nowhere/at-all.pem")),
    ],
)
def test_no_variable_of_the_environment_switches_verification_off(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert is_refused(server)


def test_certificates_that_cannot_be_read_are_named_by_their_variable(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/at-all.pem")
    with pytest.raises(Untrusted, match="the certificates that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names"):
        ask(server.url)


def test_an_authority_of_the_house_can_be_trusted_by_name(
    server: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trust_file(tmp_path)))
    ask(server.url)
    assert b"GET /ping" in server.heard[0]


def test_an_authority_of_the_house_vouches_for_nobody_else_s_certificate(
    server: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(str(stranger))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(stranger))
    assert is_refused(server)


def test_a_proxy_of_the_environment_is_told_the_host_and_never_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=refuse)
    thread.start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
    with (
        HttpClient("Mailchimp", auth=("any", KEY), attempts=1) as client,
        pytest.raises(Unreachable, match=r"no connection to mailchimp\.invalid could be opened"),
    ):
        client.send("GET", "https://mailchimp.invalid/3.0/ping", repeatable=False)
    thread.join()
    listener.close()
    assert heard[0].startswith(b"CONNECT mailchimp.invalid:443 ")
    assert b"uthorization" not in heard[0]


@pytest.mark.parametrize(
    "url",
    [
        "http://us1.api.mailchimp.com/3.0",
        "http://127.0.0.1.example.org/",
        "http://localhost.example.org/",
        "http://[::ffff:10.0.0.1]/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "HTTP://ows.otys.nl/jservice.php",
        "ftp://ows.otys.nl/",
        "//ows.otys.nl/",
        "https://key@ows.otys.nl/",
        "http://127.0.0.1@ows.otys.nl/",
    ],
)
def test_an_endpoint_without_tls_is_refused_unless_it_is_this_machine(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|URL"):
        safe_endpoint(url)


SWITCHES = {"verify", "check_hostname", "verify_mode", "cert_reqs", "assert_hostname"}
NOTHING = {*SWITCHES, "CERT_NONE", "_create_unverified_context"}
LOOPBACK_MAIL = Path("sinks/mail_smtp.py")


def test_no_line_of_the_product_switches_verification_off() -> None:
    """But for a mail server on this machine, which shows a certificate it made itself."""
    package = Path(__file__).parents[1] / "reconciler"
    found = {
        path.relative_to(package)
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.keyword) and node.arg in SWITCHES)
        or (isinstance(node, ast.Attribute) and node.attr in NOTHING)
    }
    assert found == {LOOPBACK_MAIL}
