"""The disk takes nothing more, or somebody keeps the file locked, from any commit of a pass on."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Connection

from reconciler.errors import StoreError
from reconciler.store import open_store
from reconciler.store.connection import Database
from tests.passes.agency import Agency

LEASE_IS_OVER = 3
"""Minutes after which a lock that could not be released is free: its process is ours, which lives."""


@dataclass
class Trouble:
    """Begins with one of the writing transactions of a store, and stays."""

    words: str
    statements: tuple[str, ...] = ()
    """What brings it about on a connection that is writing."""
    keeps_locked: bool = False
    every: int = 3
    """Every how many commits it is tried: each of them only where each may need room."""

    @contextmanager
    def begins_at(self, number: int, database: Path) -> Iterator[None]:
        writing, left = Database.writing, iter(range(number))
        with closing(sqlite3.connect(database, isolation_level=None, check_same_thread=False)) as other:

            @contextmanager
            def hindered(store: Database) -> Iterator[Connection]:
                begun = next(left, None) is None
                if begun and self.keeps_locked and not other.in_transaction:
                    other.execute("BEGIN IMMEDIATE")
                with writing(store) as connection:
                    for statement in self.statements if begun else ():
                        connection.exec_driver_sql(statement)
                    yield connection

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Database, "writing", hindered)
                yield


FULL = Trouble(
    "cannot grow, the disk is full",
    ("PRAGMA max_page_count = 1", "CREATE TABLE more_than_is_free AS SELECT zeroblob(1000000) AS room"),
    every=1,
)
READ_ONLY = Trouble("cannot be written", ("PRAGMA query_only = ON",))
LOCKED = Trouble("was locked by another program for too long", keeps_locked=True)


def why_it_ended(acme: Agency) -> str:
    """Run a pass and return why it could not be remembered; empty if it could."""
    try:
        acme.once()
    except StoreError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("trouble", [FULL, READ_ONLY, LOCKED], ids=["full", "read-only", "locked"])
def test_at_any_commit_of_a_pass_nothing_is_lost_and_the_next_one_puts_it_right(
    acme: Agency, trouble: Trouble
) -> None:
    nurses = acme.list("Verpleegkundigen", "blijft@zorg.nl")
    acme.once()
    database = acme.folder / "state" / "reconciler.db"
    acme.store.close()
    acme.store = open_store(f"sqlite:///{database}?timeout=0.02")
    expected, struck = {"blijft@zorg.nl"}, 0
    for number in count(step=trouble.every):
        come, no, gone = (f"{what}{number}@zorg.nl" for what in ("komt", "nee", "weg"))
        for email in (no, gone):
            acme.join(nurses, acme.person(email))
        acme.once()
        acme.join(nurses, acme.person(come))
        acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), no)
        acme.leave(nurses, gone)

        with trouble.begins_at(number, database):
            told = why_it_ended(acme)
        acme.store.close()  # what was set on a connection goes with it
        if not told:
            break
        assert f"The state database {database} {trouble.words}" in told
        struck += 1
        acme.later(minutes=LEASE_IS_OVER)
        acme.converge()

        expected.add(come)
        assert acme.subscribed(nurses) == expected
        assert acme.status(nurses, no) == "unsubscribed"
        history = [(one.verb, one.address_key) for one in acme.store.history("acme", limit=99)]
        keys = [("add", come), ("suppress", no), ("remove", gone)]
        assert all((verb, acme.store.key_address(email)) in history for verb, email in keys)
    assert struck >= 3
