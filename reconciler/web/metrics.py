"""Knows `/metrics`."""

from flask import Blueprint, Response, request
from prometheus_client.exposition import choose_encoder

from reconciler.web.ports import Service


def metrics_routes(service: Service) -> Blueprint:
    """Given the daemon, return the route of its metrics. Anybody may ask: no list or person is in them."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(service.registry), content_type=content_type)

    return routes
