"""Whole passes with PostgreSQL as the database: the same as with a file. Killed ones: `tests/crashes`."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from reconciler.store import open_store
from tests.crashes import day
from tests.passes.agency import agency
from tests.store.postgres import Server, shared_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    own = tmp_path_factory.getbasetemp()
    with shared_server(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as running:
        yield running


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    with server.database(f"passes_{uuid4().hex}") as url:
        yield url


def test_passes_do_their_work_and_come_to_rest(database: str, tmp_path: Path) -> None:
    with agency(tmp_path, database=database) as acme:
        day.yesterday(acme)
        day.today(acme)

        report = acme.once()

        assert report.result == "withheld"
        assert acme.writes_of(acme.once) == []
        reached = {audience.name: audience for audience in acme.world.mailchimp.audiences.values()}
        assert {
            name: {one.email_address: str(one.status) for one in audience.contacts.values()}
            for name, audience in reached.items()
        } == day.OWED
    with open_store(database) as store:
        assert [one.result for one in store.passes("acme")] == ["withheld"] * 3 + ["done"]
