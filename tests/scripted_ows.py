"""OTYS as a script: results and errors that are given one after the other, over real HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from reconciler.api.http import HttpClient
from reconciler.api.ows import OwsClient
from reconciler.api.values import Json
from tests.scripted import HttpStep, Pauses, Script, serving

KEY = "otys-key-5e1c90ab77f24d"


@contextmanager
def scripted(*answers: Json | HttpStep) -> Iterator[tuple[OwsClient, Script]]:
    """A client of a server that gives these results (or whole HTTP answers) one after the other."""
    script = Script(*(answer if isinstance(answer, tuple) else result(answer) for answer in answers))
    with (
        serving(script) as url,
        OwsClient(HttpClient("OTYS", pause=Pauses()), url, KEY, pause=Pauses()) as client,
    ):
        yield client, script


def result(value: Json) -> HttpStep:
    return envelope({"result": value})


def error(message: str) -> HttpStep:
    return envelope({"error": {"code": -32000, "message": message}})


def envelope(body: Json) -> HttpStep:
    return 200, {}, msgspec.json.encode(body)


LOGIN = result("session-1")
