"""A store on each database, empty and the test's own."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from reconciler.store import Store, open_store
from tests.fresh_database import lay_out
from tests.store.postgres import Server, shared_server

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    own = tmp_path_factory.getbasetemp()
    with shared_server(own if _WORKER == "alone" else own.parent) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_of_worker(postgres: Server) -> Iterator[str]:
    with postgres.database(_WORKER) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with tables, or the place for one, without a row."""
    if request.param == "sqlite":
        return lay_out(tmp_path / "state" / "reconciler.db")
    postgres: Server = request.getfixturevalue("postgres")
    known: str = request.getfixturevalue("postgres_of_worker")
    postgres.empty(_WORKER)
    return known


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a table, which the test may spoil."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    postgres: Server = request.getfixturevalue("postgres")
    with postgres.database(f"empty_{uuid4().hex}", migrated=False) as new:
        yield new


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def other_store(url: str) -> Iterator[Store]:
    """The same database as another process would open it."""
    with open_store(url) as opened:
        yield opened
