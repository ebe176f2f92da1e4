"""Knows the commands `config check`, `config show` and `config init`."""

import os
import shlex
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.context import JsonOption, Shared, print_json, shared
from reconciler.cli.exits import ExitCode, print_problem
from reconciler.config import DEFAULT_PATH, Reading, load_reading, read_config, warnings
from reconciler.config.example import example
from reconciler.config.problems import home_of
from reconciler.config.render import as_json as config_as_json
from reconciler.config.render import as_toml
from reconciler.errors import ConfigurationError, Problem, ReconcilerError
from reconciler.wiring import open_lists

app = typer.Typer(no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Given the program, add the commands of this file to it."""
    root.add_typer(app, name="config", help="Check, show or write the configuration.")


@app.command()
def check(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """Tell every problem of the configuration at once, also a secret that is missing.

    Exits with 0 when the daemon can run with it, with 2 when it cannot.
    """
    common = shared(context)
    try:
        reading = load_reading(common.config_path, common.environ)
        _check_clients(reading)
    except ConfigurationError as unusable:
        if not as_json:
            raise
        print_json({"ok": False, "file": unusable.source, "problems": _plain(unusable.problems)})
        raise typer.Exit(ExitCode.CONFIGURATION) from None
    modes = {name: client.mode.value for name, client in reading.config.clients.items()}
    doubts = warnings(reading.config)
    if as_json:
        file = str(reading.source)
        print_json({"ok": True, "file": file, "clients": modes, "problems": [], "warnings": _plain(doubts)})
        return
    count = f"{len(modes)} client{'' if len(modes) == 1 else 's'}"
    counted = ", ".join(
        f"{number} in {mode} mode" for mode, number in sorted(Counter(modes.values()).items())
    )
    common.console.print(f"ok: {reading.source}: {count} ({counted})", soft_wrap=True, markup=False)
    for doubt in doubts:
        print_problem(doubt, common.console)


@app.command()
def show(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """Print the configuration that is in force and where each value comes from, secrets masked."""
    common = shared(context)
    reading = read_config(common.config_path, common.environ)
    if as_json:
        print_json(config_as_json(reading))
    else:
        common.console.print(as_toml(reading), soft_wrap=True, markup=False)


@app.command()
def init(
    context: typer.Context,
    *,
    path: Annotated[
        Path | None, typer.Option(help="Where to write it; config/reconciler.toml when not told.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a complete, commented example to edit, readable only by its owner."""
    common = shared(context)
    target = path or common.config_path or DEFAULT_PATH
    try:
        _write_private(target, example(), overwrite=force)
    except OSError as error:
        if isinstance(error, FileExistsError) and target.exists():
            raise typer.BadParameter(f"{target} is there already; --force overwrites it") from None
        advice = "Choose another place with --path, or make that folder writable."
        raise ReconcilerError(f"{target} cannot be written: {error.strerror}", advice=advice) from error
    _tell_next_steps(target, common)


def _check_clients(reading: Reading) -> None:
    """What a client names must be usable too: its mapping, its export folder, the settings it overrides."""
    problems: list[Problem] = []
    for name, client in reading.config.clients.items():
        try:
            with open_lists(client, lambda _request: None):
                pass  # nothing is asked until the first question
        except ConfigurationError as error:
            for one in error.problems:
                where = ": ".join(dict.fromkeys((error.source, one.path)))
                home = home_of(("clients", name), reading.homes)
                problems.append(Problem(f"clients.{name}", f"{where}: {one.message}{home}"))
    if problems:
        raise ConfigurationError(problems, source=str(reading.source))


def _write_private(target: Path, text: str, *, overwrite: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    how = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if overwrite else os.O_EXCL)
    with os.fdopen(os.open(target, how, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)  # the file may have been there with other rights
        file.write(text)


def _tell_next_steps(target: Path, common: Shared) -> None:
    named = "" if target == DEFAULT_PATH else f" --config {shlex.quote(str(target))}"
    common.console.print(
        f"Wrote {target}. Next:\n"
        f"  1. Edit it: name your client, and say where its OTYS key is (EXAMPLE_OTYS_KEY).\n"
        f"  2. reconciler{named} config check   tells what is still wrong\n"
        f"  3. reconciler{named} doctor         tries both services\n"
        f"  4. reconciler{named} plan           shows what would change; nothing is written",
        soft_wrap=True,
        markup=False,
    )


def _plain(problems: tuple[Problem, ...]) -> list[dict[str, str]]:
    return [asdict(problem) for problem in problems]
