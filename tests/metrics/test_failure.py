import pytest

from reconciler.errors import (
    BadRequest,
    ConfigurationError,
    CredentialsRejected,
    LockHeld,
    NotFound,
    PermissionDenied,
    Problem,
    ReconcilerError,
    Stopping,
    StoreError,
    Throttled,
    UnexpectedAnswer,
    Unreachable,
    Untrusted,
)
from reconciler.failure import kind_of


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unreachable("OTYS", "no answer"), "unreachable"),
        (Untrusted("OTYS", "no secure connection"), "certificate"),
        (Stopping("OTYS", "told to stop"), "stopped"),
        (Throttled("OTYS", "too many"), "throttled"),
        (CredentialsRejected("OTYS", "wrong key"), "key_rejected"),
        (PermissionDenied("OTYS", "may not"), "not_permitted"),
        (NotFound("OTYS", "gone"), "not_found"),
        (BadRequest("OTYS", "wrong"), "bad_request"),
        (UnexpectedAnswer("OTYS", "garbled"), "unexpected_answer"),
        (ConfigurationError([Problem("clients", "is missing")]), "configuration"),
        (StoreError("the disk is full"), "store"),
        (LockHeld("another pass runs"), "other"),
    ],
)
def test_each_error_has_the_kind_an_operator_looks_for(error: ReconcilerError, kind: str) -> None:
    assert kind_of(error) == kind
