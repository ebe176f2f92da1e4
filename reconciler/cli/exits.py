"""Knows the exit codes, and turns an error into a sentence, advice and a code: the only place that does."""

from enum import IntEnum

from rich.console import Console
from rich.text import Text

from reconciler.errors import ConfigurationError, LockHeld, Problem, ReconcilerError, StaleApproval
from reconciler.printable import printable


class ExitCode(IntEnum):
    """What a command says to whoever started it."""

    DONE = 0
    FAILED = 1
    """Something failed."""
    CONFIGURATION = 2
    """The configuration or the command line is wrong."""
    WITHHELD = 3
    """A guard withheld something, which waits for an approval."""
    STALE_APPROVAL = 4
    """The approved plan is not the one that is waiting."""
    LOCK_HELD = 75
    """Another pass works on the same client; try again later."""


_CODES: dict[type[ReconcilerError], ExitCode] = {
    ConfigurationError: ExitCode.CONFIGURATION,
    StaleApproval: ExitCode.STALE_APPROVAL,
    LockHeld: ExitCode.LOCK_HELD,
}


def exit_code(error: ReconcilerError) -> ExitCode:
    """Given an error, return the exit code it stands for."""
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), ExitCode.FAILED)


def explain(error: ReconcilerError, console: Console) -> None:
    """Given an error, print what is wrong and what can be done about it."""
    console.print(Text.assemble(("Error: ", "bold red"), printable(str(error))), soft_wrap=True)
    if isinstance(error, ConfigurationError):
        for problem in error.problems:
            print_problem(problem, console)
    if error.advice:
        console.print(Text(printable(error.advice)), soft_wrap=True)


def print_problem(problem: Problem, console: Console) -> None:
    """Given a problem, print it as an item of a list, on one line however long it is."""
    where, what = printable(problem.path), printable(problem.message)
    console.print(Text.assemble("  - ", (where, "bold"), f": {what}"), soft_wrap=True)
