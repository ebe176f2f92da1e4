"""Knows the OpenAPI document: the paths written here, the shapes made from the types that are answered."""

from functools import cache
from typing import Final

import msgspec

from reconciler import __version__
from reconciler.web.answers import (
    Approval,
    Approved,
    AskedPasses,
    Clients,
    Health,
    Lists,
    PassAnswer,
    PassRequest,
    Plans,
)
from reconciler.web.problem import MEDIA_TYPE, Problem

Tree = dict[str, object]

_JSON: Final = "application/json"
_REFERENCE: Final = "#/components/schemas/{name}"
_SHAPES: Final = (
    Approval,
    Approved,
    AskedPasses,
    Clients,
    Health,
    Lists,
    PassAnswer,
    PassRequest,
    Plans,
    Problem,
)
_PROBLEMS: Final = {
    400: "The request cannot be understood.",
    401: "The token is missing or wrong.",
    403: "Not allowed: no token is configured, or a signature is missing or wrong.",
    404: "There is no such thing.",
    409: "The digest names nothing that waits now.",
    413: "The body is larger than 64 KiB.",
    415: "The body is not JSON.",
    421: "Without a token only this machine may look, under a name of its own.",
    422: "It is not clear whose list is meant.",
    503: "It does not work now; `detail` says why.",
}
_CLIENT: Final[Tree] = {
    "name": "client",
    "in": "query",
    "description": "Only this client; all when not told.",
    "schema": {"type": "string", "minLength": 1},
}


@cache
def openapi() -> Tree:
    """Return the description of the API."""
    _, shapes = msgspec.json.schema_components(_SHAPES, ref_template=_REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "reconciler",
            "version": __version__,
            "description": "The HTTP port of the daemon that makes Mailchimp audiences follow OTYS lists.",
        },
        "paths": _paths(),
        "components": {
            "schemas": shapes,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "What `http.token` configures. Without one, reading needs none, "
                    "and nothing can be changed.",
                }
            },
        },
    }


def _paths() -> Tree:
    return {
        "/livez": {"get": _open("Does the daemon's loop tick?", Health, 503)},
        "/readyz": {"get": _open("Is every client's last good pass recent enough?", Health, 503)},
        "/metrics": {"get": _metrics()},
        "/api/v1/openapi.json": {"get": _description()},
        "/api/v1/reconcile": {
            "post": _guarded(
                "Let a pass run as soon as it can",
                AskedPasses,
                *(400, 403, 404, 413, 415, 422),
                status=202,
                body=PassRequest,
            )
        },
        "/api/v1/passes/{pass_id}": {
            "get": _guarded("A pass and where it stands", PassAnswer, 404, 421),
            "parameters": [_in_path("pass_id", {"type": "integer", "format": "int64", "minimum": 0})],
        },
        "/api/v1/clients": {"get": _guarded("How each client stands", Clients, 421)},
        "/api/v1/lists": {
            "get": _guarded("The lists as OTYS shows them, and which are linked", Lists, 404, 421),
            "parameters": [_CLIENT],
        },
        "/api/v1/plans": {
            "get": _guarded("What is withheld and waits", Plans, 404, 421),
            "parameters": [_CLIENT],
        },
        "/api/v1/plans/{digest}/approve": {
            "post": _guarded(
                "Release exactly what has this digest",
                Approved,
                *(400, 403, 404, 409, 413, 415),
                body=Approval,
            ),
            "parameters": [_in_path("digest", {"type": "string", "pattern": "^[0-9a-f]{6,64}$"})],
        },
        "/hooks/otys/{secret}": {
            "post": _hook("OTYS hints that something changed", 204, 404, 413),
            "parameters": [_in_path("secret", {"type": "string", "pattern": "^[0-9A-Za-z]+$"})],
        },
        "/hooks/mailchimp/{secret}": {
            "get": _hook("Mailchimp checks the hook's address", 200, 404),
            "post": _hook("Mailchimp hints that something changed", 204, 403, 404, 413),
            "parameters": [_in_path("secret", {"type": "string", "pattern": "^[0-9A-Za-z]+$"})],
        },
    }


def _open(summary: str, shape: type[msgspec.Struct], *problems: int) -> Tree:
    return {"summary": summary, "responses": {"200": _answer(shape), **_refusals(problems)}}


def _guarded(
    summary: str,
    shape: type[msgspec.Struct],
    *problems: int,
    status: int = 200,
    body: type[msgspec.Struct] | None = None,
) -> Tree:
    operation: Tree = {
        "summary": summary,
        "security": [{"token": []}],
        "responses": {str(status): _answer(shape), **_refusals((401, *problems, 503))},
    }
    if body is not None:
        operation["requestBody"] = {"required": False, "content": {_JSON: {"schema": _shape(body)}}}
    return operation


def _hook(summary: str, status: int, *problems: int) -> Tree:
    described = {"description": "Noted; no body. What was sent is not read."}
    return {"summary": summary, "responses": {str(status): described, **_refusals(problems)}}


def _metrics() -> Tree:
    text = {"schema": {"type": "string"}}
    answer = {
        "description": "The metrics, in the format that Accept asks for.",
        "content": {"text/plain": text, "application/openmetrics-text": text},
    }
    return {"summary": "The metrics, for Prometheus", "responses": {"200": answer}}


def _description() -> Tree:
    answer = {"description": "This document.", "content": {_JSON: {"schema": {"type": "object"}}}}
    return {"summary": "This document", "responses": {"200": answer}}


def _answer(shape: type[msgspec.Struct]) -> Tree:
    described = (shape.__doc__ or "").partition("\n")[0]
    return {"description": described, "content": {_JSON: {"schema": _shape(shape)}}}


def _refusals(problems: tuple[int, ...]) -> Tree:
    content = {MEDIA_TYPE: {"schema": _shape(Problem)}}
    return {
        str(status): {"description": _PROBLEMS[status], "content": content} for status in sorted(problems)
    }


def _in_path(name: str, schema: Tree) -> Tree:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _shape(shape: type[msgspec.Struct]) -> Tree:
    return {"$ref": _REFERENCE.format(name=shape.__name__)}
