"""Knows the command `sandbox`: OTYS and Mailchimp on this machine, until somebody stops them."""

import json
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reconciler.cli.context import shared
from reconciler.errors import ReconcilerError
from reconciler.sandbox import Sandbox, run_sandbox
from reconciler.sandbox.configuration import choose_ports, configured_ports, write_configuration
from reconciler.sandbox.hold import holding
from reconciler.sandbox.world import WORLDS

NEW_WORLD = "demo"
_HIGHEST_PORT = 65535

PortOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=_HIGHEST_PORT,
        show_default=False,
        help="The port to listen on, 0 for any that is free. When not told: the port that the folder's "
        "configuration names, or else 8101 (OTYS) and 8102 (Mailchimp) if they are free.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What somebody needs to know to use a sandbox; `--json` prints it."""

    config: str
    folder: str | None
    otys_url: str
    otys_api_key: str
    mailchimp_url: str
    mailchimp_api_key: str
    control_url: str
    lists: int
    flagged: int
    audiences: int


def register(root: typer.Typer) -> None:
    """Given the program, add the command of this file to it."""
    root.command()(sandbox)


def sandbox(
    context: typer.Context,
    *,
    world: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|NAME",
            help="A folder: its world goes on where it was and is saved at the end; a new folder starts with "
            "the demo's. Or demo, small or empty: a new world of that name, forgotten at the end.",
        ),
    ] = NEW_WORLD,
    otys_port: PortOption = None,
    mailchimp_port: PortOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print addresses and keys as one line of JSON, for programs.")
    ] = False,
) -> None:
    """Play OTYS and Mailchimp as HTTP servers on this machine, until Ctrl-C or SIGTERM."""
    console = shared(context).console
    kept = None if world in WORLDS else Path(world)
    with _stop_signals() as stopped, ExitStack() as until_stopped:
        folder = kept or until_stopped.enter_context(_passing_folder())
        name = world if kept is None else NEW_WORLD
        running = until_stopped.enter_context(_serve(folder, name, otys_port, mailchimp_port))
        config = write_configuration(folder, running, headline="Written by `reconciler sandbox`.")
        facts = _facts(running, config, kept)
        if as_json:
            typer.echo(json.dumps(asdict(facts), ensure_ascii=False))
        else:
            _tell(facts, console)
        stopped.wait()
    if not as_json:
        ending = "The world is forgotten." if kept is None else f"The world is saved in {kept}."
        console.print(Text(f"Stopped. {ending}"), soft_wrap=True)


@contextmanager
def _serve(folder: Path, world: str, otys_port: int | None, mailchimp_port: int | None) -> Iterator[Sandbox]:
    with ExitStack() as until_stopped:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            ports = choose_ports(configured_ports(folder), otys=otys_port, mailchimp=mailchimp_port)
            until_stopped.enter_context(holding(folder))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ReconcilerError(f"The folder {folder} cannot hold a sandbox: {reason}.") from error
        try:
            running = until_stopped.enter_context(
                run_sandbox(folder, otys_port=ports.otys, mailchimp_port=ports.mailchimp, world=world)
            )
        except OSError as error:
            raise ReconcilerError(
                f"The sandbox cannot listen on ports {ports.otys} and {ports.mailchimp} of this machine: "
                f"{error.strerror}.",
                advice="Perhaps another sandbox runs: stop it, or choose other ports with --otys-port and "
                "--mailchimp-port. The folder's configuration follows.",
            ) from error
        except ValueError as error:
            raise ReconcilerError(f"The sandbox cannot start: {error}.") from error
        yield running


@contextmanager
def _passing_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="reconciler-sandbox-") as folder:
        yield Path(folder)


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Yield what is set by Ctrl-C and SIGTERM, so that both end in saving the world."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _facts(running: Sandbox, config: Path, kept: Path | None) -> Facts:
    world = running.world
    return Facts(
        config=str(config),
        folder=None if kept is None else str(kept),
        otys_url=running.otys_url,
        otys_api_key=world.otys_api_key,
        mailchimp_url=running.mailchimp_url,
        mailchimp_api_key=world.mailchimp_api_key,
        control_url=f"{running.control_url}/",
        lists=sum(not one.deleted for one in world.otys.lists.values()),
        flagged=len(world.otys.flagged()),
        audiences=len(world.mailchimp.audiences),
    )


def _tell(facts: Facts, console: Console) -> None:
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    for name, value in (
        ("OTYS", facts.otys_url),
        ("  API key", facts.otys_api_key),
        ("Mailchimp", facts.mailchimp_url),
        ("  API key", facts.mailchimp_api_key),
        ("Control", f"{facts.control_url} (docs/sandbox.md)"),
        ("World", f"{facts.lists} lists, {facts.flagged} of them flagged; {facts.audiences} audiences"),
        ("Kept in", facts.folder or "nothing: this world is forgotten at the end"),
        ("Configuration", facts.config),
    ):
        rows.add_row(Text(name, style="bold"), Text(value))
    console.print(rows)
    console.print(
        Text.assemble("\nIn another terminal: ", (f"reconciler --config {facts.config} plan", "bold")),
        soft_wrap=True,
    )
    console.print("Ctrl-C stops it.")
