"""Knows how the effective configuration is shown, with every secret masked."""

import json
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from zoneinfo import ZoneInfo

from reconciler.config.keys import values_of
from reconciler.config.load import Reading
from reconciler.config.secrets import MASK, SecretRef, UrlRef
from reconciler.config.values import Listen, Schedule

Shown = bool | int | float | str | list[str]


def plain(value: object) -> Shown:
    """Given a value of the configuration, return it as the file would write it, secrets masked."""
    match value:
        case UrlRef():
            return value.masked()
        case SecretRef():
            return MASK
        case Enum():
            return str(value.value)
        case bool() | int() | float() | str():
            return value
        case tuple():
            return [str(item) for item in value]
        case Path() | Listen() | Schedule() | ZoneInfo():
            return str(value)
        case _:
            raise TypeError(f"the configuration has no values of the type {type(value).__name__}")


def toml(value: Shown) -> str:
    """Given a plain value, return it as TOML writes it."""
    if isinstance(value, list):
        return f"[{', '.join(toml(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)


def toml_name(name: str) -> str:
    """Given the name of a key, return it as TOML writes it, in quotes where it needs them."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def as_toml(reading: Reading) -> str:
    """Given what was read, return it as TOML, each value with a remark when it is not from the file."""
    tables: dict[tuple[str, ...], list[str]] = {}
    for path, value in _present(reading):
        *table, name = path
        remark = _origin(reading, path, value)
        line = f"{toml_name(name)} = {toml(plain(value))}" + (f"  # {remark}" if remark else "")
        tables.setdefault(tuple(table), []).append(line)
    return "\n\n".join("\n".join([_heading(table, reading), *lines]) for table, lines in tables.items())


def as_json(reading: Reading) -> dict[str, object]:
    """Given what was read, return it as nested tables; a secret is `{"secret": "********", "from": …}`."""
    tree: dict[str, object] = {}
    for path, value in _present(reading):
        *tables, name = path
        here = tree
        for table in tables:
            inner = here.setdefault(table, {})
            if not isinstance(inner, dict):
                raise TypeError(f"{table} is both a value and a table")
            here = inner
        here[name] = _json_value(value)
    return tree


def _heading(table: tuple[str, ...], reading: Reading) -> str:
    heading = f"[{'.'.join(toml_name(name) for name in table)}]"
    match table:
        case ("clients", name) if name in reading.homes:
            return f"{heading}  # from file {reading.homes[name]}"
        case _:
            return heading


def _json_value(value: object) -> object:
    if isinstance(value, SecretRef):
        return {"secret": MASK, "from": value.origin}
    return plain(value)


def _present(reading: Reading) -> Iterator[tuple[tuple[str, ...], object]]:
    return ((path, value) for path, _, value in values_of(reading.config) if value is not None)


def _origin(reading: Reading, path: tuple[str, ...], value: object) -> str:
    if isinstance(value, SecretRef):
        return f"from {value.origin}"
    variable = next((name for given, name in reading.origins.items() if path[: len(given)] == given), "")
    if variable:
        return f"from environment variable {variable}"
    return "" if _given(reading.given, path) else "default"


def _given(tree: Mapping[str, object], path: tuple[str, ...]) -> bool:
    here: object = tree
    for name in path:
        if not isinstance(here, Mapping) or name not in here:
            return False
        here = here[name]
    return True
