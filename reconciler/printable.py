"""Knows which characters could steer whoever shows a text, and shows them as what they are. Pure."""

import unicodedata
from typing import Final

_JOINER: Final = "\u200d"
"""Holds emoji such as a family together."""
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    """Given any text, return it on one line with nothing in it that could steer a terminal."""
    # Most texts are plain, and the cheap test of them all keeps long listings quick.
    return text if text.isprintable() else "".join(map(_printable, text))


def shortened(text: str, length: int) -> str:
    """Given a text, return at most so many characters of it, with an ellipsis where it was cut."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _printable(character: str) -> str:
    if unicodedata.category(character) not in _INVISIBLE or character == _JOINER:
        return character
    return character.encode("unicode_escape").decode("ascii")
