"""What can go wrong, in words for the operator."""

from collections.abc import Sequence
from dataclasses import dataclass


class ReconcilerError(Exception):
    """Anything the product knows how to explain. Its text is one clear sentence without secrets."""

    advice: str = ""
    """What the operator can do about it."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        if advice:
            self.advice = advice


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the configuration: where, what, and what was probably meant."""

    path: str
    message: str


class ConfigurationError(ReconcilerError):
    """The configuration cannot be used; all problems are told at once."""

    def __init__(self, problems: Sequence[Problem], *, source: str = "", advice: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = f"{len(self.problems)} problem" + ("s" if len(self.problems) > 1 else "")
        super().__init__(f"{count} in {source or 'the configuration'}", advice=advice)

    advice = "Correct them and run `reconciler config check` again."


class StoreError(ReconcilerError):
    """The state database cannot be opened, read or written."""


class BackupError(ReconcilerError):
    """A backup of an audience cannot be written, or what stands there cannot be trusted."""

    advice = "Name another backup with --backup, or bring this file and its checksum back from a copy."


class LockHeld(ReconcilerError):
    """Another pass works on the same client."""


class StaleApproval(ReconcilerError):
    """The digest names no plan that is waiting now."""


class RemoteError(ReconcilerError):
    """One of the two services did not do what was asked."""

    def __init__(self, system: str, message: str, *, advice: str = "") -> None:
        self.system = system
        super().__init__(f"{system}: {message}", advice=advice)


class Unreachable(RemoteError):
    """No usable answer: network, time-out, 5xx. Whether a write was applied is not known."""

    advice = "Nothing is lost: the next pass tries again. Check the network if it lasts."


class Stopping(Unreachable):
    """Nothing was asked, because this program was told to stop."""

    advice = "Nothing is lost: the next pass goes on where this one ended."


class Untrusted(Unreachable):
    """No secure connection: the certificate is not trusted, or something stands in between."""

    advice = "Check the address, the computer's clock and the certificates it trusts."


class Throttled(RemoteError):
    """The service asks for patience, and its limit lasted longer than we waited."""

    advice = "The next pass tries again. Look for other programs that use the same key."


class UnexpectedAnswer(RemoteError):
    """The service answered with something that cannot be understood."""

    advice = "Run `reconciler probe` and compare the shapes with the mapping (docs/mapping.md)."


class CredentialsRejected(RemoteError):
    """The key is wrong, revoked, or for another data centre."""

    advice = "Put a valid key in the configuration or in the client's OTYS settings."


class PermissionDenied(RemoteError):
    """The key is good, but its user may not do this."""

    advice = "Give the key's user the right, or use another user's key."


class NotFound(RemoteError):
    """What the request names does not exist there."""


class BadRequest(RemoteError):
    """The service calls the request wrong; a repetition would fail alike."""

    def __init__(
        self,
        system: str,
        message: str,
        *,
        title: str = "",
        detail: str = "",
        status: int = 400,
        fields: Sequence[tuple[str, str]] = (),
        advice: str = "",
    ) -> None:
        self.title = title
        self.detail = detail
        self.status = status
        self.fields = tuple(fields)
        super().__init__(system, message, advice=advice)


def in_words(error: ReconcilerError) -> str:
    """Given an error, return what is wrong and what to do, in one line."""
    what = str(error)
    if isinstance(error, ConfigurationError):
        # The text of an error about one client setting tells its problem already.
        untold = [f"{one.path}: {one.message}" for one in error.problems if one.message not in what]
        what = f"{what}: {'; '.join(untold)}" if untold else what
    return f"{what.removesuffix('.')}. {error.advice}".strip()
