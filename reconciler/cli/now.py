"""Knows the command `now`, which asks the running daemon for a pass."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from reconciler.cli.clients import ClientOption
from reconciler.cli.context import JsonOption, Shared, print_json, shared
from reconciler.cli.daemon import RefusedByDaemon, RunningDaemon
from reconciler.cli.exits import ExitCode
from reconciler.cli.passes import ListOption, program
from reconciler.cli.render_list import name_of
from reconciler.config import Config
from reconciler.list_view import ListRow
from reconciler.model import PassResult
from reconciler.web.answers import AskedPass, ListAnswer, PassAnswer
from reconciler.wiring import chosen_client
from reconciler.wording import printable

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0

FullOption = Annotated[
    bool, typer.Option("--full", help="Read every list whole on both sides, whatever is known of it.")
]
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Wait for the pass and tell how each list came off.")
]

_CODES: Final = {PassResult.WITHHELD: ExitCode.WITHHELD, PassResult.FAILED: ExitCode.FAILED}


@dataclass(frozen=True, slots=True)
class _Light:
    """How one list came off: green when its audience is in step, red when it is not."""

    uid: str
    name: str
    green: bool
    told: str


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(now)


def now(
    context: typer.Context,
    *,
    client: ClientOption = None,
    list_uid: ListOption = None,
    full: FullOption = False,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the running daemon for a pass now. With --wait: green or red for each list when it is over.

    The daemon does not read again what either service shows to be as it was; --full has it read all.
    A long first sync that is told by mail is not waited for. Exits as `once` does: with 3 when something is
    withheld, with 1 when something failed, also when no daemon runs.
    """
    common = shared(context)
    config = common.load_config()
    if client is not None:
        chosen_client(config, client)
    with RunningDaemon(config) as daemon:
        asked = daemon.ask(client=client, list_uid=list_uid, full=full)
        if not wait:
            _tell_asked(asked, common, as_json=as_json)
            return
        ended = [
            answer
            for one in asked
            if (answer := _followed(daemon, one, list_uid, config, common, quiet=as_json)) is not None
        ]
    if as_json:
        print_json({"passes": [msgspec.to_builtins(answer) for answer in ended]})
    codes = {_code(answer) for answer in ended}
    raise typer.Exit(next((code for code in (ExitCode.FAILED, ExitCode.WITHHELD) if code in codes), 0))


def _tell_asked(asked: Sequence[AskedPass], common: Shared, *, as_json: bool) -> None:
    if as_json:
        print_json({"passes": [msgspec.to_builtins(one) for one in asked]})
        return
    for one in asked:
        told = f"{one.client}: pass {one.pass_id} runs as soon as it can; "
        common.console.print(Text(f"{told}`{program(common)} show {one.pass_id}` tells what it did."))


def _followed(
    daemon: RunningDaemon,
    asked: AskedPass,
    only: str | None,
    config: Config,
    common: Shared,
    *,
    quiet: bool,
) -> PassAnswer | None:
    """Return how the pass ended; None when it is not waited for, because mails tell."""
    rows = _rows(daemon, asked.client, only)
    mailed = [row for row in rows if _is_told_by_mail(row, config, asked.client)]
    if not quiet:
        for row in mailed:
            told = f"{row.recipients:,} recipients; a mail follows when it is done"
            common.console.print(Text(f"{asked.client}: {name_of(row.name, row.uid)}: {told}"))
    if mailed and len(mailed) == len(rows):
        return None
    answer = _ended(daemon, asked.pass_id)
    if not quiet:
        _tell_ended(answer, rows, common.console)
    return answer


def _rows(daemon: RunningDaemon, client: str, only: str | None) -> list[ListRow]:
    """The lists that the pass is about; what OTYS does not tell now, the pass itself will."""
    try:
        views = daemon.lists(client).clients
    except RefusedByDaemon:
        return []
    return [row for view in views for row in view.lists if row.concerns_us and only in (None, row.uid)]


def _is_told_by_mail(row: ListRow, config: Config, client: str) -> bool:
    notify = config.clients[client].notify
    first_sync = row.contacts == 0
    return bool(notify.to) and first_sync and (row.recipients or 0) > notify.first_sync_mail_above


def _ended(daemon: RunningDaemon, pass_id: int) -> PassAnswer:
    pause = FIRST_PAUSE
    while (answer := daemon.one_pass(pass_id)).state != "ended":
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    return answer


def _tell_ended(answer: PassAnswer, rows: Sequence[ListRow], console: Console) -> None:
    console.print(Text(f"{answer.client}, pass {answer.pass_id}: {answer.result or 'cut off'}", "bold"))
    for light in _lights(answer, rows):
        mark, style = ("✓", "green") if light.green else ("✗", "red")
        console.print(Text(f"  {mark} {name_of(light.name, light.uid)}: {printable(light.told)}", style))
    if _came_to_no_list(answer):
        for problem in answer.problems or ("the pass was cut off; the next one goes on from there",):
            console.print(Text(f"  {printable(problem)}", "red"))


def _lights(answer: PassAnswer, rows: Sequence[ListRow]) -> Iterator[_Light]:
    told = {one.list for one in answer.lists}
    green = not _came_to_no_list(answer)
    for one in answer.lists:
        yield _Light(one.list, one.list_name, one.result == "done", _in_words(one))
    for row in rows:
        if row.uid not in told:
            yield _Light(row.uid, row.name, green, "in step" if green else "not looked at")


def _in_words(one: ListAnswer) -> str:
    parts = (one.result if one.result != "done" else "", ", ".join(one.told), one.problem)
    return ": ".join(filter(None, parts)) or "in step"


def _came_to_no_list(answer: PassAnswer) -> bool:
    """Whether the pass failed as a whole, so that nothing is known of the lists it does not name."""
    if answer.result == PassResult.FAILED:
        return all(one.result != "failed" for one in answer.lists)
    return answer.result in (None, PassResult.OFF)


def _code(answer: PassAnswer) -> ExitCode:
    if answer.result is None:
        return ExitCode.FAILED
    return _CODES.get(PassResult(answer.result), ExitCode.DONE)
