"""What every test of a pass starts from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.passes.agency import Agency, agency


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Agency]:
    """Yield an agency with both services running and nothing in them."""
    with agency(tmp_path) as running:
        yield running
