"""The HTTP port over a fake daemon, without a network unless a test asks for one."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from reconciler.logs import set_up_logs
from reconciler.store import open_store
from reconciler.web import build_app
from reconciler.web.list_views import ListViews
from tests.fresh_database import lay_out
from tests.web.fake import NOW, TOKEN, FakeDaemon, FakeLists


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeDaemon]:
    with open_store(lay_out(tmp_path / "state" / "reconciler.db")) as store:
        yield FakeDaemon(store, tmp_path)


@pytest.fixture
def lists() -> FakeLists:
    return FakeLists()


@pytest.fixture
def port(daemon: FakeDaemon, lists: FakeLists) -> Iterator[FlaskClient]:
    """A caller that shows nothing."""
    views = ListViews(lists)
    yield build_app(daemon, views=views, now=lambda: NOW).test_client()
    views.close()


@pytest.fixture
def bearer() -> dict[str, str]:
    """The headers of a caller that shows the token."""
    return {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def logged() -> io.StringIO:
    """Everything that the daemon would log."""
    stream = io.StringIO()
    set_up_logs(logging.DEBUG, stream=stream)
    return stream
