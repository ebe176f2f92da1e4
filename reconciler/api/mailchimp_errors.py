"""Knows what Mailchimp's refusals mean: by status and title, the text last, never by `type`."""

import re

import msgspec

from reconciler.api.decoding import Undecodable, decode
from reconciler.api.http import Answer
from reconciler.errors import (
    BadRequest,
    CredentialsRejected,
    NotFound,
    PermissionDenied,
    RemoteError,
    UnexpectedAnswer,
    Unreachable,
)
from reconciler.model import RefusalKind, Standing
from reconciler.printable import printable, shortened

SYSTEM = "Mailchimp"
SECONDS_AFTER_A_BLOCK = 5.0

_AUDIENCE_LIMIT_OR_ROLE = ("user action not permitted", "does not have access to the requested operation")

_KIND_BY_TITLE = {
    "member exists": RefusalKind.MEMBER_EXISTS,
    "member in compliance state": RefusalKind.COMPLIANCE,
    "forgotten email not subscribed": RefusalKind.FORGOTTEN,
}

_KIND_BY_TEXT = (
    ("permanently deleted", RefusalKind.FORGOTTEN),
    ("was previously removed", RefusalKind.FORGOTTEN),
    ("sign up using a mailchimp form", RefusalKind.FORGOTTEN),
    ("compliance state", RefusalKind.COMPLIANCE),
    ("lists very recently", RefusalKind.TOO_MANY_SIGNUPS),
    ("previously unsubscribed", RefusalKind.UNSUBSCRIBED),
    ("fake or invalid", RefusalKind.FAKE_ADDRESS),
    ("provide a valid email", RefusalKind.INVALID_ADDRESS),
    ("merge fields were invalid", RefusalKind.MERGE_FIELDS),
    ("is already a list member", RefusalKind.MEMBER_EXISTS),
)

_STANDING_IN_TEXT = re.compile(r"status (?:of|is) \"?(?P<standing>[a-z]+)")

_KIND_BY_STANDING = {
    Standing.UNSUBSCRIBED: RefusalKind.UNSUBSCRIBED,
    Standing.CLEANED: RefusalKind.BOUNCED,
    Standing.ARCHIVED: RefusalKind.ARCHIVED,
}

_ADDRESS_FIELDS = frozenset({"email", "email address", "email_address"})
_TAG = re.compile(r"[A-Z0-9_]{1,10}")
_LONGEST_TEXT = 500
_LONGEST_READ = 4 * _LONGEST_TEXT  # looking for addresses in a text without end would take without end
_ADDRESS_IN_TEXT = re.compile(r"\S+@\S+")


class _FieldError(msgspec.Struct, frozen=True):
    field: str = ""
    message: str = ""


class _Problem(msgspec.Struct, frozen=True):
    """The body of a refusal, RFC 7807 with holes (facts/mailchimp.md, 40)."""

    title: str = ""
    detail: str = ""
    errors: list[_FieldError] | None = None


def seconds_to_wait(answer: Answer) -> float | None:
    """Given an answer, return how long to wait when it is a block for too many requests, else None.

    A 403 without a JSON body is one (facts/mailchimp.md, 6); a 429 is always one and needs no number.
    """
    blocked = answer.status == _FORBIDDEN and _problem(answer) is None
    return SECONDS_AFTER_A_BLOCK if blocked else None


def error_of(answer: Answer, action: str) -> RemoteError:
    """Given an answer that is no success and what was asked, return the error it means.

    The exception's own text never holds Mailchimp's detail, which may name an address; BadRequest carries it
    in its attributes.
    """
    problem = _problem(answer) or _Problem()
    what = f"{action}: {answer.status} {without_addresses(problem.title)}".rstrip()
    match answer.status:
        case 401:
            return CredentialsRejected(SYSTEM, f"the API key is not accepted ({what})")
        case 403:
            return _forbidden(problem, what)
        case 404:
            return NotFound(SYSTEM, f"it does not exist ({what})")
        case status if status >= _SERVER_ERROR:
            return _failure(problem, what)
        case status if status >= _BAD_REQUEST:
            fields = "; ".join(error.field for error in problem.errors or () if error.field)
            return BadRequest(
                SYSTEM,
                f"the request was refused ({what}{': ' if fields else ''}{without_addresses(fields)})",
                title=problem.title,
                detail=problem.detail,
                status=status,
                fields=[(error.field, error.message) for error in problem.errors or ()],
            )
    return UnexpectedAnswer(SYSTEM, f"neither a success nor an error ({what})")


def refusal_of(error: BadRequest) -> RefusalKind:
    """Given the refusal of a write about one contact, return its kind; UNKNOWN if its words are new."""
    kind = _KIND_BY_TITLE.get(error.title.casefold())
    return kind or _kind_of_text(text_of(error), [field for field, _ in error.fields])


def refusal_of_row(*, error_code: str, error: str, field: str = "", field_message: str = "") -> RefusalKind:
    """Given a row of a batch's `errors[]`, return its kind; UNKNOWN if its words are new."""
    if error_code == "ERROR_CONTACT_EXISTS":
        return RefusalKind.MEMBER_EXISTS
    return _kind_of_text(f"{error} {field_message}", [field] if field else [])


def refusal_of_standing(standing: Standing) -> RefusalKind:
    """Given the standing of a contact that an add met, return why the add is refused."""
    return _KIND_BY_STANDING.get(standing, RefusalKind.MEMBER_EXISTS)


def text_of(error: BadRequest) -> str:
    """Given a refusal, return all its words in one line. May name an address."""
    return " ".join([error.detail, *(f"{field}: {message}" for field, message in error.fields)]).strip()


def without_addresses(text: str) -> str:
    """Given a text of Mailchimp's, return it fit for a log: short, harmless, and without addresses."""
    return shortened(printable(_ADDRESS_IN_TEXT.sub("(address)", text[:_LONGEST_READ])), _LONGEST_TEXT)


def _kind_of_text(text: str, fields: list[str]) -> RefusalKind:
    words = text.casefold()
    for part, kind in _KIND_BY_TEXT:
        if part in words:
            return kind
    standing = _STANDING_IN_TEXT.search(words)
    if standing and standing["standing"] in set(Standing):
        return refusal_of_standing(Standing(standing["standing"]))
    if any(field.casefold() in _ADDRESS_FIELDS for field in fields):
        return RefusalKind.INVALID_ADDRESS
    if any(_TAG.fullmatch(field) for field in fields):
        return RefusalKind.MERGE_FIELDS
    return RefusalKind.UNKNOWN


def _forbidden(problem: _Problem, what: str) -> RemoteError:
    words = f"{problem.title} {problem.detail}".casefold()
    if any(text in words for text in _AUDIENCE_LIMIT_OR_ROLE):
        return PermissionDenied(SYSTEM, f"the key's user may not do this ({what})")
    if "datacenter" in words:
        return CredentialsRejected(
            SYSTEM,
            f"the API key belongs to another data centre ({what})",
            advice="Copy the whole key, with the suffix that names its data centre, or correct base_url.",
        )
    if "disabled" in words:
        return CredentialsRejected(
            SYSTEM,
            f"the user of the API key is disabled ({what})",
            advice="Enable the user in Mailchimp, or use another user's key.",
        )
    if problem.title.casefold() == "forbidden":
        return CredentialsRejected(SYSTEM, f"the API key is refused ({what})")
    return PermissionDenied(SYSTEM, f"the key's user may not do this ({what})")


def _failure(problem: _Problem, what: str) -> RemoteError:
    if problem.title.casefold() == "compliancerelated":
        return Unreachable(
            SYSTEM,
            f"the account is blocked for a compliance review ({what})",
            advice="Log in to Mailchimp and answer what it asks about the account; nothing works before.",
        )
    return Unreachable(SYSTEM, f"the service failed ({what})")


def _problem(answer: Answer) -> _Problem | None:
    try:
        return decode(answer.body, _Problem)
    except Undecodable:
        return None


_BAD_REQUEST = 400
_FORBIDDEN = 403
_SERVER_ERROR = 500
