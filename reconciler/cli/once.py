"""Knows the command `once`."""

from typing import Annotated

import typer

from reconciler.cli.clients import ClientOption
from reconciler.cli.context import JsonOption, shared
from reconciler.cli.passes import AllOption, ListOption, make_passes, tell
from reconciler.reconcile import reconcile

FullOption = Annotated[
    bool,
    typer.Option("--full", help="Read every list whole on both sides, whatever is known of it."),
]


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(once)


def once(
    context: typer.Context,
    *,
    client: ClientOption = None,
    list_uid: ListOption = None,
    full: FullOption = False,
    show_all: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run one pass now: bring the audiences in step with the lists, as far as the guards allow.

    A list of which no byte changed since there was nothing to do about it is fetched and not decided again.
    A client in plan mode is only looked at. Exits with 3 when something is withheld, with 1 when something
    failed, with 75 when another pass of the client runs.
    """
    common = shared(context)
    passes = make_passes(
        common,
        lambda opened, only: reconcile(opened, trigger="once", only=only, full=full),
        client=client,
        list_uid=list_uid,
    )
    tell(passes, common, as_plan=False, show_all=show_all, json=as_json)
