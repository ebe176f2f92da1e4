"""Knows how passes and requests move the metrics that metric_families lists."""

import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from prometheus_client import CollectorRegistry

from reconciler.api.http import TOO_MANY_REQUESTS, RequestNote
from reconciler.errors import ReconcilerError
from reconciler.failure import FailureKind, kind_of
from reconciler.model import ListUid, PassResult, RefusalKind, Verb
from reconciler.report import ListReport, Look, OptOutsReport, PassReport
from reconciler.sinks import metric_families as families
from reconciler.sinks.meters import Meters
from reconciler.sinks.metric_families import Family, ListState, RequestOutcome, Series, Side, Way
from reconciler.sinks.metrics_lists import ListGauges, Unsynced, gauges_of
from reconciler.sinks.metrics_memory import Memory
from reconciler.trust import TrustState

_FIRST_ERROR = 400
_FIRST_SERVER_ERROR = 500
_SHOWN_FROM_THE_START: tuple[tuple[Family, Iterable[str]], ...] = (
    (families.LISTS, ListState),
    (families.REFUSED_CONTACTS, RefusalKind),
    (families.PLANNED_CHANGES, (Verb.ADD, Verb.UPDATE, Verb.REMOVE)),
    (families.WITHHELD_CHANGES, (Verb.ADD, Verb.REMOVE, Verb.HOLD)),
    (families.UNTOLD_OPT_OUTS, Way),
    (families.CATALOGUE, TrustState),
)


@dataclass(slots=True)
class _Standing:
    """One client, as its passes left it."""

    failures: int = 0
    lists: dict[ListUid, ListGauges] = field(default_factory=dict)
    untold_since: datetime | None = None
    """Since when the oldest opt-out is known that OTYS does not know of."""


class Metrics:
    """Every metric, in one registry. Watches passes; safe to use from several threads."""

    def __init__(
        self, registry: CollectorRegistry, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._meters = Meters(registry)
        self._now = now
        self._lock = Lock()
        self._clients: dict[str, _Standing] = {}
        for system in (Side.OTYS, Side.MAILCHIMP):
            self._meters.count(families.THROTTLED, system, by=0)
            for outcome in RequestOutcome:
                self._meters.count(families.HTTP_REQUESTS, system, outcome, by=0)

    # -- the two services

    def request(self, note: RequestNote) -> None:
        """Given a request that was made, count it and how long it took."""
        system = note.system.lower()
        self._meters.count(families.HTTP_REQUESTS, system, _outcome(note.status))
        self._meters.observe(families.HTTP_DURATION, note.seconds, system)
        self._meters.count(families.HTTP_BYTES, system, by=note.bytes_read)

    def throttled(self, system: str, seconds: float) -> None:
        """Given a service that asked for patience and how long it is waited for, add that up."""
        self._meters.count(families.THROTTLED, system.lower(), by=seconds)

    # -- passes: a watcher

    def began(self, client: str, lists: int) -> None:  # noqa: ARG002 - a watcher is told how many
        """A pass of the client got as far as its lists."""
        with self._lock:
            self._standing(client)
            self._meters.set(families.LAST_ATTEMPT, self._now().timestamp(), client)

    def to_write(self, client: str, contacts: int) -> None:
        """Changes are counted when the pass is over."""

    def wrote(self, client: str, list_uid: ListUid, changes: int) -> None:
        """Changes are counted when the pass is over, with what became of them."""

    def finished_list(self, client: str, report: ListReport) -> None:
        """Lists are counted when the pass is over, all at once."""

    def finished(self, report: PassReport) -> None:
        """Given what became of a pass, set and count everything that it tells."""
        client = report.client
        with self._lock:
            standing = self._standing(client)
            self._meters.set(families.LAST_ATTEMPT, report.started_at.timestamp(), client)
            seconds = (report.ended_at - report.started_at).total_seconds()
            self._meters.observe(families.PASS_DURATION, seconds, client)
            self._ended(client, standing, report.result, report.ended_at, report.failures)
            self._count_changes(report)
            for look, count in report.looks.items():
                self._meters.count(families.LISTS_LOOKED_AT, client, look, by=count)
            if report.catalogue is not None:
                self._meters.set_all(families.CATALOGUE, client, {(report.catalogue,): 1})
            if report.opt_outs is not None:
                self._show_opt_outs(standing, client, report.opt_outs)
            if report.failure is None:
                self._take_over(standing, report)
                self._show(client, standing)

    def crashed(self, client: str, error: ReconcilerError) -> None:
        """Given an error that kept a pass from having a report, count the pass as failed."""
        with self._lock:
            standing = self._standing(client)
            self._meters.set(families.LAST_ATTEMPT, self._now().timestamp(), client)
            self._ended(client, standing, PassResult.FAILED, self._now(), Counter([kind_of(error)]))

    # -- clients

    def remember(self, client: str, memory: Memory) -> None:
        """Given what the store knows of a client, show it until a pass knows better."""
        with self._lock:
            standing = self._standing(client)
            standing.failures = memory.consecutive_failures
            standing.lists = {**memory.lists, **standing.lists}
            standing.untold_since = standing.untold_since or memory.untold_since
            self._meters.set(families.CONSECUTIVE_FAILURES, standing.failures, client)
            self._meters.set(families.LAST_ATTEMPT, _timestamp(memory.last_attempt), client)
            self._meters.set(families.LAST_SUCCESS, _timestamp(memory.last_success), client)
            self._meters.set_all(families.CATALOGUE, client, {(memory.catalogue,): 1})
            self._show(client, standing)

    def forget(self, client: str) -> None:
        """Given a client that left the configuration, let everything about it go."""
        with self._lock:
            self._clients.pop(client, None)
            self._meters.forget(client)

    def watch_client(self, client: str, is_stale: Callable[[], bool]) -> None:
        """Given a client and whether its last good pass is too old, tell that whenever somebody looks."""
        self._meters.follow(families.CLIENT_STALE, lambda: _told(is_stale), client)

    # -- the daemon

    def mail_failed(self) -> None:
        """A mail could not be handed over."""
        self._meters.count(families.MAIL_FAILURES)

    def reload_failed(self) -> None:
        """A configuration was not taken over."""
        self._meters.count(families.RELOAD_FAILURES)

    def watch_disk(self, folder: Path) -> None:
        """Given where state and backups are kept, tell how full that disk is whenever somebody looks."""
        self._meters.follow(families.STATE_FREE, lambda: _disk(folder)[0])
        self._meters.follow(families.STATE_SIZE, lambda: _disk(folder)[1])

    # -- the parts

    def _standing(self, client: str) -> _Standing:
        """A counter has to stand at 0 before it grows, or nobody sees its first step."""
        if client not in self._clients:
            self._clients[client] = _Standing()
            self._begin(families.PASSES, client, PassResult)
            self._begin(families.FAILURES, client, FailureKind)
            self._begin(families.LISTS_LOOKED_AT, client, Look)
            self._begin(families.SNAPSHOT_INCOMPLETE, client, (Side.OTYS, Side.MAILCHIMP))
            for gauge, values in _SHOWN_FROM_THE_START:
                for value in values:
                    self._meters.set(gauge, 0, client, value)
            for gauge in (families.CONSECUTIVE_FAILURES, families.LAST_SUCCESS, families.HELD_CONTACTS):
                self._meters.set(gauge, 0, client)
            oldest, opt_out = families.OLDEST_UNSYNCED, families.OLDEST_OPT_OUT
            self._meters.follow(oldest, lambda: self._age(client, only_consent=False), client)
            self._meters.follow(opt_out, lambda: self._age(client, only_consent=True), client)
            self._meters.follow(families.OLDEST_UNTOLD, lambda: self._untold_age(client), client)
        return self._clients[client]

    def _begin(self, counter: Family, client: str, values: Iterable[str]) -> None:
        for value in values:
            self._meters.count(counter, client, value, by=0)

    def _ended(
        self,
        client: str,
        standing: _Standing,
        result: PassResult,
        at: datetime,
        failures: Mapping[FailureKind, int],
    ) -> None:
        failed = result is PassResult.FAILED
        standing.failures = standing.failures + 1 if failed else 0
        self._meters.count(families.PASSES, client, result)
        self._meters.set(families.CONSECUTIVE_FAILURES, standing.failures, client)
        if not failed:
            self._meters.set(families.LAST_SUCCESS, at.timestamp(), client)
        for kind, count in failures.items():
            self._meters.count(families.FAILURES, client, kind, by=count)

    def _count_changes(self, report: PassReport) -> None:
        for (verb, result), count in report.results.items():
            self._meters.count(families.CHANGES, report.client, str(verb), str(result), by=count)
        for one in report.lists:
            if one.guarded is not None:
                facts = one.guarded.plan.facts
                otys, mailchimp = not facts.recipients.complete, not facts.contacts.complete
                self._meters.count(families.SNAPSHOT_INCOMPLETE, report.client, Side.OTYS, by=otys)
                self._meters.count(families.SNAPSHOT_INCOMPLETE, report.client, Side.MAILCHIMP, by=mailchimp)

    def _take_over(self, standing: _Standing, report: PassReport) -> None:
        """A pass of one list leaves the other lists as they stand."""
        writes = report.mode != "plan"
        seen = {
            one.list_uid: gauges_of(one, standing.lists.get(one.list_uid), report.started_at, writes=writes)
            for one in report.lists
        }
        standing.lists = seen if report.only is None else {**standing.lists, **seen}

    def _show(self, client: str, standing: _Standing) -> None:
        lists = standing.lists.values()
        gauges = {
            families.SNAPSHOT_MEMBERS: _sum(one.members for one in lists),
            families.PLANNED_CHANGES: _sum(one.planned for one in lists),
            families.WITHHELD_CHANGES: _sum(one.withheld for one in lists),
            families.REFUSED_CONTACTS: _sum(one.refused for one in lists),
            families.LISTS: _sum({(str(one.state),): 1} for one in lists),
        }
        for gauge, values in gauges.items():
            self._meters.set_all(gauge, client, values)
        self._meters.set(families.FOREIGN_CONTACTS, sum(one.foreign for one in lists), client)
        self._meters.set(families.HELD_CONTACTS, sum(one.held for one in lists), client)

    def _show_opt_outs(self, standing: _Standing, client: str, opt_outs: OptOutsReport) -> None:
        standing.untold_since = opt_outs.waiting_since
        self._meters.set(families.UNTOLD_OPT_OUTS, opt_outs.owed, client, Way.CALL)
        self._meters.set(families.UNTOLD_OPT_OUTS, opt_outs.waiting - opt_outs.owed, client, Way.HAND)

    def _age(self, client: str, *, only_consent: bool) -> float:
        with self._lock:
            standing = self._clients.get(client, _Standing())
            ages = [one.since for one in _unsynced(standing) if one.consent or not only_consent]
        return self._since(min(ages, default=None))

    def _untold_age(self, client: str) -> float:
        with self._lock:
            return self._since(self._clients.get(client, _Standing()).untold_since)

    def _since(self, moment: datetime | None) -> float:
        return 0.0 if moment is None else max(0.0, (self._now() - moment).total_seconds())


def _unsynced(standing: _Standing) -> Iterable[Unsynced]:
    return (one for gauges in standing.lists.values() for one in gauges.unsynced.values())


def _outcome(status: int | None) -> RequestOutcome:
    if status is None:
        return RequestOutcome.NO_ANSWER
    if status == TOO_MANY_REQUESTS:
        return RequestOutcome.THROTTLED
    if status >= _FIRST_SERVER_ERROR:
        return RequestOutcome.FAILED
    return RequestOutcome.REJECTED if status >= _FIRST_ERROR else RequestOutcome.OK


def _sum(parts: Iterable[Mapping[Series, int]]) -> Mapping[Series, int]:
    total: Counter[Series] = Counter()
    for part in parts:
        total.update(part)
    return total


def _timestamp(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()


def _told(is_stale: Callable[[], bool]) -> bool:
    """A state that cannot be read must not hide every other metric, and knows of no good pass."""
    try:
        return is_stale()
    except ReconcilerError:
        return True


def _disk(folder: Path) -> tuple[float, float]:
    """The folder may not have been made yet; its disk is the one of the nearest folder above."""
    try:
        there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
        usage = shutil.disk_usage(there)
    except OSError:
        return math.nan, math.nan
    return usage.free, usage.total
