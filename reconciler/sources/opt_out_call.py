"""Knows by which call of OTYS a person's opt-out is written, as the mapping declares it for a kind."""

import re
from collections.abc import Iterator

import msgspec

from reconciler.api.values import Json
from reconciler.model import Address, ListUid, Person

PLACEHOLDERS = ("person", "list", "address")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_WRITING = re.compile(r"(?!get|delete)[a-z][A-Za-z]*")


class OptOutCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call: OTYS takes positional arguments, the first of which is the session (facts/otys.md, 1)."""

    method: str
    arguments: str
    """A JSON array of what follows the session; its texts may hold placeholders."""
    service: str = ""
    """Empty: the service of the kind."""

    def arguments_about(self, person: Person, list_uid: ListUid, address: Address) -> tuple[Json, ...]:
        """Given who opted out of what, return the arguments of the call."""
        values = {"person": person.uid, "list": str(list_uid), "address": str(address)}
        filled = _filled(msgspec.json.decode(self.arguments), values)
        return tuple(filled) if isinstance(filled, list) else ()

    def problems(self, kind_service: str) -> Iterator[tuple[str, str]]:
        """Given the service of the kind, return what is wrong with the call: which key, and why."""
        if not _WRITING.fullmatch(self.method):
            yield (
                "method",
                f"{self.method!r} is no method that notes something: not one that reads or deletes",
            )
        if not (self.service or kind_service):
            yield "service", "this kind has no service of its own, so the call needs one"
        if self.service and not re.fullmatch("[A-Z][A-Za-z]*Service", self.service):
            yield "service", f"{self.service!r} is no service: `Otys.Services.` is left out, `Service` is not"
        yield from (("arguments", problem) for problem in _argument_problems(self.arguments))


def _argument_problems(text: str) -> Iterator[str]:
    try:
        arguments = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        yield f"this is not JSON: {error}"
        return
    if not isinstance(arguments, list):
        yield "a JSON array is expected here"
        return
    named = {name for value in _texts(arguments) for name in _PLACEHOLDER.findall(value)}
    for name in sorted(named - set(PLACEHOLDERS)):
        yield f"there is no {{{name}}}; known are {', '.join(f'{{{known}}}' for known in PLACEHOLDERS)}"
    if not named & {"person", "address"}:
        yield "nothing says whose opt-out it is: name {person} or {address}"


def _texts(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)


def _filled(value: Json, values: dict[str, str]) -> Json:
    match value:
        case str():
            return _PLACEHOLDER.sub(lambda found: values[found[1]], value)
        case list():
            return [_filled(item, values) for item in value]
        case dict():
            return {name: _filled(item, values) for name, item in value.items()}
        case _:
            return value
