import csv
import io

import pytest

from reconciler.spreadsheet import as_csv

WIDE_EQUALS = "\uff1d"


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1", f"{WIDE_EQUALS}1", "\u00a0=1"]
)
def test_no_cell_begins_like_a_formula(cell: str) -> None:
    assert read_again(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Jan", 'de "Groot", Jan', "regel\r\nregel", "a=b", "jan@zorg.nl", "é€"])
def test_any_other_cell_is_read_again_as_it_was_written(cell: str) -> None:
    assert read_again(cell) == cell


def read_again(cell: str) -> str:
    written = as_csv(("name", "more"), [(cell, "x")]).decode("utf-8-sig")
    [_, [told, _]] = csv.reader(io.StringIO(written, newline=""))
    return told
