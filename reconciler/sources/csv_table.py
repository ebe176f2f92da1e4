"""Knows how to read one exported table, as Excel and OTYS write them, and says where it is wrong."""

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import NotFound, UnexpectedAnswer

SYSTEM = "CSV folder"
ADVICE = "Correct the file or export it again; docs/csv.md describes the format."
SEPARATORS = (";", ",", "\t")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: its cells by column, trimmed, and the line it ends on."""

    number: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Given a column, return its cell, empty if the table has no such column."""
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Table:
    """The columns and rows of one file."""

    file: Path
    columns: frozenset[str]
    lines: tuple[Line, ...]

    def problem(self, line: int, message: str) -> UnexpectedAnswer:
        """Given a line and what is wrong there, return the error to raise."""
        return _problem(self.file, message, line)


def read_table(file: Path, *, needed: Collection[str]) -> Table:
    """Given a file and the columns it must have, return its table.

    Column names are read in any case, with blanks as underscores. Raise NotFound if there is no such file,
    and UnexpectedAnswer, naming file and line, if it cannot be understood.
    """
    content = _decoded(file, _read(file))
    header = content.partition("\n")[0]
    separator = max(SEPARATORS, key=header.count)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
    try:
        columns = [_column(name) for name in next(reader, [])]
        _check_columns(file, columns, needed)
        lines = tuple(
            Line(reader.line_num, dict(zip(columns, (cell.strip() for cell in row), strict=True)))
            for row in reader
            if any(cell.strip() for cell in row) and _fits(file, reader.line_num, row, columns)
        )
    except csv.Error as error:
        raise _problem(file, f"this is no table ({error})", reader.line_num) from error
    return Table(file, frozenset(columns), lines)


def _read(file: Path) -> bytes:
    try:
        before = file.stat().st_mtime_ns
        content = file.read_bytes()
        moved = file.stat().st_mtime_ns != before
    except FileNotFoundError:
        raise NotFound(SYSTEM, f"there is no file {file.name}", advice=ADVICE) from None
    except OSError as error:
        raise UnexpectedAnswer(
            SYSTEM, f"{file.name} cannot be read: {error.strerror}", advice=ADVICE
        ) from None
    if moved:
        raise _problem(file, "it was written while it was read")
    return content


def _decoded(file: Path, content: bytes) -> str:
    if b"\0" in content:
        raise _problem(file, "it is not UTF-8; in Excel, save it as `CSV UTF-8`")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _problem(file, "it is neither UTF-8 nor Windows text; in Excel, save it as `CSV UTF-8`")


def _column(name: str) -> str:
    return "_".join(name.strip().casefold().split())


def _check_columns(file: Path, columns: list[str], needed: Collection[str]) -> None:
    missing = [name for name in needed if name not in columns]
    if missing:
        raise _problem(file, f"the column {' and '.join(missing)} is missing", 1)
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise _problem(file, f"the column {' and '.join(twice)} is there twice", 1)


def _fits(file: Path, number: int, row: list[str], columns: list[str]) -> bool:
    if len(row) != len(columns):
        raise _problem(file, f"{len(row)} cells where the first line names {len(columns)} columns", number)
    return True


def _problem(file: Path, message: str, line: int = 0) -> UnexpectedAnswer:
    place = f"{file.name}, line {line}" if line else file.name
    return UnexpectedAnswer(SYSTEM, f"{place}: {message}", advice=ADVICE)
