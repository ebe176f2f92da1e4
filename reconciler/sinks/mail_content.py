"""From the report of a pass to what its mail says."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from reconciler.effort import NO_EFFORT, effort_of
from reconciler.model import PassResult, Result
from reconciler.report import ListReport, PassReport
from reconciler.sinks.mail_addresses import Naming
from reconciler.sinks.mail_list import Teller, allowed, changes_of
from reconciler.sinks.mail_matters import is_failed_client, is_failed_list, notes_of, was_stopped
from reconciler.sinks.mail_notices import MOST_NOTICES, notices
from reconciler.sinks.mail_phrases import done, to_do, told_effort
from reconciler.sinks.mail_policy import Decision
from reconciler.sinks.mail_summary import Notice, Summary, Tone
from reconciler.sinks.mail_words import Words
from reconciler.wording import duration

MOST_SECTIONS = 40
_MOST_ESSENCE = 3


def summarise(
    report: PassReport,
    decision: Decision,
    *,
    words: Words,
    naming: Naming,
    expiries: Mapping[str, datetime | None],
) -> Summary:
    """Given a pass, what is told of it and until when each digest can be approved, return its mail."""
    teller = Teller(words, naming)
    found = tuple(notices(report, decision, teller, expiries))
    told = [(one, teller.section(one, planned=_plans(report))) for one in report.lists]
    sections = tuple(section for _, section in told if section)
    quiet = sum(section is None and not _is_noticed(one) for one, section in told)
    essence = _essence(report, decision, words)
    return Summary(
        client=report.client,
        subject=f"{report.client}: {essence}",
        essence=essence[:1].upper() + essence[1:],
        tone=_tone(found),
        notices=_capped(found, words),
        sections=sections[:MOST_SECTIONS],
        more=_more(len(sections), quiet, words),
        facts=tuple(_facts(report, words)),
        pass_id=report.pass_id,
    )


def _plans(report: PassReport) -> bool:
    return report.mode == "plan"


def _tone(found: tuple[Notice, ...]) -> Tone:
    tones = {notice.tone for notice in found}
    return next((tone for tone in (Tone.BAD, Tone.WAITS) if tone in tones), Tone.GOOD)


def _essence(report: PassReport, decision: Decision, words: Words) -> str:
    parts = [*_troubles(report, words)]
    if not parts and decision.over:
        parts.append(words.gettext("what was wrong is over"))
    parts += _first_syncs(decision, words)
    parts += _changes(report, words)
    if not parts:
        return _nothing(report, words)
    return ", ".join(parts[:_MOST_ESSENCE])


def _troubles(report: PassReport, words: Words) -> Iterator[str]:
    if is_failed_client(report) and not was_stopped(report):
        yield words.gettext("the pass failed")
    if report.result is PassResult.OFF:
        yield words.gettext("switched off in OTYS")
    withheld = sum(len(proposal.changes) for proposal in report.proposals)
    if withheld:
        yield words.ngettext("{count} change withheld", "{count} changes withheld", withheld)
    failed = sum(map(is_failed_list, report.lists))
    if failed:
        yield words.ngettext("{count} list failed", "{count} lists failed", failed)
    held = sum(one.held for one in report.lists)
    if held:
        yield words.ngettext("{count} list waits for you", "{count} lists wait for you", held)
    refused = report_count(report, Result.REFUSED)
    if refused:
        yield words.ngettext("{count} refused", "{count} refused", refused)
    if notes_of(report):
        yield words.gettext("something to look at")


def report_count(report: PassReport, result: Result) -> int:
    """Given a report and a result, return how many changes of contacts came to it."""
    return sum(outcome.result is result for one in report.lists for outcome in one.outcomes)


def _first_syncs(decision: Decision, words: Words) -> Iterator[str]:
    if count := len(decision.first_syncs):
        yield words.ngettext("first sync of {count} list done", "first sync of {count} lists done", count)


def _changes(report: PassReport, words: Words) -> Iterator[str]:
    changes = changes_of(report.lists, planned=_plans(report)).items()
    if not _plans(report):
        yield from (done(words, verb, count) for verb, count in changes)
    elif changes:
        planned = [to_do(words, verb, count) for verb, count in changes]
        yield words.gettext("would {what}", what=", ".join(planned[:_MOST_ESSENCE]))


def _nothing(report: PassReport, words: Words) -> str:
    count = len(report.lists)
    return words.ngettext(
        "nothing to do, {count} list in step", "nothing to do, {count} lists in step", count
    )


def _capped(found: tuple[Notice, ...], words: Words) -> tuple[Notice, ...]:
    left = len(found) - MOST_NOTICES
    if left <= 0:
        return found
    title = words.ngettext("And {count} more like these", "And {count} more like these", left)
    return (*found[:MOST_NOTICES], Notice(tone=Tone.PLAIN, title=title))


def _more(sections: int, quiet: int, words: Words) -> str:
    left = sections - MOST_SECTIONS
    if left > 0:
        return words.ngettext("{count} more list changed.", "{count} more lists changed.", left)
    if quiet:
        return words.ngettext("{count} other list is in step.", "{count} other lists are in step.", quiet)
    return ""


def _is_noticed(report: ListReport) -> bool:
    return bool(report.failed or report.held or report.proposals)


def _facts(report: PassReport, words: Words) -> Iterator[str]:
    took = duration((report.ended_at - report.started_at).total_seconds())
    began = words.moment(report.started_at)
    if report.pass_id is None:
        yield words.gettext("{moment}, in {took}", moment=began, took=took)
    else:
        yield words.gettext(
            "Pass {number}, {moment}, in {took}", number=report.pass_id, moment=began, took=took
        )
    if _plans(report):
        yield words.gettext("Plan mode: nothing was written to Mailchimp.")
        yield from told_effort(words, sum((effort_of(allowed(one)) for one in report.lists), NO_EFFORT))
