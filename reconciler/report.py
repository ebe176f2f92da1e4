"""What one pass saw, decided and did: one value that text, JSON and mail are made from. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from reconciler.failure import FailureKind
from reconciler.guard import Guarded, Proposal
from reconciler.model import (
    AudienceId,
    Change,
    ListChange,
    ListOutcome,
    ListUid,
    ListVerb,
    Outcome,
    PassId,
    PassResult,
    Result,
    Verb,
)
from reconciler.trust import TrustState

REQUESTS: Final = "requests."
BYTES: Final = "bytes."
"""Begin the counts that tell of one service."""
LOOKED: Final = "looked."
"""Begins the counts of lists by how they were looked at."""


class Look(StrEnum):
    """How a pass looked at a list."""

    WHOLE = "whole"
    """Both sides were read, and decided about."""
    PAGES = "pages"
    """Every page of both sides was fetched, and is as it was."""
    SHORT = "short"
    """A side or both were shown to be as they were without reading them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReport:
    """What became of one list in one pass."""

    list_uid: ListUid
    list_name: str
    audience_id: AudienceId | None
    list_changes: tuple[ListChange, ...] = ()
    guarded: Guarded | None = None
    """None when the contacts were not looked at."""
    list_outcomes: tuple[ListOutcome, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    problem: str = ""
    """Why the list failed; empty when it did not."""
    failure: FailureKind | None = None
    """What kind of error the problem is, if it is one."""
    waits: str = ""
    """Why a change of the audience is not due yet."""
    first_sync: bool = False
    """Whether this was the pass that brought the audience in step for the first time."""
    look: Look = Look.WHOLE
    """How the contacts were looked at, if they were."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change of a contact that is planned."""
        return () if self.guarded is None else self.guarded.plan.changes

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """What is withheld."""
        return () if self.guarded is None else self.guarded.proposals

    @property
    def held(self) -> bool:
        """Whether the audience itself waits for a person."""
        waiting = (Result.WITHHELD, Result.REFUSED)
        return any(change.verb is ListVerb.HOLD for change in self.list_changes) or any(
            outcome.result in waiting for outcome in self.list_outcomes
        )

    @property
    def failed(self) -> bool:
        """Whether something about the list did not work."""
        bad = (Result.RETRY_LATER, Result.NOT_TRUE)
        unsettled = any(
            # A list that is let go waits until nothing of ours is left in its audience.
            outcome.result in bad and outcome.change.verb is not ListVerb.UNLINK
            for outcome in self.list_outcomes
        )
        return bool(self.problem) or unsettled or any(outcome.result in bad for outcome in self.outcomes)

    @property
    def eventful(self) -> bool:
        """Whether there is anything to tell about the list."""
        return bool(self.list_changes or self.changes or self.problem or self.waits)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOutsReport:
    """What became of telling OTYS who opted out in Mailchimp."""

    told: int = 0
    waiting: int = 0
    """How many OTYS still does not know of."""
    waiting_since: datetime | None = None
    """Since when the oldest of these is known here."""
    owed: int = 0
    """Of these, the ones for which there is a call: they ought to have been told."""
    problem: str = ""
    """Why the first of the owed ones was not told."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was asked of one service."""

    requests: int = 0
    bytes_read: int = 0
    """Of the answers' bodies, unpacked."""

    def __add__(self, other: "Traffic") -> "Traffic":
        """Return both together."""
        return Traffic(self.requests + other.requests, self.bytes_read + other.bytes_read)

    def __sub__(self, other: "Traffic") -> "Traffic":
        """Return what came since the other."""
        return Traffic(self.requests - other.requests, self.bytes_read - other.bytes_read)


NO_TRAFFIC = Traffic()


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReport:
    """What became of one pass of one client."""

    client: str
    mode: str
    started_at: datetime
    ended_at: datetime
    result: PassResult
    digest: str = ""
    """The digest of the whole plan."""
    pass_id: PassId | None = None
    only: ListUid | None = None
    """The one list the pass was about; None when it was about all."""
    lists: tuple[ListReport, ...] = ()
    problems: tuple[str, ...] = ()
    """What failed or deserves notice about the client as a whole."""
    failure: FailureKind | None = None
    """What kind of error ended the pass before its lists were done, if one did."""
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    """What the pass asked of each service."""
    opt_outs: OptOutsReport | None = None
    """None when the pass did not come to them."""
    kept: int = 0
    """Of how many lists it is kept what they were decided from."""
    catalogue: TrustState | None = None
    """What OTYS' catalogue is good for from now on; None when the pass did not come to it."""

    @property
    def requests(self) -> Mapping[str, int]:
        """How many requests the pass made of each service."""
        return {system: one.requests for system, one in self.traffic.items()}

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """Everything that is withheld."""
        return tuple(proposal for report in self.lists for proposal in report.proposals)

    @property
    def planned(self) -> Counter[str]:
        """How many changes are planned, by verb."""
        return Counter(change.verb for change in self._changes())

    @property
    def results(self) -> Counter[tuple[str, Result]]:
        """How many outcomes there are, by verb and result."""
        of_contacts = ((o.change.verb, o.result) for report in self.lists for o in report.outcomes)
        of_lists = ((o.change.verb, o.result) for report in self.lists for o in report.list_outcomes)
        return Counter((*of_contacts, *of_lists))

    @property
    def all_problems(self) -> tuple[str, ...]:
        """What failed, of the client and of each list."""
        of_lists = (f"{one.list_name or one.list_uid}: {one.problem}" for one in self.lists if one.problem)
        return (*self.problems, *of_lists)

    @property
    def failures(self) -> Counter[FailureKind]:
        """How many errors of each kind there were, of the client and of its lists."""
        return Counter(failure for failure in (self.failure, *(one.failure for one in self.lists)) if failure)

    @property
    def looks(self) -> Counter[Look]:
        """How many lists were looked at in which way."""
        return Counter(one.look for one in self.lists if one.guarded is not None)

    def counts(self) -> Mapping[str, int]:
        """Return the numbers that are kept with the pass.

        `planned.VERB`, of which `waiting.VERB` are not due yet; `VERB.RESULT`; `withheld`; `lists`; `told`,
        the opt-outs that OTYS was told of; `kept`, the lists of which it is kept what they were decided from;
        `invalid`, the recipients without a usable address, only where every list was looked at;
        `looked.HOW`, the lists by how they were looked at; `requests.SERVICE` and `bytes.SERVICE`.
        """
        withheld = sum(len(proposal.changes) for proposal in self.proposals)
        return {
            **{f"planned.{verb}": count for verb, count in self.planned.items()},
            **{f"{verb}.{result}": count for (verb, result), count in self.results.items()},
            **{f"waiting.{verb}": count for verb, count in self._waiting.items()},
            **({"withheld": withheld} if withheld else {}),
            **({"lists": len(self.lists)} if self.lists else {}),
            **({"kept": self.kept} if self.kept else {}),
            **({"told": self.opt_outs.told} if self.opt_outs and self.opt_outs.told else {}),
            **({"invalid": self._invalid} if self._looked_everywhere else {}),
            **{f"{LOOKED}{look}": count for look, count in self.looks.items()},
            **{f"{REQUESTS}{system}": one.requests for system, one in self.traffic.items() if one.requests},
            **{f"{BYTES}{system}": one.bytes_read for system, one in self.traffic.items() if one.bytes_read},
        }

    @property
    def _looked_everywhere(self) -> bool:
        done = self.opt_outs is not None and self.only is None
        return done and not any(one.problem and one.guarded is None for one in self.lists)

    @property
    def _invalid(self) -> int:
        return sum(len(one.guarded.plan.invalid) for one in self.lists if one.guarded is not None)

    @property
    def _waiting(self) -> Counter[str]:
        return Counter(change.verb for report in self.lists if report.waits for change in report.list_changes)

    def _changes(self) -> Iterator[Change | ListChange]:
        for report in self.lists:
            yield from report.list_changes
            yield from report.changes


def result_of(lists: tuple[ListReport, ...], *, plan_mode: bool, failed: bool) -> PassResult:
    """Given what became of the lists, return how the pass ended. A failure outweighs what is withheld."""
    if failed or any(report.failed for report in lists):
        return PassResult.FAILED
    if any(report.held or report.proposals for report in lists):
        return PassResult.WITHHELD
    return PassResult.PLANNED if plan_mode else PassResult.DONE


def outcome_of(report: ListReport, change: Change) -> Result | None:
    """Given a list's report and one of its changes, return what became of it; None in plan mode."""
    for outcome in reversed(report.outcomes):
        if outcome.change is change:
            return outcome.result
    return None


def is_writing(change: Change) -> bool:
    """Given a change, return whether it is carried out by Mailchimp rather than only remembered by us."""
    return change.verb in (Verb.ADD, Verb.UPDATE, Verb.RENAME, Verb.REMOVE) or (
        change.verb is Verb.ADOPT and bool(change.fields)
    )
