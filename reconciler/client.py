"""Everything one pass of one client needs, put together from the configuration at the edge."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Protocol

from reconciler.catalogue_watch import CatalogueWatch
from reconciler.model import AudienceId, Integration, ListUid
from reconciler.policy import Limits, Policy
from reconciler.ports import AudienceSink, AudienceSource, ListSource, OptOutSink
from reconciler.report import ListReport, PassReport, Traffic
from reconciler.sources.mapping import OtysMapping
from reconciler.stop import Stop
from reconciler.store import Store
from reconciler.unchanged import Unchanged


@dataclass(frozen=True, slots=True)
class Mailchimp:
    """One account: where it is read and, in apply mode only, where it is written."""

    source: AudienceSource
    sink: AudienceSink | None


class Watcher(Protocol):
    """Follows a pass while it runs: a progress bar, a log."""

    def began(self, client: str, lists: int) -> None:
        """Given how many lists there are, start."""

    def to_write(self, client: str, contacts: int) -> None:
        """All lists were looked at, and so many contacts are to be written now."""

    def wrote(self, client: str, list_uid: ListUid, changes: int) -> None:
        """So many changes of a list became durable."""

    def finished_list(self, client: str, report: ListReport) -> None:
        """One list is done, well or badly."""

    def finished(self, report: PassReport) -> None:
        """The pass is over."""


class Unwatched:
    """A watcher that looks away, as nobody follows the pass."""

    def began(self, client: str, lists: int) -> None:
        """Do nothing."""

    def to_write(self, client: str, contacts: int) -> None:
        """Do nothing."""

    def wrote(self, client: str, list_uid: ListUid, changes: int) -> None:
        """Do nothing."""

    def finished_list(self, client: str, report: ListReport) -> None:
        """Do nothing."""

    def finished(self, report: PassReport) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One agency: its two services, its rules, and what is remembered about it."""

    name: str
    mode: str
    """`plan` or `apply`; only shown and recorded: in plan mode there is no sink to write with."""
    lists: ListSource
    open_mailchimp: Callable[[Integration], AbstractContextManager[Mailchimp]]
    """Opens the account that the settings or the configuration name."""
    store: Store
    templates: Mapping[str, str]
    policy: Policy
    limits: Limits
    watcher: Watcher
    now: Callable[[], datetime]
    backups: Path
    """Where audiences are saved before they are deleted."""
    pairs: Mapping[ListUid, AudienceId]
    mapping: OtysMapping | None = None
    """How what OTYS answers is understood; None where the lists are not read there."""
    traffic: Callable[[], Mapping[str, Traffic]] = dict
    """What was asked of each service so far."""
    opt_outs: OptOutSink | None = None
    """Where OTYS is told who opted out in Mailchimp; None: that is only reported."""
    unchanged: Unchanged = field(default_factory=Unchanged)
    """The lists that came to rest in earlier passes."""
    catalogue_watch: CatalogueWatch = field(default_factory=CatalogueWatch)
    """What earlier passes saw of OTYS' catalogue."""
    zone: tzinfo = UTC
    """The time zone of the quiet hours."""
    stop: Stop = field(default_factory=Stop)
    """Ends a pass before its next request."""
    workers: int = 10
    """How many lists are worked on at the same time."""
    snapshot_days: int = 30
    """For how long is kept what each list was decided from; 0: it is not."""
    backup_days: int = 365
    """For how long backups of deleted audiences are kept; 0: for ever."""
