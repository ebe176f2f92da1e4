"""Knows the command `undo`."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from reconciler.cli.clients import open_state
from reconciler.cli.context import JsonOption, Shared, print_json, shared
from reconciler.cli.exits import ExitCode
from reconciler.cli.operator import ApproveOption, ByOption, user_name
from reconciler.cli.passes import AllOption, program
from reconciler.cli.progress import watching
from reconciler.cli.render import print_effort, short
from reconciler.cli.render_json import as_json as as_plain
from reconciler.cli.render_list import FEW, Detail, name_of, print_list
from reconciler.cli.render_text import print_hanging
from reconciler.config import Config, Mode
from reconciler.document import PassDocument, effort_of_plan, pass_document
from reconciler.errors import ConfigurationError, Problem
from reconciler.inverse import Inverse, Verdict
from reconciler.model import PassId, PassResult
from reconciler.store import PassRecord, Store
from reconciler.undoing import Undone, undo_pass
from reconciler.wiring import chosen_client, open_client
from reconciler.wording import done, printable, some_of, to_do

_CODES = {PassResult.FAILED: ExitCode.FAILED, PassResult.WITHHELD: ExitCode.WITHHELD}
_TITLES = {
    Verdict.IMPOSSIBLE: "CANNOT BE UNDONE",
    Verdict.ALREADY_TRUE: "as before already",
}


def register(root: typer.Typer) -> None:
    """Given the program, add the command to it."""
    root.command()(undo)


def undo(
    context: typer.Context,
    number: Annotated[
        int, typer.Argument(metavar="PASS", help="The number of a pass; `history` lists them.")
    ],
    *,
    approve: ApproveOption = None,
    by: ByOption = None,
    show_all: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Turn around what a pass did, as far as nobody said no since then. Shows first what that would do.

    The passes after it leave alone what was undone, until its data changes in OTYS or `release` ends that.
    Exits with 3 when a guard would withhold something of it, with 4 when what would be done is not what was
    approved.
    """
    common = shared(context)
    config = common.load_config()
    with open_state(config) as store, watching(common.errors) as watcher:
        record = _record(store, number)
        _require_apply_mode(config, record.client, writes=approve is not None)
        with open_client(record.client, config, store, watcher, plan_only=approve is None) as client:
            undone = undo_pass(client, record, by=by or user_name(), approved=approve)
    document = pass_document(undone.report)
    if as_json:
        print_json(_plain(undone, document))
    else:
        _print(undone, document, common, everything=show_all)
    raise typer.Exit(_CODES.get(PassResult(document.result), ExitCode.DONE))


def _record(store: Store, number: int) -> PassRecord:
    record = store.pass_record(PassId(number))
    if record is None:
        raise typer.BadParameter(f"there is no pass {number}; `reconciler history` lists them")
    if record.mode == Mode.PLAN:
        raise typer.BadParameter(f"pass {number} was only a plan: there is nothing to undo")
    return record


def _require_apply_mode(config: Config, client: str, *, writes: bool) -> None:
    if writes and chosen_client(config, client).mode is Mode.PLAN:
        problem = Problem(f"clients.{client}.mode", 'is "plan": nothing may be written for this client')
        raise ConfigurationError([problem], advice='Set it to "apply" to undo the pass.')


def _print(undone: Undone, document: PassDocument, common: Shared, *, everything: bool) -> None:
    console = common.console
    for one in document.lists:
        print_list(one, console, Detail(everything=everything))
    for verdict, title in _TITLES.items():
        _print_verdict(undone, verdict, Text(title, "bold yellow"), console, everything=everything)
    for proposal in document.withheld:
        console.print(Text("WITHHELD", "bold white on red"), Text(printable(proposal.message)))
    for problem in document.problems:
        print_hanging(Text(printable(problem)), console, label=Text("FAILED", "bold red"), indent=0)
    print_effort(effort_of_plan(document), console)
    planned = document.mode == Mode.PLAN
    what = ", ".join(to_do(document.counts) if planned else done(document.counts)) or "nothing to do"
    told = f"would {what}; nothing was written" if planned and what != "nothing to do" else what
    console.print(Text(f"{undone.report.client}, undo of pass {undone.pass_id}: {told}", "bold"))
    if planned and document.changes and undone.digest:
        command = f"{program(common)} undo {undone.pass_id} --approve {short(undone.digest)}"
        console.print(Text(f"To do exactly this: {command}"), soft_wrap=True)


def _print_verdict(
    undone: Undone, verdict: Verdict, title: Text, console: Console, *, everything: bool
) -> None:
    """Brought together by list and reason: a pass of thousands is told in a few lines."""
    groups: defaultdict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for inverse in _with(undone, verdict):
        of = inverse.done
        groups[of.list_name, of.list, of.verb, inverse.reason].append(of.email or "")
    for (name, uid, verb, reason), emails in groups.items():
        who = some_of([printable(one) for one in emails], len(emails) if everything else FEW)
        what = f"{verb} {len(emails):,}: {printable(reason)}"
        lines = [f"{name_of(name, uid)}: {what}", *([who] if any(emails) else [])]
        print_hanging(Text("\n".join(lines)), console, label=title, indent=0)


def _with(undone: Undone, verdict: Verdict) -> Sequence[Inverse]:
    return [inverse for one in undone.lists for inverse in one.with_verdict(verdict)]


def _plain(undone: Undone, document: PassDocument) -> dict[str, object]:
    return {
        "undoes": undone.pass_id,
        "digest": undone.digest,
        **as_plain([document], with_results=document.mode != Mode.PLAN),
        "already_true": [_untouched(one) for one in _with(undone, Verdict.ALREADY_TRUE)],
        "impossible": [_untouched(one) for one in _with(undone, Verdict.IMPOSSIBLE)],
    }


def _untouched(one: Inverse) -> dict[str, object]:
    of = one.done
    return {
        "list": of.list,
        "list_name": of.list_name,
        "verb": of.verb,
        "email": of.email,
        "before": dict(of.before),
        "after": dict(of.after),
        "reason": one.reason,
    }
