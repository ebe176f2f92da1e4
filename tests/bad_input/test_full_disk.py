"""A disk that fills up: the real program under a real limit on what a file may grow to."""

import pytest

from reconciler.sandbox.otys.state import MailingList
from tests.bad_input.desk import OWED, SAID_NO, Desk

NO_ROOM = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
NO_MORE = (
    "cannot grow, the disk takes no more.\n"
    "Make room, or raise the quota; what was recorded before is safe, and the next pass does the rest.\n"
)
CROWD = {f"persoon{number}@zorg.nl": "subscribed" for number in range(600)}


@pytest.mark.parametrize("kilobytes", [0, 60])
def test_no_room_for_a_first_database(desk: Desk, kilobytes: int) -> None:
    desk.agency.list("Verpleegkundigen", "jan@zorg.nl")
    place = desk.agency.folder / "new" / "reconciler.db"
    url = f"sqlite:///{place}"
    with desk.process(
        "once", code=NO_ROOM.format(size=kilobytes * 1024), RECONCILER__STATE__URL=url
    ) as running:
        ended = desk.end_of(running)
    assert ended.code == 1
    assert ended.err == f"Error: The state database {place} {NO_MORE}"
    assert desk.agency.sandbox.log.last_number() == 0
    assert desk.once(RECONCILER__STATE__URL=url).code == 0
    assert desk.kept().audiences["Verpleegkundigen"] == {"jan@zorg.nl": "subscribed"}


@pytest.mark.parametrize("kilobytes", [0, 40, 100])
def test_room_that_runs_out_in_the_middle_of_a_pass(desk: Desk, nurses: MailingList, kilobytes: int) -> None:
    for email in CROWD:
        desk.agency.join(nurses, email)
    biggest = max(path.stat().st_size for path in desk.database.parent.glob("reconciler.db*"))
    before = desk.nos(nurses)
    with desk.process("once", code=NO_ROOM.format(size=biggest + kilobytes * 1024)) as running:
        ended = desk.end_of(running)
    assert ended.code == 1
    assert ended.err == f"Error: The state database {desk.database} {NO_MORE}"
    assert desk.nos(nurses) == before
    desk.comes_to_rest()
    assert desk.kept().audiences[nurses.name] == OWED | SAID_NO | CROWD
