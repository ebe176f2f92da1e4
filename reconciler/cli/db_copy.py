"""Knows the command `db copy`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from reconciler.cli.context import JsonOption, print_json, shared
from reconciler.config import read_config
from reconciler.store import StateCopy, Tell, copy_state
from reconciler.wiring import state_folder


def copy(
    context: typer.Context,
    *,
    to: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The URL of the other database, written as in state.url."),
    ] = None,
    to_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The environment variable that holds that URL and its password."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the whole state into another database that holds nothing yet, of either kind.

    Nothing may use the state meanwhile: end the daemon first. The configuration is left as it is.
    """
    common = shared(context)
    target = _target(to, to_env, common.environ)
    config = read_config(common.config_path, common.environ).config
    source = config.state.url.reveal()
    with progress(common.errors) as tell:
        done = copy_state(source, target, now=datetime.now(UTC), tell=tell, log_folder=state_folder(config))
    if as_json:
        print_json(asdict(done))
    else:
        _print(done, common.console)


def _target(to: str | None, to_env: str | None, environ: Mapping[str, str]) -> str:
    if to and to_env:
        raise typer.BadParameter("name the other database once, by --to or by --to-env", param_hint="--to")
    if to_env:
        if not environ.get(to_env):
            raise typer.BadParameter(f"the environment variable {to_env} is not set", param_hint="--to-env")
        return environ[to_env]
    if not to:
        raise typer.BadParameter("name the other database, by --to or by --to-env", param_hint="--to")
    return to


@contextmanager
def progress(errors: Console) -> Iterator[Tell]:
    """Given the console for everything but results, yield what shows there how far the copy is."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("looking around", total=None)

        def tell(table: str, done: int, total: int) -> None:
            progress.update(task, description=table, completed=done, total=total)

        yield tell


def _print(done: StateCopy, console: Console) -> None:
    rows = sum(done.rows.values())
    for line in (
        f"Copied {rows:,} rows from {done.source} to {done.target}; every table was counted on both sides.",
        "Next: set state.url to the new database, run `reconciler db check`, and start the daemon.",
        "Let nothing run on the old one any more: what it remembers from now on is missing in the new.",
    ):
        console.print(Text(line), soft_wrap=True)
