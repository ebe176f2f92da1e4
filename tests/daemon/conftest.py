"""What tests of the daemon's process start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.office import open_office
from tests.daemon.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Yield an office with one client, acme, and one list, where no pass is due for hours after the first."""
    with open_office(tmp_path) as office:
        office.mailing_list("Nieuws", "anna@vacature.nl", "bert@vacature.nl")
        opened = House(office)
        opened.configure()
        try:
            yield opened
        finally:
            office.sandbox.faults.clear()
            opened.close()
