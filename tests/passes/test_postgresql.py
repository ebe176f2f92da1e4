"""Whole passes with PostgreSQL as the database: the same as with a file."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from reconciler.store import open_store
from reconciler.wiring import RequestCount
from tests.passes.agency import agency, results
from tests.passes.test_crashes import Executioner, Killed, owed_is_true, prepare
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
        prepare(acme)

        report = acme.once()

        owed_is_true(acme)
        assert report.result == "done"
        assert {kind: count for kind, count in results(report).items() if kind[1] != "applied"} == {}
        assert acme.writes_of(acme.once) == []
    with open_store(database) as store:
        assert [one.result for one in store.passes("acme")] == ["done"] * 3


@pytest.mark.parametrize("allowed", [5, 10, 14, 18, 22])
def test_cut_off_at_a_request_the_next_passes_put_everything_right(
    allowed: int, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with agency(tmp_path, database=database) as acme:
        prepare(acme)
        with monkeypatch.context() as killing:
            killing.setattr(RequestCount, "__call__", Executioner(allowed))
            with pytest.raises(Killed):
                acme.once()

        acme.once()

        owed_is_true(acme)
        assert acme.writes_of(acme.once) == []
