"""Knows what an answer of OTYS means: a result, a page, or a failure of four layers (facts/otys.md, 4)."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from reconciler.api.decoding import DEEPEST, Undecodable, decode, is_deeper_than
from reconciler.api.http import Answer
from reconciler.api.values import Json, rows_of, text, whole_number
from reconciler.errors import BadRequest, PermissionDenied, RemoteError, UnexpectedAnswer
from reconciler.printable import printable, shortened

SYSTEM = "OTYS"
LONGEST_MESSAGE = 300
LONGEST_READ = 4 * LONGEST_MESSAGE  # looking for addresses in a text without end would take without end
FIRST_ERROR_STATUS = 400


class SessionDied(RemoteError):
    """The session is over; a new login helps."""


class FieldRefused(BadRequest):
    """A field that was asked for may not be read, which fails the whole call."""


class GarbledAnswer(UnexpectedAnswer):
    """Bytes that are no answer at all; a read may simply be repeated."""

    advice = "Nothing is lost: the next pass tries again. If it lasts, look whether `otys.endpoint` is right."


@dataclass(frozen=True, slots=True)
class Reply:
    """What one call of a batch came to."""

    result: Json = None
    error: RemoteError | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one list call; `total` is None where the service told none."""

    rows: list[dict[str, Json]]
    total: int | None


def result_of(answer: Answer, dead_session_texts: Collection[str]) -> Json:
    """Given an HTTP answer, return the result of the call.

    Raise SessionDied, FieldRefused, PermissionDenied or BadRequest for an error that is told in words, and
    GarbledAnswer for anything that is no JSON-RPC answer, a missing `result` included.
    """
    envelope = _decode(answer)
    error = envelope.get("error")
    if error is not None:
        raise refusal(error, dead_session_texts)
    if answer.status >= FIRST_ERROR_STATUS:
        raise UnexpectedAnswer(SYSTEM, f"HTTP {answer.status} instead of an answer")
    if "result" not in envelope:
        raise GarbledAnswer(SYSTEM, "an answer without a result and without an error")
    result = envelope["result"]
    if isinstance(result, dict) and result.get("status") == "error":
        raise refusal(result, dead_session_texts)
    return result


def reply_of(item: dict[str, Json], dead_session_texts: Collection[str]) -> Reply:
    """Given one entry of a batch's answer, return its result or its error."""
    if item.get("status") != "success":
        return Reply(error=refusal(item, dead_session_texts))
    if "data" not in item:
        return Reply(error=UnexpectedAnswer(SYSTEM, "a call of a batch succeeded without any data"))
    data = item["data"]
    if isinstance(data, dict) and data.get("status") == "error":
        return Reply(error=refusal(data, dead_session_texts))
    return Reply(result=data)


def page_of(result: Json, method: str) -> Page:
    """Given the result of a list call, return its page. Raise UnexpectedAnswer if it has neither shape."""
    listed: Json = result
    total: Json = None
    if isinstance(result, dict) and "listOutput" in result:
        listed, total = result["listOutput"], result.get("totalCount")
    rows = rows_of(listed)
    if rows is None or (listed is result and isinstance(result, dict)):
        raise UnexpectedAnswer(SYSTEM, f"{method} answered with something that is no list of rows")
    return Page(rows, _count(total, method))


def refusal(error: Json, dead_session_texts: Collection[str]) -> RemoteError:
    """Given an error in any of OTYS' spellings, return it typed, without addresses and secrets."""
    message = text(error.get("message")) if isinstance(error, dict) else text(error)
    code = text(error.get("code")) if isinstance(error, dict) else ""
    told = without_secrets(message) or "an error without a message"
    folded = message.casefold()
    if any(folded.startswith(dead.casefold()) for dead in dead_session_texts):
        return SessionDied(SYSTEM, told)
    if "abstract_field" in folded:
        return FieldRefused(SYSTEM, told, title=code, detail=told)
    if folded.startswith("access denied") or "no rights" in folded:
        return PermissionDenied(SYSTEM, told)
    return BadRequest(SYSTEM, told, title=code, detail=told)


def without_secrets(message: str) -> str:
    """Given a text of OTYS, return it short and without addresses, sessions and keys."""
    message = re.sub(r"\S+@\S+", "[address]", message[:LONGEST_READ])
    message = re.sub(r"\b(?=[\w-]*\d)[\w-]{20,}", "[hidden]", message)
    return shortened(printable(message), LONGEST_MESSAGE)


def _decode(answer: Answer) -> dict[str, Json]:
    envelope = _object_in(answer.body)
    if envelope is not None:
        return envelope
    if answer.status >= FIRST_ERROR_STATUS:
        return {}
    raise GarbledAnswer(SYSTEM, _describe(answer.body))


def _object_in(body: bytes) -> dict[str, Json] | None:
    try:
        envelope: dict[str, Json] = decode(body, dict)
    except Undecodable:
        return None
    return None if is_deeper_than(envelope, DEEPEST) else envelope


def _describe(body: bytes) -> str:
    if not body:
        return "an empty answer"
    kind = "a web page" if body.lstrip()[:1] == b"<" else f"{len(body)} bytes that are no JSON object"
    return f"{kind} instead of an answer"


def _count(total: Json, method: str) -> int | None:
    if total is None:
        return None
    count = whole_number(text(total))
    if count is None:
        raise UnexpectedAnswer(SYSTEM, f"{method} answered with a total that is no number of rows")
    return count
