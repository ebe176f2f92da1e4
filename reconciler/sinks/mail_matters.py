"""What a pass shows that lasts longer than the pass, and so must not be told by mail each time. Pure."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from reconciler.failure import FailureKind
from reconciler.model import ListUid, PassResult, Result, Verb
from reconciler.reconcile import STOPPED
from reconciler.report import ListReport, PassReport

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class MatterKind(StrEnum):
    """What lasts, in the order in which it is told."""

    FAILED = "failed"
    WITHHELD = "withheld"
    HELD = "held"
    """The audience waits for a person."""
    OFF = "off"
    NOTED = "noted"
    HOLDS = "holds"
    """Contacts that are left as they are."""
    INVALID = "invalid"
    """Recipients without a usable address."""
    WAITS = "waits"
    """A change of the audience is not due yet."""
    PLANNED = "planned"
    """Plan mode: it would be done."""

    @property
    def is_problem(self) -> bool:
        """Whether somebody should look."""
        return self not in (MatterKind.WAITS, MatterKind.PLANNED)

    @property
    def nags(self) -> bool:
        """Whether it is told again each day while it lasts, and once when it is over."""
        return self in (MatterKind.FAILED, MatterKind.WITHHELD, MatterKind.HELD)

    @property
    def again_after(self) -> timedelta:
        """How soon after it was told it may be told again because it looks different now."""
        return DAY if self is MatterKind.PLANNED else HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """Something that may last for many passes."""

    kind: MatterKind
    list_uid: str = ""
    """Empty when it is about the client as a whole."""
    verb: str = ""
    version: str = ""
    """What it looks like now."""

    @property
    def about(self) -> tuple[str, str, str]:
        """What it is, whatever it looks like."""
        return self.kind, self.list_uid, self.verb


@dataclass(frozen=True, slots=True)
class Seen:
    """What a pass looked at: whatever it did not look at may last."""

    whole: bool
    """Every list of the client, so that one that is missing is gone."""
    client: bool
    """The client itself."""
    lists: frozenset[str]
    missed: frozenset[str]
    """Lists that were to be looked at and were not."""

    def covers(self, list_uid: str) -> bool:
        """Given a list's uid, or none for the client, return whether the pass would show what is there."""
        if not list_uid:
            return self.client
        return list_uid in self.lists or (self.whole and list_uid not in self.missed)


def seen_by(report: PassReport) -> Seen:
    """Given a report, return what its pass looked at."""
    looked = report.result is not PassResult.OFF and not is_failed_client(report) and not was_stopped(report)
    return Seen(
        whole=looked and report.only is None,
        client=report.result is PassResult.OFF or looked,
        lists=frozenset(one.list_uid for one in report.lists if not one.problem),
        missed=frozenset(one.list_uid for one in report.lists if one.problem),
    )


def matters_of(report: PassReport) -> tuple[Matter, ...]:
    """Given a report, return everything it shows that may last."""
    return (*_of_client(report), *(matter for one in report.lists for matter in _of_list(one)))


def is_failed_client(report: PassReport) -> bool:
    """Given a report, return whether the pass failed before it came to the lists."""
    return report.result is PassResult.FAILED and report.failure is not None


def was_stopped(report: PassReport) -> bool:
    """Given a report, return whether the pass was cut off because the program ends, which is no failure."""
    return report.failure is FailureKind.STOPPED or STOPPED in report.problems


def is_failed_list(report: ListReport) -> bool:
    """Given a list's report, return whether something did not work other than for the program's end."""
    return report.failed and report.failure is not FailureKind.STOPPED


def notes_of(report: PassReport) -> tuple[str, ...]:
    """Given a report, return what deserves notice about the client although its pass went on."""
    if report.result is PassResult.OFF or is_failed_client(report):
        return ()
    return tuple(problem for problem in report.problems if problem != STOPPED)


def held_contacts(report: ListReport) -> int:
    """Given a list's report, return how many of its contacts are left as they are."""
    return sum(change.verb is Verb.HOLD for change in report.changes)


def _of_client(report: PassReport) -> Iterator[Matter]:
    if is_failed_client(report) and not was_stopped(report):
        yield Matter(kind=MatterKind.FAILED, version=str(report.failure))
    if report.result is PassResult.OFF:
        yield Matter(kind=MatterKind.OFF)
    if notes := notes_of(report):
        # Only that it is the same is remembered, not what it says: a problem may name an address.
        yield Matter(kind=MatterKind.NOTED, version=hashlib.sha256("\n".join(notes).encode()).hexdigest())
    if report.mode == "plan" and report.only is None and report.planned:
        yield Matter(kind=MatterKind.PLANNED, version=report.digest)


def _of_list(report: ListReport) -> Iterator[Matter]:
    uid: ListUid = report.list_uid
    if is_failed_list(report):
        yield Matter(kind=MatterKind.FAILED, list_uid=uid, version=_how_failed(report))
    for proposal in report.proposals:
        # What nobody can release looks the same in every pass that cannot read it.
        version = proposal.digest if proposal.approvable else "unread"
        yield Matter(kind=MatterKind.WITHHELD, list_uid=uid, verb=proposal.verb, version=version)
    if report.held:
        yield Matter(kind=MatterKind.HELD, list_uid=uid)
    if holds := held_contacts(report):
        yield Matter(kind=MatterKind.HOLDS, list_uid=uid, version=str(holds))
    if report.guarded is not None and (invalid := len(report.guarded.plan.invalid)):
        yield Matter(kind=MatterKind.INVALID, list_uid=uid, version=str(invalid))
    if report.waits:
        yield Matter(kind=MatterKind.WAITS, list_uid=uid)


def _how_failed(report: ListReport) -> str:
    if report.failure is not None:
        return report.failure
    if report.problem:
        return "problem"
    return "+".join(sorted({o.result for o in report.outcomes} & {Result.RETRY_LATER, Result.NOT_TRUE}))
