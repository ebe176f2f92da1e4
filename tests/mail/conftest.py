"""A store, a clock that is moved by hand, and mail servers on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.store import Store, open_store
from tests.fresh_database import lay_out
from tests.mail.office import MailRoom
from tests.mail.servers import Inbox, mail_server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(lay_out(tmp_path / "state" / "reconciler.db")) as opened:
        yield opened


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A mail server that takes everything, in plain text."""
    with mail_server() as running:
        yield running


@pytest.fixture
def room(store: Store, inbox: Inbox) -> MailRoom:
    return MailRoom(store, f"smtp://127.0.0.1:{inbox.port}")
