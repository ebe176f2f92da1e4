"""Knows how `once` and `plan` go through the clients: one that fails never stops another."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from reconciler.cli.clients import names_of, open_state
from reconciler.cli.context import Shared, print_json
from reconciler.cli.exits import ExitCode, exit_code, explain
from reconciler.cli.progress import watching
from reconciler.cli.render import print_pass
from reconciler.cli.render_json import as_json
from reconciler.cli.render_list import Detail
from reconciler.client import Client
from reconciler.config import DEFAULT_PATH, Config
from reconciler.document import PassDocument, pass_document
from reconciler.errors import ConfigurationError, Problem, ReconcilerError
from reconciler.model import ListUid, PassResult
from reconciler.report import PassReport
from reconciler.wiring import open_client

ListOption = Annotated[str | None, typer.Option("--list", metavar="UID", help="Only the list with this uid.")]
AllOption = Annotated[bool, typer.Option("--all", help="Name every address, however many there are.")]

_CODES = {PassResult.FAILED: ExitCode.FAILED, PassResult.WITHHELD: ExitCode.WITHHELD}
_GRAVEST_FIRST = (ExitCode.FAILED, ExitCode.CONFIGURATION, ExitCode.WITHHELD, ExitCode.LOCK_HELD)


@dataclass(frozen=True, slots=True)
class Passes:
    """The passes that were made, and the clients that came to none."""

    documents: tuple[PassDocument, ...]
    failures: Mapping[str, ReconcilerError]

    @property
    def code(self) -> ExitCode:
        """What to say to whoever started the command: the gravest of all."""
        codes = {
            *(_CODES.get(PassResult(one.result), ExitCode.DONE) for one in self.documents),
            *(exit_code(error) for error in self.failures.values()),
        }
        return next((code for code in _GRAVEST_FIRST if code in codes), ExitCode.DONE)


def make_passes(
    common: Shared,
    run: Callable[[Client, ListUid | None], PassReport],
    *,
    client: str | None,
    list_uid: str | None,
    plan_only: bool = False,
) -> Passes:
    """Given what to run for each client, run it for the chosen one or for all; return what came of it.

    Raise ConfigurationError if there is no such client, or a list is named and it is not clear whose it is.
    """
    config = common.load_config()
    names = _chosen(config, client, list_uid)
    only = None if list_uid is None else ListUid(list_uid)
    documents: list[PassDocument] = []
    failures: dict[str, ReconcilerError] = {}
    with open_state(config) as store, watching(common.errors) as watcher:
        for name in names:
            try:
                with open_client(name, config, store, watcher, plan_only=plan_only) as opened:
                    documents.append(pass_document(run(opened, only)))
            except ReconcilerError as error:
                failures[name] = error
    return Passes(tuple(documents), failures)


def tell(passes: Passes, common: Shared, *, as_plan: bool, show_all: bool, json: bool) -> None:
    """Given passes, print them as text or JSON and end the command with their code."""
    if json:
        print_json(as_json(passes.documents, failures=passes.failures, with_results=not as_plan))
    else:
        detail = Detail(everything=show_all, unmailable=as_plan)
        for document in passes.documents:
            print_pass(document, common.console, detail=detail, program=program(common))
    for error in passes.failures.values():
        explain(error, common.errors)
    raise typer.Exit(passes.code)


def program(common: Shared) -> str:
    """Given what commands share, return how this program was called, for a command to copy."""
    if common.config_path in (None, DEFAULT_PATH):
        return "reconciler"
    return f"reconciler --config {shlex.quote(str(common.config_path))}"


def _chosen(config: Config, client: str | None, list_uid: str | None) -> tuple[str, ...]:
    if client is None and list_uid is not None and len(config.clients) > 1:
        raise ConfigurationError(
            [Problem("--list", "say whose list it is with --client")], source="the command line"
        )
    return names_of(config, client)
