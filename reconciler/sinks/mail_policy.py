"""Which passes are told by mail: what happened, what lasts, what is over, and nothing too often. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from reconciler.config import NotifyConfig, NotifyOn
from reconciler.model import Result
from reconciler.report import ListReport, PassReport
from reconciler.sinks.mail_matters import DAY, HOUR, Matter, MatterKind, Seen, matters_of, seen_by
from reconciler.store import Told

About: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a pass is told by mail, and what counts as told from now on."""

    sends: bool
    over: tuple[Told, ...] = ()
    """What was told and has ended."""
    first_syncs: tuple[ListReport, ...] = ()
    """Lists whose first sync is done and was waited for."""
    told: tuple[Told, ...] = ()
    """All that is to be remembered."""


def decide(report: PassReport, notify: NotifyConfig, told: Sequence[Told], now: datetime) -> Decision:
    """Given a pass, who wants to know what, and what was told before, return what to do.

    What lasts is told once, again each day and when it looks different (at most once an hour), and once
    when it is over. A mail that leaves for any reason tells all that lasts.
    """
    if not notify.to:
        return Decision(sends=False, told=tuple(told))
    known = {one.about: one for one in told}
    matters = [one for one in matters_of(report) if one.kind.is_problem or notify.on is not NotifyOn.PROBLEMS]
    ended = _ended(known, matters, seen_by(report))
    over = tuple(one for one in ended if not one.over and MatterKind(one.kind).nags)
    first_syncs = _first_syncs(report, notify)
    sends = (
        notify.on is NotifyOn.ALWAYS
        or bool(first_syncs or over)
        or _has_news(report, notify.on)
        or any(_is_due(matter, known.get(matter.about), now) for matter in matters)
    )
    return Decision(
        sends=sends,
        over=over,
        first_syncs=first_syncs,
        told=_remembered(known, matters, ended, sends=sends, now=now),
    )


def results_of(report: PassReport) -> frozenset[Result]:
    """Given a report, return what became of anything in its pass."""
    of_contacts = {outcome.result for one in report.lists for outcome in one.outcomes}
    of_audiences = {outcome.result for one in report.lists for outcome in one.list_outcomes}
    return frozenset(of_contacts | of_audiences)


def _has_news(report: PassReport, on: NotifyOn) -> bool:
    results = results_of(report)
    changed = on is not NotifyOn.PROBLEMS and any(result.moves_base for result in results)
    return changed or Result.REFUSED in results


def _first_syncs(report: PassReport, notify: NotifyConfig) -> tuple[ListReport, ...]:
    return tuple(
        one
        for one in report.lists
        if one.first_sync and one.guarded and one.guarded.plan.facts.listed > notify.first_sync_mail_above
    )


def _is_due(matter: Matter, told: Told | None, now: datetime) -> bool:
    if told is None:
        return True
    since = now - told.told_at
    if told.over:
        # It comes and goes: a mail each time would be a storm.
        return since >= HOUR
    reminds = matter.kind.nags and since >= DAY
    return reminds or (matter.version != told.version and since >= matter.kind.again_after)


def _ended(known: Mapping[About, Told], matters: Iterable[Matter], seen: Seen) -> tuple[Told, ...]:
    lasting = {matter.about for matter in matters}
    return tuple(one for about, one in known.items() if about not in lasting and seen.covers(one.list_uid))


def _remembered(
    known: Mapping[About, Told],
    matters: Iterable[Matter],
    ended: Sequence[Told],
    *,
    sends: bool,
    now: datetime,
) -> tuple[Told, ...]:
    remembered = {about: one for about, one in known.items() if one not in ended}
    for one in ended:
        if not one.over or now - one.told_at < HOUR:
            remembered[one.about] = replace(one, over=True)
    if sends:
        for matter in matters:
            remembered[matter.about] = Told(
                kind=matter.kind,
                list_uid=matter.list_uid,
                verb=matter.verb,
                version=matter.version,
                told_at=now,
            )
    return tuple(remembered.values())
