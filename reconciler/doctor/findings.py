"""One thing that was examined, how it is, and what to do about it."""

from enum import StrEnum

import msgspec

from reconciler.errors import ConfigurationError, ReconcilerError


class Verdict(StrEnum):
    """How a thing is."""

    OK = "ok"
    WARNING = "warning"
    """A pass can run, but not all of it will be as somebody may expect."""
    PROBLEM = "problem"
    """A pass would fail, or do nothing."""
    SKIPPED = "skipped"
    """Not examined, because something it needs has a problem."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found about one thing."""

    check: str
    """A stable name, for programs: `otys_login`, `clock`, ..."""
    verdict: Verdict
    message: str
    advice: str = ""
    client: str = ""
    """Empty for what is shared by all clients."""


def ok(check: str, message: str) -> Finding:
    """Given a thing that is well, return the finding."""
    return Finding(check=check, verdict=Verdict.OK, message=message)


def warning(check: str, message: str, advice: str = "") -> Finding:
    """Given a thing that deserves notice, return the finding."""
    return Finding(check=check, verdict=Verdict.WARNING, message=message, advice=advice)


def problem(check: str, message: str, advice: str = "") -> Finding:
    """Given a thing that keeps a pass from working, return the finding."""
    return Finding(check=check, verdict=Verdict.PROBLEM, message=message, advice=advice)


def skipped(check: str, because: str) -> Finding:
    """Given a thing that could not be examined, return the finding."""
    return Finding(check=check, verdict=Verdict.SKIPPED, message=f"not examined, because {because}")


def failure(check: str, error: ReconcilerError) -> Finding:
    """Given the error that an examination came to, return the finding."""
    if isinstance(error, ConfigurationError) and error.problems:
        told = "; ".join(f"{one.path}: {one.message}" for one in error.problems)
        return problem(check, told, error.advice)
    return problem(check, str(error), error.advice)
