"""Knows the JSON-RPC 2.0 envelope: positional parameters, errors with HTTP 200 (facts/otys.md, 1 and 4)."""

import msgspec

from reconciler.sandbox.otys.errors import OtysRefusal
from reconciler.sandbox.otys.json_types import Json

SERVICES_PREFIX = "Otys.Services."


class Call(msgspec.Struct):
    """One call: a bare session method or `Otys.Services.<Name>Service.<method>`."""

    method: str
    params: list[Json] = []
    id: Json = None


class BatchItem(msgspec.Struct):
    """One call inside MultiService.execute."""

    method: str
    args: list[Json] = []


def read_call(body: bytes) -> Call:
    """Given a request's body, return the call. Raise OtysRefusal if it is not JSON-RPC."""
    try:
        return msgspec.json.decode(body, type=Call)
    except msgspec.DecodeError as error:
        raise OtysRefusal(f"Parse error: {error}", code=-32700) from error


def unwrapped(call: Call) -> Call:
    """Given a call, return the one inside LanguageService.wrapRequest, or the call itself."""
    if call.method != f"{SERVICES_PREFIX}LanguageService.wrapRequest":
        return call
    if len(call.params) < 2:
        raise OtysRefusal("LanguageService.wrapRequest: expected a language and a request", code=-32602)
    try:
        return unwrapped(msgspec.convert(call.params[1], Call))
    except msgspec.ValidationError as error:
        raise OtysRefusal(f"LanguageService.wrapRequest: {error}", code=-32602) from error


def split_method(method: str) -> tuple[str, str]:
    """Given a method's full name, return its service and its bare name; a session method has no service."""
    service, _, name = method.removeprefix(SERVICES_PREFIX).rpartition(".")
    return service, name


def result_body(call_id: Json, result: Json) -> bytes:
    """Given a call's id and its result, return the body of a success."""
    return msgspec.json.encode({"jsonrpc": "2.0", "result": result, "id": call_id})


def error_body(call_id: Json, refusal: OtysRefusal) -> bytes:
    """Given a call's id and a refusal, return the body of a failure."""
    error = {"code": refusal.code, "message": refusal.message}
    return msgspec.json.encode({"jsonrpc": "2.0", "error": error, "id": call_id})


def empty_body(call_id: Json) -> bytes:
    """Given a call's id, return a body with neither result nor error."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": call_id})
