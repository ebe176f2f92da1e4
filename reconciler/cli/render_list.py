"""Knows how one list of a plan or a pass looks on a terminal, in colour or not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from reconciler.cli.render_text import print_hanging
from reconciler.document import ChangeDocument, InvalidDocument, ListDocument
from reconciler.listing import ERASED
from reconciler.model import Deed, ListVerb, Result, Verb
from reconciler.wording import counted, describe, printable, shortened, some_of

FEW = 5
"""So many addresses of a group are named."""
MANY = 15
"""So many changed fields are told one by one."""
_LONGEST_NAME = 70
_LONGEST_DETAIL = 200

_STYLES = {
    Verb.ADD: "green",
    Verb.ADOPT: "green",
    Verb.UPDATE: "cyan",
    Verb.RENAME: "cyan",
    Verb.REMOVE: "red",
    Verb.FORGET: "red",
    Verb.SUPPRESS: "magenta",
    Verb.HOLD: "yellow",
    Deed.RELEASE: "green",
    Deed.ERASE: "red",
}
_EDITS = (ListVerb.RENAME_AUDIENCE, ListVerb.UPDATE_SETTINGS)
_BECAME = {
    Result.REFUSED: "refused by Mailchimp",
    Result.RETRY_LATER: "put off to the next pass",
    Result.NOT_TRUE: "accepted by Mailchimp, but not true",
    Result.WITHHELD: "WITHHELD",
    Result.ALREADY_TRUE: "true already",
}


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is told."""

    everything: bool = False
    """Every address and field, however many there are."""
    unmailable: bool = False
    """Also who cannot be mailed although nothing changes: refused ones and invalid addresses."""


_Row = tuple[Text, Text]


def print_list(one: ListDocument, console: Console, detail: Detail) -> None:
    """Given a list, tell about it."""
    console.print(_name(one))
    print_hanging(_numbers(one), console, indent=0)
    for label, text in _rows(one, detail):
        print_hanging(text, console, label=label)
    console.print()


def name_of(name: str, uid: str) -> str:
    """Given a list's name and uid, return what it is called in a sentence."""
    return f"{shortened(printable(name), _LONGEST_NAME) or '(without a name)'} (list {printable(uid)})"


def _name(one: ListDocument) -> Text:
    return Text(shortened(printable(one.list_name), _LONGEST_NAME) or "(without a name)", "bold")


def _numbers(one: ListDocument) -> Text:
    audience = f"audience {printable(one.audience)}" if one.audience else "no audience"
    told = f"list {printable(one.list)}, {audience}"
    if one.counts:
        foreign = one.counts.get("foreign", 0)
        strangers = f" ({foreign:,} not ours)" if foreign else ""
        told += (
            f"; seen: {one.counts.get('listed', 0):,} listed, {one.counts.get('active', 0):,} ours, "
            f"{one.counts.get('live', 0):,} in the audience{strangers}"
        )
    return Text(told, "dim")


def _rows(one: ListDocument, detail: Detail) -> Iterator[_Row]:
    if one.problem:
        yield Text("FAILED", "bold red"), Text(printable(one.problem), "red")
    for change in one.changes:
        if change.email is None:
            yield _audience_row(change)
    if one.waits:
        yield Text("waits", "yellow"), Text(printable(one.waits))
    for group in _groups([change for change in one.changes if change.email is not None]):
        yield _group_row(group, detail)
    if detail.unmailable:
        for group in _groups(one.refused):
            yield _refused_row(group, detail)
        if one.invalid:
            yield _invalid_row(one.invalid, detail)


def _audience_row(change: ChangeDocument) -> _Row:
    told = [f"{change.verb}: {printable(change.reason)}"]
    if change.verb in _EDITS:
        differing = describe(change.before, change.after)
        told += (shortened(difference, _LONGEST_DETAIL) for difference in differing)
    became = "" if change.verb == ListVerb.HOLD else _became(change)
    style = "yellow" if change.verb == ListVerb.HOLD else "blue"
    return Text("audience", style), Text("\n".join((*told, *filter(None, (became,)))))


def _groups(changes: Sequence[ChangeDocument]) -> list[list[ChangeDocument]]:
    """Bring together what is told in one sentence, in the order of the verbs."""
    groups: dict[tuple[str, str, str | None, str], list[ChangeDocument]] = {}
    for change in changes:
        key = (change.verb, change.reason, change.result, change.detail)
        groups.setdefault(key, []).append(change)
    order = [*Verb, *Deed]
    return [groups[key] for key in sorted(groups, key=lambda key: order.index(_verb(key[0])))]


def _verb(text: str) -> Verb | Deed:
    return Deed(text) if text in set(Deed) else Verb(text)


def _group_row(group: Sequence[ChangeDocument], detail: Detail) -> _Row:
    first = group[0]
    verb = _verb(first.verb)
    became = "" if verb is Verb.HOLD else _became(first)
    told = Text(f"{len(group):,}: {printable(first.reason)}")
    if became:
        told.append(f"; {became}", "bold red" if first.result != Result.ALREADY_TRUE else "")
    told.append("\n" + "\n".join(_members(group, verb, detail)))
    return Text(verb, _STYLES[verb]), told


def _members(group: Sequence[ChangeDocument], verb: Verb | Deed, detail: Detail) -> list[str]:
    if verb in (Verb.UPDATE, Verb.RENAME) or (verb is Verb.ADOPT and any(change.after for change in group)):
        lines = [_fields(change) for change in (group if detail.everything else group[:MANY])]
        left = len(group) - len(lines)
        return [*lines, f"and {left:,} more; --all shows them"] if left else lines
    who = [_who(change, verb) for change in group]
    return who if detail.everything else [some_of(who, FEW)]


def _fields(change: ChangeDocument) -> str:
    differing = describe(change.before, change.after)
    if change.verb == Verb.RENAME:
        return "; ".join(part.removeprefix("email: ") for part in differing)
    told = ", ".join(shortened(difference, _LONGEST_DETAIL) for difference in differing)
    return f"{_email(change)}{': ' if told else ''}{told}"


def _who(change: ChangeDocument, verb: Verb | Deed) -> str:
    """Where somebody has to be looked up in OTYS, say who it is."""
    if verb not in (Verb.SUPPRESS, Verb.HOLD) or not change.persons:
        return _email(change)
    return f"{_email(change)} ({', '.join(map(printable, change.persons))})"


def _email(change: ChangeDocument) -> str:
    return printable(change.email or "")


def _became(change: ChangeDocument) -> str:
    became = next((words for result, words in _BECAME.items() if result == change.result), "")
    # Why something is withheld is told once, with the command that releases it.
    said = "" if change.result == Result.WITHHELD and change.email else change.detail
    return f"{became}{': ' if became and said else ''}{printable(said)}"


def _refused_row(group: Sequence[ChangeDocument], detail: Detail) -> _Row:
    first = group[0]
    told = f"{len(group):,}: not tried again until the data changes; {printable(first.detail)}"
    who = [f"{_email(change)} ({change.verb})" for change in group]
    return Text("refused", "yellow"), Text(f"{told}\n{some_of(who, len(who) if detail.everything else FEW)}")


def _invalid_row(invalid: Sequence[InvalidDocument], detail: Detail) -> _Row:
    shown = invalid if detail.everything else invalid[:FEW]
    lines = [f"{counted(len(invalid), 'recipient')} without a usable address"]
    lines += map(_invalid, shown)
    if len(shown) < len(invalid):
        lines.append(f"and {len(invalid) - len(shown):,} more; --all shows them")
    return Text("invalid", "yellow"), Text("\n".join(lines))


def _invalid(one: InvalidDocument) -> str:
    if not one.email:
        why = one.reason if one.reason == ERASED else "has no address"
        return f"{printable(one.person)}: {why}"
    return f"{printable(one.person)} '{printable(one.email)}': {printable(one.reason)}"
