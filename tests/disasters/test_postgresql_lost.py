"""PostgreSQL goes away in the middle of a pass: its connections, or all of it."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection

from reconciler.api.http import RequestNote
from reconciler.errors import StoreError
from reconciler.model import ListUid
from reconciler.store import open_store
from reconciler.store.connection import Database
from reconciler.wiring import RequestCount
from tests.daemon.conftest import house
from tests.daemon.house import House
from tests.passes.agency import Agency, agency
from tests.store.postgres import Server, shared_server

__all__ = ["house"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    own = tmp_path_factory.getbasetemp()
    with shared_server(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as running:
        yield running


def prepared(acme: Agency) -> list[str]:
    """Return who is to be subscribed after a pass that adds, removes and remembers a no."""
    nurses = acme.list("Verpleegkundigen", "blijft@zorg.nl", "nee@zorg.nl", "weg@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), "nee@zorg.nl")
    acme.leave(nurses, "weg@zorg.nl")
    acme.join(nurses, acme.person("komt@zorg.nl"))
    return ["blijft@zorg.nl", "komt@zorg.nl"]


def reached(acme: Agency) -> list[str]:
    return sorted(
        one.email_address
        for audience in acme.world.mailchimp.audiences.values()
        for one in audience.contacts.values()
        if one.status == "subscribed"
    )


def test_connections_that_are_cut_between_transactions_cost_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"cut_{uuid4().hex}"
    with server.database(name) as url, agency(tmp_path, database=url) as acme:
        owed = prepared(acme)
        idle = f"FROM pg_stat_activity WHERE datname = '{name}' AND state = 'idle'"
        cut = f"SELECT pg_terminate_backend(pid) {idle}"
        with monkeypatch.context() as patch:
            patch.setattr(RequestCount, "__call__", lambda _count, _note: server.execute(cut))
            report = acme.once()
        assert report.result == "done"
        assert reached(acme) == owed
        assert acme.writes_of(acme.once) == []


@pytest.mark.parametrize("number", [0, 2, 4, 6, 8])
def test_a_connection_that_is_cut_in_a_transaction_leaves_the_rest_to_the_next_pass(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    writing, left = Database.writing, iter(range(number))

    @contextmanager
    def cut(database: Database) -> Iterator[Connection]:
        with writing(database) as connection:
            yield connection
            if next(left, None) is None:
                connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    with server.database(f"cut_{uuid4().hex}") as url, agency(tmp_path, database=url) as acme:
        owed = prepared(acme)
        with monkeypatch.context() as patch:
            patch.setattr(Database, "writing", cut)
            with pytest.raises(StoreError, match="cannot be reached"):
                acme.once()
        acme.later(minutes=3)  # its lock stands until its lease is over
        acme.converge()
        assert reached(acme) == owed
        assert [no.address for no in acme.store.base("acme", ListUid("1001")).nos] == ["nee@zorg.nl"]


@pytest.fixture
def own_server() -> Iterator[Server]:
    """Yield a PostgreSQL that nobody else uses, so that it may crash."""
    running = Server(Path(tempfile.mkdtemp(prefix="postgres-")))
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.mark.parametrize("kind", ["read", "write"])
def test_a_server_that_crashes_in_a_pass_and_comes_back_has_lost_nothing(
    own_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with own_server.database("crashed") as url, agency(tmp_path, database=url) as acme:
        owed = prepared(acme)
        crashed: list[RequestNote] = []

        def crash_once(_count: RequestCount, note: RequestNote) -> None:
            writes = note.system == "Mailchimp" and note.method != "GET"
            if not crashed and writes == (kind == "write"):
                crashed.append(note)
                own_server.crash()

        with monkeypatch.context() as patch:
            patch.setattr(RequestCount, "__call__", crash_once)
            with pytest.raises(StoreError, match="cannot be reached") as told:
                acme.once()
        assert "that PostgreSQL runs" in told.value.advice
        with pytest.raises(StoreError, match="cannot be reached"):
            acme.once()
        own_server.come_back()

        acme.later(minutes=3)  # its lock stands until its lease is over
        acme.converge()
        assert reached(acme) == owed
        assert acme.writes_of(acme.once) == []


def test_a_second_daemon_says_who_works_and_takes_over_when_that_one_is_gone(
    server: Server, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.database(f"two_{uuid4().hex}") as url:
        monkeypatch.setenv("RECONCILER__STATE__URL", url)
        first = house.started()

        code, said = house.run("run")
        first.send(signal.SIGKILL)
        first.ended()
        second = house.started()

        assert (code, "Another daemon runs on" in said) == (75, True)
        assert f"process {first.pid} on" in said
        second.send(signal.SIGTERM)
        assert second.ended() == 0
        with open_store(url) as store:
            assert [one.result for one in store.passes("acme")] == ["done", "done"]
        assert house.office.subscribed("Nieuws") == {"anna@vacature.nl", "bert@vacature.nl"}
