"""Knows the command `explain`: why an address is or is not in an audience."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reconciler.address import normalise, refuse_reason
from reconciler.cli.clients import ClientOption, names_of, open_state, reading_client
from reconciler.cli.context import JsonOption, print_json, shared
from reconciler.cli.exits import ExitCode
from reconciler.cli.passes import program
from reconciler.cli.render import short
from reconciler.config import Config
from reconciler.errors import ReconcilerError, in_words
from reconciler.explanation import (
    ListExplanation,
    NoDocument,
    PlannedDocument,
    RecipientDocument,
    RefusalDocument,
    WithheldDocument,
)
from reconciler.model import Address, ListUid, Verb
from reconciler.search import AddressExplanation, Progress, search
from reconciler.store import Store
from reconciler.wording import counted, describe, printable, shortened

LONGEST_NAME = 60


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(explain)


def explain(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The address, in any spelling.")],
    *,
    client: ClientOption = None,
    list_uid: Annotated[
        str | None, typer.Option("--list", metavar="UID", help="Only this list, selected or not.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell why an address is or is not in an audience, and what happens next.

    Reads both services and writes nothing.
    Exits with 1 when a list could not be read.
    """
    common = shared(context)
    config = common.load_config()
    address = normalise(email)
    only = None if list_uid is None else ListUid(list_uid)
    with open_state(config) as store, _progress(common.errors) as progress:
        found = [_explain(name, config, store, address, only, progress) for name in names_of(config, client)]
    if as_json:
        print_json({"email": address, "clients": [_plain(one) for one in found]})
    else:
        for one in found:
            _print(one, common.console, program(common))
    if any(one.failed for one in found):
        raise typer.Exit(ExitCode.FAILED)


def _explain(  # noqa: PLR0917 (what to explain, then where to look)
    name: str, config: Config, store: Store, address: Address, only: ListUid | None, progress: Progress
) -> AddressExplanation:
    """One failing client never hides what another one says."""
    try:
        with reading_client(name, config, store) as client:
            found = search(client, address, only=only, progress=progress)
    except ReconcilerError as error:
        found = AddressExplanation(client=name, mode="", email=address, problems=(in_words(error),))
    # It was opened as in plan mode, so that it could not write; told is what the configuration says.
    return msgspec.structs.replace(found, mode=config.clients[name].mode)


def _plain(explanation: AddressExplanation) -> object:
    return msgspec.to_builtins(explanation)


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    if not console.is_terminal:
        yield lambda _number, _count, _name: None
        return
    with console.status("reading lists and audiences") as status:
        yield lambda number, count, name: status.update(
            Text(f"reading list {number} of {count}: {printable(name)}")
        )


def _print(explanation: AddressExplanation, console: Console, called: str) -> None:
    console.print(Text.assemble((explanation.client, "bold"), f": {printable(explanation.email)}"))
    if invalid := refuse_reason(explanation.email):
        console.print(Text(f"This is no address that mail can be sent to: {invalid}"))
    if explanation.erased_at:
        console.print(f"It was erased on request on {_day(explanation.erased_at)} and is never added again.")
    for problem in explanation.problems:
        console.print(Text(printable(problem), style="red"))
    for one in explanation.lists:
        console.print()
        _print_list(one, console, called)
    if not explanation.lists and not explanation.failed:
        lists = counted(explanation.searched, "list")
        console.print(
            f"No trace of it: none of the {lists} that were read, nor their audiences, ever had it."
        )
    if explanation.unselected:
        console.print()
        unselected = counted(explanation.unselected, "list")
        hint = "--list UID looks into one of them."
        console.print(f"{unselected} of OTYS not selected for Mailchimp (GE203) and not searched; {hint}")
    if explanation.mode == "plan":
        console.print("This client is in plan mode: a pass shows what it would do and writes nothing.")


def _print_list(one: ListExplanation, console: Console, called: str) -> None:
    name = shortened(printable(one.list_name), LONGEST_NAME) or "(no name)"
    console.print(Text.assemble((name, "bold"), f"  list {one.list}, audience {one.audience or 'none'}"))
    console.print(Padding(Text(printable(one.answer)), (0, 0, 0, 2), expand=False))
    details = Table.grid(padding=(0, 2, 0, 0))
    details.add_column(no_wrap=True, style="dim")
    details.add_column(overflow="fold")
    for label, text in _details(one, called):
        details.add_row(label, Text(printable(text)))
    if details.row_count:
        console.print(Padding(details, (0, 0, 0, 4), expand=False))


def _details(one: ListExplanation, called: str) -> Iterator[tuple[str, str]]:
    if one.problem:
        yield "Problem", one.problem
        return
    if one.cell:
        yield from _sides(one)
        yield "Rule", f"{one.cell.base} / {one.cell.otys} / {one.cell.mailchimp}: {one.cell.rule}"
    yield from (("No", _no(no)) for no in one.nos)
    yield from (("Refused", _refusal(refusal)) for refusal in one.refusals)
    if one.change:
        yield "Next pass", _change(one.change)
    if one.withheld:
        yield "Withheld", one.withheld.message
        yield "Release", _release(one.withheld, called)
    yield from (("Note", note) for note in one.notes)


def _release(withheld: WithheldDocument, called: str) -> str:
    if not withheld.approvable:
        return "nobody can; the next pass reads it again"
    if not withheld.proposed:
        return f"{called} plan  (proposes it for approval)"
    return f"{called} approve {short(withheld.digest)}"


def _sides(one: ListExplanation) -> Iterator[tuple[str, str]]:
    yield from (("OTYS", _recipient(recipient)) for recipient in one.recipients)
    if not one.recipients:
        yield "OTYS", "not on the list"
    contact = one.contact
    if contact:
        shown = _values(contact.fields)
        yield "Mailchimp", f"{contact.standing}{shown}; contact {contact.contact_id or contact.id}"
    else:
        yield "Mailchimp", "no such contact"
    if one.base:
        yield "Last synced", f"{one.base.state}{_values(one.base.fields)}; {', '.join(one.base.persons)}"
    else:
        yield "Last synced", "nothing is remembered as ours"


def _refusal(refusal: RefusalDocument) -> str:
    until = f"; tried again after {_day(refusal.retry_after)}" if refusal.retry_after else ""
    kind = refusal.kind.replace("_", " ")
    return f"{refusal.verb}, {kind}: {refusal.detail} (since {_day(refusal.since)}){until}"


def _change(change: PlannedDocument) -> str:
    # That an address which is added gets an address says nothing.
    hidden = () if change.verb == Verb.RENAME else ("email", "status")
    before = {name: value for name, value in change.before.items() if name not in hidden}
    after = {name: value for name, value in change.after.items() if name not in hidden}
    differs = "; ".join(describe(before, after))
    return f"{change.verb}: {change.reason}{f' ({differs})' if differs else ''}"


def _recipient(recipient: RecipientDocument) -> str:
    flags = "; opted out" if recipient.opted_out else ""
    given = "" if recipient.gives_fields else "; shares the address"
    return f"{recipient.person}: {recipient.email}{_values(recipient.values)}{flags}{given}"


def _no(no: NoDocument) -> str:
    since = f" since {_day(no.since)}" if no.since else ""
    by = f" by {no.ended_by}" if no.ended_by else ""
    ended = f", ended {_day(no.ended_at)}{by}" if no.ended_at else ""
    return f"{no.reason.replace('_', ' ')}{since}{ended}, under {no.email}"


def _values(values: Mapping[str, str]) -> str:
    told = ", ".join(f"{name} '{value}'" for name, value in values.items() if value)
    return f"; {told}" if told else ""


def _day(moment: str | None) -> str:
    return (moment or "").replace("T", " ")[:16]
