"""Knows the command `run`."""

import logging

import typer

from reconciler.cli.context import shared
from reconciler.daemon.loop import run_daemon
from reconciler.logs import set_up_logs


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(run)


def run(context: typer.Context) -> None:
    """Run the daemon: passes on schedule, until SIGTERM or Ctrl-C.

    SIGUSR1 brings on a pass of every client, SIGHUP reads the configuration again. A stop lets the request
    in flight end and records it; a second SIGTERM ends the process at once. Exits with 0 after a stop, with
    75 when another daemon has the same state.
    """
    common = shared(context)
    set_up_logs(logging.DEBUG if common.verbose else logging.INFO)
    for chatty in ("alembic", "apscheduler"):  # at INFO they tell every step
        logging.getLogger(chatty).setLevel(logging.WARNING)
    run_daemon(common.config_path, common.environ)
