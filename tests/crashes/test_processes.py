"""Real processes that are killed in the middle of a request; the next one need not wait for them."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from reconciler.model import PassId
from reconciler.sandbox.faults import FaultKind
from tests.bad_input.desk import Desk
from tests.cli.conftest import Run
from tests.crashes import day
from tests.crashes.checks import Remembered, broken_promises, remembered
from tests.crashes.harness import look_back, open_house
from tests.passes.agency import agency
from tests.store.postgres import Server

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BEFORE, AFTER = FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER_APPLY


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Remembered:
    with open_house(tmp_path_factory.mktemp("undisturbed")) as house:
        return remembered(house.day().acme.store)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == SQLITE:
        yield f"sqlite:///{tmp_path}/state/reconciler.db"
        return
    server = request.getfixturevalue("postgres")
    assert isinstance(server, Server)
    with server.database(f"crashes_{uuid4().hex}") as made:
        yield made


@pytest.mark.parametrize(
    ("url", "in_flight"),
    [
        (SQLITE, (AFTER, r"POST /3.0/lists$")),
        (SQLITE, (AFTER, r"PUT .*/members/")),
        (SQLITE, (BEFORE, r"POST /3.0/lists/\w+$")),
        (POSTGRESQL, (AFTER, r"POST /3.0/lists/\w+$")),
        (POSTGRESQL, (AFTER, r"DELETE .*/members/")),
        (POSTGRESQL, (AFTER, r"DELETE /3.0/lists/\w+$")),
    ],
    indirect=["url"],
)
def test_a_process_that_is_killed_loses_nothing(
    url: str, in_flight: tuple[FaultKind, str], tmp_path: Path, run: Run, undisturbed: Remembered
) -> None:
    with agency(tmp_path, database=url) as acme:
        acme.now = datetime.now(UTC)  # as the process will have it
        day.yesterday(acme)
        day.today(acme)
        pass_id = PassId(acme.store.passes("acme", limit=1)[0].id + 1)
        log_from = acme.sandbox.log.last_number()
        desk = Desk(acme, run)
        kind, pattern = in_flight
        desk.fault(kind, "mailchimp", pattern)
        with desk.process("once", RECONCILER__STATE__URL=url) as running:
            desk.wait_for_a_fault()
            running.send_signal(signal.SIGKILL)
            assert desk.end_of(running).code == -signal.SIGKILL
        acme.sandbox.faults.clear()
        assert broken_promises(look_back(acme, pass_id, log_from), undisturbed) == []
