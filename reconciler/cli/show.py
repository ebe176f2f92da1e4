"""Knows the command `show`."""

from typing import Annotated

import typer
from rich.text import Text

from reconciler.cli.clients import open_state
from reconciler.cli.context import JsonOption, print_json, shared
from reconciler.cli.history import headline
from reconciler.cli.passes import AllOption, program
from reconciler.cli.render import print_pass
from reconciler.cli.render_json import as_json as pass_as_json
from reconciler.cli.render_list import Detail
from reconciler.model import PassId
from reconciler.recorded import latest_pass, recorded_pass
from reconciler.store import PassRecord, Store

LATEST = "latest"


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(show)


def show(
    context: typer.Context,
    number: Annotated[
        str, typer.Argument(metavar="[PASS]", help="The number of a pass; the latest one when not told.")
    ] = LATEST,
    *,
    show_all: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show a pass as it was recorded: every change with what became of it. `history` lists the passes."""
    common = shared(context)
    config = common.load_config()
    with open_state(config) as store:
        record = _record(store, number)
        document = recorded_pass(store, record)
    if as_json:
        print_json(pass_as_json([document]))
        return
    common.console.print(Text(headline(record, config.daemon.timezone), "bold"))
    common.console.print()
    print_pass(document, common.console, detail=Detail(everything=show_all), program=program(common))


def _record(store: Store, number: str) -> PassRecord:
    if number == LATEST:
        found = latest_pass(store)
        if found is None:
            raise typer.BadParameter("no pass was run yet; `reconciler plan` or `reconciler once` runs one")
    elif number.isdecimal():
        found = PassId(int(number))
    else:
        raise typer.BadParameter(f"{number!r} is not the number of a pass; `reconciler history` lists them")
    record = store.pass_record(found)
    if record is None:
        raise typer.BadParameter(f"there is no pass {number}; `reconciler history` lists them")
    return record
