"""Knows the command `approve`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.text import Text

from reconciler.cli.clients import open_state
from reconciler.cli.context import JsonOption, Shared, print_json, shared
from reconciler.cli.operator import user_name
from reconciler.cli.passes import program
from reconciler.cli.render_list import name_of
from reconciler.config import Config, Mode
from reconciler.store import Store, StoredProposal
from reconciler.wording import printable


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(approve)


def approve(
    context: typer.Context,
    digest: Annotated[
        str, typer.Argument(help="The beginning of a digest that `plan` or `status` shows, 6 or more of it.")
    ],
    *,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who approves; your user name when not told.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Release what a guard withheld: exactly what has this digest, once, and nothing else.

    The digest of a whole plan releases all that is withheld in it. Exits with 4 when it is not waiting: what
    is to be done has changed, or the approval came too late.
    """
    common = shared(context)
    config = common.load_config()
    with open_state(config) as store:
        approved = store.approve(digest, by=by or user_name(), now=datetime.now(UTC))
        names = [_name(store, proposal) for proposal in approved]
    if as_json:
        print_json({"approved": [_plain(*pair) for pair in zip(approved, names, strict=True)]})
    else:
        _print(approved, names, config, common)


def _print(approved: Sequence[StoredProposal], names: Sequence[str], config: Config, common: Shared) -> None:
    for proposal, name in zip(approved, names, strict=True):
        told = f"Released for {proposal.client}: {proposal.verb} {proposal.count:,} on "
        common.console.print(
            Text(f"{told}{name_of(name, proposal.list_uid)}, approved by {printable(proposal.approved_by)}.")
        )
    for client in sorted({proposal.client for proposal in approved}):
        common.console.print(Text(_next_step(client, config, program(common))), soft_wrap=True)


def _next_step(client: str, config: Config, called: str) -> str:
    chosen = config.clients.get(client)
    if chosen is not None and chosen.mode is Mode.PLAN:
        return f'{client} is in plan mode: nothing is written until its mode is "apply".'
    return (
        f"The next pass carries it out if nothing changes until then; `{called} once --client {client}` "
        "does so now."
    )


def _plain(proposal: StoredProposal, name: str) -> dict[str, object]:
    return {
        "client": proposal.client,
        "digest": proposal.digest,
        "list": proposal.list_uid,
        "list_name": name,
        "verb": proposal.verb,
        "count": proposal.count,
        "message": proposal.message,
        "approved_by": proposal.approved_by,
        "approved_at": None if proposal.approved_at is None else proposal.approved_at.isoformat(),
        "expires": None if proposal.expires is None else proposal.expires.isoformat(),
    }


def _name(store: Store, proposal: StoredProposal) -> str:
    links = store.links(proposal.client)
    return next((link.list_name for link in links if link.list_uid == proposal.list_uid), "")
