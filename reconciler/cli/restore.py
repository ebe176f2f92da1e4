"""Knows the command `restore`: rebuilds the audience of a deleted list from its backup."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reconciler.cli.clients import ClientOption, names_of, open_state
from reconciler.cli.context import JsonOption, Shared, print_json, shared
from reconciler.cli.exits import ExitCode
from reconciler.cli.operator import ApproveOption
from reconciler.cli.passes import program
from reconciler.cli.progress import watching
from reconciler.cli.render import print_effort, short
from reconciler.cli.render_list import name_of
from reconciler.config import Config
from reconciler.effort import effort_of_newcomers
from reconciler.errors import ConfigurationError, Problem
from reconciler.model import ListUid, PassResult
from reconciler.report import PassReport
from reconciler.restoration import Restoration
from reconciler.restore import find_backup, look_at_restoration
from reconciler.restore import restore as carry_out
from reconciler.wiring import open_client
from reconciler.wording import printable

_CODES = {PassResult.FAILED: ExitCode.FAILED, PassResult.WITHHELD: ExitCode.WITHHELD}


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(restore)


def restore(
    context: typer.Context,
    list_uid: Annotated[str, typer.Argument(metavar="LIST", help="The uid of the list that was deleted.")],
    *,
    client: ClientOption = None,
    backup: Annotated[
        Path | None,
        typer.Option(
            "--backup", metavar="FILE", help="The backup; the newest one of the list when not told."
        ),
    ] = None,
    approve: ApproveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rebuild the audience of a deleted list from its backup, without those who said no.

    Shows first what that would do. Repeat the command if it was cut off: it goes on where it ended. Exits
    with 3 when something stands in the way, with 4 when what would be done is not what was approved.
    """
    common = shared(context)
    config = common.load_config()
    name, uid = _one_client(config, client), ListUid(list_uid)
    with open_state(config) as store, watching(common.errors) as watcher:
        with open_client(name, config, store, watcher, plan_only=approve is None) as opened:
            saved = find_backup(opened, uid, backup)
            report = None
            if approve is None:
                found = look_at_restoration(opened, saved)
            else:
                found, report = carry_out(opened, saved, digest=approve)
        audience = next((link.audience_id for link in store.links(name) if link.list_uid == uid), None)
    if as_json:
        print_json(_plain(found, report, audience))
    else:
        _print(found, report, audience, common, backup)
    raise typer.Exit(_code(found, report))


def _one_client(config: Config, client: str | None) -> str:
    names = names_of(config, client)
    if len(names) > 1:
        raise ConfigurationError(
            [Problem("--client", f"say whose list it is; known: {', '.join(names)}")],
            source="the command line",
        )
    return names[0]


def _code(found: Restoration, report: PassReport | None) -> ExitCode:
    if found.hold:
        return ExitCode.WITHHELD
    return ExitCode.DONE if report is None else _CODES.get(report.result, ExitCode.DONE)


def _print(
    found: Restoration, report: PassReport | None, audience: str | None, common: Shared, backup: Path | None
) -> None:
    console, head = common.console, found.backup.head
    console.print(Text(name_of(head.list_name, head.list_uid), "bold"))
    console.print(
        Text(f"  backup {found.backup.path.name}, of {head.saved_at:%Y-%m-%d %H:%M} UTC"), soft_wrap=True
    )
    there = f"audience {found.audience_id}, begun before" if found.audience_id else "a new audience"
    tagged = f", {len(found.tags)} tags" if found.tags else ""
    console.print(Text(f"  comes back: {len(found.back):,} contacts{tagged}, into {there}"))
    for reason, count in found.reasons.items():
        console.print(Text(f"  left out: {count:,} that {reason}"), soft_wrap=True)
    console.print()
    if found.hold:
        console.print(Text(f"HELD: {printable(found.hold)}.", "bold red"), soft_wrap=True)
    elif report is None:
        print_effort(effort_of_newcomers(len(found.back)), console)
        console.print(Text(f"To restore it: {_command(found, common, backup)}"), soft_wrap=True)
    else:
        _print_done(found, report, audience, common)


def _print_done(found: Restoration, report: PassReport, audience: str | None, common: Shared) -> None:
    console = common.console
    for (verb, result), count in sorted(report.results.items()):
        console.print(Text(f"  {verb} {result}: {count:,}"))
    for problem in report.all_problems:
        console.print(Text(f"  {printable(problem)}", "red"), soft_wrap=True)
    if report.result is PassResult.FAILED:
        console.print(Text("Not all of it is done: repeat the command, and it goes on from here."))
        return
    console.print()
    console.print(
        Text(
            f"Audience {audience} is linked to the list again once OTYS has it and GE203 names it. If the "
            "list is made anew there, under another uid, one of the same name gets the audience; for another "
            f"name, put this under [clients.{found.client}.links] in the configuration before it is selected:"
        ),
        soft_wrap=True,
    )
    console.print(Text(f'"NEW UID" = "{audience}"'))


def _command(found: Restoration, common: Shared, backup: Path | None) -> str:
    file = "" if backup is None else f" --backup {shlex.quote(str(backup))}"
    return (
        f"{program(common)} restore {shlex.quote(found.list_uid)} --client {found.client}{file} "
        f"--approve {short(found.digest)}"
    )


def _plain(found: Restoration, report: PassReport | None, audience: str | None) -> dict[str, object]:
    head = found.backup.head
    return {
        "client": found.client,
        "list": head.list_uid,
        "list_name": head.list_name,
        "backup": found.backup.path.name,
        "saved_at": head.saved_at.isoformat(),
        "audience": audience if report is not None else found.audience_id,
        "audience_name": head.name,
        "digest": found.digest,
        "hold": found.hold,
        "comes_back": [saved.contact.email_address for saved in found.back],
        "left_out": [{"email": one.email, "reason": one.reason} for one in found.left_out],
        "tags": {name: len(addresses) for name, addresses in found.tags.items()},
        "pass_id": None if report is None else report.pass_id,
        "result": None if report is None else report.result.value,
        "results": {}
        if report is None
        else {f"{verb}.{result}": count for (verb, result), count in report.results.items()},
        "problems": [] if report is None else list(report.all_problems),
    }
