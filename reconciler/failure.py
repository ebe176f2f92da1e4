"""The kinds of failure that are told apart where only a word fits: in metrics. Pure."""

from enum import StrEnum

from reconciler.errors import (
    BadRequest,
    ConfigurationError,
    CredentialsRejected,
    NotFound,
    PermissionDenied,
    ReconcilerError,
    Stopping,
    StoreError,
    Throttled,
    UnexpectedAnswer,
    Unreachable,
    Untrusted,
)


class FailureKind(StrEnum):
    """What went wrong, in one word."""

    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    THROTTLED = "throttled"
    KEY_REJECTED = "key_rejected"
    NOT_PERMITTED = "not_permitted"
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    UNEXPECTED_ANSWER = "unexpected_answer"
    CONFIGURATION = "configuration"
    STORE = "store"
    STOPPED = "stopped"
    OTHER = "other"


_KINDS: tuple[tuple[type[ReconcilerError], FailureKind], ...] = (
    # the particular ones before the class they belong to
    (Stopping, FailureKind.STOPPED),
    (Untrusted, FailureKind.CERTIFICATE),
    (Unreachable, FailureKind.UNREACHABLE),
    (Throttled, FailureKind.THROTTLED),
    (CredentialsRejected, FailureKind.KEY_REJECTED),
    (PermissionDenied, FailureKind.NOT_PERMITTED),
    (NotFound, FailureKind.NOT_FOUND),
    (BadRequest, FailureKind.BAD_REQUEST),
    (UnexpectedAnswer, FailureKind.UNEXPECTED_ANSWER),
    (ConfigurationError, FailureKind.CONFIGURATION),
    (StoreError, FailureKind.STORE),
)


def kind_of(error: ReconcilerError) -> FailureKind:
    """Given an error, return its kind."""
    return next((kind for known, kind in _KINDS if isinstance(error, known)), FailureKind.OTHER)
