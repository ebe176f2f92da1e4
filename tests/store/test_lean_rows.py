"""Version 0004 writes history and base rows anew: what they tell stays the same, on both databases."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from reconciler.model import Address, BaseMove, BaseRow, BaseState, PassId, Result
from reconciler.store import Store, check_database, migrations, open_store
from reconciler.store.open import open_database
from tests.store.examples import ANN, BOB, CLIENT, NEWS, NOW, a_pass, change, outcome, row

HEX_ID = "62325dfc1fc675255519674da6e2c4aa"
IDS = [HEX_ID, "", "62325DFC1FC675255519674DA6E2C4AA", "c-17", "abc", "\1"]
KEYS = ["3c6adc3f0169377407b9dc9d151ea699", "01d570cc08dca836a717ea8e37a134f3"]


def in_version_3(url: str) -> None:
    """Make a database of version 0003 with a pass that created an audience, added two and suppressed one."""
    database = open_database(url, create=True)
    with database.writing() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__path__[0])))
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")

        def put(table: str, **values: object) -> None:
            connection.execute(
                sqlalchemy.table(table, *map(sqlalchemy.column, values)).insert().values(values)
            )

        put(
            "lists",
            id=1,
            client=CLIENT,
            list_uid=NEWS,
            list_name="News",
            agreed_name="",
            agreed_reminder="",
            synced_once=True,
            absent_passes=0,
        )
        put(
            "passes",
            id=1,
            client=CLIENT,
            mode="apply",
            called_by="once",
            started_at=NOW.isoformat(" "),
            counts="{}",
            problems="[]",
            plan_digest="",
        )
        told = [("create", ""), ("add", KEYS[0]), ("suppress", KEYS[0]), ("add", KEYS[1])]
        for number, (verb, key) in enumerate(told, start=7):
            put(
                "outcomes",
                id=number,
                pass_id=1,
                list_id=1,
                verb=verb,
                address_key=key,
                result="applied",
                reason=f"why {verb}",
                detail="",
                at=(NOW + timedelta(seconds=verb == "suppress")).replace(tzinfo=None).isoformat(" "),
            )
        for number, contact_id in enumerate(IDS):
            put(
                "base_rows",
                list_id=1,
                address=f"p{number}@agency.nl",
                state="active",
                persons='[["candidate","7"]]',
                fields='{"FNAME":"Ann"}',
                contact_id=contact_id,
            )
    database.close()


def test_the_upgrade_keeps_all_that_history_and_base_tell(empty_url: str) -> None:
    in_version_3(empty_url)
    with open_store(empty_url) as store:
        assert [
            (one.verb, one.address_key, one.reason, one.at - NOW, one.list_name)
            for one in reversed(store.history(CLIENT, limit=9))
        ] == [
            ("create", "", "why create", timedelta(0), "News"),
            ("add", KEYS[0], "why add", timedelta(0), "News"),
            ("suppress", KEYS[0], "why suppress", timedelta(seconds=1), "News"),
            ("add", KEYS[1], "why add", timedelta(0), "News"),
        ]
        rows = store.base(CLIENT, NEWS).rows
        assert [rows[Address(f"p{number}@agency.nl")].contact_id for number in range(len(IDS))] == IDS
        assert {(one.state, str(one.persons[0]), one.fields["FNAME"]) for one in rows.values()} == {
            (BaseState.ACTIVE, "candidate:7", "Ann")
        }
    assert check_database(empty_url).problems == ()


def test_an_upgraded_history_goes_on(empty_url: str) -> None:
    in_version_3(empty_url)
    with open_store(empty_url) as store:
        store.record(PassId(1), CLIENT, NEWS, [outcome(change(ANN))], NOW)
        assert [one.address_key for one in store.history(CLIENT, limit=2)] == [
            store.key_address(ANN),
            KEYS[1],
        ]
        assert len(store.history(CLIENT, limit=9)) == 5


def test_history_says_once_what_it_says_of_many(store: Store) -> None:
    number = a_pass(store)
    known = [
        outcome(change(ANN, reason="on the list")),
        outcome(change(BOB, reason="on the list"), Result.REFUSED, detail="looks fake"),
        outcome(change(Address("cor@agency.nl"), reason="on the list")),
    ]
    store.record(number, CLIENT, NEWS, known, NOW)
    assert [(one.address_key, one.result) for one in store.outcomes(number)] == [
        (store.key_address(one.change.address), one.result) for one in known
    ]
    with store._database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM entries")).scalar_one() == 2


@pytest.mark.parametrize("contact_id", IDS)
def test_an_id_of_a_contact_comes_back_as_it_was(store: Store, contact_id: str) -> None:
    known: BaseRow = row(contact_id=contact_id)
    store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=known.address, row=known)], NOW)
    assert store.base(CLIENT, NEWS).rows[known.address].contact_id == contact_id
