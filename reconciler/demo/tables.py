"""Knows how the demo's lists look: as OTYS has them before, and what a first sync made of each."""

from collections import Counter
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from reconciler.document import ListDocument, PassDocument
from reconciler.model import ListVerb, Result, Verb
from reconciler.sandbox import World
from reconciler.sandbox.otys.state import Kind
from reconciler.sandbox.worlds.demo import ADOPTED_LIST, BIG_LIST, CLUTTERED_LIST, EMPTY_LIST, LIST_OF_501
from reconciler.wording import counted, printable, shortened

_WIDE = 120
_NAME = 30
_REMARKS = {
    BIG_LIST: "OTYS gives 200 rows a page",
    LIST_OF_501: "one too many for one request",
    EMPTY_LIST: "nobody on it",
    ADOPTED_LIST: "an audience has this name",
    CLUTTERED_LIST: "every kind of trouble",
    "123": "three lists are called so",
    "Nieuwsbrief kandidaten": "two lists are called so",
    "🚚🚚🚚": "a name is only text",
}
_LONG = "a very long name"
_KINDS = {
    Kind.CANDIDATE: "candidate",
    Kind.PROCEDURE: "candidate by way of a procedure",
    Kind.CONTACT: "contact person",
    Kind.RELATION: "relation",
    Kind.USER: "consultant",
    Kind.PARTICIPANT: "participant",
    Kind.ADDRESS_BOOK: "address-book entry",
    Kind.MANUAL: "address typed by hand",
}


def holdings(world: World) -> Iterator[str]:
    """Given a world, yield sentences that say what it holds before the first pass."""
    lists, flagged = world.otys.lists, world.otys.flagged()
    rows = [row for uid in flagged for row in lists[uid].recipients.values()]
    kinds = Counter(_KINDS[Kind(row.kind)] if row.kind in _KINDS else row.kind for row in rows)
    told = ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common())
    contacts = sum(len(audience.contacts) for audience in world.mailchimp.audiences.values())
    yield (
        f"{len(lists)} lists; {len(flagged)} of them are selected for Mailchimp (setting GE203), with "
        f"{len(rows):,} recipients in all: {told}."
    )
    yield (
        f"Mailchimp has {counted(len(world.mailchimp.audiences), 'audience')} with "
        f"{counted(contacts, 'contact')} that were there before us."
    )


def list_view(world: World, width: int) -> Table:
    """Given a world and the width of the terminal, return its most telling lists as OTYS' list view."""
    table = _table()
    table.add_column("Name")
    table.add_column("Recipients", justify="right")
    columns = ("Owner", "Category", "Created", "Last modified") if width >= _WIDE else ()
    for title in (*columns, "MailChimp", "What is special about it"):
        table.add_column(title)
    for one in world.otys.lists.values():
        remark = _REMARKS.get(one.name, _LONG if len(one.name) > 2 * _NAME else "")
        if remark:
            details = (one.owner, one.category, one.created[:10], one.last_modified[:10]) if columns else ()
            table.add_row(
                _name(one.name),
                f"{len(one.recipients):,}",
                *details,
                "selected" if one.uid in world.otys.flagged() else "-",
                Text(remark, "dim"),
            )
    return table


def first_sync(document: PassDocument) -> Table:
    """Given the first pass, return what it did about each list."""
    table = _table()
    table.add_column("List")
    table.add_column("Audience")
    for title in ("Added", "Adopted", "Said no", "Refused", "Invalid"):
        table.add_column(title, justify="right")
    for one in document.lists:
        done = Counter(change.verb for change in one.changes if _is_true(change.result))
        refused = sum(change.result == Result.REFUSED for change in one.changes) + len(one.refused)
        numbers = (done[Verb.ADD], done[Verb.ADOPT], done[Verb.SUPPRESS], refused, len(one.invalid))
        table.add_row(_name(one.list_name), _audience(one), *(f"{n:,}" if n else "" for n in numbers))
    return table


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")


def _name(name: str) -> Text:
    return Text(shortened(printable(name), _NAME), no_wrap=True)


def _audience(one: ListDocument) -> str:
    if one.problem:
        return "failed"
    words = {ListVerb.CREATE: "created", ListVerb.LINK: "linked", ListVerb.HOLD: "held"}
    verbs = {change.verb for change in one.changes if change.email is None}
    return next((word for verb, word in words.items() if verb in verbs), "linked before")


def _is_true(result: str | None) -> bool:
    return result is not None and Result(result).moves_base
