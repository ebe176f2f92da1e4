"""Puts the routes together, with what holds for all of them: headers, limits, and how errors look."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from reconciler.stop import Stop
from reconciler.web.api import api_routes
from reconciler.web.health import health_routes
from reconciler.web.hooks import hook_routes
from reconciler.web.list_views import ListViews, reads_from
from reconciler.web.metrics import metrics_routes
from reconciler.web.pages import page_routes
from reconciler.web.ports import Service
from reconciler.web.problem import answer_errors

LARGEST_BODY: Final = 64 * 1024
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def build_app(
    service: Service,
    *,
    views: ListViews | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Flask:
    """Given the daemon, return its HTTP port as an application. `views` reads the lists (None: from OTYS)."""
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_map.merge_slashes = False  # a redirect would be an answer that no problem document explains
    answer_errors(app)
    app.before_request(_refuse_large_bodies)
    app.after_request(_with_headers)
    shown = views or ListViews(reads_from(service, Stop()))
    for routes in (
        health_routes(service),
        metrics_routes(service),
        api_routes(service, shown, now),
        hook_routes(service, now),
        page_routes(service, shown, now),
    ):
        app.register_blueprint(routes)
    return app


def _refuse_large_bodies() -> None:
    """Flask itself notices only when a route reads the body, and a hook does not."""
    if (request.content_length or 0) > LARGEST_BODY:
        raise RequestEntityTooLarge(f"The body is larger than {LARGEST_BODY // 1024} KiB.")


def _with_headers(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response
