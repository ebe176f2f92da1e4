"""Knows how a paragraph is set: indented, with its label in a column of its own, and no trailing spaces."""

from rich.console import Console
from rich.text import Text

_INDENT = 2
_LABEL = 8


def print_hanging(text: Text, console: Console, *, label: Text | None = None, indent: int = _INDENT) -> None:
    """Given a text, print it with every line indented alike, and a label before the first one."""
    column = 0 if label is None else max(_LABEL, label.cell_len) + 1
    margin = " " * (indent + column)
    lines = text.wrap(console, max(console.width - len(margin), 20))
    for number, line in enumerate(lines):
        line.rstrip()
        if number or label is None:
            console.print(Text.assemble(margin, line), soft_wrap=True)
        else:
            rest = " " * (column - label.cell_len)
            console.print(Text.assemble(" " * indent, label, rest, line), soft_wrap=True)
