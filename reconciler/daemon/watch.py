"""Tells the log what passes do: one line a fact, and of a contact only a keyed hash."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from time import monotonic

import structlog

from reconciler.client import Watcher
from reconciler.model import ListUid, Outcome, PassResult, Result
from reconciler.report import ListReport, PassReport

_TOLD_LOUDLY = (Result.REFUSED, Result.NOT_TRUE)
_LIST_LEVEL = "list_reconciled"
_PAUSE = 60.0


@dataclass(slots=True)
class _Writing:
    """How far one client's pass is with what it writes."""

    to_write: int
    told_at: float
    written: int = 0


class PassLog:
    """A watcher that writes log lines. The pass's number and the list are in their context already."""

    def __init__(self, key_address: Callable[[str], str], clock: Callable[[], float] = monotonic) -> None:
        """Given what turns an address into its keyed hash, be ready for passes of any client."""
        self._key_address = key_address
        self._clock = clock
        self._lock = Lock()
        self._writing: dict[str, _Writing] = {}
        self._log = structlog.get_logger("reconciler.passes")

    def began(self, client: str, lists: int) -> None:
        """Given how many lists there are, tell it."""
        with self._lock:
            self._writing.pop(client, None)  # of a pass that ended without a report
        self._log.info("pass_began", client=client, lists=lists)

    def to_write(self, client: str, contacts: int) -> None:
        """Given how many contacts are to be written, be ready to tell once a minute how far that is."""
        with self._lock:
            self._writing[client] = _Writing(contacts, self._clock())

    def wrote(self, client: str, list_uid: ListUid, changes: int) -> None:
        """Given that so many changes became durable, tell it to whoever wants to know everything."""
        self._log.debug("changes_recorded", client=client, list=list_uid, changes=changes)
        with self._lock:
            writing = self._writing.get(client)
            if writing is None:
                return
            writing.written += changes
            now = self._clock()
            if now - writing.told_at < _PAUSE:
                return
            writing.told_at = now
            written, to_write = writing.written, writing.to_write
        self._log.info("pass_goes_on", client=client, contacts_written=written, contacts_to_write=to_write)

    def finished_list(self, client: str, report: ListReport) -> None:
        """Given what became of a list, tell it."""
        log = self._log.bind(client=client, list=report.list_uid)
        for outcome in report.outcomes:
            tell = log.warning if outcome.result in _TOLD_LOUDLY else log.debug
            tell("contact", **self._of(outcome))
        for proposal in report.proposals:
            log.warning(
                "withheld",
                verb=proposal.verb,
                count=len(proposal.changes),
                digest=proposal.digest,
                reason=proposal.message,
            )
        if report.problem:
            log.warning("list_failed", problem=report.problem)
        elif report.eventful:
            log.info(_LIST_LEVEL, audience=report.audience_id, **_counts(report))
        else:
            log.debug(_LIST_LEVEL, audience=report.audience_id)

    def finished(self, report: PassReport) -> None:
        """Given that the pass is over, tell how it ended."""
        with self._lock:
            self._writing.pop(report.client, None)
        tell = self._log.warning if report.result is PassResult.FAILED else self._log.info
        tell(
            "pass_ended",
            client=report.client,
            pass_id=report.pass_id,
            mode=report.mode,
            result=report.result,
            seconds=round((report.ended_at - report.started_at).total_seconds(), 3),
            problems=report.problems,
            **report.counts(),
        )

    def _of(self, outcome: Outcome) -> dict[str, str]:
        change = outcome.change
        return {
            "verb": change.verb,
            "result": outcome.result,
            "contact": self._key_address(change.address),
            "reason": change.reason,
            "detail": outcome.detail,
        }


class EndWatch:
    """A watcher that only wants to know how passes end."""

    def __init__(self, finished: Callable[[PassReport], None]) -> None:
        self._finished = finished

    def began(self, client: str, lists: int) -> None:
        """Leave it."""

    def to_write(self, client: str, contacts: int) -> None:
        """Leave it."""

    def wrote(self, client: str, list_uid: ListUid, changes: int) -> None:
        """Leave it."""

    def finished_list(self, client: str, report: ListReport) -> None:
        """Leave it."""

    def finished(self, report: PassReport) -> None:
        """Given what became of a pass, tell it on."""
        self._finished(report)


class Together:
    """Several watchers as one."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = tuple(watchers)

    def began(self, client: str, lists: int) -> None:
        """Given how many lists there are, tell all."""
        for watcher in self._watchers:
            watcher.began(client, lists)

    def to_write(self, client: str, contacts: int) -> None:
        """Given how many contacts are to be written, tell all."""
        for watcher in self._watchers:
            watcher.to_write(client, contacts)

    def wrote(self, client: str, list_uid: ListUid, changes: int) -> None:
        """Given that so many changes became durable, tell all."""
        for watcher in self._watchers:
            watcher.wrote(client, list_uid, changes)

    def finished_list(self, client: str, report: ListReport) -> None:
        """Given what became of a list, tell all."""
        for watcher in self._watchers:
            watcher.finished_list(client, report)

    def finished(self, report: PassReport) -> None:
        """Given that the pass is over, tell all."""
        for watcher in self._watchers:
            watcher.finished(report)


def _counts(report: ListReport) -> Mapping[str, int]:
    of_list = Counter(f"{one.change.verb}.{one.result}" for one in report.list_outcomes)
    return of_list + Counter(f"{one.change.verb}.{one.result}" for one in report.outcomes)
