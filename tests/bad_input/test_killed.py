"""A real process that is ended in the middle of its work, and the next one, which must not wait for it."""

import signal

import pytest

from reconciler.sandbox.faults import FaultKind
from tests.bad_input.desk import Desk

CROWD = {f"persoon{number}@zorg.nl" for number in range(2000)}


@pytest.mark.parametrize(
    ("number", "fault"),
    [(signal.SIGKILL, FaultKind.TIMEOUT_AFTER_APPLY), (signal.SIGTERM, FaultKind.TIMEOUT_BEFORE)],
    ids=["killed after a write", "terminated before one"],
)
def test_a_first_sync_that_is_ended_in_the_middle(desk: Desk, number: int, fault: FaultKind) -> None:
    big = desk.agency.list("Groot", *CROWD)
    desk.fault(fault, "mailchimp", "POST /3.0/lists/", skip=1)
    with desk.process("once") as running:
        desk.wait_for_a_fault()
        running.send_signal(number)
        ended = desk.end_of(running)
    assert ended.code != 0
    assert 500 <= len(desk.agency.subscribed(big)) < len(CROWD)
    assert len(desk.kept().bases[big.uid].rows) == 500
    desk.agency.sandbox.faults.clear()
    desk.comes_to_rest()
    assert desk.agency.subscribed(big) == CROWD
    assert len(desk.agency.world.mailchimp.audiences) == 1
