"""Knows how to make typed values of JSON that may be anything, with one error for all that can be wrong."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

DEEPEST = 50
"""Neither service nests its answers deeper than ten levels."""

WHOLE = "the whole of it"

T = TypeVar("T")


class Undecodable(ValueError):
    """Bytes or text that are no JSON of the expected shape. Its text is the place, and quotes nothing."""


def decode(content: bytes | str, kind: type[T]) -> T:
    """Given JSON, return it as that type. Raise Undecodable, which names the place, if it is not."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        # Of the decoder's words only the place is told: they can quote a value.
        raise Undecodable(str(error).partition(" - at ")[2] or WHOLE) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Undecodable(WHOLE) from None


def is_deeper_than(value: object, levels: int) -> bool:
    """Given a decoded value, return whether lists and objects stand in one another deeper than that."""
    level = [value]
    for _ in range(levels + 1):
        level = [inner for outer in level if isinstance(outer, dict | list) for inner in _within(outer)]
        if not level:
            return False
    return True


def _within(value: dict[object, object] | list[object]) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value
