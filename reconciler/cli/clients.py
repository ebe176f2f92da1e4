"""Knows how a reading command opens the clients of the configuration: nothing it gets can write."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from reconciler.client import Client, Unwatched
from reconciler.config import Config
from reconciler.store import Store, open_store
from reconciler.wiring import chosen_client, open_client, state_folder

ClientOption = Annotated[
    str | None, typer.Option("--client", metavar="NAME", help="Only this client; all when not told.")
]
"""The type of a command's `client` parameter."""


def names_of(config: Config, chosen: str | None) -> tuple[str, ...]:
    """Given the client that was asked for (None: all), return the names to work on.

    Raise ConfigurationError when there is no such client.
    """
    if chosen is None:
        return tuple(config.clients)
    chosen_client(config, chosen)
    return (chosen,)


def open_state(config: Config) -> Store:
    """Given the configuration, return the store. Raise StoreError if it cannot be used."""
    return open_store(config.state.url.reveal(), log_folder=state_folder(config))


@contextmanager
def reading_client(name: str, config: Config, store: Store) -> Iterator[Client]:
    """Given a client's name, yield it without anything that could write."""
    with open_client(name, config, store, Unwatched(), plan_only=True) as client:
        yield client
