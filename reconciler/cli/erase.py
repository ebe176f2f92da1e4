"""Knows the command `erase`: forgets a person, and certifies it."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from reconciler.address import normalise
from reconciler.cli.clients import ClientOption, open_state
from reconciler.cli.context import JsonOption, Shared, print_json, shared
from reconciler.cli.exits import ExitCode, explain
from reconciler.cli.operator import ApproveOption, ByOption, do_approved, look_at_each, user_name
from reconciler.cli.passes import program
from reconciler.cli.render import short
from reconciler.cli.render_list import name_of
from reconciler.cli.render_text import print_hanging
from reconciler.erase import AddressErasure, Certificate, ContactErasure, Fate, Listing
from reconciler.erasing import Request, look_at_erasure
from reconciler.erasing import erase as carry_out
from reconciler.wording import printable

_LIMITS = (
    "This covers the audiences of lists that were ever linked, the state database and the backups beside it. "
    "It does not cover OTYS, mails that were sent already, and copies of the state that somebody made."
)
_TRACES = "another program read the database all the while: traces stand in its log until that program ends"
_KEEP = "This is told once: keep it, as by `> certificate.txt`. History keeps the same without a name."


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(erase)


def erase(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The address, in any spelling.")],
    *,
    client: ClientOption = None,
    permanently: Annotated[
        bool,
        typer.Option(
            "--permanently",
            help="Delete contacts in Mailchimp for good, which nobody can undo, instead of archiving them.",
        ),
    ] = False,
    approve: ApproveOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a person everywhere, for ever, and certify it. Shows first what is known of them.

    Their contacts are archived or, with --permanently, deleted for good. What is left here is a keyed hash,
    by which no pass ever adds them again. Exits with 3 when something would be left in Mailchimp, with 4
    when what would be done is not what was approved.
    """
    common = shared(context)
    config = common.load_config()
    request = Request(address=normalise(email), permanently=permanently)
    with open_state(config) as store:
        found, failures = look_at_each(config, store, client, lambda one: look_at_erasure(one, request))
        if approve is not None:
            who, given = by or user_name(), approve
            done = do_approved(
                config, store, found, given, lambda one: carry_out(one, request, digest=given, by=who)
            )
            if as_json:
                print_json(_certified(done))
            else:
                _print_certificate(done, common.console)
            raise typer.Exit(_left_over(done.contacts))
    if as_json:
        print_json({"email": request.address, "clients": [_plain(one) for one in found]})
    else:
        for one in found:
            _print(one, common)
    for error in failures.values():
        explain(error, common.errors)
    failed = failures or any(one.problems for one in found)
    kept = [of for one in found for of in one.contacts]
    raise typer.Exit(ExitCode.FAILED if failed else _left_over(kept))


def _left_over(contacts: Sequence[ContactErasure]) -> ExitCode:
    left = any(one.fate is Fate.NOT_ARCHIVABLE for one in contacts)
    return ExitCode.WITHHELD if left else ExitCode.DONE


def _print(found: AddressErasure, common: Shared) -> None:
    console = common.console
    console.print(Text.assemble((found.client, "bold"), f": {printable(found.address)}"))
    for problem in found.problems:
        console.print(Text(printable(problem), style="red"))
    if found.erased_at is not None:
        where = f" by pass {found.erased_in}" if found.erased_in else ""
        console.print(f"It was erased on {found.erased_at:%Y-%m-%d %H:%M} UTC{where}.")
    rows = [("Also", ", ".join(sorted(found.erased.addresses - {found.address})))]
    rows += [("Persons", ", ".join(sorted(map(str, found.erased.persons))))]
    rows += _contacts(found.contacts)
    rows += _numbers(found.known)
    rows += [("Backup", name) for name in found.backups]
    rows += _listed(found.listed)
    _print_rows([(label, text) for label, text in rows if text], console)
    if found.problems:
        console.print("Nothing is erased before everything can be read.")
    elif found.nothing_left:
        console.print("Nothing is left of it to erase.")
    else:
        console.print(Text(f"To erase: {_command(found, common)}"), soft_wrap=True)


def _print_certificate(done: Certificate, console: Console) -> None:
    console.print(Text("CERTIFICATE OF ERASURE", "bold"))
    rows = [
        ("Client", done.client),
        ("Address", f"the one that was given; its keyed hash is {done.address_key}"),
        ("When", f"{done.erased_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("By", done.by),
        ("Pass", str(done.pass_id)),
        *_contacts(done.contacts),
        *_numbers(done.known),
        *(("Backup", f"{name}, written anew") for name in done.backups),
        ("Left", "the keyed hashes of the address and its persons, so that no pass ever adds them again"),
        *_listed(done.listed),
    ]
    if not done.compacted:
        rows.append(("Note", _TRACES))
    _print_rows(rows, console)
    print_hanging(Text(_LIMITS), console, indent=0)
    print_hanging(Text(_KEEP), console, indent=0)


def _print_rows(rows: Sequence[tuple[str, str]], console: Console) -> None:
    for label, text in rows:
        print_hanging(Text(printable(text)), console, label=Text(label, "dim"))


def _contacts(contacts: Sequence[ContactErasure]) -> list[tuple[str, str]]:
    return [
        ("Mailchimp", f"{name_of(one.list_name, one.list_uid)}, audience {one.audience_id}: {one.fate}")
        for one in contacts
    ]


def _numbers(known: Mapping[str, int]) -> list[tuple[str, str]]:
    told = ", ".join(f"{what}: {count:,}" for what, count in known.items())
    return [("Database", told)] if told else []


def _listed(listed: Sequence[Listing]) -> list[tuple[str, str]]:
    told = "{} is still on {}: take them off there; no pass adds them"
    return [("OTYS", told.format(one.person, name_of(one.list_name, one.list_uid))) for one in listed]


def _command(found: AddressErasure, common: Shared) -> str:
    parts = [program(common), "erase", shlex.quote(found.address), "--client", shlex.quote(found.client)]
    if found.permanently:
        parts.append("--permanently")
    return printable(" ".join((*parts, "--approve", short(found.digest))))


def _plain(found: AddressErasure) -> dict[str, object]:
    return {
        "client": found.client,
        "digest": found.digest,
        "permanently": found.permanently,
        "addresses": sorted(found.erased.addresses),
        "persons": sorted(map(str, found.erased.persons)),
        "contacts": _plain_contacts(found.contacts),
        "database": dict(found.known),
        "backups": list(found.backups),
        "listed": _plain_listed(found.listed),
        "erased_at": None if found.erased_at is None else found.erased_at.isoformat(),
        "erased_in": found.erased_in,
        "problems": list(found.problems),
    }


def _certified(done: Certificate) -> dict[str, object]:
    return {
        "client": done.client,
        "address_key": done.address_key,
        "erased_at": done.erased_at.isoformat(),
        "by": done.by,
        "pass_id": done.pass_id,
        "permanently": done.permanently,
        "contacts": _plain_contacts(done.contacts),
        "database": dict(done.known),
        "backups": list(done.backups),
        "listed": _plain_listed(done.listed),
        "compacted": done.compacted,
    }


def _plain_contacts(contacts: Sequence[ContactErasure]) -> list[dict[str, object]]:
    return [
        {
            "list": one.list_uid,
            "list_name": one.list_name,
            "audience": one.audience_id,
            "standing": one.contact.standing,
            "fate": one.fate.name.lower(),
        }
        for one in contacts
    ]


def _plain_listed(listed: Sequence[Listing]) -> list[dict[str, object]]:
    return [{"list": one.list_uid, "list_name": one.list_name, "person": str(one.person)} for one in listed]
