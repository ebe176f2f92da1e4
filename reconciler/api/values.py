"""Knows how loosely OTYS spells a value, and reads one meaning from every spelling (facts/otys.md, 12)."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, Union

Json: TypeAlias = Union[bool, int, float, str, "list[Json]", "dict[str, Json]", None]
Row: TypeAlias = "dict[str, Json]"

YES = frozenset({"1", "true", "on", "yes", "y", "ja", "j", "aan", "active", "actief"})
NO = frozenset({"", "0", "false", "off", "no", "n", "nee", "uit", "inactive", "inactief"})


MOST_DIGITS = 12
"""Longer numbers count nothing: they are mistakes, or meant to hurt."""


def values_at(row: Row, paths: Mapping[str, Sequence[str]]) -> dict[str, Json]:
    """Given a row and paths by name, return the values there; one that was not sent is missing."""
    found: dict[str, Json] = {}
    for name, path in paths.items():
        value: Json = row
        for step in path:
            if not isinstance(value, dict) or step not in value:
                break
            value = value[step]
        else:
            found[name] = value
    return found


MEANING = ("value", "name", "label")
LABEL = ("name", "label", "value")
IDENTITY = ("uid", "ouid", "id", "value")


def text(value: Json, members: Sequence[str] = MEANING) -> str:
    """Given a value in any spelling, return it as trimmed text; null and empty collections are empty.

    Of a small object the first of `members` that it has is taken.
    """
    match value:
        case str():
            return value.strip()
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case float() if value.is_integer():
            return str(int(value))
        case int() | float():
            return str(value)
        case list():
            return ", ".join(text(item, members) for item in value)
        case dict():
            return next((text(value[name]) for name in members if name in value), "")


def is_text(value: Json) -> bool:
    """Given a value, return whether it is spelled as a text, or as nothing at all."""
    match value:
        case None | str() | []:
            return True
        case dict():
            named = [value[name] for name in MEANING if name in value]
            return bool(named) and is_text(named[0])
        case _:
            return False


def switch(value: Json) -> bool | None:
    """Given a value that should be on or off, return which, or None if it says neither."""
    word = text(value).casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    number = whole_number(word.removeprefix("-"))
    return None if number is None else number != 0


def whole_number(word: str) -> int | None:
    """Given a text, return the number that its digits spell; None if they spell none that counts rows."""
    return int(word) if word.isdecimal() and len(word) <= MOST_DIGITS else None


def rows_of(value: Json) -> list[dict[str, Json]] | None:
    """Given a collection spelled as an array or as an object keyed by index, return its rows, else None."""
    items = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(items, list):
        return None
    rows = [item for item in items if isinstance(item, dict)]
    return rows if len(rows) == len(items) else None
