"""Knows the condition trees of a list call: AND, OR and COND (facts/otys.md, 3)."""

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import TypeAlias

from reconciler.sandbox.otys.errors import OtysRefusal, UnreadableField
from reconciler.sandbox.otys.fields import Fields, Record, Value
from reconciler.sandbox.otys.json_types import Json
from reconciler.sandbox.otys.state import OtysState

Predicate: TypeAlias = Callable[[Record], bool]
Comparable: TypeAlias = tuple[int, float, str]
_NUMBER = re.compile(r"-?\d{1,15}(\.\d+)?")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\dT")


def compile_condition(
    condition: Json, fields: Fields[Record], *, state: OtysState, service: str
) -> Predicate[Record]:
    """Given a condition tree, return a test of one record. Raise OtysRefusal if it is not understood."""
    if not condition:
        return lambda _: True
    if not isinstance(condition, dict):
        raise _not_understood(condition)
    match condition.get("type"):
        case "AND" | "OR" as joined:
            tests = [
                compile_condition(item, fields, state=state, service=service) for item in _items(condition)
            ]
            join = all if joined == "AND" else any
            return lambda record: join(test(record) for test in tests)
        case "COND":
            return _compile_comparison(condition, fields, state=state, service=service)
        case _:
            raise _not_understood(condition)


def required_values(condition: Json, field: str) -> list[str] | None:
    """Given a tree, return the values one of which `field` must have, None if the tree does not say.

    A shortcut to the records by their key; the compiled condition is still asked about each.
    """
    if not isinstance(condition, dict):
        return None
    match condition.get("type"):
        case "COND" if condition.get("field") == field and condition.get("op") == "EQ":
            return [_text(value) for value in _alternatives(condition.get("param"))]
        case "AND":
            found = (required_values(item, field) for item in _items(condition))
            return next((values for values in found if values is not None), None)
        case "OR":
            branches = [required_values(item, field) for item in _items(condition)]
            known = [values for values in branches if values is not None]
            return [value for values in known for value in values] if len(known) == len(branches) else None
        case _:
            return None


def is_only_key(condition: Json, key: str) -> bool:
    """Given a tree, return whether it asks for nothing but some values of `key`."""
    return (
        isinstance(condition, dict)
        and condition.get("type") == "COND"
        and condition.get("field") == key
        and condition.get("op") == "EQ"
    )


def comparable(value: Value) -> Comparable:
    """Given a value, return what it is compared and sorted by: nothing, then numbers, then text."""
    return _comparable_text(_text(value))


@lru_cache(maxsize=65_536)  # a list of 15,000 is sorted again for each of its 75 pages
def _comparable_text(text: str) -> Comparable:
    if not text:
        return (0, 0.0, "")
    if _NUMBER.fullmatch(text):
        return (1, float(text), "")
    return (2, 0.0, text.casefold())


def _compile_comparison(
    condition: dict[str, Json], fields: Fields[Record], *, state: OtysState, service: str
) -> Predicate[Record]:
    field = condition.get("field")
    if not isinstance(field, str) or "param" not in condition:
        raise _not_understood(condition)
    if field not in fields:
        raise UnreadableField(service, field)
    read = fields[field]
    holds = _comparison(condition.get("op"), condition["param"])
    return lambda record: holds(read(state, record))


def _comparison(operator: Json, parameter: Json) -> Callable[[Value], bool]:
    alternatives = _alternatives(parameter)
    keys = {comparable(alternative) for alternative in alternatives}
    match operator:
        case "EQ":
            return lambda value: comparable(value) in keys
        case "NE":
            return lambda value: comparable(value) not in keys
        case "GT":
            return lambda value: any(comparable(value) > key for key in keys)
        case "GE":
            return lambda value: any(comparable(value) >= key for key in keys)
        case "LE":
            return lambda value: any(comparable(value) <= key for key in keys)
        case "LIKE":
            patterns = [_like(_text(alternative)) for alternative in alternatives]
            return lambda value: any(pattern.fullmatch(_text(value)) for pattern in patterns)
        case _:
            raise OtysRefusal(f"Unknown operator {operator!r} in condition")


def _like(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("%")), re.IGNORECASE | re.DOTALL)


def _alternatives(parameter: Json) -> Collection[Json]:
    return parameter if isinstance(parameter, list) else [parameter]


def _items(condition: dict[str, Json]) -> list[Json]:
    items = condition.get("items")
    if isinstance(items, dict):
        return list(items.values())
    if isinstance(items, list):
        return items
    raise _not_understood(condition)


def _text(value: Value) -> str:
    """Return a value as PHP's loose comparison sees it."""
    if isinstance(value, str):
        return _date_as_stored(value) if _ISO_DATE.match(value) else value
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, int | float) else ""


def _date_as_stored(text: str) -> str:
    """Dates are asked for as ISO-8601 and answered in the database's form."""
    return text.replace("T", " ", 1).removesuffix("Z")


def _not_understood(condition: Json) -> OtysRefusal:
    return OtysRefusal(
        f"Condition not understood: {condition!r:.120}; expected AND, OR (items) or COND (field, op, param)"
    )
