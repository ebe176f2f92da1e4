"""Real mail servers on loopback: plain, with STARTTLS, with TLS from the start, with a login, refusing."""

import ssl
from asyncio import Server
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cache
from pathlib import Path
from typing import cast

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "mailer", "p@ss/word:1"
NAME = "mail.agency.example"


@dataclass
class Inbox:
    """What a mail server got, and how it behaves; aiosmtpd calls the handlers."""

    port: int = 0
    mails: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    """What is answered instead of yes: to an address, or to `data`."""

    def messages(self) -> list[EmailMessage]:
        contents = (cast("bytes", mail.content) for mail in self.mails)
        return [message_from_bytes(one, policy=default) for one in contents]

    def last(self) -> EmailMessage:
        return self.messages()[-1]

    def text(self) -> str:
        return part(self.last(), "plain")

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (the same)
        if "data" in self.answers:
            return self.answers["data"]
        self.mails.append(envelope)
        transport = server.transport
        assert transport is not None
        self.encrypted.append(transport.get_extra_info("ssl_object") is not None)
        return "250 OK"


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@cache
def authority() -> trustme.CA:
    return trustme.CA()


def server_context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().issue_cert(NAME, "localhost", "127.0.0.1").configure_cert(context)
    return context


def trust_file(folder: Path) -> Path:
    """Write the certificate of the authority behind every server here, and return where."""
    path = folder / "authority.pem"
    authority().cert_pem.write_to_path(str(path))
    return path


class _Controller(Controller):
    """A mail server on a port that the system chooses."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        (bound,) = self.server.sockets
        self.port = bound.getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd's


@contextmanager
def mail_server(*, starttls: bool = False, tls: bool = False, login: bool = False) -> Iterator[Inbox]:
    """Yield what a running mail server gets."""
    inbox = Inbox()

    def authenticate(
        _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, shown: object
    ) -> AuthResult:
        assert isinstance(shown, LoginPassword)
        inbox.logins.append(shown.login.decode())
        right = (shown.login.decode(), shown.password.decode()) == (USER, PASSWORD)
        return AuthResult(success=right, handled=False)

    controller = _Controller(
        inbox,
        hostname="127.0.0.1",
        port=0,
        ssl_context=server_context() if tls else None,
        tls_context=server_context() if starttls else None,
        authenticator=authenticate if login else None,
        auth_require_tls=False,
    )
    controller.start()
    inbox.port = controller.port
    try:
        yield inbox
    finally:
        controller.stop()
