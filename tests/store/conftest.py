"""A store on each database, empty and the test's own."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from reconciler.store import Store, open_store
from tests.store.postgres import Server, shared_server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    own = tmp_path_factory.getbasetemp()
    in_worker = "PYTEST_XDIST_WORKER" in os.environ
    with shared_server(own.parent if in_worker else own) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/reconciler.db"
    postgres: Server = request.getfixturevalue("postgres")
    return postgres.create_database(_database_name(request), migrated=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    postgres: Server = request.getfixturevalue("postgres")
    return postgres.create_database(_database_name(request), migrated=False)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def other_store(url: str) -> Iterator[Store]:
    """The same database as another process would open it."""
    with open_store(url) as opened:
        yield opened


def _database_name(request: pytest.FixtureRequest) -> str:
    return f"{re.sub(r'[^a-z]+', '_', request.node.name.lower())[:40]}{uuid4().hex[:12]}"
