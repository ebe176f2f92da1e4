"""What every test of a pass starts from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.passes.agency import Agency, agency
from tests.passes.staying import Open, opening


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Agency]:
    """Yield an agency with both services running and nothing in them."""
    with agency(tmp_path) as running:
        yield running


@pytest.fixture
def daemon(acme: Agency, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Yield what opens the client, when the agency is as the test wants it."""
    with opening(acme, monkeypatch) as open_it:
        yield open_it
