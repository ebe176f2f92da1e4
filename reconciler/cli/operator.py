"""Knows how a command that changes something is approved: looked at first, then done by its digest."""

import getpass
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Protocol, TypeVar

import typer

from reconciler.cli.clients import names_of
from reconciler.client import Client, Unwatched
from reconciler.config import Config
from reconciler.deed import is_named
from reconciler.errors import ReconcilerError, StaleApproval
from reconciler.store import Store
from reconciler.wiring import open_client

ApproveOption = Annotated[
    str | None,
    typer.Option(
        "--approve",
        metavar="DIGEST",
        help="Carry out what has this digest, 6 or more characters of it; without it nothing is done.",
    ),
]
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who does it; your user name when not told.")
]


def user_name() -> str:
    """Return who runs this program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return f"user {os.getuid()}"


class HasDigest(Protocol):
    """What a command would do for one client."""

    @property
    def client(self) -> str:
        """Whose it is."""

    @property
    def digest(self) -> str:
        """What names exactly this; empty when there is nothing to do."""


Look = TypeVar("Look", bound=HasDigest)
Done = TypeVar("Done")


def look_at_each(
    config: Config, store: Store, client: str | None, look: Callable[[Client], Look]
) -> tuple[tuple[Look, ...], Mapping[str, ReconcilerError]]:
    """Given how to look at a client, return what was found for the chosen one or all, and who failed.

    One failing client never hides what another one says.
    """
    found: list[Look] = []
    failures: dict[str, ReconcilerError] = {}
    for name in names_of(config, client):
        try:
            with open_client(name, config, store, Unwatched(), plan_only=True) as opened:
                found.append(look(opened))
        except ReconcilerError as error:
            failures[name] = error
    return tuple(found), failures


def do_approved(
    config: Config, store: Store, found: Sequence[Look], approved: str, do: Callable[[Client], Done]
) -> Done:
    """Given what was found and a digest, do what it names, in the mode of the client whose it is.

    Raise StaleApproval when nothing found has this digest.
    """
    chosen = next((one.client for one in found if is_named(one.digest, approved)), None)
    if chosen is None:
        raise StaleApproval(
            f"Nothing that would be done now has the digest {approved.strip()!r}.",
            advice="Run the command again without --approve, look at it, and approve the digest it shows.",
        )
    with open_client(chosen, config, store, Unwatched()) as opened:
        return do(opened)
