"""Knows the command line: `reconciler` and the list of its commands, one a file.

To add a command `status`, write reconciler/cli/status.py

    def register(root: typer.Typer) -> None:
        root.command()(status)

    def status(context: typer.Context, *, as_json: JsonOption = False) -> None:
        \"\"\"One sentence, which `--help` shows.\"\"\"
        config = shared(context).load_config()
        ...

and add its name to COMMANDS below, in the order that `--help` shows them. A command prints its
result to `shared(context).console` or by `print_json`, raises a ReconcilerError for anything it can
explain (exits.py turns that into words and an exit code), and `raise typer.Exit(ExitCode.WITHHELD)` and
the like for other ends.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

import typer
from rich.console import Console

from reconciler.cli.context import globals_first, remember_shared
from reconciler.cli.exits import exit_code
from reconciler.cli.exits import explain as explain_error
from reconciler.errors import ReconcilerError

COMMANDS = (
    "demo",
    "run",
    "once",
    "plan",
    "approve",
    "now",
    "status",
    "lists",
    "history",
    "show",
    "explain",
    "undo",
    "restore",
    "optouts",
    "release",
    "erase",
    "doctor",
    "probe",
    "config",
    "db",
    "sandbox",
)


def build_app(commands: Sequence[str] = COMMANDS) -> typer.Typer:
    """Given the names of commands, return the program that has them."""
    app = typer.Typer(
        name="reconciler",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        callback=remember_shared,
        context_settings={"help_option_names": ["--help", "-h"]},
        epilog="Exit codes: 0 done, 1 something failed, 2 configuration or usage, 3 something is withheld, "
        "4 stale approval, 75 another pass holds the lock.",
    )
    for command in commands:
        register: Callable[[typer.Typer], None] = import_module(f"reconciler.cli.{command}").register
        register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Given a command line (None: the process' own), run it and exit with the code it ended with."""
    given = globals_first(sys.argv[1:] if arguments is None else arguments)
    try:
        build_app(_needed(given))(args=given, prog_name="reconciler")
    except ReconcilerError as error:
        explain_error(error, Console(stderr=True, highlight=False))
        sys.exit(exit_code(error))


def _needed(arguments: Sequence[str]) -> Sequence[str]:
    """Only a command that is named is loaded: the libraries of all together take seconds."""
    return [command for command in COMMANDS if command in arguments] or COMMANDS
