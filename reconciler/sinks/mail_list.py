"""What a mail says of one list."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from reconciler.listing import ERASED, Invalid
from reconciler.model import (
    Change,
    ListChange,
    ListOutcome,
    ListVerb,
    Outcome,
    RefusalKind,
    Result,
    Verb,
)
from reconciler.report import ListReport
from reconciler.sinks.mail_addresses import Naming
from reconciler.sinks.mail_phrases import done, refusal, to_do
from reconciler.sinks.mail_summary import Group, Section
from reconciler.sinks.mail_words import Words
from reconciler.wording import describe, printable, shortened

MOST_PEOPLE = 10
_MOST_INVALID = 5
_LONGEST_NAME = 70
_LONGEST_TEXT = 300
_EDITS = (ListVerb.RENAME_AUDIENCE, ListVerb.UPDATE_SETTINGS)


def changes_of(reports: Iterable[ListReport], *, planned: bool) -> Counter[str]:
    """Given reports of lists, return how many changes are true now, or would be made, by verb."""
    counts: Counter[str] = Counter()
    for report in reports:
        if planned:
            counts.update(change.verb for change in _due(report))
            counts.update(change.verb for change in allowed(report))
        else:
            counts.update(o.change.verb for o in report.list_outcomes if o.result.moves_base)
            counts.update(o.change.verb for o in settled(report) if o.result.moves_base)
    return Counter({verb: counts[verb] for verb in (*Verb, *ListVerb) if counts[verb]})


def settled(report: ListReport) -> Sequence[Outcome]:
    """Given a list's report, return the last word about each of its changes."""
    return tuple({id(outcome.change): outcome for outcome in report.outcomes}.values())


class Teller:
    """Tells about lists in one language, naming contacts in one way."""

    def __init__(self, words: Words, naming: Naming) -> None:
        self.words = words
        self._naming = naming

    def name(self, report: ListReport) -> str:
        """Given a list's report, return what the list is called."""
        name = shortened(self.text(report.list_name), _LONGEST_NAME)
        return f"“{name}”" if name else self.uid(report.list_uid)

    def uid(self, list_uid: str) -> str:
        """Given a list's uid, return what the list is called when its name is not known."""
        return self.words.gettext("list {uid}", uid=printable(list_uid))

    def text(self, text: str) -> str:
        """Given a text from elsewhere, return it on one line, with addresses as they may be shown."""
        return printable(self._naming.text(text))

    def said(self, text: str) -> str:
        """Given what a service or the pass says, return it in the mail's language if it is known."""
        return shortened(self.text(self.words.reason(text)), _LONGEST_TEXT)

    def section(self, report: ListReport, *, planned: bool) -> Section | None:
        """Given a list's report, return what is told of it; None when there is nothing."""
        told = to_do if planned else done
        changes = changes_of([report], planned=planned)
        counts = (told(self.words, verb, count) for verb, count in changes.items() if verb in set(Verb))
        section = Section(
            name=shortened(self.text(report.list_name), _LONGEST_NAME)
            or self.words.gettext("(a list without a name)"),
            place=self._place(report),
            counts=tuple(filter(None, counts)),
            lines=tuple(self._lines(report, planned=planned)),
            groups=tuple(self._groups(report, planned=planned)),
        )
        return section if section.counts or section.lines or section.groups else None

    def _place(self, report: ListReport) -> str:
        if report.audience_id is None:
            return self.words.gettext("list {uid}, no audience", uid=printable(report.list_uid))
        return self.words.gettext(
            "list {uid}, audience {audience}",
            uid=printable(report.list_uid),
            audience=printable(report.audience_id),
        )

    def _lines(self, report: ListReport, *, planned: bool) -> Iterator[str]:
        if planned:
            changes: Iterable[ListChange] = _due(report)
        else:
            changes = [o.change for o in report.list_outcomes if o.result.moves_base]
        told = to_do if planned else done
        for change in changes:
            if change.verb is not ListVerb.HOLD:
                what = told(self.words, change.verb, 1)
                yield f"{what[:1].upper()}{what[1:]}: {self.said(change.reason)}"
                if change.verb in _EDITS:
                    # "name: 'A' → 'B'": which of the settings it is was told already
                    differences = (one.partition(": ")[2] for one in describe(change.before, change.after))
                    yield from (shortened(self.text(one), _LONGEST_TEXT) for one in differences)
        if report.waits:
            waiting = [to_do(self.words, change.verb, 1) for change in report.list_changes]
            yield self.words.gettext(
                "Not yet: {what}; {why}", what=", ".join(filter(None, waiting)), why=self.said(report.waits)
            )

    def _groups(self, report: ListReport, *, planned: bool) -> Iterator[Group]:
        yield from self._refused(report)
        yield from self._nos(report, planned=planned)
        yield from self._unsettled(report)
        yield from self._holds(report)
        yield from self._unmailable(report)

    def _refused(self, report: ListReport) -> Iterator[Group]:
        refused = [outcome for outcome in settled(report) if outcome.result is Result.REFUSED]
        for kind in dict.fromkeys(outcome.refusal for outcome in refused):
            of_kind = [outcome for outcome in refused if outcome.refusal is kind]
            title = self.words.ngettext(
                "{count} refused by Mailchimp: {why}",
                "{count} refused by Mailchimp: {why}",
                len(of_kind),
                why=refusal(self.words, kind),
            )
            yield self._group(title, [o.change for o in of_kind], detail=of_kind[0].detail)

    def _nos(self, report: ListReport, *, planned: bool) -> Iterator[Group]:
        true = (outcome.change for outcome in settled(report) if outcome.result.moves_base)
        nos = [change for change in (report.changes if planned else true) if change.move.no is not None]
        for reason, changes in _by_reason(nos):
            yield self._group(
                self.words.ngettext(
                    "{count} said no: {why}", "{count} said no: {why}", len(changes), why=self.said(reason)
                ),
                changes,
            )

    def _unsettled(self, report: ListReport) -> Iterator[Group]:
        later = [o.change for o in settled(report) if o.result is Result.RETRY_LATER]
        untrue = [o.change for o in settled(report) if o.result is Result.NOT_TRUE]
        if later:
            title = self.words.ngettext(
                "{count} put off to the next pass", "{count} put off to the next pass", len(later)
            )
            yield self._group(title, later)
        if untrue:
            title = self.words.ngettext(
                "{count} accepted by Mailchimp, but not true",
                "{count} accepted by Mailchimp, but not true",
                len(untrue),
            )
            yield self._group(title, untrue)

    def _holds(self, report: ListReport) -> Iterator[Group]:
        held = [change for change in report.changes if change.verb is Verb.HOLD]
        for reason, changes in _by_reason(held):
            title = self.words.ngettext(
                "{count} left as it is: {why}",
                "{count} left as they are: {why}",
                len(changes),
                why=self.said(reason),
            )
            yield self._group(title, changes)

    def _unmailable(self, report: ListReport) -> Iterator[Group]:
        plan = None if report.guarded is None else report.guarded.plan
        if plan is None:
            return
        if plan.invalid:
            people = [self._invalid(one) for one in plan.invalid]
            title = self.words.ngettext(
                "{count} recipient without a usable address",
                "{count} recipients without a usable address",
                len(people),
            )
            yield Group(
                title=title, people=tuple(people[:_MOST_INVALID]), more=self._more(people, _MOST_INVALID)
            )
        undone = sum(one.refusal.kind is RefusalKind.UNDONE for one in plan.refused)
        if len(plan.refused) > undone:
            title = self.words.ngettext(
                "{count} was refused before, and is not tried again until its data changes",
                "{count} were refused before, and are not tried again until their data changes",
                len(plan.refused) - undone,
            )
            yield Group(title=title)
        if undone:
            title = self.words.ngettext(
                "{count} was undone by hand, and is left so until its data changes",
                "{count} were undone by hand, and are left so until their data changes",
                undone,
            )
            yield Group(title=title)

    def _invalid(self, one: Invalid) -> str:
        if not one.email:
            why = self.said(one.reason) if one.reason == ERASED else self.words.gettext("has no address")
            return f"{printable(str(one.person))}: {why}"
        return f"{self.address(one.email)} ({printable(str(one.person))}): {self.said(one.reason)}"

    def _group(self, title: str, changes: Sequence[Change], *, detail: str = "") -> Group:
        people = [self._who(change) for change in changes[:MOST_PEOPLE]]
        said = f"Mailchimp: {self.said(detail)}" if detail else ""
        return Group(title=title, people=tuple(people), more=self._more(changes, MOST_PEOPLE), detail=said)

    def _more(self, items: Sequence[object], most: int) -> str:
        left = len(items) - most
        return self.words.ngettext("and {count} more", "and {count} more", left) if left > 0 else ""

    def _who(self, change: Change) -> str:
        persons = ", ".join(printable(str(person)) for person in change.persons)
        address = self.address(change.address)
        return f"{address} ({persons})" if persons else address

    def address(self, address: str) -> str:
        """Given a contact's address, return what is shown of it."""
        return printable(self._naming.address(address))


def _due(report: ListReport) -> Sequence[ListChange]:
    """What waits for its time is told apart."""
    return () if report.waits else [c for c in report.list_changes if c.verb is not ListVerb.HOLD]


def allowed(report: ListReport) -> Sequence[Change]:
    """Given a list's report, return the changes of its contacts that may be carried out."""
    changes = () if report.guarded is None else report.guarded.allowed
    return [change for change in changes if change.verb is not Verb.HOLD]


def _by_reason(changes: Iterable[Change]) -> Iterable[tuple[str, Sequence[Change]]]:
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(str(change.reason), []).append(change)
    return groups.items()


def refused_list_outcomes(report: ListReport) -> Sequence[ListOutcome]:
    """Given a list's report, return the changes of its audience that wait for a person, and why."""
    return [o for o in report.list_outcomes if o.result in (Result.WITHHELD, Result.REFUSED)]


def unsettled_outcomes(report: ListReport) -> Sequence[Outcome | ListOutcome]:
    """Given a list's report, return what did not come true although it was to."""
    every: tuple[Outcome | ListOutcome, ...] = (*report.list_outcomes, *settled(report))
    bad = (Result.RETRY_LATER, Result.NOT_TRUE)
    return [one for one in every if one.result in bad and one.change.verb is not ListVerb.UNLINK]
