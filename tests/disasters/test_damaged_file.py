"""A database file that the disk spoilt: it is told, and nobody is written to from half a memory."""

import sqlite3
from contextlib import closing

import pytest

from reconciler.sandbox.otys.state import MailingList
from tests.bad_input.desk import Desk
from tests.cli.conftest import Ended

DAMAGED = "is damaged.\nStop the daemon, keep a copy of the file, and put a backup in its place.\n"


def spoil(desk: Desk, name: str) -> None:
    """Overwrite the first page of a table or an index, and nothing else."""
    desk.agency.store.close()
    with closing(sqlite3.connect(desk.database)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [name]).fetchone()
    with desk.database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def tries(desk: Desk) -> Ended:
    """Run a pass, which must ask neither service to change anything."""
    ended: list[Ended] = []
    assert desk.agency.writes_of(lambda: ended.append(desk.once())) == []
    return ended[0]


@pytest.mark.parametrize(
    "name",
    ["lists", "base_rows", "nos", "ux_nos_open", "passes", "plan_bodies", "intents", "locks", "outcomes"],
)
@pytest.mark.usefixtures("nurses")
def test_a_page_in_the_middle(desk: Desk, name: str) -> None:
    spoil(desk, name)
    ended = tries(desk)
    assert ended.code == 1
    assert ended.err == f"Error: The state database {desk.database} {DAMAGED}"
    assert desk.type("db", "check").code == 1


@pytest.mark.parametrize(
    ("offset", "problem"),
    [
        (0, "is not a database of this program"),
        (16, "is not a database of this program"),
        (44, "failed: unsupported file format"),
        (100, "is damaged"),
    ],
    ids=["its name", "size of a page", "format of the schema", "first page"],
)
@pytest.mark.usefixtures("nurses")
def test_the_header(desk: Desk, offset: int, problem: str) -> None:
    desk.agency.store.close()
    with desk.database.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 4)
    ended = tries(desk)
    assert ended.code == 1
    assert ended.err.startswith(f"Error: The state database {desk.database} {problem}")
    assert desk.type("db", "check").code == 1


def test_the_second_half_missing(desk: Desk, nurses: MailingList) -> None:
    desk.agency.store.close()
    whole = desk.database.read_bytes()
    desk.database.write_bytes(whole[: len(whole) // 2])
    ended = tries(desk)
    assert ended.code == 1
    assert ended.err == f"Error: The state database {desk.database} {DAMAGED}"
    assert desk.type("db", "check").code == 1
    desk.database.write_bytes(whole)
    desk.recovers(nurses)


def test_a_file_that_became_empty_brings_back_nobody_who_still_shows_a_no(
    desk: Desk, nurses: MailingList
) -> None:
    """It cannot be told from a first start; docs/operations.md says what is lost then."""
    desk.agency.store.close()
    desk.database.write_bytes(b"")
    desk.recovers(nurses)
    assert len(desk.agency.world.mailchimp.audiences) == 1


@pytest.mark.usefixtures("nurses")
def test_the_check_names_all_that_is_damaged_and_what_to_do(desk: Desk) -> None:
    for name in ("base_rows", "ux_nos_open", "meta"):
        spoil(desk, name)
    ended = desk.type("db", "check")
    assert ended.code == 1
    assert "table base_rows cannot be read" in ended.out
    for table in ("base_rows", "nos", "meta"):
        assert f"table {table} or an index of it is damaged" in ended.out
    assert "table lists" not in ended.out
    assert "put a backup in its place" in ended.out
