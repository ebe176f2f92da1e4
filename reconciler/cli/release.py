"""Knows the command `release`: ends what is remembered against an address."""

import shlex
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from reconciler.address import normalise
from reconciler.changes import NO_TEXT
from reconciler.cli.clients import ClientOption, open_state
from reconciler.cli.context import JsonOption, Shared, print_json, shared
from reconciler.cli.exits import ExitCode, explain
from reconciler.cli.operator import ApproveOption, ByOption, do_approved, look_at_each, user_name
from reconciler.cli.passes import ListOption, program
from reconciler.cli.render import short
from reconciler.cli.render_list import name_of
from reconciler.cli.render_text import print_hanging
from reconciler.model import ListUid, No, Refusal
from reconciler.release import AddressRelease, ListRelease
from reconciler.releasing import Wish, look_at_release
from reconciler.releasing import release as carry_out
from reconciler.wording import printable


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(release)


def release(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The address, in any spelling.")],
    *,
    client: ClientOption = None,
    list_uid: ListOption = None,
    because: Annotated[
        str,
        typer.Option(
            "--because", metavar="TEXT", help="How you know that a no is over; kept, without addresses."
        ),
    ] = "",
    approve: ApproveOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """End what is remembered against an address: nos and refusals. Shows first what that would do.

    Nothing is written to OTYS or Mailchimp: the next pass does what follows. What Mailchimp or OTYS still
    shows as a no is never ended here. Exits with 3 when something stays as it is, with 4 when what would be
    done is not what was approved.
    """
    common = shared(context)
    config = common.load_config()
    only = None if list_uid is None else ListUid(list_uid)
    wish = Wish(address=normalise(email), only=only, because=because.strip())
    with open_state(config) as store:
        found, failures = look_at_each(config, store, client, lambda one: look_at_release(one, wish))
        if approve is not None:
            who, given = by or user_name(), approve
            found = (
                do_approved(
                    config, store, found, given, lambda one: carry_out(one, wish, digest=given, by=who)
                ),
            )
    done = approve is not None
    if as_json:
        print_json({"email": wish.address, "clients": [_plain(one, done=done) for one in found]})
    else:
        for one in found:
            _print(one, wish, common, done=done)
    for error in failures.values():
        explain(error, common.errors)
    raise typer.Exit(_code(found, failed=bool(failures)))


def _code(found: Sequence[AddressRelease], *, failed: bool) -> ExitCode:
    if failed or any(one.failed for one in found):
        return ExitCode.FAILED
    return ExitCode.WITHHELD if any(of.kept for one in found for of in one.lists) else ExitCode.DONE


def _print(found: AddressRelease, wish: Wish, common: Shared, *, done: bool) -> None:
    console = common.console
    console.print(Text.assemble((found.client, "bold"), f": {printable(found.address)}"))
    for problem in found.problems:
        console.print(Text(printable(problem), style="red"))
    for one in found.lists:
        console.print()
        _print_list(one, console, done=done)
    console.print()
    if not found.lists:
        console.print("Nothing is remembered against it: there is nothing to release.")
    elif done:
        console.print("Nothing was written to Mailchimp: the next pass does what follows.")
    elif found.digest:
        console.print(Text(f"To release: {_command(wish, found, common)}"), soft_wrap=True)
    else:
        console.print("Nothing of it can be released.")


def _print_list(one: ListRelease, console: Console, *, done: bool) -> None:
    console.print(Text(name_of(one.list_name, one.list_uid), "bold"))
    rows = [("OTYS", one.otys), ("Mailchimp", one.mailchimp)]
    rows += [("No", _no(no)) for no in one.nos]
    rows += [("Refused", _refusal(refusal)) for refusal in one.refusals]
    if one.kept:
        rows.append(("Stays", one.kept))
    else:
        rows.append(("Released" if done else "Would end", "all of that"))
        rows.append(("Next pass", one.next_pass))
    for label, text in rows:
        print_hanging(Text(printable(text)), console, label=Text(label, "dim"))


def _no(no: No) -> str:
    since = f" since {no.since:%Y-%m-%d}" if no.since else ""
    who = f" ({', '.join(map(str, no.persons))})" if no.persons else ""
    return f"{NO_TEXT[no.reason]}{since}, under {no.address}{who}"


def _refusal(refusal: Refusal) -> str:
    kind = refusal.kind.replace("_", " ")
    return f"{refusal.verb} {refusal.address}, {kind}: {refusal.detail} (since {refusal.since:%Y-%m-%d})"


def _command(wish: Wish, found: AddressRelease, common: Shared) -> str:
    parts = [program(common), "release", shlex.quote(wish.address), "--client", shlex.quote(found.client)]
    if wish.only is not None:
        parts += ["--list", shlex.quote(wish.only)]
    if wish.because:
        parts += ["--because", shlex.quote(wish.because)]
    return printable(" ".join((*parts, "--approve", short(found.digest))))


def _plain(found: AddressRelease, *, done: bool) -> dict[str, object]:
    return {
        "client": found.client,
        "digest": found.digest,
        "done": done,
        "problems": list(found.problems),
        "lists": [
            {
                "list": one.list_uid,
                "list_name": one.list_name,
                "otys": one.otys,
                "mailchimp": one.mailchimp,
                "nos": [
                    {
                        "email": no.address,
                        "reason": no.reason,
                        "since": None if no.since is None else no.since.isoformat(),
                        "persons": list(map(str, no.persons)),
                    }
                    for no in one.nos
                ],
                "refusals": [
                    {
                        "email": refusal.address,
                        "verb": refusal.verb,
                        "kind": refusal.kind,
                        "detail": refusal.detail,
                        "since": refusal.since.isoformat(),
                    }
                    for refusal in one.refusals
                ],
                "released": not one.kept,
                "kept": one.kept,
                "next_pass": one.next_pass,
            }
            for one in found.lists
        ],
    }
