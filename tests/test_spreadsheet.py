import csv
import io

import pytest

from reconciler.spreadsheet import as_csv

WIDE_EQUALS = "\uff1d"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "  =1", f"{WIDE_EQUALS}1", "\u00a0=1"])
def test_no_cell_begins_like_a_formula(cell: str) -> None:
    assert read_again(cell) == f"'{cell}"


def test_nothing_behind_a_semicolon_begins_like_a_formula_either() -> None:
    assert read_again("Zorg;=1+1; -2;b") == "Zorg;'=1+1;' -2;b"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [("\t=1", r"\t=1"), ("\r\n=1", r"\r\n=1"), ("\x1b[2J", r"\x1b[2J"), ("\u202ex", r"\u202ex")],
)
def test_what_steers_a_terminal_or_begins_a_line_is_shown_as_what_it_is(cell: str, shown: str) -> None:
    assert read_again(cell) == shown


@pytest.mark.parametrize("cell", ["", "Jan", 'de "Groot", Jan', "a=b", "a;b", "jan@zorg.nl", "é€"])
def test_any_other_cell_is_read_again_as_it_was_written(cell: str) -> None:
    assert read_again(cell) == cell


def read_again(cell: str) -> str:
    written = as_csv(("name", "more"), [(cell, "x")]).decode("utf-8-sig")
    [_, [told, _]] = csv.reader(io.StringIO(written, newline=""))
    return told
