"""Hands mails to a mail server, over TLS wherever it can be had, and never a password without."""

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import SMTP
from urllib.parse import unquote, urlsplit

from reconciler.config.values import is_loopback
from reconciler.errors import ConfigurationError, Problem, ReconcilerError
from reconciler.logs import redact_text

_PATIENCE_SECONDS = 30
_PERMANENT = 500
_TLS_FROM_START = "smtps"
_PORTS = {_TLS_FROM_START: 465, "smtp": 25}
_SUBMISSION = 587
_FORM = (
    "must be smtp://USER:PASSWORD@HOST:PORT or smtps://…; write @ : / ? # % in a password as %40 and so on"
)


class MailTrouble(ReconcilerError):
    """A mail server did not take a mail."""


class ServerTrouble(MailTrouble):
    """A mail server takes no mail at all, whichever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where mails are handed over."""

    host: str
    port: int
    tls_from_start: bool
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Recipients of one mail that the server did not take."""

    for_ever: tuple[str, ...] = ()
    for_now: tuple[str, ...] = ()


def read_server(url: str) -> Server:
    """Given the URL of a mail server, return it. Raise ConfigurationError if it is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host or parts.scheme not in _PORTS or parts.path.strip("/") or parts.query or parts.fragment:
        raise ConfigurationError([Problem("mail.smtp_url", _FORM)]) from None
    user = unquote(parts.username or "")
    usual = _SUBMISSION if user and parts.scheme != _TLS_FROM_START else _PORTS[parts.scheme]
    return Server(
        host=host,
        port=port or usual,
        tls_from_start=parts.scheme == _TLS_FROM_START,
        user=user,
        password=unquote(parts.password or ""),
    )


class Connection:
    """A mail server that listens."""

    def __init__(self, smtp: smtplib.SMTP) -> None:
        self._smtp = smtp

    def send(self, sender: str, recipients: Sequence[str], message: bytes) -> Refused:
        """Given a mail, hand it over; return who does not get it.

        Raise ServerTrouble when the connection is lost, and MailTrouble when the mail as a whole was refused.
        """
        parsed = message_from_bytes(message, policy=SMTP)
        try:
            refused = self._smtp.send_message(parsed, sender, list(recipients))
        except smtplib.SMTPRecipientsRefused as error:
            refused = error.recipients
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError, smtplib.SMTPNotSupportedError) as error:
            raise MailTrouble(f"the mail server refused a mail: {_words(error)}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise ServerTrouble(f"the mail server hung up: {_words(error)}") from None
        return Refused(
            for_ever=tuple(who for who, (code, _) in refused.items() if code >= _PERMANENT),
            for_now=tuple(who for who, (code, _) in refused.items() if code < _PERMANENT),
        )


@contextmanager
def connect(server: Server) -> Iterator[Connection]:
    """Given a mail server, yield a connection to it. Raise ServerTrouble when there can be none."""
    smtp = _opened(server)
    try:
        yield Connection(smtp)
    finally:
        _hang_up(smtp)


def _opened(server: Server) -> smtplib.SMTP:
    where = f"{server.host}:{server.port}"
    try:
        smtp = _greeted(server)
    except (smtplib.SMTPException, OSError) as error:
        raise ServerTrouble(f"the mail server {where} cannot be reached: {_words(error)}") from None
    try:
        _secure(smtp, server)
    except (smtplib.SMTPException, OSError) as error:
        smtp.close()
        raise ServerTrouble(f"the mail server {where} cannot be used: {_words(error)}") from None
    except ServerTrouble:
        smtp.close()
        raise
    return smtp


def _greeted(server: Server) -> smtplib.SMTP:
    if server.tls_from_start:
        trust = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_PATIENCE_SECONDS, context=trust)
    return smtplib.SMTP(server.host, server.port, timeout=_PATIENCE_SECONDS)


def _secure(smtp: smtplib.SMTP, server: Server) -> None:
    smtp.ehlo_or_helo_if_needed()
    encrypted = server.tls_from_start
    if not encrypted and smtp.has_extn("starttls"):
        smtp.starttls(context=_trust(server.host))
        smtp.ehlo()
        encrypted = True
    if not server.user:
        return
    if not encrypted and not is_loopback(server.host):
        raise ServerTrouble(
            f"the mail server {server.host}:{server.port} offers no STARTTLS, so the password is not sent",
            advice="Use smtps:// or a server that offers STARTTLS.",
        )
    smtp.login(server.user, server.password)


def _trust(host: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if is_loopback(host):
        # Nobody stands in between, and a local mail server usually shows a certificate it made itself.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _hang_up(smtp: smtplib.SMTP) -> None:
    try:
        smtp.quit()
    except (smtplib.SMTPException, OSError):
        smtp.close()  # it was gone already, which does not matter any more


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        said = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
        return redact_text(f"{error.smtp_code} {' '.join(said.split())}")
    return redact_text(" ".join(str(error).split()) or type(error).__name__)
