"""Knows how environment variables such as RECONCILER__CLIENTS__ACME__MODE override keys of the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from reconciler.config.keys import Form, Key, root
from reconciler.config.tables import Spelling
from reconciler.config.values import meant
from reconciler.errors import Problem
from reconciler.toml_text import NotToml, parse_toml

PREFIX = "RECONCILER__"
SEPARATOR = "__"

Tree = dict[str, object]
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overlaid:
    """The file's tree with the environment's values laid over it."""

    tree: Tree
    origins: Mapping[Path, str]
    """The variable that gave the value of each path that has one."""
    problems: tuple[Problem, ...]


def overlay(tree: Tree, environ: Mapping[str, str]) -> Overlaid:
    """Given the file's tree and the environment, return the tree with every override in it."""
    result = _copy(tree)
    origins: dict[Path, str] = {}
    problems: list[Problem] = []
    for variable in sorted(environ):
        if not variable.upper().startswith(PREFIX):
            continue
        try:
            key, path = _resolve(result, variable)
        except _UnknownError as unknown:
            problems.append(Problem(f"environment variable {variable}", str(unknown)))
            continue
        _put(result, path, _value(key, environ[variable], variable))
        origins[path] = variable
    return Overlaid(result, origins, tuple(problems))


class _UnknownError(Exception):
    """A variable that names no key."""


def _resolve(tree: Tree, variable: str) -> tuple[Key, Path]:
    """Given a variable, return the key it names and the path of that key as the file spells it."""
    key, path, here = root(), Path(), cast("object", tree)
    for part in variable[len(PREFIX) :].split(SEPARATOR):
        names = list(here) if isinstance(here, dict) else []
        if key.form is Form.NAMED:
            name = _spelled(part, names, key.spelling)
        else:
            known = [child.name for child in key.below]
            name = next((known_name for known_name in known if known_name.upper() == part.upper()), "")
        below = key.child(name) if name else None
        if below is None:
            suggestion = meant(part, (child.name.upper() for child in key.below)) if key.below else ""
            raise _UnknownError(f"names no key: there is no {part} {_place(path)}{suggestion}")
        key, path = below, (*path, name)
        here = here.get(name) if isinstance(here, dict) else None
    return key, path


def _place(path: Path) -> str:
    return f"below {'.'.join(path)}" if path else "at the top"


def _spelled(part: str, names: list[str], spelling: Spelling) -> str:
    """Given a free name from a variable, return it as the file spells it; a dash is written as `_`."""
    for name in names:
        if name.replace("-", "_").upper() == part.replace("-", "_").upper():
            return name
    match spelling:
        case Spelling.LOWER:
            return part.lower()
        case Spelling.UPPER:
            return part.upper()
        case Spelling.AS_WRITTEN:
            return part


def _value(key: Key, text: str, variable: str) -> object:
    """Given a variable's text, return the value the file would hold; what does not fit stays text."""
    if key.form in (Form.SECRET, Form.URL):
        reference = _toml_value(text) if text.startswith("{") else None
        return reference if isinstance(reference, dict) else {"env": variable}
    if key.form is Form.LIST:
        listed = _toml_value(text) if text.startswith("[") else None
        return (
            listed if isinstance(listed, list) else [part.strip() for part in text.split(",") if part.strip()]
        )
    return text if key.form is Form.TEXT else _toml_value(text)


def _toml_value(text: str) -> object:
    try:
        parsed = parse_toml(f"value = {text}")
    except NotToml:
        return text
    return parsed["value"] if set(parsed) == {"value"} else text


def _put(tree: Tree, path: Path, value: object) -> None:
    *tables, last = path
    for name in tables:
        below = tree.setdefault(name, {})
        if not isinstance(below, dict):
            return  # the file has a plain value where a table belongs, which is told when it is checked
        tree = below
    tree[last] = value


def _copy(tree: Tree) -> Tree:
    return {name: _copy(value) if isinstance(value, dict) else value for name, value in tree.items()}
