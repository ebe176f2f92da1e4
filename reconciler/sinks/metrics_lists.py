"""Knows what one list adds to its client's metrics. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from reconciler.model import Change, ListChange, ListVerb, RefusalKind, Result, Verb
from reconciler.report import ListReport, is_writing
from reconciler.sinks.metric_families import ListState, Series, Side

_SETTLED = (Result.APPLIED, Result.ALREADY_TRUE, Result.REFUSED)


class Key(NamedTuple):
    """Which change of a list it is."""

    verb: str
    address: str = ""
    """Empty for a change of the audience, and where only the verb is remembered. Never leaves the memory."""


@dataclass(frozen=True, slots=True)
class Unsynced:
    """A change that was planned and is not true yet."""

    since: datetime
    """When it first appeared."""
    consent: bool = False
    """Whether it honours a no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGauges:
    """How one list stands; numbers go by the values of the labels after `client`."""

    state: ListState
    members: Mapping[Series, int] = field(default_factory=dict)
    """By side and status."""
    planned: Mapping[Series, int] = field(default_factory=dict)
    """By verb."""
    withheld: Mapping[Series, int] = field(default_factory=dict)
    """By verb."""
    refused: Mapping[Series, int] = field(default_factory=dict)
    """By reason."""
    foreign: int = 0
    held: int = 0
    """Contacts that are left as they are until a person decides."""
    unsynced: Mapping[Key, Unsynced] = field(default_factory=dict)


def gauges_of(
    report: ListReport, before: ListGauges | None, started_at: datetime, *, writes: bool
) -> ListGauges:
    """Given what became of a list in a pass and how it stood before, return how it stands.

    What could not be looked at this time stays as it was. In plan mode nothing is meant to become true, so
    nothing is unsynced.
    """
    old = before or ListGauges(state=ListState.UNLINKED)
    looked = report.guarded is not None or not report.problem
    return ListGauges(
        state=_state(report),
        members=_members(report) if looked else old.members,
        planned=_planned(report),
        withheld=_withheld(report) if looked else old.withheld,
        refused=_refused(report) if looked else old.refused,
        foreign=_foreign(report) if looked else old.foreign,
        held=sum(change.verb is Verb.HOLD for change in report.changes) if looked else old.held,
        unsynced=_unsynced(report, old, started_at, looked=looked) if writes else {},
    )


def _state(report: ListReport) -> ListState:
    if report.failed:
        return ListState.FAILED
    if report.held or report.proposals:
        return ListState.WITHHELD
    if report.waits:
        return ListState.WAITING
    return ListState.UNLINKED if report.audience_id is None else ListState.LINKED


def _planned(report: ListReport) -> Mapping[Series, int]:
    changes: tuple[Change | ListChange, ...] = (*report.list_changes, *report.changes)
    counts: Counter[Series] = Counter((str(change.verb),) for change in changes)
    return counts


def _members(report: ListReport) -> Mapping[Series, int]:
    if report.guarded is None:
        return {}
    plan = report.guarded.plan
    facts = plan.facts
    return {
        (Side.OTYS, "listed"): facts.listed - facts.opted_out,
        (Side.OTYS, "opted_out"): facts.opted_out,
        (Side.OTYS, "invalid"): len(plan.invalid),
        **{(Side.MAILCHIMP, str(standing)): count for standing, count in facts.standings.items()},
        (Side.BASE, "active"): facts.active,
    }


def _withheld(report: ListReport) -> Mapping[Series, int]:
    waiting = (Result.WITHHELD, Result.REFUSED)
    held: list[ListVerb] = [ListVerb.HOLD for change in report.list_changes if change.verb is ListVerb.HOLD]
    stopped = [
        outcome.change.verb
        for outcome in report.list_outcomes
        if outcome.result in waiting and outcome.change.verb is not ListVerb.HOLD
    ]
    counts: Counter[Series] = Counter((str(verb),) for verb in (*held, *stopped))
    for proposal in report.proposals:
        counts[(str(proposal.verb),)] += len(proposal.changes)
    return counts


def _refused(report: ListReport) -> Mapping[Series, int]:
    if report.guarded is None:
        return {}
    earlier = (refused.refusal.kind for refused in report.guarded.plan.refused)
    now = (
        outcome.refusal or RefusalKind.UNKNOWN
        for outcome in report.outcomes
        if outcome.result is Result.REFUSED
    )
    kinds: tuple[RefusalKind, ...] = (*earlier, *now)
    counts: Counter[Series] = Counter((str(kind),) for kind in kinds)
    return counts


def _foreign(report: ListReport) -> int:
    return 0 if report.guarded is None else report.guarded.plan.facts.foreign


def _unsynced(
    report: ListReport, old: ListGauges, started_at: datetime, *, looked: bool
) -> Mapping[Key, Unsynced]:
    if not looked:
        return old.unsynced
    return {
        key: Unsynced(_first_seen(key, old, started_at), consent=consent)
        for key, consent in _left_over(report)
    }


def _first_seen(key: Key, old: ListGauges, started_at: datetime) -> datetime:
    """What the database remembers after a restart names only the verb."""
    known = old.unsynced.get(key) or old.unsynced.get(Key(key.verb))
    return started_at if known is None else known.since


def _left_over(report: ListReport) -> Iterator[tuple[Key, bool]]:
    of_list = {id(outcome.change): outcome.result for outcome in report.list_outcomes}
    for list_change in report.list_changes:
        due = list_change.verb is not ListVerb.HOLD and not report.waits
        if due and of_list.get(id(list_change)) not in _SETTLED:
            yield Key(str(list_change.verb)), False
    results = {id(outcome.change): outcome.result for outcome in report.outcomes}
    for change in report.changes:
        if change.verb is not Verb.HOLD and results.get(id(change)) not in _SETTLED:
            yield Key(str(change.verb), change.address), change.consent and is_writing(change)
