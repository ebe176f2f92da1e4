"""Knows the tree of keys that the configuration's types allow, for whoever must name or explain one."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from reconciler.config.model import Config
from reconciler.config.secrets import SecretRef, UrlRef
from reconciler.config.tables import Spelling
from reconciler.config.values import Listen, Schedule


class Form(StrEnum):
    """How a key's value is written."""

    TABLE = "table"
    NAMED = "names of your choice"
    SECRET = "secret"  # noqa: S105 - a word, not a secret  # nosec B105
    URL = "URL"
    TEXT = "text"
    LIST = "list of texts"
    WHOLE = "whole number"
    NUMBER = "number"
    SWITCH = "true or false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of the file, and what may stand below it."""

    name: str
    attribute: str
    """The name of the value in the types; the file's own name may be no word of Python."""
    form: Form
    description: str = ""
    required: bool = False
    default: object = None
    examples: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    spelling: Spelling = Spelling.AS_WRITTEN
    below: tuple["Key", ...] = ()
    """A table's keys; for free names the one key that describes what stands under each."""

    def child(self, name: str) -> "Key | None":
        """Given a name below this key, return the key that describes it, if there is one."""
        if self.form is Form.NAMED:
            return self.below[0]
        return next((key for key in self.below if key.name == name), None)


@cache
def root() -> Key:
    """Return the whole tree of keys."""
    return _key("", Config)


def find(path: Sequence[str | int]) -> Key | None:
    """Given a path of names, return the key it leads to, if there is one."""
    found: Key | None = root()
    for name in path:
        found = found.child(str(name)) if found else None
    return found


def values_of(
    value: object, key: Key | None = None, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Key, object]]:
    """Given the configuration, return every value in it with its path and key; a missing table is None."""
    key = key or root()
    if key.form is Form.TABLE and value is not None:
        for below in key.below:
            yield from values_of(getattr(value, below.attribute), below, (*path, below.name))
    elif key.form is Form.NAMED and isinstance(value, Mapping):
        for name, inner in value.items():
            yield from values_of(inner, key.below[0], (*path, name))
    else:
        yield path, key, value


_SIMPLE: Mapping[type, Form] = {
    SecretRef: Form.SECRET,
    UrlRef: Form.URL,
    bool: Form.SWITCH,
    int: Form.WHOLE,
    float: Form.NUMBER,
    str: Form.TEXT,
    Path: Form.TEXT,
    Listen: Form.TEXT,
    Schedule: Form.TEXT,
    ZoneInfo: Form.TEXT,
}


def _key(name: str, annotation: object, *, description: str = "", examples: Sequence[str] = ()) -> Key:
    kind, _ = _bare(annotation)
    key = Key(name=name, attribute=name, form=Form.TEXT, description=description, examples=tuple(examples))
    if get_origin(kind) is tuple:
        return replace(key, form=Form.LIST)
    if get_origin(kind) is Mapping:
        names, values = get_args(kind)
        return replace(key, form=Form.NAMED, spelling=_bare(names)[1], below=(_key("NAME", values),))
    if not isinstance(kind, type):
        raise TypeError(f"{name} has a type that the configuration does not know: {kind!r}")
    key = replace(key, description=description or inspect.getdoc(kind) or "")
    if issubclass(kind, StrEnum):
        return replace(key, choices=tuple(member.value for member in kind))
    if kind in _SIMPLE:
        return replace(key, form=_SIMPLE[kind], description=description)
    return replace(key, form=Form.TABLE, below=_keys_of(kind))


def _keys_of(table: type) -> tuple[Key, ...]:
    descriptions = _attribute_docstrings(table)
    if issubclass(table, BaseModel):
        return tuple(
            replace(
                _key(
                    field.alias or name,
                    field.annotation,
                    description=descriptions.get(name, ""),
                    examples=field.examples or (),
                ),
                attribute=name,
                required=field.is_required(),
                default=None if field.is_required() else field.default,
            )
            for name, field in table.model_fields.items()
        )
    if not is_dataclass(table):
        raise TypeError(f"{table.__name__} is no table of keys")
    return tuple(
        replace(
            _key(member.name, member.type, description=descriptions.get(member.name, "")),
            default=member.default,
        )
        for member in fields(table)
    )


def _bare(annotation: object) -> tuple[object, Spelling]:
    """Given an annotation, return its type without `None` and metadata, and the spelling it asks for."""
    spelling = Spelling.AS_WRITTEN
    while get_origin(annotation) in (Annotated, Union, UnionType):
        first, *others = get_args(annotation)
        if get_origin(annotation) is Annotated:
            spelling = next((mark for mark in others if isinstance(mark, Spelling)), spelling)
        annotation = first if first is not NoneType else others[0]
    return annotation, spelling


def _attribute_docstrings(table: type) -> dict[str, str]:
    """Given a class, return the text that stands below each attribute: Python itself forgets it."""
    body = ast.parse(textwrap.dedent(inspect.getsource(table))).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    found = {}
    for statement, following in pairwise(statements):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found
