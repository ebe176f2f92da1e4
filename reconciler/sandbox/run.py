"""Starts a sandbox from a folder, or from a new world, and saves it into the folder at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.sandbox.facade import Sandbox
from reconciler.sandbox.save import has_world, load_world
from reconciler.sandbox.world import DEFAULT_SEED, World


@contextmanager
def run_sandbox(
    folder: Path | None = None,
    *,
    otys_port: int = 0,
    mailchimp_port: int = 0,
    world: str = "demo",
    seed: int = DEFAULT_SEED,
) -> Iterator[Sandbox]:
    """Given a folder, serve the world saved there, or a new one by its name, and save it at the end.

    Raise ValueError if the folder's world cannot be read or there is no world of that name, OSError if a
    port is taken.
    """
    saved = load_world(folder) if folder is not None and has_world(folder) else None
    sandbox = Sandbox.start(
        world=saved.world if saved else World.named(world, seed),
        clock=saved.clock() if saved else None,
        otys_port=otys_port,
        mailchimp_port=mailchimp_port,
        folder=folder,
    )
    with sandbox:
        try:
            yield sandbox
        finally:
            if folder is not None:
                sandbox.save()
