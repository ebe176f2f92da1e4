"""Spoils answers of the sandbox's services on their way out, in every way in which one can be spoilt."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import msgspec
from hypothesis import strategies as st

from reconciler.api.values import Json
from reconciler.sandbox import Sandbox
from reconciler.sandbox.service import Reply, Request, Service

Spoil = Callable[[bytes], bytes]
Path = tuple[str | int, ...]

DEEP: Json = None
for _ in range(200):
    DEEP = [DEEP]
ODD: tuple[Json, ...] = (
    None,
    True,
    False,
    0,
    -1,
    7.5,
    1e308,
    10**30,
    -(10**30),
    [],
    {},
    [None],
    [[]],
    {"a": {}},
    {"value": []},
    ["x", "y"],
    DEEP,
)
"""Values of a type that is not due; none is a plausible value of another meaning, which would be a lie."""

HTML = b"<!doctype html><title>Maintenance</title><p>Back soon."
WHOLE: tuple[Spoil, ...] = (
    lambda _: b"",
    lambda _: HTML,
    lambda _: b"null",
    lambda _: b"[]",
    lambda _: b"{}",
    lambda _: b"NaN",
    lambda _: b"[" * 100_000,
    lambda _: b'{"result":' * 20_000,
    lambda _: b'{"total_items":1e999,"members":[]}',
    lambda _: b'{"result":' + b"9" * 5000 + b"}",
    lambda body: b"\xef\xbb\xbf" + body,
    lambda body: body + b"{}",
    lambda body: body.decode().encode("utf-16"),
    lambda body: body.replace(b'"', b"'"),
    lambda body: body.replace(b":", b":NaN,", 1),
    lambda body: body.replace(b':"', b':"\\ud800', 1) if b':"' in body else b"",
)
"""What becomes of whole answers."""


def paths_in(value: Json, above: Path = ()) -> Iterator[Path]:
    if above:
        yield above
    if isinstance(value, dict):
        for name, below in value.items():
            yield from paths_in(below, (*above, name))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from paths_in(below, (*above, number))


def with_value(value: Json, path: Path, new: Json) -> Json:
    """Return the value with something else at a path."""
    if not path:
        return new
    name, *rest = path
    if isinstance(value, dict) and isinstance(name, str):
        return {**value, name: with_value(value[name], tuple(rest), new)}
    assert isinstance(value, list)
    assert isinstance(name, int)
    return [*value[:name], with_value(value[name], tuple(rest), new), *value[name + 1 :]]


def without(value: Json, path: Path) -> Json:
    """Return the value without what stands at a path."""
    *above, name = path
    holder = value
    for step in above:
        holder = holder[step]  # type: ignore[index]  # the path was found in this value
    if isinstance(holder, dict):
        left: Json = {key: item for key, item in holder.items() if key != name}
    else:
        assert isinstance(holder, list)
        left = [item for number, item in enumerate(holder) if number != name]
    return with_value(value, tuple(above), left)


@dataclass(frozen=True)
class Spoilt:
    """One way to spoil one answer."""

    label: str
    how: str
    spoil: Spoil = field(repr=False)


def spoilt(
    answers: Mapping[str, bytes], *, but: Callable[[Path], bool] = lambda _: False
) -> st.SearchStrategy[Spoilt]:
    """Given true answers by label, every way to spoil one of them, `but` not at those places."""

    @st.composite
    def draw_one(draw: st.DrawFn) -> Spoilt:
        label = draw(st.sampled_from(sorted(answers)))
        body = answers[label]
        paths = [path for path in paths_in(msgspec.json.decode(body)) if not but(path)]
        way = draw(
            st.sampled_from(("whole", "cut", "byte", "odd", "gone", "twice") if paths else ("whole", "cut"))
        )
        if way == "whole":
            number = draw(st.integers(0, len(WHOLE) - 1))
            return Spoilt(label, f"whole {number}", WHOLE[number])
        if way in ("cut", "byte"):
            share = draw(st.floats(0, 1, exclude_max=True))
            if way == "cut":
                return Spoilt(label, f"cut at {share}", lambda real: real[: int(share * len(real))])
            byte = draw(st.sampled_from((b"\xff", b"\x00", b"\xed\xa0\x80")))
            return Spoilt(label, f"{byte!r} at {share}", lambda real: _with_byte(real, share, byte))
        path = draw(st.sampled_from(paths))
        if way == "gone":
            return Spoilt(label, f"without {path}", _on_json(lambda real: without(real, path)))
        if way == "twice":
            return Spoilt(label, f"{path} twice", _on_json(lambda real: _twice(real, path)))
        odd = draw(st.sampled_from(ODD))
        return Spoilt(label, f"{str(odd)[:30]} at {path}", _on_json(lambda real: with_value(real, path, odd)))

    return draw_one()


def _on_json(change: Callable[[Json], Json]) -> Spoil:
    def spoil(body: bytes) -> bytes:
        try:
            return msgspec.json.encode(change(msgspec.json.decode(body)))
        except (KeyError, IndexError):
            return body  # a later answer to the same request is shorter, and has no such place

    return spoil


def _with_byte(body: bytes, share: float, byte: bytes) -> bytes:
    at = int(share * len(body))
    return body[:at] + byte + body[at:]


def _twice(value: Json, path: Path) -> Json:
    """A row of a list comes twice; anything else stays."""
    *above, number = path
    holder = value
    for step in above:
        holder = holder[step]  # type: ignore[index]  # the path was found in this value
    if isinstance(holder, list) and isinstance(number, int):
        return with_value(value, tuple(above), [*holder, holder[number]])
    return value


class Tampering:
    """A service whose answers are noted, and spoilt when told to."""

    simultaneous_requests: int | None = None

    def __init__(self, service: Service) -> None:
        self.name = service.name
        self.answers: dict[str, bytes] = {}
        self.spoilt: Spoilt | None = None
        self._service = service

    def answer(self, request: Request) -> Reply:
        reply = self._service.answer(request)
        label = self._label(request)
        self.answers.setdefault(label, reply.body)
        if self.spoilt and self.spoilt.label == label:
            return replace(reply, body=self.spoilt.spoil(reply.body))
        return reply

    def too_many_requests(self) -> Reply:
        return self._service.too_many_requests()

    def operation(self, request: Request) -> str:
        return self._service.operation(request)

    def _label(self, request: Request) -> str:
        """Name a request alike in every pass: a session's name is drawn anew each time."""
        query = "&".join(f"{name}={value}" for name, value in sorted(request.query.items()))
        asked = re.sub(r"\b[0-9a-f]{32}\b", "SESSION", request.body.decode())
        return f"{request.method} {request.path}?{query} {asked}"


@contextmanager
def tampered(sandbox: Sandbox) -> Iterator[tuple[Tampering, Tampering]]:
    """Given a sandbox, yield what stands before its OTYS and its Mailchimp meanwhile."""
    otys, mailchimp = sandbox._otys_server, sandbox._mailchimp_server
    real = otys.service, mailchimp.service
    before = Tampering(otys.service), Tampering(mailchimp.service)
    otys.service, mailchimp.service = before
    yield before
    otys.service, mailchimp.service = real


__all__ = ["Spoilt", "Tampering", "spoilt", "tampered"]
