"""Knows how a table is written so that a spreadsheet shows it and carries nothing out. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

from reconciler.printable import printable

_FORMULA: Final = re.compile(r"(^|;)(?=\s*[=+\-@＝＋－＠])")  # noqa: RUF001 (the wide ones count too)
"""A Dutch Excel takes a semicolon for the end of a cell."""
_TEXT: Final = "'"


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Given a table, return it as CSV (RFC 4180) in UTF-8, with the mark by which Excel knows that.

    Names come from strangers: what a spreadsheet could take for a formula begins with an apostrophe, and
    what could steer a terminal is shown as what it is.
    """
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return written.getvalue().encode("utf-8-sig")


def _harmless(cell: str) -> str:
    return _FORMULA.sub(rf"\1{_TEXT}", printable(cell))
