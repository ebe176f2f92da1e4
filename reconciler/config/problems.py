"""Knows how to say what is wrong with the configuration: in the operator's words, never showing a value."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as File

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from reconciler.config.keys import Form, Key, find, root
from reconciler.config.values import Misfit, meant
from reconciler.errors import Problem

Path = tuple[str | int, ...]

_SENTENCES = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text in quotes",
    "path_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "tuple_type": 'must be a list of texts: ["…", "…"]',
    "dict_type": "must be a table",
    "mapping_type": "must be a table",
    "model_type": "must be a table",
    "dataclass_type": "must be a table",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}


def spell(path: Path) -> str:
    """Given a path, return it as TOML writes a dotted key; a place in a list stands in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", part)
            text += ("." if text else "") + (part if bare else json.dumps(part, ensure_ascii=False))
    return text


def explain(
    refused: ValidationError, origins: Mapping[tuple[str, ...], str], homes: Mapping[str, File]
) -> Iterator[Problem]:
    """Given what pydantic refused and where variables and clients come from, return the problems in words.

    `origins` holds the variable of each value that came from one; `homes` is that of a `Reading`.
    """
    for error in refused.errors(include_url=False):
        for path, message in _sentences(error):
            variable = _variable(path, origins)
            origin = f" (environment variable {variable})" if variable else home_of(path, homes)
            yield Problem(spell(path), message + origin)


def home_of(path: Path, homes: Mapping[str, File]) -> str:
    """Given a path, return a remark that names the file it stands in; nothing for the main file."""
    match path:
        case ("clients", str(name), *_) if name in homes:
            return f" (in {homes[name]})"
        case _:
            return ""


def _sentences(error: ErrorDetails) -> Iterator[tuple[Path, str]]:
    # pydantic marks a problem of a name itself, not of its value, with "[key]"
    path: Path = tuple(part for part in error["loc"] if part != "[key]")
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Misfit):
        above = path[: len(path) - cause.up]
        yield from (((*above, *below), message) for below, message in cause.found)
    elif error["type"] == "value_error":
        yield path, str(cause)
    else:
        yield path, _sentence(error, path)


def _sentence(error: ErrorDetails, path: Path) -> str:
    match error["type"]:
        case "missing" | "missing_argument" | "missing_keyword_only_argument":
            return _required(find(path))
        case "extra_forbidden" | "unexpected_keyword_argument":
            return _unknown(path)
        case "enum":
            return _choice(find(path), error["input"])
        case known if known in _SENTENCES:
            return _SENTENCES[known].format(**error.get("ctx", {}))
        case _:
            return error["msg"].lower()


def _required(key: Key | None) -> str:
    return f"is missing. {key.description}" if key else "is missing"


def _choice(key: Key | None, given: object) -> str:
    choices = key.choices if key else ()
    suggestion = meant(given, choices) if isinstance(given, str) else ""
    return f"must be {' or '.join(json.dumps(choice) for choice in choices)}{suggestion}"


def _unknown(path: Path) -> str:
    *above, name = path
    table = find(above)
    known = [key.name for key in table.below] if table else []
    if suggestion := meant(str(name), known):
        return f"is not a key here{suggestion}"
    if homes := [spell(home) for home in _homes(root(), str(name))]:
        return f"is not a key here; it belongs at {' or '.join(homes)}"
    return f"is not a key here; the keys are {', '.join(known)}"


def _homes(key: Key, name: str, path: Sequence[str] = ()) -> Iterator[Path]:
    """Given a name in the wrong place, return the places where it would be right."""
    for below in key.below:
        here = (*path, below.name)
        if below.name == name and key.form is Form.TABLE:
            yield here
        yield from _homes(below, name, here)


def _variable(path: Path, origins: Mapping[tuple[str, ...], str]) -> str:
    return next((variable for given, variable in origins.items() if path[: len(given)] == given), "")
