"""How changes, counts and moments are put into words, for a terminal and a mail alike. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from deepdiff import DeepDiff

from reconciler.model import Deed, Fields, ListVerb, Result, Verb
from reconciler.printable import printable, shortened

__all__ = [
    "amount",
    "counted",
    "describe",
    "done",
    "duration",
    "printable",
    "roughly",
    "shortened",
    "some_of",
    "to_do",
]

_FIRST: Final = ("email", "status")

_TO_DO: Final[Mapping[str, str]] = {
    ListVerb.CREATE: "create {} audience{s}",
    ListVerb.LINK: "link {} audience{s}",
    ListVerb.RENAME_AUDIENCE: "rename {} audience{s}",
    ListVerb.UPDATE_SETTINGS: "edit {} audience setting{s}",
    ListVerb.UNLINK: "unlink {} audience{s}",
    ListVerb.DELETE: "delete {} audience{s}",
    Verb.ADD: "add {}",
    Verb.ADOPT: "adopt {}",
    Verb.UPDATE: "update {}",
    Verb.RENAME: "rename {}",
    Verb.REMOVE: "remove {}",
    Verb.SUPPRESS: "suppress {}",
    Verb.FORGET: "forget {}",
    Verb.HOLD: "hold {}",
}
_DONE: Final[Mapping[str, str]] = {
    ListVerb.CREATE: "created {} audience{s}",
    ListVerb.LINK: "linked {} audience{s}",
    ListVerb.RENAME_AUDIENCE: "renamed {} audience{s}",
    ListVerb.UPDATE_SETTINGS: "edited {} audience setting{s}",
    ListVerb.UNLINK: "unlinked {} audience{s}",
    ListVerb.DELETE: "deleted {} audience{s}",
    Verb.ADD: "added {}",
    Verb.ADOPT: "adopted {}",
    Verb.UPDATE: "updated {}",
    Verb.RENAME: "renamed {}",
    Verb.REMOVE: "removed {}",
    Verb.SUPPRESS: "suppressed {}",
    Verb.FORGET: "forgot {}",
    Deed.RELEASE: "released an address on {} list{s}",
    Deed.ERASE: "erased {} person{s}",
}
_OTHERWISE: Final[Mapping[str, str]] = {
    Result.REFUSED: "refused {}",
    Result.RETRY_LATER: "put off {}",
    Result.NOT_TRUE: "not true {}",
}


def describe(before: Fields, after: Fields) -> tuple[str, ...]:
    """Given what is shown and what will be, return what differs, one sentence a field.

    An e-mail address needs no quotes; what is not there on one side counts as empty.
    """
    empty = dict.fromkeys((*before, *after), "")
    tree = DeepDiff({**empty, **before}, {**empty, **after}, view="tree")
    differing = {str(item.path(output_format="list")[0]) for item in tree.get("values_changed", ())}
    ordered = (*(name for name in _FIRST if name in differing), *sorted(differing.difference(_FIRST)))
    return tuple(
        f"{name}: {_quoted(name, before.get(name, ''))} → {_quoted(name, after.get(name, ''))}"
        for name in ordered
    )


def to_do(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Given the counts of a plan (`planned.VERB`, `withheld`), return what would be done, in words."""
    told = (
        _told(pattern, counts.get(f"planned.{verb}", 0) - counts.get(f"waiting.{verb}", 0))
        for verb, pattern in _TO_DO.items()
    )
    return (*filter(None, told), *_waiting(counts, "wait to"), *_withheld(counts))


def done(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Given the counts of a pass (`VERB.RESULT`, `withheld`), return what it did, in words."""
    results: Counter[str] = Counter()
    for name, count in counts.items():
        results[name.partition(".")[2]] += count
    true = (
        _told(pattern, sum(counts.get(f"{verb}.{result}", 0) for result in Result if result.moves_base))
        for verb, pattern in _DONE.items()
    )
    otherwise = (_told(pattern, results[result]) for result, pattern in _OTHERWISE.items())
    held = _told("held {}", counts.get("planned.hold", 0))
    told = _told("told OTYS of {} opt-out{s}", counts.get("told", 0))
    return (
        *filter(None, (*true, told, *otherwise, held)),
        *_waiting(counts, "waiting to"),
        *_withheld(counts),
    )


def counted(number: int, noun: str) -> str:
    """Given a number and a noun, return them together: `1 list`, `12,000 lists`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some_of(items: Sequence[str], most: int) -> str:
    """Given items, return the first of them and how many more there are."""
    if len(items) <= most:
        return ", ".join(items)
    return f"{', '.join(items[:most])} and {len(items) - most:,} more"


def duration(seconds: float) -> str:
    """Given a number of seconds, return it as a person says it."""
    if seconds < 60:  # noqa: PLR2004 (a minute)
        return f"{max(seconds, 0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def roughly(seconds: float) -> str:
    """Given an estimate of seconds, return it no more exact than it is."""
    minutes = max(round(seconds / 60), 1)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def amount(number: int) -> str:
    """Given a number of bytes, return it as a person says it."""
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{-(-number // 1000)} kB"


def _quoted(name: str, value: str) -> str:
    return printable(value) if name == "email" and value else f"'{printable(value)}'"


def _told(pattern: str, count: int) -> str:
    return pattern.format(f"{count:,}", s="" if count == 1 else "s") if count else ""


def _waiting(counts: Mapping[str, int], how: str) -> tuple[str, ...]:
    told = (_told(f"{how} {pattern}", counts.get(f"waiting.{verb}", 0)) for verb, pattern in _TO_DO.items())
    return tuple(filter(None, told))


def _withheld(counts: Mapping[str, int]) -> tuple[str, ...]:
    audiences = sum(
        counts.get(f"{verb}.{Result.WITHHELD}", 0) for verb in ListVerb if verb is not ListVerb.HOLD
    )
    withheld = counts.get("withheld", 0) + audiences
    return (f"withheld {withheld:,}",) if withheld else ()
