"""Knows how a refusal looks: every error is a problem document (RFC 9457), and none shows a secret."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from reconciler.errors import ReconcilerError, StaleApproval
from reconciler.web.ports import UnknownClient

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger(__name__)


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was refused, or did not work."""

    title: str
    """What the status means."""
    status: int
    detail: str
    """What is wrong, in a sentence."""
    advice: str = ""
    """What can be done about it."""
    clients: Mapping[str, str] = {}
    """The clients that are concerned, each with the reason."""


class Refused(Exception):
    """A request that is not served; becomes a problem document."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        advice: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.advice = advice
        self.headers = headers or {}


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    advice: str = "",
    headers: Mapping[str, str] | None = None,
    clients: Mapping[str, str] | None = None,
) -> Response:
    """Given what is wrong, return the problem document that says so."""
    document = Problem(
        title=status.phrase, status=status, detail=detail, advice=advice, clients=clients or {}
    )
    body = msgspec.json.encode(document)
    return Response(body, status, headers=headers, content_type=MEDIA_TYPE)


def answer_errors(app: Flask) -> None:
    """Given the application, make every error it answers with a problem document."""
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _by_http)
    app.register_error_handler(ReconcilerError, _explained)
    app.register_error_handler(Exception, _unexpected)


def _refused(error: Refused) -> Response:
    return problem(error.status, str(error), advice=error.advice, headers=error.headers)


def _by_http(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    allowed = error.get_response(request.environ).headers.get("Allow")
    return problem(status, error.description or status.phrase, headers={"Allow": allowed} if allowed else {})


def _explained(error: ReconcilerError) -> Response:
    """What is not the caller's mistake is the state or the configuration: it may work again later."""
    statuses = {UnknownClient: HTTPStatus.NOT_FOUND, StaleApproval: HTTPStatus.CONFLICT}
    status = statuses.get(type(error), HTTPStatus.SERVICE_UNAVAILABLE)
    return problem(status, str(error), advice=error.advice)


def _unexpected(error: Exception) -> Response:
    """Only the route is logged, never the path: that of a hook ends with its secret."""
    log.error("request_failed", route=request.endpoint, exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "This is a mistake in the program.",
        advice="The daemon's log says where.",
    )
