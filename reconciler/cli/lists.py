"""Knows the command `lists`: the manual's list view, and which lists are linked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reconciler.cli.clients import ClientOption, names_of, open_state, reading_client
from reconciler.cli.context import JsonOption, print_json, shared
from reconciler.cli.exits import ExitCode
from reconciler.config import Config
from reconciler.errors import ReconcilerError, in_words
from reconciler.list_view import Linked, ListRow, ListView, view_lists
from reconciler.store import Store
from reconciler.wording import counted, printable, shortened

WIDEST_CELL = 40
NARROWEST_NAME = 20
GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the lower its rank, the narrower the terminal may be before it goes."""

    title: str
    rank: int
    value: Callable[[ListRow], str]
    justify: Literal["left", "right"] = "left"


COLUMNS = (
    Column("Name", 0, lambda row: row.name),
    Column("Uid", 0, lambda row: row.uid),
    Column("Description", 11, lambda row: row.description),
    Column("Subject", 10, lambda row: row.subject),
    Column("Owner", 5, lambda row: row.owner),
    Column("Created", 9, lambda row: row.created),
    Column("Category", 6, lambda row: row.category),
    Column("Global", 12, lambda row: _switch(on=row.is_global)),
    Column("Last modified", 7, lambda row: row.last_modified),
    Column("Last modified by", 8, lambda row: row.last_modified_by),
    Column("Published", 13, lambda row: _switch(on=row.published)),
    Column("Temporary", 14, lambda row: _switch(on=row.temporary)),
    Column("Recipients", 1, lambda row: "?" if row.recipients is None else f"{row.recipients:,}", "right"),
    Column("Contacts", 2, lambda row: f"{row.contacts:,}", "right"),
    Column("Nos", 3, lambda row: f"{row.nos:,}", "right"),
    Column("Audience", 4, lambda row: row.audience or "-"),
    Column("MailChimp", 0, lambda row: "-" if row.mailchimp is Linked.NO else row.mailchimp),
)


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(lists)


def lists(
    context: typer.Context,
    *,
    client: ClientOption = None,
    show_all: Annotated[bool, typer.Option("--all", help="Show lists that are not selected too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the lists as OTYS has them now, and which are linked to an audience.

    A narrow terminal shows the important columns; --json has all, of every list.
    Exits with 1 when OTYS could not be read.
    """
    common = shared(context)
    config = common.load_config()
    with open_state(config) as store:
        views = [_view(name, config, store) for name in names_of(config, client)]
    if as_json:
        print_json({"clients": [msgspec.to_builtins(view) for view in views]})
    else:
        for view in views:
            _print(view, common.console, show_all=show_all)
    if any(view.problems for view in views):
        raise typer.Exit(ExitCode.FAILED)


def _view(name: str, config: Config, store: Store) -> ListView:
    """One failing client never hides another one's lists."""
    try:
        with reading_client(name, config, store) as client:
            return view_lists(client)
    except ReconcilerError as error:
        return ListView(client=name, problems=(in_words(error),))


def _print(view: ListView, console: Console, *, show_all: bool) -> None:
    console.print(Text(view.client, "bold"))
    for note in view.notes:
        console.print(Text(printable(note), "yellow"))
    for problem in view.problems:
        console.print(Text(printable(problem), "red"))
    shown = [row for row in view.lists if show_all or row.concerns_us]
    rest = len(view.lists) - len(shown)
    if shown:
        _print_table(shown, console)
    if rest:
        console.print(f"{counted(rest, 'other list')} not selected for Mailchimp; --all shows them.")
    console.print()


def _print_table(rows: Sequence[ListRow], console: Console) -> None:
    widths = _that_fit(rows, console.width)
    columns = [column for column in COLUMNS if column in widths]
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(
            column.title, justify=column.justify, no_wrap=True, overflow="ellipsis", width=widths[column]
        )
    for row in rows:
        table.add_row(*(Text(_cell(column, row)) for column in columns))
    console.print(table)
    hidden = [column.title for column in COLUMNS if column not in columns]
    if hidden:
        console.print(Text(f"Not shown for lack of room: {', '.join(hidden)}.", "dim"))


def _that_fit(rows: Sequence[ListRow], width: int) -> Mapping[Column, int]:
    """The columns of the lowest ranks that fit side by side; the name takes the room that is left."""
    name, *others = sorted(COLUMNS, key=lambda column: column.rank)
    left = width - NARROWEST_NAME
    widths: dict[Column, int] = {}
    for column in others:
        needed = _widest(column, rows) + GAP
        if needed > left:
            break
        left -= needed
        widths[column] = needed - GAP
    widths[name] = min(_widest(name, rows), NARROWEST_NAME + left)
    return widths


def _widest(column: Column, rows: Sequence[ListRow]) -> int:
    return max(cell_len(text) for text in (column.title, *(_cell(column, row) for row in rows)))


def _cell(column: Column, row: ListRow) -> str:
    return shortened(printable(column.value(row)), WIDEST_CELL)


def _switch(*, on: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[on]
