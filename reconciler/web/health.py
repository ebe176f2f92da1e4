"""Knows `/livez` and `/readyz`, which tell whoever restarts the daemon or sends it traffic how it is."""

from http import HTTPStatus

from flask import Blueprint, Response

from reconciler.web.answers import Health, as_json
from reconciler.web.ports import Service
from reconciler.web.problem import problem


def health_routes(service: Service) -> Blueprint:
    """Given the daemon, return the routes about its health. Anybody may ask."""
    routes = Blueprint("health", __name__)

    @routes.get("/livez")
    def livez() -> Response:
        trouble = service.trouble()
        if trouble:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, trouble, advice="Restart the daemon.")
        return as_json(Health())

    @routes.get("/readyz")
    def readyz() -> Response:
        unready = service.unready()
        if unready:
            told = f"The last good pass is too old: {', '.join(sorted(unready))}."
            return problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                told,
                advice="`reconciler status` tells more.",
                clients=unready,
            )
        return as_json(Health())

    return routes
