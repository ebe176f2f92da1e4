"""Knows the command `status`: how each client stands, without asking either service."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reconciler.cli.clients import ClientOption, names_of, open_state
from reconciler.cli.context import JsonOption, print_json, shared
from reconciler.cli.passes import program
from reconciler.cli.render import short
from reconciler.cli.render_list import name_of
from reconciler.model import PassResult
from reconciler.status import ClientStatus, PassSummary, Withheld, client_status
from reconciler.unresolved import Kind, told
from reconciler.wording import counted, done, duration, printable, shortened, to_do

LONGEST_NAME = 60
LABEL = 12
INDENT = 2 + LABEL + 2
MOST_UNRESOLVED = 10


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(status)


def status(context: typer.Context, *, client: ClientOption = None, as_json: JsonOption = False) -> None:
    """Tell how each client stands: last pass, what is withheld, what to do next.

    Asks neither OTYS nor Mailchimp. Exits with 0 whatever it tells.
    """
    common = shared(context)
    config = common.load_config()
    now = datetime.now(UTC)
    with open_state(config) as store:
        found = [
            client_status(store, name, mode=config.clients[name].mode, now=now)
            for name in names_of(config, client)
        ]
    if as_json:
        print_json({"clients": [msgspec.to_builtins(one) for one in found]})
        return
    clock = _Clock(config.daemon.timezone, now)
    for one in found:
        _print(one, common.console, clock, program(common))


class _Clock:
    """Tells moments as the operator's clock does, and how long ago they were."""

    def __init__(self, zone: ZoneInfo, now: datetime) -> None:
        self._zone = zone
        self._now = now

    def told(self, moment: str | None) -> str:
        if moment is None:
            return "?"
        then = datetime.fromisoformat(moment)
        seconds = (self._now - then).total_seconds()
        distance = f"{duration(seconds)} ago" if seconds >= 0 else f"in {duration(-seconds)}"
        return f"{then.astimezone(self._zone):%Y-%m-%d %H:%M} ({distance})"


def _print(one: ClientStatus, console: Console, clock: _Clock, called: str) -> None:
    console.print(Text.assemble((one.client, "bold"), f" ({one.mode} mode)"))
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(no_wrap=True, min_width=LABEL)
    rows.add_column(overflow="fold")
    for label, text in _rows(one, clock):
        rows.add_row(label, Text(printable(text)))
    console.print(Padding(rows, (0, 0, 0, 2), expand=False))
    for held in one.withheld:
        _print_withheld(held, console, clock, called)
    _print_unresolved(one, console, called)
    console.print(Text.assemble(_label("Next"), (one.next, "bold")))
    if one.command:
        console.print(Text(f"{_label()}{called} {one.command}"), soft_wrap=True)
    console.print()


_LABELS = {
    Kind.HELD: "Held",
    Kind.AUDIENCE: "Held",
    Kind.REFUSED: "Refused",
    Kind.INVALID: "Invalid",
    Kind.CUT_OFF: "Cut off",
}


def _print_unresolved(one: ClientStatus, console: Console, called: str) -> None:
    for left in one.unresolved[:MOST_UNRESOLVED]:
        name = f"{name_of(left.list_name, left.list)}: " if left.list else ""
        _print_row(_LABELS[left.kind], f"{name}{told(left)}", console)
    more = len(one.unresolved) - MOST_UNRESOLVED
    if more > 0:
        _print_row("", f"and {more:,} more", console)
    if one.unresolved:
        console.print(Text(f"{_label()}{called} plan --client {one.client} --all", "bold"), soft_wrap=True)
    if one.opt_outs:
        unknown = f"OTYS does not know of {counted(one.opt_outs, 'opt-out')} in Mailchimp"
        _print_row("Opt-outs", unknown, console)
        console.print(Text(f"{_label()}{called} optouts --client {one.client}", "bold"), soft_wrap=True)


def _print_row(label: str, text: str, console: Console) -> None:
    rows = Text(printable(text)).wrap(console, max(console.width - INDENT, 20))
    for number, row in enumerate(rows):
        row.rstrip()
        console.print(Text.assemble(_label("" if number else label), row), soft_wrap=True)


def _label(word: str = "") -> str:
    return f"  {word:<{LABEL}}  "


def _rows(one: ClientStatus, clock: _Clock) -> Iterator[tuple[str, str]]:
    if one.last_pass is None:
        yield "Last pass", "none yet"
    else:
        yield "Last pass", _pass(one.last_pass, clock)
        what = to_do(one.last_pass.counts) if one.last_pass.mode == "plan" else done(one.last_pass.counts)
        yield "It did", _it_did(one.last_pass, what)
    for problem in one.last_pass.problems if one.last_pass else ():
        yield "Problem", problem
    if one.last_success is None:
        yield "Last success", "none yet"
    elif one.last_pass is None or one.last_success.id != one.last_pass.id:
        yield "Last success", _pass(one.last_success, clock)
    if one.lock is not None:
        word = "Left behind" if one.lock.stale else "Running"
        yield word, f"{one.lock.holder}, since {clock.told(one.lock.since)}"
    known = one.remembered
    unlinked = f" ({known.lists_unlinked} unlinked)" if known.lists_unlinked else ""
    yield (
        "Remembered",
        (
            f"{counted(known.lists_linked, 'list')}{unlinked}, {counted(known.contacts, 'contact')}, "
            f"{counted(known.nos, 'no')}, {counted(known.refusals, 'refusal')}"
        ),
    )
    if one.catalogue:
        yield "Catalogue", one.catalogue
    if one.taken_up:
        yield "Taken up", one.taken_up
    if not one.withheld:
        yield "Withheld", "nothing"


def _pass(record: PassSummary, clock: _Clock) -> str:
    ended = record.result or "not ended"
    mode = " in plan mode" if record.mode == "plan" and record.result != PassResult.PLANNED else ""
    return f"{record.id}, {clock.told(record.started_at)}, by {record.trigger}{mode}: {ended}"


def _it_did(record: PassSummary, what: tuple[str, ...]) -> str:
    if not what:
        return "nothing"
    return f"would {', '.join(what)}; nothing was written" if record.mode == "plan" else ", ".join(what)


def _print_withheld(held: Withheld, console: Console, clock: _Clock, called: str) -> None:
    name = shortened(printable(held.list_name), LONGEST_NAME)
    title = f"{held.verb} {held.count:,} of {name} ({held.list})"
    console.print(Text.assemble((_label("WITHHELD"), "bold red"), title))
    console.print(Padding(Text(printable(held.message)), (0, 0, 0, INDENT), expand=False))
    if held.approved_at is not None:
        by = printable(held.approved_by)
        told = Text(f"approved by {by} {clock.told(held.approved_at)}; the next pass does it")
        console.print(Padding(told, (0, 0, 0, INDENT), expand=False))
        return
    console.print(Text(f"{_label()}{called} approve {short(held.digest)}", "bold"), soft_wrap=True)
    console.print(Padding(Text(f"expires {clock.told(held.expires)}"), (0, 0, 0, INDENT), expand=False))
