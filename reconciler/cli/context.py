"""Knows what every command shares: the global options, the consoles, and how JSON is printed."""

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from reconciler.config import Config, load_config
from reconciler.logs import set_up_logs

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
"""The type of every reading command's `as_json` parameter."""

_STEERING = re.compile(r"[^ -~\n]")
_GLOBAL_SWITCHES = ("--verbose", "-v")
_GLOBAL_VALUES = ("--config", "-c")


@dataclass(frozen=True, slots=True)
class Shared:
    """What a command gets as `context.obj`; read it with `shared(context)`."""

    config_path: Path | None
    """The file that was named; None: the usual one."""
    verbose: bool
    environ: Mapping[str, str]
    console: Console
    """For results, on standard output."""
    errors: Console
    """For everything else, on standard error."""

    def load_config(self) -> Config:
        """Return the configuration. Raise ConfigurationError with every problem."""
        return load_config(self.config_path, self.environ)


def remember_shared(
    context: typer.Context,
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            envvar="RECONCILER_CONFIG",
            help="The configuration file; config/reconciler.toml when none is named.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell every request and decision on standard error.")
    ] = False,
) -> None:
    """Keep OTYS lists and Mailchimp audiences in step."""
    set_up_logs(logging.DEBUG if verbose else logging.WARNING)
    context.obj = Shared(
        config_path=config,
        verbose=verbose,
        environ=os.environ,
        console=Console(highlight=False),
        errors=Console(stderr=True, highlight=False),
    )


def shared(context: typer.Context) -> Shared:
    """Given a command's context, return what all commands share."""
    found = context.find_object(Shared)
    if found is None:
        raise RuntimeError("a command was started without the callback that prepares it")
    return found


def print_json(value: object) -> None:
    """Given a value of plain types, print it as JSON on standard output, the same on every terminal."""
    typer.echo(_STEERING.sub(_escaped, json.dumps(value, indent=2, ensure_ascii=False)))


def _escaped(character: re.Match[str]) -> str:
    """What a terminal would obey is spelled as JSON may spell any character, so that nothing is lost."""
    return character[0] if character[0].isprintable() else json.dumps(character[0])[1:-1]


def globals_first(arguments: Sequence[str]) -> list[str]:
    """Given a command line, return it with the global options in front, where Typer wants them.

    People add `--config` and `--verbose` at the end. What follows `--` is left alone.
    """
    front: list[str] = []
    rest: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            rest += [argument, *remaining]
        elif argument in _GLOBAL_SWITCHES or argument.startswith("--config="):
            front.append(argument)
        elif argument in _GLOBAL_VALUES:
            front += [argument, *_next(remaining)]
        else:
            rest.append(argument)
    return [*front, *rest]


def _next(remaining: Iterator[str]) -> list[str]:
    value = next(remaining, None)
    return [] if value is None else [value]
