"""Knows the command `optouts`."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from reconciler.cli.clients import ClientOption, names_of, open_state
from reconciler.cli.context import JsonOption, print_json, shared
from reconciler.cli.passes import program
from reconciler.cli.render import short
from reconciler.cli.render_list import name_of
from reconciler.cli.render_text import print_hanging
from reconciler.model import OptOut
from reconciler.optouts import digest_of, entered
from reconciler.reconcile import LEASE
from reconciler.spreadsheet import as_csv
from reconciler.store import Store
from reconciler.wording import counted, printable

HEADER = ("client", "list", "list_name", "kind", "person", "email", "reason", "since", "told")


@dataclass(frozen=True, slots=True)
class Found:
    """One opt-out of one client."""

    client: str
    opt_out: OptOut


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(optouts)


def optouts(
    context: typer.Context,
    *,
    client: ClientOption = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], help="Only opt-outs seen from this day on."),
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Also those that OTYS knows of already.")] = False,
    as_table: Annotated[
        bool, typer.Option("--csv", help="Print CSV, a line for each person, for a spreadsheet.")
    ] = False,
    mark: Annotated[
        str | None,
        typer.Option(
            "--mark-entered",
            metavar="DIGEST",
            help="Remember that those which were shown with this digest are entered in OTYS now.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List who opted out in Mailchimp and is not known to OTYS, for people who enter it there by hand.

    Asks neither service. --mark-entered takes them off the list, not whoever opted out since; it exits with 4
    when they are not the same any more, and with 75 while a pass runs.
    """
    if as_table and (as_json or mark):
        raise typer.BadParameter("goes neither with --json nor with --mark-entered", param_hint="--csv")
    common = shared(context)
    config = common.load_config()
    zone = config.daemon.timezone
    names = names_of(config, client)
    start = None if since is None else since.replace(tzinfo=zone)
    with open_state(config) as store:
        if mark is not None:
            marked = _mark(store, names, start, mark)
            if as_json:
                print_json({"marked": [_plain(one) for one in marked]})
            else:
                common.console.print(f"Marked as known to OTYS: {counted(len(marked), 'opt-out')}.")
            return
        found = _find(store, names, start, told=show_all)
    digest = digest_of([one.opt_out for one in found if one.opt_out.told_at is None])
    repeated = _command(program(common), client, since)
    if as_table:
        typer.echo(as_csv(HEADER, _lines(found, zone)), nl=False)
        _print_next(found, f"{repeated} --mark-entered {short(digest)}", common.errors)
    elif as_json:
        print_json({"opt_outs": [_plain(one) for one in found], "digest": digest})
    else:
        _print(found, common.console, zone)
        _print_next(found, f"{repeated} --mark-entered {short(digest)}", common.console)


def _find(store: Store, names: Sequence[str], since: datetime | None, *, told: bool) -> tuple[Found, ...]:
    """Oldest first over all clients, so that what comes later never changes what was shown before it."""
    found = (Found(name, one) for name in names for one in store.opt_outs(name, told=told, since=since))
    return tuple(sorted(found, key=lambda one: one.opt_out.number))


def _mark(store: Store, names: Sequence[str], since: datetime | None, digest: str) -> tuple[Found, ...]:
    with _locked(store, names):
        found = _find(store, names, since, told=False)
        meant = entered([one.opt_out for one in found], digest)
        store.mark_told(meant, _now())
    return found[: len(meant)]


@contextmanager
def _locked(store: Store, names: Sequence[str]) -> Iterator[None]:
    holder = f"optouts, process {os.getpid()} on {socket.gethostname()}"
    with ExitStack() as locks:
        for name in names:
            locks.enter_context(store.lock(name, holder, lease=LEASE, now=_now))
        yield


def _command(called: str, client: str | None, since: datetime | None) -> str:
    chosen = "" if client is None else f" --client {client}"
    return f"{called} optouts{chosen}{'' if since is None else f' --since {since:%Y-%m-%d}'}"


def _print(found: Sequence[Found], console: Console, zone: tzinfo) -> None:
    if not found:
        console.print("OTYS knows of every opt-out.")
    for client in dict.fromkeys(one.client for one in found):
        of_client = [one.opt_out for one in found if one.client == client]
        untold = sum(one.told_at is None for one in of_client)
        console.print(
            Text.assemble((client, "bold"), f": OTYS does not know of {counted(untold, 'opt-out')}")
        )
        for one in of_client:
            print_hanging(_line(one, zone), console)
        console.print()


def _line(one: OptOut, zone: tzinfo) -> Text:
    persons = ", ".join(printable(str(person)) for person in one.persons)
    told = "" if one.told_at is None else f"; OTYS knows since {_moment(one.told_at, zone)}"
    return Text(
        f"{printable(one.address)}{f' ({persons})' if persons else ''}: {one.reason} "
        f"{_moment(one.since, zone)}, {name_of(one.list_name, one.list_uid)}{told}"
    )


def _print_next(found: Sequence[Found], command: str, console: Console) -> None:
    if any(one.opt_out.told_at is None for one in found):
        console.print("When they are entered in OTYS:")
        console.print(Text(f"    {command}", "bold"), soft_wrap=True)


def _lines(found: Sequence[Found], zone: tzinfo) -> Iterator[Sequence[str]]:
    for one in found:
        said = one.opt_out
        for kind, uid in [(person.kind, person.uid) for person in said.persons] or [("", "")]:
            yield (
                one.client,
                said.list_uid,
                said.list_name,
                kind,
                uid,
                said.address,
                said.reason,
                _moment(said.since, zone),
                "" if said.told_at is None else _moment(said.told_at, zone),
            )


def _plain(one: Found) -> dict[str, object]:
    said = one.opt_out
    return {
        "client": one.client,
        "list": said.list_uid,
        "list_name": said.list_name,
        "persons": [str(person) for person in said.persons],
        "email": said.address,
        "reason": said.reason.value,
        "since": said.since.isoformat(),
        "told_at": None if said.told_at is None else said.told_at.isoformat(),
    }


def _moment(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _now() -> datetime:
    return datetime.now(UTC)
