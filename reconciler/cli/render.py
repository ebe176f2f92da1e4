"""Knows how a plan or a pass looks on a terminal: its lists, what is withheld, and one line to end with."""

from datetime import datetime

from rich.console import Console
from rich.text import Text

from reconciler.cli.render_list import Detail, name_of, print_list
from reconciler.cli.render_text import print_hanging
from reconciler.document import (
    ListDocument,
    PassDocument,
    ProposalDocument,
    effort_of_plan,
    effort_of_proposal,
)
from reconciler.effort import Effort
from reconciler.model import PassResult, RefusalKind
from reconciler.report import LOOKED, Look
from reconciler.wording import amount, counted, done, duration, printable, roughly, to_do

DIGEST_SHOWN = 12
"""So many characters of a digest are enough to name it."""


def print_pass(document: PassDocument, console: Console, *, detail: Detail, program: str) -> None:
    """Given a plan or a pass, tell it, from its lists to what is withheld and one line that sums it up.

    `program` is how this program was called, for the commands that are told.
    """
    quiet = not document.changes and not document.problems and not any(one.problem for one in document.lists)
    shown = Detail(detail.everything, unmailable=detail.everything or (detail.unmailable and not quiet))
    for one in document.lists:
        if _is_told(one, shown):
            print_list(one, console, shown)
    if not shown.unmailable:
        _print_unmailable(document, console, program)
    if document.withheld:
        _print_withheld(document, console, program)
    print_effort(effort_of_plan(document), console)
    _print_problems(document, console)
    print_hanging(_summary(document), console, indent=0)


def short(digest: str) -> str:
    """Given a digest, return as much of it as is needed to name it."""
    return digest[:DIGEST_SHOWN]


def print_effort(effort: Effort, console: Console, *, indent: int = 0) -> None:
    """Given what writing something takes, tell it if it is worth telling."""
    if effort.worth_telling:
        took = roughly(effort.seconds)
        told = f"Writing it takes about {effort.requests:,} requests to Mailchimp, some {took}."
        print_hanging(Text(told), console, indent=indent)


def seconds_of(document: PassDocument) -> float | None:
    """Given a pass, return how many seconds it took; None when its end is not known."""
    if document.ended_at is None:
        return None
    started, ended = (datetime.fromisoformat(moment) for moment in (document.started_at, document.ended_at))
    return (ended - started).total_seconds()


def _is_told(one: ListDocument, detail: Detail) -> bool:
    unmailable = detail.unmailable and (one.refused or one.invalid)
    return bool(one.changes or one.problem or one.waits or unmailable)


def _print_unmailable(document: PassDocument, console: Console, program: str) -> None:
    invalid = sum(len(one.invalid) for one in document.lists)
    held_back = [change for one in document.lists for change in one.refused]
    undone = sum(change.detail.startswith(f"{RefusalKind.UNDONE}:") for change in held_back)
    refused = len(held_back) - undone
    told = [
        *([f"{counted(invalid, 'recipient')} without a usable address"] if invalid else []),
        *([f"{refused:,} that Mailchimp refused before"] if refused else []),
    ]
    names = f"`{program} plan --all` names them."
    if told:
        print_hanging(Text(f"Not mailed: {', '.join(told)}; {names}", "yellow"), console, indent=0)
    if undone:
        left = f"Left as an undo left it: {counted(undone, 'contact')}; {names}"
        print_hanging(Text(left, "yellow"), console, indent=0)


def _print_withheld(document: PassDocument, console: Console, program: str) -> None:
    count = sum(proposal.count for proposal in document.withheld)
    console.print(Text(f"WITHHELD: {counted(count, 'change')} of {document.client}", "bold white on red"))
    for proposal in document.withheld:
        _print_proposal(document, proposal, console, program)
    approvable = [proposal for proposal in document.withheld if proposal.approvable]
    if len(approvable) > 1:
        print_hanging(Text("To release all of them:"), console)
        _print_command(f"{program} approve {short(document.digest)}", console)
    console.print()


def _print_proposal(
    document: PassDocument, proposal: ProposalDocument, console: Console, program: str
) -> None:
    name = name_of(proposal.list_name, proposal.list)
    print_hanging(Text(f"{name}: {proposal.verb} {proposal.count:,}", "bold"), console)
    print_hanging(Text(printable(proposal.message)), console, indent=4)
    if proposal.approvable:
        print_effort(effort_of_proposal(document, proposal), console, indent=4)
        _print_command(f"{program} approve {short(proposal.digest)}", console)
    else:
        unread = Text("Nobody can release what was not read; the next pass reads it again.")
        print_hanging(unread, console, indent=4)


def _print_command(command: str, console: Console) -> None:
    """On one line however long it is, so that it can be copied."""
    console.print(Text(f"    {command}", "bold"), soft_wrap=True)


def _print_problems(document: PassDocument, console: Console) -> None:
    failed = document.result == PassResult.FAILED
    label = Text("FAILED", "bold red") if failed else Text("NOTE", "yellow")
    for problem in document.problems:
        print_hanging(Text(printable(problem)), console, label=label, indent=0)


def _summary(document: PassDocument) -> Text:
    planned = document.mode == "plan"
    name = f"plan {short(document.digest)}" if planned else f"pass {document.pass_id}"
    title = f"{document.client}, {name.strip()}: "
    return Text.assemble((title, "bold"), _what(document, planned=planned), _effort(document))


def _what(document: PassDocument, *, planned: bool) -> str:
    if document.result == PassResult.OFF:
        return "switched off"
    what = to_do(document.counts) if planned else done(document.counts)
    failed = "FAILED; " if document.result == PassResult.FAILED else ""
    if what and planned:
        return f"{failed}would {', '.join(what)}; nothing was written"
    if document.ended_at is None:
        return "did not end: it still runs, or it was killed"
    if what:
        return f"{failed}{', '.join(what)}"
    if failed:
        return "FAILED"
    in_step = counted(document.counts.get("lists", 0), "list")
    return f"nothing {'would change' if planned else 'to do'}, {in_step} in step"


def _effort(document: PassDocument) -> str:
    seconds = seconds_of(document)
    took = "" if seconds is None else f", in {duration(seconds)}"
    requests = ", ".join(
        f"{system} {count:,} ({amount(document.bytes_read.get(system, 0))})"
        for system, count in sorted(document.requests.items())
        if count
    )
    return f"{took}{', requests: ' if requests else ''}{requests}{_spared(document)}"


def _spared(document: PassDocument) -> str:
    """What need not be read again is told where anything was spared."""
    whole, pages, short = (document.counts.get(f"{LOOKED}{look}", 0) for look in Look)
    if not pages and not short:
        return ""
    told = (
        (whole, "read whole"),
        (pages, "whose pages were as before"),
        (short, "not read, as nothing had changed"),
    )
    return f"; lists: {', '.join(f'{count:,} {how}' for count, how in told if count)}"
