"""Knows every key of the configuration: its name, type, default and meaning.

The example file and docs/configuration.md are made from these types; a docstring below is what an
operator reads there.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, PlainSerializer, PlainValidator, ValidationInfo, field_validator

from reconciler.config.client import ClientConfig
from reconciler.config.secrets import PlainSecret, SecretRef, UrlRef, read_secret
from reconciler.config.tables import ClientName, MailAddress, Secret, Table
from reconciler.config.values import Listen, Misfit, Schedule, read_listen, read_schedule, read_timezone


class Language(StrEnum):
    """The language of a mail."""

    DUTCH = "nl"
    ENGLISH = "en"


_STATE_URLS = ("sqlite:///", "postgresql+psycopg://")
_SMTP_URLS = ("smtp://", "smtps://")


def _read_state_url(value: object, info: ValidationInfo) -> UrlRef:
    return UrlRef(read_secret(value, info), _STATE_URLS)


def _read_smtp_url(value: object, info: ValidationInfo) -> UrlRef:
    return UrlRef(read_secret(value, info), _SMTP_URLS)


ScheduleText = Annotated[Schedule, PlainValidator(read_schedule), PlainSerializer(str)]
TimeZoneName = Annotated[ZoneInfo, PlainValidator(read_timezone), PlainSerializer(str)]
HostAndPort = Annotated[Listen, PlainValidator(read_listen), PlainSerializer(str)]
StateUrl = Annotated[UrlRef, PlainValidator(_read_state_url), PlainSerializer(UrlRef.masked)]
SmtpUrl = Annotated[UrlRef, PlainValidator(_read_smtp_url), PlainSerializer(UrlRef.masked)]


class DaemonConfig(Table):
    """The daemon itself."""

    schedule: ScheduleText = read_schedule("every 5 minutes")
    """When passes start: "every N seconds", "every N minutes", "every N hours", or a cron line of five
    fields such as "*/10 7-19 * * mon-fri"."""
    timezone: TimeZoneName = ZoneInfo("Europe/Amsterdam")
    """The time zone of the cron line and of the times in mails."""
    workers: int = Field(default=10, ge=1, le=32)
    """How many lists of a client are worked on at the same time; each is held in memory meanwhile. Ten keep
    all connections busy while the services take their time."""
    shutdown_grace: int = Field(default=30, ge=1, le=3600)
    """How many seconds a stop waits for the request in flight to be finished and recorded."""


class HttpConfig(Table):
    """The daemon's HTTP port: metrics, health, and requests for a pass."""

    listen: HostAndPort = Listen("127.0.0.1", 8080)
    """The address and port to listen on. Other machines can reach an address other than 127.0.0.1, so
    that needs a token."""
    token: Secret | None = Field(
        default=None, examples=['{ env = "RECONCILER_TOKEN" }'], validate_default=True
    )
    """The bearer token that callers show to change something. Without one those calls are refused."""

    @field_validator("token")
    @classmethod
    def _token_where_others_can_reach(cls, token: SecretRef | None, info: ValidationInfo) -> SecretRef | None:
        listen = info.data.get("listen")
        if token is None and listen is not None and not listen.is_loopback:
            raise ValueError(f"is missing: other machines can reach {listen}, so callers must show a token")
        return token


class StateConfig(Table):
    """Where the daemon remembers what it synced. It must survive a restart and be backed up."""

    url: StateUrl = UrlRef(PlainSecret("sqlite:///state/reconciler.db"), _STATE_URLS)
    """The database: sqlite:///PATH (three slashes for a path from the current folder, four for one from
    the root) or postgresql+psycopg://USER:PASSWORD@HOST/NAME. It may be kept like a secret, in the
    environment or a file."""
    snapshot_days: int = Field(default=30, ge=0, le=3650)
    """How many days to keep what each list was decided from, so that `plan --at` can try today's rules on
    it; 0 keeps none. It holds names and addresses."""
    backup_days: int = Field(default=365, ge=0, le=3650)
    """How many days to keep the backups of deleted audiences; 0 keeps them for ever. The newest backup of a
    list is never deleted."""


class MailConfig(Table):
    """How summary mails leave. Without this table none are sent."""

    smtp_url: SmtpUrl = Field(examples=['"smtp://localhost:25"', '{ env = "SMTP_URL" }'])
    """The mail server: smtp://USER:PASSWORD@HOST:PORT, or smtps:// for TLS from the start. It may be
    kept like a secret, in the environment or a file."""
    sender: MailAddress = Field(alias="from", examples=['"reconciler@agency.example"'])
    """The address that mails come from."""
    language: Language = Language.DUTCH
    """The language of the mails."""


class Config(Table):
    """The whole configuration."""

    daemon: DaemonConfig = DaemonConfig()
    http: HttpConfig = HttpConfig()
    state: StateConfig = StateConfig()
    mail: MailConfig | None = None
    clients: Mapping[ClientName, ClientConfig] = Field(default={}, validate_default=True)

    @field_validator("clients")
    @classmethod
    def _some_client(cls, clients: Mapping[str, ClientConfig]) -> Mapping[str, ClientConfig]:
        if not clients:
            raise ValueError("names no client: add a table such as [clients.agency]")
        return clients

    @field_validator("clients")
    @classmethod
    def _mail_can_leave(
        cls, clients: Mapping[str, ClientConfig], info: ValidationInfo
    ) -> Mapping[str, ClientConfig]:
        if "mail" in info.data and info.data["mail"] is None:
            found = [
                ((name, "notify", "to"), "cannot be served: there is no [mail] table")
                for name, client in clients.items()
                if client.notify.to
            ]
            if found:
                raise Misfit(found)
        return clients
