"""A state that an earlier version of this program left behind: it is upgraded with all it remembers.

`state_0001.sql` and its like are dumps of such states, and stay as they are for ever.
"""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.model import Address, BaseState, ListUid, NoReason
from reconciler.sandbox.otys.state import MailingList
from reconciler.store import check_database, open_store
from reconciler.store.schema import newest_version
from tests.bad_input.desk import Desk
from tests.passes.agency import Agency

VERSIONS = ["0001", "0002", "0003", "0004"]


def morning(acme: Agency) -> MailingList:
    """Return the list that the dumps are about: on their last day, Anna unsubscribed and one person left."""
    return acme.list("Verpleegkundigen", "blijft@zorg.nl", "anna@zorg.nl", "weg@zorg.nl")


def lay_down(path: Path, version: str) -> None:
    """Make the database file of that version."""
    for one in (path, path.with_name(f"{path.name}.nos")):  # earlier versions kept no log of nos
        one.unlink(missing_ok=True)
    with sqlite3.connect(path) as made:
        made.executescript(Path(__file__).with_name(f"state_{version}.sql").read_text("utf-8"))
    made.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_state_of_an_earlier_version_is_upgraded_with_everything_in_it(acme: Agency, version: str) -> None:
    nurses = morning(acme)
    acme.once()
    audience = acme.audience(nurses)
    acme.sandbox.mailchimp.archive(audience, "weg@zorg.nl")
    # Of the opt-out only the state tells.
    acme.sandbox.mailchimp.delete_permanently(audience, "anna@zorg.nl")
    acme.world.mailchimp.audiences[audience].forgotten.clear()
    acme.store.close()
    database = acme.folder / "state" / "reconciler.db"
    lay_down(database, version)
    assert f"its tables are of version {version}" in check_database(f"sqlite:///{database}").problems[0]

    acme.store = open_store(f"sqlite:///{database}")
    assert check_database(f"sqlite:///{database}").healthy
    base = acme.store.base("acme", ListUid(nurses.uid))
    assert {str(one.address): one.state for one in base.rows.values()} == {
        "blijft@zorg.nl": BaseState.ACTIVE,
        "weg@zorg.nl": BaseState.REMOVED,
    }
    assert [(no.address, no.reason) for no in base.nos] == [("anna@zorg.nl", NoReason.UNSUBSCRIBED)]
    assert len(acme.store.passes("acme")) == 2
    anna, gone = (acme.store.key_address(Address(email)) for email in ("anna@zorg.nl", "weg@zorg.nl"))
    history = acme.store.history("acme", limit=99)
    assert [(one.pass_id, one.verb) for one in history] == [
        (2, "remove"),
        (2, "suppress"),
        *[(1, "add")] * 3,
        (1, "create"),
    ]
    assert [one.address_key for one in history if one.verb in {"remove", "suppress", "create"}] == [
        gone,
        anna,
        "",
    ]
    acme.later(hours=1)
    assert acme.writes_of(acme.once) == [f"PUT /3.0/lists/{audience}/members/{member('weg@zorg.nl')}"]
    assert acme.subscribed(nurses) == {"blijft@zorg.nl", "weg@zorg.nl"}
    assert acme.writes_of(acme.once) == []


def member(email: str) -> str:
    """Return how Mailchimp names a contact in a path (facts/mailchimp.md, 20)."""
    return hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()


def test_a_state_of_a_newer_version_is_left_alone(desk: Desk, nurses: MailingList) -> None:
    desk.agency.store.close()
    with closing(sqlite3.connect(desk.database)) as connection, connection:
        connection.execute("UPDATE reconciler_version SET version_num = '9999'")
    asked = desk.agency.sandbox.log.last_number()
    for command in (("once",), ("plan",), ("db", "upgrade")):
        ended = desk.type(*command)
        assert ended.code == 1
        assert ended.err.startswith(
            f"Error: The state database {desk.database} was written by a newer version of this program"
        )
    assert desk.agency.sandbox.log.last_number() == asked
    with closing(sqlite3.connect(desk.database)) as connection, connection:
        connection.execute("UPDATE reconciler_version SET version_num = ?", [newest_version()])
    desk.recovers(nurses)
