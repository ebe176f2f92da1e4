"""What stands at the top of a mail: what failed, what waits for a person, what is over."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from reconciler.effort import effort_of
from reconciler.guard import Proposal
from reconciler.model import ListVerb, PassResult, Result
from reconciler.report import ListReport, PassReport
from reconciler.sinks.mail_list import Teller, refused_list_outcomes, unsettled_outcomes
from reconciler.sinks.mail_matters import is_failed_client, is_failed_list, notes_of, was_stopped
from reconciler.sinks.mail_phrases import failure, over, to_do, told_effort
from reconciler.sinks.mail_policy import Decision
from reconciler.sinks.mail_summary import Notice, Tone

MOST_NOTICES: Final = 20
_MOST_DETAILS: Final = 3
DIGEST_SHOWN: Final = 12
"""So many characters of a digest are enough to name it, as on a terminal."""


def notices(
    report: PassReport, decision: Decision, teller: Teller, expiries: Mapping[str, datetime | None]
) -> Iterator[Notice]:
    """Given a pass, what is told of it, and until when each digest can be approved, yield its notices."""
    yield from _of_client(report, teller)
    for one in report.lists:
        for proposal in one.proposals:
            yield _withheld(one, proposal, teller, expiries.get(proposal.digest))
    for one in report.lists:
        if is_failed_list(one):
            yield _failed(one, teller)
    for one in report.lists:
        if one.held:
            yield _held(one, teller)
    yield from _good_news(report, decision, teller)


def _of_client(report: PassReport, teller: Teller) -> Iterator[Notice]:
    gettext = teller.words.gettext
    problems = tuple(map(teller.said, report.problems))
    if is_failed_client(report) and not was_stopped(report):
        meaning = failure(teller.words, report.failure)
        title = gettext("The pass failed: nothing was changed")
        yield Notice(tone=Tone.BAD, title=title, lines=(*filter(None, (meaning,)), *problems))
    elif report.result is PassResult.OFF:
        yield Notice(tone=Tone.WAITS, title=gettext("The integration is switched off"), lines=problems)
    elif notes := notes_of(report):
        yield Notice(tone=Tone.WAITS, title=gettext("To look at"), lines=tuple(map(teller.said, notes)))


def _withheld(report: ListReport, proposal: Proposal, teller: Teller, expires: datetime | None) -> Notice:
    words = teller.words
    what = to_do(words, proposal.verb, len(proposal.changes))
    title = words.gettext("{where}, withheld: {what}", where=teller.name(report), what=what)
    why = tuple(teller.said(objection.message) for objection in proposal.objections)
    if not proposal.approvable:
        unread = words.gettext("Nobody can release what was not read; the next pass reads it again.")
        return Notice(tone=Tone.WAITS, title=title, lines=(*why, unread))
    takes = told_effort(words, effort_of(proposal.changes))
    until = "" if expires is None else words.gettext("Possible until {moment}.", moment=words.moment(expires))
    return Notice(
        tone=Tone.WAITS,
        title=title,
        lines=(*why, *takes, words.gettext("Is this meant? Then this command releases exactly this:")),
        command=f"reconciler approve {proposal.digest[:DIGEST_SHOWN]}",
        command_note=until,
    )


def _failed(report: ListReport, teller: Teller) -> Notice:
    meaning = failure(teller.words, report.failure)
    unsettled = unsettled_outcomes(report)
    if not report.problem:
        meaning = teller.words.ngettext(
            "{count} change did not come true; the next pass tries again.",
            "{count} changes did not come true; the next pass tries again.",
            len(unsettled),
        )
    details = dict.fromkeys(teller.said(outcome.detail) for outcome in unsettled)
    lines = (meaning, teller.said(report.problem), *tuple(details)[:_MOST_DETAILS])
    title = teller.words.gettext("{where} failed", where=teller.name(report))
    return Notice(tone=Tone.BAD, title=title, lines=tuple(filter(None, lines)))


def _held(report: ListReport, teller: Teller) -> Notice:
    words = teller.words
    reasons = [c.reason for c in report.list_changes if c.verb is ListVerb.HOLD]
    lines = [teller.said(reason) for reason in reasons]
    for outcome in refused_list_outcomes(report):
        what = to_do(words, outcome.change.verb, 1)
        pattern = (
            words.gettext("Mailchimp refused to {what}: {why}")
            if outcome.result is Result.REFUSED
            else words.gettext("Withheld: {what}; {why}")
        )
        lines.append(pattern.format(what=what, why=teller.said(outcome.detail)))
    title = words.gettext("{where} waits for you", where=teller.name(report))
    return Notice(tone=Tone.WAITS, title=title, lines=tuple(lines))


def _good_news(report: PassReport, decision: Decision, teller: Teller) -> Iterator[Notice]:
    words = teller.words
    if decision.over:
        ended = (over(words, one.kind, _where(one.list_uid, report, teller)) for one in decision.over)
        yield Notice(tone=Tone.GOOD, title=words.gettext("Over"), lines=tuple(ended))
    for one in decision.first_syncs:
        listed = one.guarded.plan.facts.listed if one.guarded else 0
        told = words.ngettext("{count} address is on the list.", "{count} addresses are on the list.", listed)
        title = words.gettext("The first sync of {where} is done", where=teller.name(one))
        yield Notice(tone=Tone.GOOD, title=title, lines=(told,))


def _where(list_uid: str, report: PassReport, teller: Teller) -> str:
    known = (teller.name(one) for one in report.lists if one.list_uid == list_uid)
    return next(known, teller.uid(list_uid) if list_uid else report.client)
