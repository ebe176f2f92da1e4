"""An old backup of the state, put back after the world has moved on."""

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reconciler.report import PassReport
from reconciler.store import open_store
from tests.passes.agency import Agency

_MOST_PASSES_TO_REST = 2


@dataclass(frozen=True)
class OldState:
    """A copy of the state as it once was."""

    acme: Agency
    copy: Path

    def put_back(self, *, with_log: bool = False) -> None:
        """Do as docs/operations.md says: end everything, and put the copy in the place of the file.

        The log of nos is lost with the database unless it is told that it stays.
        """
        self.acme.store.close()
        _take_away(self.acme, with_log=not with_log)
        shutil.copy(self.copy, _database(self.acme))
        _open(self.acme)


def back_up(acme: Agency) -> OldState:
    """Return a copy of the state as it is now; the world goes on an hour later."""
    copy = acme.folder / "old.db"
    acme.store.close()
    shutil.copy(_database(acme), copy)
    _open(acme)
    acme.later(hours=1)
    return OldState(acme, copy)


def lose_the_database(acme: Agency) -> None:
    """Take the database away, so that a new one is made; the log of nos stays."""
    acme.store.close()
    _take_away(acme, with_log=False)
    _open(acme)


def back_up_while_in_use(acme: Agency) -> OldState:
    """Do as docs/operations.md says: a whole copy while the daemon runs."""
    copy = acme.folder / "old.db"
    with closing(sqlite3.connect(_database(acme))) as connection:
        connection.execute("VACUUM INTO ?", [str(copy)])
    return OldState(acme, copy)


def everybody(acme: Agency) -> Mapping[str, Mapping[str, str]]:
    """Return the status of every contact of every audience, by id and address."""
    return {
        audience.id: {one.email_address: str(one.status) for one in audience.contacts.values()}
        for audience in acme.world.mailchimp.audiences.values()
    }


def comes_to_rest(acme: Agency) -> PassReport:
    """Run passes on the old state until they write nothing, which two must bring about; return the first."""
    acme.later(hours=1)
    first = acme.once()
    for _ in range(_MOST_PASSES_TO_REST):
        if not acme.writes_of(acme.once):
            return first
    raise AssertionError("the old state did not come to rest")


def _take_away(acme: Agency, *, with_log: bool) -> None:
    for part in _database(acme).parent.glob("reconciler.db*"):
        if with_log or part.suffix != ".nos":
            part.unlink()


def _database(acme: Agency) -> Path:
    return acme.folder / "state" / "reconciler.db"


def _open(acme: Agency) -> None:
    acme.store = open_store(f"sqlite:///{_database(acme)}")
