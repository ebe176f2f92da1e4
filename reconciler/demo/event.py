"""Knows one thing that happens in the demo's world, and how to tell whether a pass did right by it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from reconciler.document import ChangeDocument, PassDocument
from reconciler.model import ListVerb, Result, Verb
from reconciler.wording import describe, shortened

_LONGEST = 100


class Side(StrEnum):
    """Where something happens."""

    OTYS = "OTYS"
    MAILCHIMP = "Mailchimp"


@dataclass(frozen=True, slots=True)
class Expected:
    """A change that the pass has to make; without an address it is one of the audience itself."""

    list_uid: str
    verb: Verb | ListVerb
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Untouched:
    """A contact, or an audience itself without an address, to which the pass may do nothing."""

    list_uid: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """A list of which the pass has to withhold so many removals."""

    list_uid: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something somebody does, and what the next pass has to make of it."""

    side: Side
    told: str
    """What happens, for the reader."""
    expected: str
    """What the reader may expect of the next pass."""
    demands: tuple[Expected | Untouched | Withheld, ...]
    true_afterwards: Callable[[], bool]
    """Whether the services themselves show what was expected."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether an expectation came true, and what the pass says about it."""

    true: bool
    evidence: tuple[str, ...]


def examine(event: Event, document: PassDocument) -> Finding:
    """Given an event and the pass after it, return whether the pass did right by it."""
    findings = [_examine_demand(demand, document) for demand in event.demands]
    evidence = [line for finding in findings for line in finding.evidence]
    shown = event.true_afterwards()
    if not shown:
        evidence.append("but the services show something else")
    return Finding(shown and all(finding.true for finding in findings), tuple(evidence))


def _examine_demand(demand: Expected | Untouched | Withheld, document: PassDocument) -> Finding:
    match demand:
        case Expected():
            return _examine_change(demand, document)
        case Untouched():
            changes = _changes(document, demand.list_uid, demand.email)
            evidence = tuple(_words(change) for change in changes) or ("nothing planned, nothing written",)
            return Finding(not changes, evidence)
        case Withheld():
            counts = [one.count for one in document.withheld if one.list == demand.list_uid]
            message = [
                f"{one.list_name}: {one.verb} {one.count:,} withheld: {one.message}"
                for one in document.withheld
                if one.list == demand.list_uid
            ]
            return Finding(counts == [demand.count], tuple(message) or ("nothing was withheld",))


def _examine_change(demand: Expected, document: PassDocument) -> Finding:
    changes = _changes(document, demand.list_uid, demand.email)
    right = [change for change in changes if change.verb == demand.verb and _is_true(change)]
    evidence = tuple(_words(change) for change in right or changes)
    return Finding(len(right) == 1, evidence or (f"there was no {demand.verb}",))


def _changes(document: PassDocument, list_uid: str, email: str | None) -> list[ChangeDocument]:
    return [
        change
        for change in document.changes
        if change.list == list_uid and email in (change.email, change.before.get("email", change.email))
    ]


def _is_true(change: ChangeDocument) -> bool:
    return change.result is not None and Result(change.result).moves_base


def _words(change: ChangeDocument) -> str:
    became = "" if _is_true(change) else f" {change.result}"
    told = (f"{change.list_name}: {change.verb}{became}", _what(change), change.detail)
    return ", ".join(part for part in told if part)


def _what(change: ChangeDocument) -> str:
    if change.email is None:
        return "; ".join(f"'{shortened(value, _LONGEST)}'" for value in change.after.values())
    if change.verb in (Verb.UPDATE, Verb.RENAME):
        return "; ".join(describe(change.before, change.after)).removeprefix("email: ")
    return change.email
