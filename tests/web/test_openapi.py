"""The description of the API against the real application: what it promises, the application does."""

import re

from flask.testing import FlaskClient

from reconciler.web.openapi import openapi

NOT_API = {"/", "/approve", "/static/<path:filename>"}


def test_every_route_is_described_and_nothing_else(port: FlaskClient) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in port.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in NOT_API
    }
    paths = openapi()["paths"]
    assert isinstance(paths, dict)
    described = {(path, method) for path, item in paths.items() for method in item.keys() & {"get", "post"}}

    assert described == routes


def test_the_description_is_served_to_anybody(port: FlaskClient) -> None:
    answer = port.get("/api/v1/openapi.json")

    assert answer.status_code == 200
    assert answer.json
    assert answer.json["openapi"] == "3.1.0"
    assert answer.json["paths"].keys() >= {"/api/v1/reconcile", "/metrics", "/livez"}
