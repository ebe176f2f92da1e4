"""A state that cannot be kept: no database, or no right to write one."""

import pytest

from reconciler.sandbox.otys.state import MailingList
from tests.bad_input.desk import Desk

WITHOUT_RIGHTS = """
import ctypes
header, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert ctypes.CDLL(None).capset(header, nothing) == 0
"""
"""Root may write anywhere; without its capabilities it is a user like any other (capset(2))."""

RIGHTS = "Give the user that runs the daemon the right to write the file and its folder."


def asks_nobody(desk: Desk) -> None:
    """Without a memory, neither service is even looked at."""
    assert desk.agency.sandbox.log.last_number() == 0


@pytest.mark.parametrize(
    "content", [b"dit is geen database, maar een brief " * 40, b"%PDF-1.4"], ids=["text", "pdf"]
)
def test_a_file_that_is_no_database(desk: Desk, content: bytes) -> None:
    desk.agency.list("Verpleegkundigen", "jan@zorg.nl")
    file = desk.agency.folder / "brief.db"
    file.write_bytes(content)
    for command in ("plan", "once"):
        ended = desk.type(command, RECONCILER__STATE__URL=f"sqlite:///{file}")
        assert ended.code == 1
        assert ended.err == (
            f"Error: The state database {file} is not a database of this program.\n"
            "Point state.url at another file, or put a backup of the database in its place.\n"
        )
    assert file.read_bytes() == content
    assert [path.name for path in desk.agency.folder.glob("brief*")] == ["brief.db"]
    asks_nobody(desk)


@pytest.mark.parametrize("place", ["brief.txt/state/reconciler.db", "map"], ids=["below a file", "a folder"])
def test_a_place_where_no_database_can_be(desk: Desk, place: str) -> None:
    (desk.agency.folder / "brief.txt").write_text("brief")
    (desk.agency.folder / "map").mkdir()
    wanted = desk.agency.folder / place
    ended = desk.once(RECONCILER__STATE__URL=f"sqlite:///{wanted}")
    assert ended.code == 1
    assert ended.err.startswith(f"Error: The state database {wanted} ")
    assert {
        "map": "is a folder.\nName a file in state.url.\n",
        "brief.txt/state/reconciler.db": f"cannot be created: Not a directory.\n{RIGHTS}\n",
    }[place] in ended.err
    asks_nobody(desk)


@pytest.mark.parametrize("part", ["folder", "file"])
def test_a_state_that_may_not_be_written(desk: Desk, nurses: MailingList, part: str) -> None:
    locked = desk.database if part == "file" else desk.database.parent
    before = desk.kept()
    asked = desk.agency.sandbox.log.last_number()
    mode = locked.stat().st_mode
    locked.chmod(mode & 0o555)
    try:
        with desk.process("once", code=WITHOUT_RIGHTS) as running:
            ended = desk.end_of(running)
    finally:
        locked.chmod(mode)
    assert ended.code == 1
    assert ended.err == (
        f"Error: The state database {desk.database} cannot be written: its {part} is read-only.\n{RIGHTS}\n"
    )
    assert desk.agency.sandbox.log.last_number() == asked
    assert desk.kept() == before
    desk.recovers(nurses)


def test_a_first_start_in_a_folder_that_may_not_be_written(desk: Desk) -> None:
    closed = desk.agency.folder / "closed"
    closed.mkdir(mode=0o500)
    wanted = closed / "state" / "reconciler.db"
    with desk.process("once", code=WITHOUT_RIGHTS, RECONCILER__STATE__URL=f"sqlite:///{wanted}") as running:
        ended = desk.end_of(running)
    assert ended.code == 1
    assert (
        ended.err == f"Error: The state database {wanted} cannot be created: Permission denied.\n{RIGHTS}\n"
    )
    assert list(closed.iterdir()) == []
    asks_nobody(desk)
