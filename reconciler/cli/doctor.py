"""Knows the command `doctor`: what would keep a pass from working, and what to do about it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reconciler.cli.clients import ClientOption, names_of
from reconciler.cli.context import JsonOption, Shared, print_json, shared
from reconciler.cli.exits import ExitCode
from reconciler.config import read_config
from reconciler.doctor import Finding, Verdict, examine
from reconciler.errors import ConfigurationError
from reconciler.wording import counted, printable

_SHOWN = {
    Verdict.OK: ("ok", "green"),
    Verdict.WARNING: ("WARNING", "yellow"),
    Verdict.PROBLEM: ("PROBLEM", "bold red"),
    Verdict.SKIPPED: ("skipped", "dim"),
}


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(doctor)


def doctor(context: typer.Context, *, client: ClientOption = None, as_json: JsonOption = False) -> None:
    """Examine everything a pass needs, and tell what to do about each finding.

    Reads both services and changes nothing; warnings alone exit with 0.
    Exits with 1 when there is a problem, with 2 when it is the configuration's.
    """
    common = shared(context)
    if as_json:
        found = _examine_for_programs(common, client)
        print_json(
            {"ok": _code(found) is ExitCode.DONE, "findings": [msgspec.to_builtins(one) for one in found]}
        )
    else:
        found = _examine_for_people(common, client)
        _print_summary(found, common.console)
    raise typer.Exit(_code(found))


def _examine_for_programs(common: Shared, client: str | None) -> Sequence[Finding]:
    try:
        reading = read_config(common.config_path, common.environ)
        return tuple(examine(reading, names_of(reading.config, client), _now))
    except ConfigurationError as unusable:
        return tuple(
            Finding(check="configuration", verdict=Verdict.PROBLEM, message=f"{one.path}: {one.message}")
            for one in unusable.problems
        )


def _examine_for_people(common: Shared, client: str | None) -> Sequence[Finding]:
    """What is found is shown at once: a service that does not answer takes its time."""
    reading = read_config(common.config_path, common.environ)
    found: list[Finding] = []
    heading = ""
    for finding in examine(reading, names_of(reading.config, client), _now):
        if finding.client != heading:
            heading = finding.client
            common.console.print(Text(f"\n{heading}", "bold"))
        _print(finding, common.console)
        found.append(finding)
    return found


def _print(finding: Finding, console: Console) -> None:
    word, style = _SHOWN[finding.verdict]
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(no_wrap=True, min_width=7)
    line.add_column(overflow="fold")
    what = finding.check.replace("_", " ").replace("otys", "OTYS").replace("mailchimp", "Mailchimp")
    line.add_row(Text(word, style), Text(f"{what}: {printable(finding.message)}"))
    if finding.advice and finding.verdict is not Verdict.OK:
        line.add_row("", Text(f"→ {printable(finding.advice)}"))
    console.print(Padding(line, (0, 0, 0, 2), expand=False))


def _print_summary(found: Sequence[Finding], console: Console) -> None:
    counts = Counter(one.verdict for one in found)
    told = [
        counted(counts[verdict], verdict.value)
        for verdict in (Verdict.PROBLEM, Verdict.WARNING)
        if counts[verdict]
    ]
    console.print()
    console.print(Text(", ".join(told) if told else "All is well.", "bold"))


def _code(found: Sequence[Finding]) -> ExitCode:
    problems = {one.check for one in found if one.verdict is Verdict.PROBLEM}
    if "configuration" in problems:
        return ExitCode.CONFIGURATION
    return ExitCode.FAILED if problems else ExitCode.DONE


def _now() -> datetime:
    return datetime.now(UTC)
