"""Knows the command `plan`."""

from typing import Annotated

import typer

from reconciler.cli.clients import ClientOption
from reconciler.cli.context import JsonOption, shared
from reconciler.cli.passes import AllOption, ListOption, make_passes, tell
from reconciler.cli.plan_at import plan_at
from reconciler.reconcile import make_plan

AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="PASS|DAYS",
        help="Decide again what a pass decided, with today's rules; with 30d or 12h, all that was decided "
        "since, to tell what would be otherwise. Asks neither service.",
    ),
]


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(plan)


def plan(
    context: typer.Context,
    *,
    client: ClientOption = None,
    list_uid: ListOption = None,
    at: AtOption = None,
    show_all: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a pass would do; nothing is written to OTYS or Mailchimp, whatever the client's mode.

    Exits with 3 when something would be withheld; `approve` releases it.
    """
    common = shared(context)
    if at is not None:
        plan_at(common, at, client=client, list_uid=list_uid, show_all=show_all, as_json=as_json)
        return
    passes = make_passes(
        common,
        lambda opened, only: make_plan(opened, only=only),
        client=client,
        list_uid=list_uid,
        plan_only=True,
    )
    tell(passes, common, as_plan=True, show_all=show_all, json=as_json)
