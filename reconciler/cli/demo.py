"""Knows the command `demo`: the whole thing at work on a sandbox, told to somebody who never saw it."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reconciler.cli.context import shared
from reconciler.cli.exits import ExitCode
from reconciler.cli.progress import watching
from reconciler.cli.render import print_pass, short
from reconciler.cli.render_list import Detail, print_list
from reconciler.config import load_config
from reconciler.demo.cast import Cast
from reconciler.demo.event import Event, examine
from reconciler.demo.folder import HEADLINE, clear, require_replaceable
from reconciler.demo.story import Story
from reconciler.demo.tables import first_sync, holdings, list_view
from reconciler.document import PassDocument, pass_document
from reconciler.errors import ReconcilerError
from reconciler.model import PassResult
from reconciler.reconcile import reconcile
from reconciler.sandbox import Sandbox, World
from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.configuration import CLIENT, STATE_FOLDER, choose_ports, write_configuration
from reconciler.sandbox.hold import holding
from reconciler.sandbox.worlds.demo import CLUTTERED_LIST
from reconciler.store import open_store
from reconciler.wiring import open_client, state_folder
from reconciler.wording import counted

_A_DAY = timedelta(days=1)
_WIDEST_TEXT = 100


def register(root: typer.Typer) -> None:
    """Given the program, add the command of this file to it."""
    root.command()(demo)


def demo(
    context: typer.Context,
    *,
    folder: Annotated[
        Path, typer.Option(help="Where the demo's world stays; that of an earlier demo is replaced.")
    ] = Path("demo-world"),
    scale: Annotated[float, typer.Option(hidden=True, min=0.02, max=1.0)] = 1.0,
) -> None:
    """Show everything at work on a sandbox, in under two minutes; needs no account and no network.

    Exits with 0 when everything went as told, with 1 when something did not.
    """
    try:
        require_replaceable(folder)
    except ValueError as refused:
        raise typer.BadParameter(str(refused), param_hint="--folder") from refused
    common = shared(context)
    with _stage(folder, scale) as sandbox:
        went_well = _Demo(sandbox, folder, common.console, common.errors).play()
        sandbox.save()
    if not went_well:
        raise typer.Exit(ExitCode.FAILED)


@contextmanager
def _stage(folder: Path, scale: float) -> Iterator[Sandbox]:
    """Yield the sandbox, a day behind: its clock comes to the present while the story is told."""
    with ExitStack() as until_told:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            until_told.enter_context(holding(folder))
            clear(folder)
            ports = choose_ports(None)
            sandbox = until_told.enter_context(
                Sandbox.start(
                    world=World.demo(scale=scale),
                    clock=SandboxClock(offset=-_A_DAY),
                    otys_port=ports.otys,
                    mailchimp_port=ports.mailchimp,
                    folder=folder,
                )
            )
            write_configuration(folder, sandbox, headline=HEADLINE)
        except OSError as error:
            raise ReconcilerError(f"The folder {folder} cannot be used: {error.strerror}.") from error
        yield sandbox


class _Demo:
    """The story, chapter by chapter."""

    def __init__(self, sandbox: Sandbox, folder: Path, console: Console, errors: Console) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._console = console
        self._errors = errors
        self._config_path = folder / "reconciler.toml"
        self._config = load_config(self._config_path, {})
        self._program = f"reconciler --config {shlex.quote(str(self._config_path))}"

    def play(self) -> bool:
        """Tell it all, and return whether every expectation came true."""
        self._say(
            "This demo plays OTYS Go! and Mailchimp as real HTTP servers on this machine, with the made-up "
            "agency Werkpunt Recruitment in them, and lets reconciler work on both. It takes about a minute."
        )
        self._chapter("1  What OTYS holds")
        self._show_lists()
        self._chapter("2  The first sync")
        first = self._first_sync()
        if first.result != PassResult.DONE:
            return False
        audiences = {one.list: one.audience for one in first.lists if one.audience}
        cast = Cast(self._sandbox, audiences)
        story = Story(self._sandbox, cast, self._folder / STATE_FOLDER / "backups")
        self._chapter("3  A day later: what people did in between")
        events = self._let_people_act(story)
        self._chapter("4  The next pass, and what it made of each")
        next_went_well, digest = self._next_pass(events)
        self._chapter("5  And once more, with nothing new")
        last_went_well = self._quiet_pass()
        self._chapter("6  Look further")
        self._farewell(story, digest)
        return next_went_well and last_went_well

    def _show_lists(self) -> None:
        for sentence in holdings(self._sandbox.world):
            self._say(sentence)
        self._console.print(list_view(self._sandbox.world, self._console.width))
        self._console.print()

    def _first_sync(self) -> PassDocument:
        self._say(
            "One pass reads both sides, compares them, and writes to Mailchimp what is missing there. "
            "It needs 10 to 30 seconds here."
        )
        document, writes = self._pass()
        self._console.print(first_sync(document))
        self._console.print()
        added, requests = document.counts.get("add.applied", 0), counted(writes, "writing request")
        self._say(
            f"{counted(added, 'contact')} added with {requests}. Nobody is lost in silence: who has no "
            "usable address (invalid), was refused by Mailchimp, or had said no there before is told with "
            "the reason. Of one list, as `reconciler once` prints it:"
        )
        for one in document.lists:
            if one.list_name == CLUTTERED_LIST:
                print_list(one, self._console, Detail(unmailable=True))
        if document.result != PassResult.DONE:
            print_pass(document, self._console, detail=Detail(), program=self._program)
        return document

    def _let_people_act(self, story: Story) -> Sequence[Event]:
        self._sandbox.clock.advance(_A_DAY)
        events = [act() for act in story.events()]
        self._list(
            (Text(f"{number:>2}  {event.side:<9}", "bold"), Text(event.told))
            for number, event in enumerate(events, start=1)
        )
        return events

    def _next_pass(self, events: Sequence[Event]) -> tuple[bool, str]:
        document, _ = self._pass()
        self._say("What could be expected of it, and below each what it did:")
        findings = [examine(event, document) for event in events]
        self._list(
            (
                Text.assemble(f"{number:>2}  ", ("✓", "bold green") if finding.true else ("✗", "bold red")),
                Text.assemble(event.expected, *((f"\n{line}", "dim") for line in finding.evidence)),
            )
            for number, (event, finding) in enumerate(zip(events, findings, strict=True), start=1)
        )
        self._say("In full, as `reconciler once` prints it:")
        print_pass(document, self._console, detail=Detail(), program=self._program)
        self._console.print()
        waiting = document.withheld[0].digest if document.withheld else document.digest
        return all(finding.true for finding in findings) and document.result == PassResult.WITHHELD, waiting

    def _quiet_pass(self) -> bool:
        document, writes = self._pass()
        reads = sum(document.requests.values()) - writes
        self._say(
            f"{counted(writes, 'writing request')}, {reads:,} that read: both sides are in step, and what is "
            "withheld waits for somebody to approve it."
        )
        return writes == 0 and document.result == PassResult.WITHHELD

    def _farewell(self, story: Story, digest: str) -> None:
        self._say(
            f"The world stays in {self._folder}/. Start it again in one terminal, with the first command, "
            "and look at it from another with the rest. (`. .venv/bin/activate` makes `reconciler` known.)"
        )
        served = f"reconciler sandbox --world {shlex.quote(str(self._folder))}"
        for command, remark in (
            (served, "OTYS and Mailchimp again, until Ctrl-C"),
            (f"{self._program} explain {story.unsubscribed}", "why somebody is not mailed"),
            (f"{self._program} lists", "the lists and their audiences"),
            (f"{self._program} doctor", "what a newly installed reconciler is asked first"),
            (f"{self._program} plan", "what a pass would do"),
            (f"{self._program} approve {short(digest)}", "release what is withheld ..."),
            (f"{self._program} once", "... and carry it out"),
            (f"{self._program} history", "the passes; `show` tells one"),
        ):
            self._console.print(Text.assemble((f"  # {remark}\n", "dim"), f"  {command}"), soft_wrap=True)

    def _pass(self) -> tuple[PassDocument, int]:
        """Run one pass just as `reconciler once` does; return it and how many requests wrote something."""
        before = self._sandbox.log.last_number()
        with (
            open_store(self._config.state.url.reveal(), log_folder=state_folder(self._config)) as store,
            watching(self._errors) as watcher,
            open_client(CLIENT, self._config, store, watcher) as client,
        ):
            report = reconcile(client, trigger="demo")
        return pass_document(report), len(self._sandbox.log.writes(after=before))

    def _chapter(self, title: str) -> None:
        self._console.rule(Text(title, "bold"), align="left")
        self._console.print()

    def _say(self, sentence: str) -> None:
        self._console.print(Text(sentence), width=min(self._console.width, _WIDEST_TEXT))
        self._console.print()

    def _list(self, rows: Iterable[tuple[Text, Text]]) -> None:
        """Print lines with what stands before each of them; what does not fit goes on below its line."""
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for before, line in rows:
            grid.add_row(before, line)
        self._console.print(grid, width=min(self._console.width, _WIDEST_TEXT))
        self._console.print()
