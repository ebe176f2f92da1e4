"""Knows how a table is written so that a spreadsheet shows it and carries nothing out. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")  # noqa: RUF001 (the wide ones count too)
_TEXT = "'"


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Given a table, return it as CSV (RFC 4180) in UTF-8, with the mark by which Excel knows that.

    A cell that a spreadsheet could take for a formula begins with an apostrophe: names come from strangers.
    """
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return written.getvalue().encode("utf-8-sig")


def _harmless(cell: str) -> str:
    dangerous = cell.startswith(_FORMULA) or cell.lstrip().startswith(_FORMULA)
    return f"{_TEXT}{cell}" if dangerous else cell
