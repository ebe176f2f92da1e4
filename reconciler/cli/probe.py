"""Knows the command `probe`: what a tenant's OTYS really answers, without a value of it."""

import json
from collections.abc import Iterator, Mapping

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from reconciler.cli.clients import ClientOption, names_of
from reconciler.cli.context import JsonOption, print_json, shared
from reconciler.cli.exits import ExitCode
from reconciler.config import Config
from reconciler.errors import ReconcilerError, in_words
from reconciler.sources.mapping import load_mapping
from reconciler.sources.probe import ProbedService, ProbeReport
from reconciler.sources.probe import probe as probe_tenant
from reconciler.wiring import RequestCount, open_ows
from reconciler.wording import printable

NOT_OTYS = "does not apply: the lists of this client are files (csv), not OTYS"


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What probing one client came to."""

    client: str
    report: ProbeReport | None = None
    """None when nothing was probed."""
    note: str = ""
    problem: str = ""


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(probe)


def probe(context: typer.Context, *, client: ClientOption = None, as_json: JsonOption = False) -> None:
    """Show the shapes OTYS answers with, to correct the mapping (docs/mapping.md).

    Prints names of fields and kinds of values, never what a field says.
    Exits with 1 when OTYS could not be asked or refused something.
    """
    common = shared(context)
    config = common.load_config()
    found = [_probe(name, config) for name in names_of(config, client)]
    if as_json:
        print_json({"clients": [msgspec.to_builtins(one) for one in found]})
    else:
        for one in found:
            _print(one, common.console)
    if any(one.problem or (one.report and one.report.problems) for one in found):
        raise typer.Exit(ExitCode.FAILED)


def _probe(name: str, config: Config) -> Probed:
    otys = config.clients[name].otys
    if otys is None:
        return Probed(client=name, note=NOT_OTYS)
    try:
        with open_ows(otys, RequestCount()) as ows:
            report = probe_tenant(ows, load_mapping(otys.mapping), otys.settings.overrides())
    except ReconcilerError as error:
        return Probed(client=name, problem=in_words(error))
    return Probed(client=name, report=report)


def _print(probed: Probed, console: Console) -> None:
    console.print(Text.assemble((probed.client, "bold"), f" {probed.note}"))
    if probed.problem:
        console.print(Text(printable(probed.problem), style="red"))
    if probed.report is None:
        return
    for line in _lines(probed.report):
        console.print(Text(line), soft_wrap=True)


def _lines(report: ProbeReport) -> Iterator[str]:
    yield f"OTYS client {printable(report.client)}; mapping {report.mapping_status}"
    for problem in report.problems:
        yield f"  PROBLEM {printable(problem)}"
    yield ""
    yield "Settings"
    for setting in report.settings:
        state = "active" if setting.active else "not active"
        yield f"  {setting.code:<8}{setting.name:<22}{state}, from {setting.origin}"
    for service in report.services:
        yield ""
        yield from _service(service)
    yield ""
    yield "Kinds of recipients"
    yield from (f"  {kind}: {count}" for kind, count in report.kinds.items())
    yield from (
        f"  {printable(kind)}: {count}, not in the mapping" for kind, count in report.unknown_kinds.items()
    )


def _service(service: ProbedService) -> Iterator[str]:
    rows = "" if service.total is None else f": {service.total} rows"
    yield f"{service.service}.{service.method}{rows}"
    yield from _fields("found", service.found)
    yield from _fields("came in no row", service.missing)
    yield from _fields("refused", service.refused)
    if service.shape is not None:
        yield "  the first row"
        yield from _shape(service.shape)
    if service.default_shape is not None:
        yield "  what comes when no fields are named"
        yield from _shape(service.default_shape)


def _fields(verdict: str, fields: Mapping[str, str]) -> Iterator[str]:
    yield from (f"  {verdict:<15}{name} = {printable(path)}" for name, path in fields.items())


def _shape(shape: object) -> Iterator[str]:
    text = json.dumps(shape, indent=2, ensure_ascii=False)
    yield from (f"    {printable(line)}" for line in text.splitlines())
