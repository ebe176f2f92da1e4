"""Knows the commands `db upgrade` and `db check`, and that `db copy` is one of theirs."""

from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from reconciler.cli.context import JsonOption, Shared, print_json, shared
from reconciler.cli.db_copy import copy
from reconciler.cli.exits import ExitCode
from reconciler.config import Config, read_config
from reconciler.store import DatabaseReport, check_database, upgrade_database
from reconciler.wiring import state_folder
from reconciler.wording import printable

app = typer.Typer(no_args_is_help=True)
app.command()(copy)


def register(root: typer.Typer) -> None:
    """Given the program, add the commands of this file to it."""
    root.add_typer(app, name="db", help="Check, upgrade or move the state database.")


@app.command()
def upgrade(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """Make the state database if there is none, and bring its tables up to date.

    The daemon does the same when it starts. Back the database up first.
    """
    common = shared(context)
    done = upgrade_database(_config(common).state.url.reveal())
    if as_json:
        print_json(asdict(done))
    elif done.before == done.after:
        common.console.print(Text(f"{done.place} is up to date: version {done.after}."), soft_wrap=True)
    elif done.before is None:
        common.console.print(Text(f"{done.place} was made: version {done.after}."), soft_wrap=True)
    else:
        text = f"{done.place} was upgraded from version {done.before} to {done.after}."
        common.console.print(Text(text), soft_wrap=True)


@app.command()
def check(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """Examine the state database: is it whole, of the right version, how big.

    Exits with 1 when something is wrong with it.
    """
    common = shared(context)
    config = _config(common)
    report = check_database(config.state.url.reveal(), log_folder=state_folder(config))
    if as_json:
        print_json({"ok": report.healthy, **asdict(report)})
    else:
        _print(report, common)
    if not report.healthy:
        raise typer.Exit(ExitCode.FAILED)


def _config(common: Shared) -> Config:
    """Only the database is asked for, so that a missing key of a client does not matter."""
    return read_config(common.config_path, common.environ).config


def _print(report: DatabaseReport, common: Shared) -> None:
    verdict = "ok" if report.healthy else "not ok"
    line = f"{verdict}: {report.place}: {report.kind}, version {report.version or 'none'}"
    common.console.print(Text(line), soft_wrap=True)
    for problem in report.problems:
        common.console.print(Text(f"  - {printable(problem)}"), soft_wrap=True)
    if report.advice:
        common.console.print(Text(f"  {report.advice}"), soft_wrap=True)
    rows = Table.grid(padding=(0, 2))
    rows.add_column()
    rows.add_column(justify="right")
    for name, count in report.rows.items():
        rows.add_row(f"  {name}", f"{count:,}")
    common.console.print(rows)
