"""The description of the API against the real application: what it promises, the application does."""

import re
from collections.abc import Iterator
from typing import Protocol

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from reconciler.web import build_app
from reconciler.web.list_views import ListViews
from reconciler.web.openapi import openapi
from tests.web.fake import NOW, TOKEN, FakeDaemon, FakeLists, worked_on

NOT_API = {"/", "/approve", "/static/<path:filename>"}
DIGEST = "0123456789abcdef" * 4


def operations() -> Iterator[tuple[str, str]]:
    paths = openapi()["paths"]
    assert isinstance(paths, dict)
    for path, item in paths.items():
        for method in sorted(item.keys() & {"get", "post"}):
            yield method.upper(), path


class Case(Protocol):
    """A request that schemathesis made up."""

    def call_and_validate(self, *, headers: dict[str, str]) -> object: ...


OPERATIONS = tuple(operations())


def test_every_route_is_described_and_nothing_else(port: FlaskClient) -> None:
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in port.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
        if rule.rule not in NOT_API
    }

    assert set(OPERATIONS) == routes


def test_the_description_is_served_to_anybody(port: FlaskClient) -> None:
    answer = port.get("/api/v1/openapi.json")

    assert answer.status_code == 200
    assert answer.json
    assert answer.json["openapi"] == "3.1.0"
    assert answer.json["paths"].keys() >= {"/api/v1/reconcile", "/metrics", "/livez"}


@pytest.fixture
def described(daemon: FakeDaemon, lists: FakeLists) -> Iterator[schemathesis.BaseSchema]:
    """Return the description as the application serves it, with something to find behind each path."""
    daemon.text += '[clients.acme.hooks]\notys = "0"\nmailchimp = "0"\n'
    daemon.withhold(DIGEST)
    daemon.end_pass(daemon.begin_pass(), worked_on("Kandidaten", "12", "applied"))
    views = ListViews(lists)
    app = build_app(daemon, views=views, now=lambda: NOW)
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    views.close()


def holds_for(described: schemathesis.BaseSchema, method: str, path: str, mode: GenerationMode) -> None:
    """Given an operation, send requests that fit its description, or that do not, and check each answer."""

    @settings(max_examples=15, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(described[path][method].as_strategy(generation_mode=mode))
    def holds(case: Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"})

    holds()


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_request_that_fits_the_description_gets_what_it_promises(
    described: schemathesis.BaseSchema, method: str, path: str
) -> None:
    holds_for(described, method, path, GenerationMode.POSITIVE)


@pytest.mark.parametrize(
    ("method", "path"), [one for one in OPERATIONS if "{" in one[1] or "reconcile" in one[1]]
)
def test_a_request_that_does_not_fit_is_refused_as_promised(
    described: schemathesis.BaseSchema, method: str, path: str
) -> None:
    holds_for(described, method, path, GenerationMode.NEGATIVE)
