"""Knows the command `history`."""

from datetime import tzinfo
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from reconciler.cli.clients import ClientOption, open_state
from reconciler.cli.context import JsonOption, print_json, shared
from reconciler.cli.render_text import print_hanging
from reconciler.model import PassResult
from reconciler.store import PassRecord
from reconciler.wiring import chosen_client
from reconciler.wording import done, duration, printable, to_do

_STYLES = {
    PassResult.DONE: "green",
    PassResult.PLANNED: "cyan",
    PassResult.WITHHELD: "bold yellow",
    PassResult.FAILED: "bold red",
    PassResult.OFF: "dim",
}


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(history)


def history(
    context: typer.Context,
    *,
    client: ClientOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many passes at most.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the latest passes, newest first: when, how they ended, and what they did."""
    common = shared(context)
    config = common.load_config()
    with open_state(config) as store:
        records = store.passes(client, limit)
    if client is not None and not records:
        chosen_client(config, client)
    if as_json:
        print_json({"passes": [_plain(record) for record in records]})
    elif not records:
        common.console.print("No pass was run yet.")
    else:
        for record in records:
            _print(record, config.daemon.timezone, common.console)


def headline(record: PassRecord, zone: tzinfo) -> str:
    """Given a pass, return when, of which client and how it was run, in one line."""
    started = record.started_at.astimezone(zone)
    took = _seconds(record)
    told = (
        f"pass {record.id}",
        record.client,
        f"{started:%Y-%m-%d %H:%M:%S %Z}",
        f"{record.mode} mode",
        f"by {record.trigger}",
        "" if took is None else duration(took),
    )
    return ", ".join(filter(None, (printable(part) for part in told)))


def _print(record: PassRecord, zone: tzinfo, console: Console) -> None:
    result = record.result or "not ended"
    style = _STYLES.get(record.result, "yellow") if record.result else "yellow"
    print_hanging(Text.assemble(headline(record, zone), ": ", (result, style)), console, indent=0)
    what = to_do(record.counts) if record.mode == "plan" else done(record.counts)
    if what:
        would = "would " if record.mode == "plan" else ""
        print_hanging(Text(f"{would}{', '.join(what)}"), console, indent=4)
    for problem in record.problems:
        print_hanging(Text(printable(problem), "yellow"), console, indent=4)


def _plain(record: PassRecord) -> dict[str, object]:
    return {
        "pass_id": record.id,
        "client": record.client,
        "mode": record.mode,
        "trigger": record.trigger,
        "started_at": record.started_at.isoformat(),
        "ended_at": None if record.ended_at is None else record.ended_at.isoformat(),
        "seconds": _seconds(record),
        "result": record.result,
        "counts": dict(record.counts),
        "problems": list(record.problems),
        "digest": record.plan_digest,
    }


def _seconds(record: PassRecord) -> float | None:
    return None if record.ended_at is None else (record.ended_at - record.started_at).total_seconds()
