"""From the configuration to clients that can run a pass: the one place where the parts are put together."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from reconciler.api import mailchimp as api
from reconciler.api.http import HttpClient, RequestNote
from reconciler.api.ows import OwsClient
from reconciler.api.rate import allowance_of
from reconciler.client import Client, Mailchimp, Watcher
from reconciler.config import ClientConfig, Config, MailchimpConfig, Mode, OtysConfig
from reconciler.errors import ConfigurationError, CredentialsRejected, Problem
from reconciler.model import AudienceId, Integration, ListUid
from reconciler.policy import OptOutsToOtys
from reconciler.ports import OptOutSink
from reconciler.report import NO_TRAFFIC, Traffic
from reconciler.sinks.mailchimp import AudienceDefaults, MailchimpSink
from reconciler.sinks.otys_optouts import OtysOptOuts
from reconciler.sources.csv import CsvSource
from reconciler.sources.mailchimp import MailchimpSource
from reconciler.sources.mapping import load_mapping
from reconciler.sources.otys import OtysSource
from reconciler.stop import Stop
from reconciler.store import Store

OTYS = "OTYS"
NoteTaker = Callable[[RequestNote], None]
"""Is told of every request that was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a service is asked: until when, and who is told that it wants us to wait."""

    stop: Stop = field(default_factory=Stop)
    on_throttled: Callable[[str, float], None] | None = None
    """Is given the service and the seconds."""


class RequestCount:
    """Counts requests and what they brought by service, from several threads."""

    def __init__(self, tell: NoteTaker = lambda _note: None) -> None:
        """Given who else is told of every request, count from nothing."""
        self._tell = tell
        self._counts: dict[str, Traffic] = {}
        self._lock = Lock()

    def __call__(self, note: RequestNote) -> None:
        """Given a request that was made, count it."""
        with self._lock:
            before = self._counts.get(note.system, NO_TRAFFIC)
            self._counts[note.system] = before + Traffic(1, note.bytes_read)
        self._tell(note)

    def so_far(self) -> Mapping[str, Traffic]:
        """Return what was asked of each service until now."""
        with self._lock:
            return dict(self._counts)


@contextmanager
def open_client(
    name: str,
    config: Config,
    store: Store,
    watcher: Watcher,
    *,
    plan_only: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    stop: Stop | None = None,
    on_request: NoteTaker = lambda _note: None,
    on_throttled: Callable[[str, float], None] | None = None,
) -> Iterator[Client]:
    """Given a client's name, yield the client, ready for passes. In plan mode it cannot write.

    Raise ConfigurationError when there is no such client or its mapping cannot be used.
    """
    chosen = chosen_client(config, name)
    manners = Manners(stop=stop or Stop(), on_throttled=on_throttled)
    requests = RequestCount(on_request)
    mode = Mode.PLAN if plan_only else chosen.mode
    tells = mode is Mode.APPLY and chosen.policy.opt_outs_to_otys is OptOutsToOtys.WRITE
    with _open_otys_side(chosen, requests, manners, tells=tells) as (lists, opt_outs):
        yield Client(
            name=name,
            mode=mode,
            lists=lists,
            open_mailchimp=lambda integration: open_mailchimp(
                chosen.mailchimp, integration, requests, manners, writes=mode is Mode.APPLY
            ),
            store=store,
            templates=chosen.fields,
            policy=chosen.policy,
            limits=chosen.limits,
            watcher=watcher,
            now=now,
            backups=backups_folder(config),
            mapping=lists.mapping if isinstance(lists, OtysSource) else None,
            pairs={ListUid(uid): AudienceId(audience) for uid, audience in chosen.links.items()},
            traffic=requests.so_far,
            zone=config.daemon.timezone,
            opt_outs=opt_outs,
            stop=manners.stop,
            workers=config.daemon.workers,
            snapshot_days=config.state.snapshot_days,
            backup_days=config.state.backup_days,
        )


def chosen_client(config: Config, name: str) -> ClientConfig:
    """Given a client's name, return its configuration. Raise ConfigurationError when there is none."""
    if name in config.clients:
        return config.clients[name]
    known = ", ".join(sorted(config.clients)) or "none"
    raise ConfigurationError(
        [Problem("--client", f"there is no client {name!r}; known: {known}")],
        source="the command line",
        advice="Name one of those.",
    )


def backups_folder(config: Config) -> Path:
    """Given the configuration, return where audiences are saved: beside the database file, if it is one."""
    url = config.state.url.reveal()
    if url.startswith("sqlite:///"):
        return Path(url.removeprefix("sqlite:///").partition("?")[0]).parent / "backups"
    return Path("state/backups")


def state_folder(config: Config) -> Path:
    """Given the configuration, return the folder of what is kept beside the tables of the database."""
    return backups_folder(config).parent


@contextmanager
def open_lists(
    chosen: ClientConfig, requests: NoteTaker, manners: Manners | None = None
) -> Iterator[OtysSource | CsvSource]:
    """Given a client's configuration, yield where its lists are read."""
    with _open_otys_side(chosen, requests, manners, tells=False) as (lists, _):
        yield lists


@contextmanager
def _open_otys_side(
    chosen: ClientConfig, requests: NoteTaker, manners: Manners | None, *, tells: bool
) -> Iterator[tuple[OtysSource | CsvSource, OptOutSink | None]]:
    """Without `tells`, or a call that the mapping names, nothing that could write to OTYS exists."""
    if chosen.csv is not None:
        yield CsvSource(chosen.csv.folder, chosen.csv.settings.overrides()), None
    elif chosen.otys is not None:
        mapping = load_mapping(chosen.otys.mapping)
        may_write = mapping.opt_out_methods.values() if tells else ()
        with open_ows(chosen.otys, requests, manners, may_write=may_write) as ows:
            lists = OtysSource(ows, mapping, chosen.otys.settings.overrides())
            yield lists, OtysOptOuts(ows, mapping) if may_write else None


@contextmanager
def open_ows(
    otys: OtysConfig,
    requests: NoteTaker,
    manners: Manners | None = None,
    *,
    may_write: Collection[str] = (),
) -> Iterator[OwsClient]:
    """Given how OTYS is reached, yield a client of its web services, which writes by these methods only."""
    manners = manners or Manners()
    with (
        HttpClient(OTYS, on_request=requests, stop=manners.stop, on_throttled=manners.on_throttled) as http,
        OwsClient(
            http,
            otys.endpoint,
            otys.api_key.reveal(),
            may_write=may_write,
            allowance=allowance_of(otys.endpoint, otys.api_key.reveal()),
            pause=manners.stop.pausing(OTYS),
        ) as ows,
    ):
        yield ows


@contextmanager
def open_mailchimp(
    chosen: MailchimpConfig,
    integration: Integration,
    requests: NoteTaker,
    manners: Manners | None = None,
    *,
    writes: bool,
) -> Iterator[Mailchimp]:
    """Given a client's settings, yield its account; without `writes` nothing that could write exists.

    Raise CredentialsRejected when there is no key.
    """
    with open_account(chosen, integration, requests, manners) as account:
        sink = (
            MailchimpSink(account, _defaults(chosen), skip_merge_validation=chosen.skip_merge_validation)
            if writes
            else None
        )
        yield Mailchimp(MailchimpSource(account), sink)


@contextmanager
def open_account(
    chosen: MailchimpConfig, integration: Integration, requests: NoteTaker, manners: Manners | None = None
) -> Iterator[api.Mailchimp]:
    """Given a client's settings, yield its Mailchimp account. Raise CredentialsRejected without a key."""
    key = chosen.api_key.reveal() if chosen.api_key is not None else integration.api_key
    if not key:
        raise CredentialsRejected(
            "Mailchimp",
            "there is no API key",
            advice="Put one in client setting 3111 in OTYS or in the client's [mailchimp] section.",
        )
    base_url = chosen.base_url or ""
    manners = manners or Manners()
    with api.Mailchimp(
        key,
        base_url=base_url,
        stop=manners.stop,
        on_request=requests,
        on_throttled=manners.on_throttled,
    ) as account:
        yield account


def _defaults(chosen: MailchimpConfig) -> AudienceDefaults | None:
    given = chosen.audience_defaults
    return None if given is None else AudienceDefaults(**given.model_dump())
