import json
import sqlite3
from pathlib import Path

import pytest

from reconciler.store.schema import newest_version
from tests.cli.conftest import Run
from tests.cli.office import flat

NEWEST = newest_version()


@pytest.fixture
def database(folder: Path) -> Path:
    """Return where the database of the configuration is; nothing is there yet, not even a key of OTYS."""
    (folder / "config").mkdir()
    text = '[clients.acme]\nmode = "plan"\n[clients.acme.otys]\napi_key = { env = "NOT_SET" }\n'
    (folder / "config" / "reconciler.toml").write_text(text, "utf-8")
    return folder / "state" / "reconciler.db"


def test_upgrade_makes_the_database_and_a_second_one_finds_it_up_to_date(run: Run, database: Path) -> None:
    first, second = run("db", "upgrade"), run("db", "upgrade", "--json")

    assert first.code == 0
    assert f"state/reconciler.db was made: version {NEWEST}." in first.out
    assert json.loads(second.out) == {"place": "state/reconciler.db", "before": NEWEST, "after": NEWEST}
    assert database.exists()


def test_check_tells_version_and_size_of_a_sound_database(run: Run, database: Path) -> None:
    run("db", "upgrade")

    text, report = run("db", "check"), json.loads(run("db", "check", "--json").out)

    assert text.code == 0
    assert f"ok: state/reconciler.db: SQLite, version {NEWEST}" in text.out
    assert (report["ok"], report["version"], report["problems"]) == (True, NEWEST, [])
    assert report["rows"]["base_rows"] == 0
    assert database.exists()


def test_check_finds_a_table_that_is_missing_and_fails(run: Run, database: Path) -> None:
    run("db", "upgrade")
    connection = sqlite3.connect(database)
    connection.execute("DROP TABLE proposals")
    connection.close()

    ended = run("db", "check")

    assert ended.code == 1
    assert "not ok: state/reconciler.db" in ended.out
    assert "table proposals is missing" in ended.out


def test_check_finds_a_damaged_log_of_nos_and_fails(run: Run, database: Path) -> None:
    run("db", "upgrade")
    database.with_name("reconciler.db.nos").write_text("minutes of the meeting\n", "utf-8")

    ended = run("db", "check")

    assert ended.code == 1
    assert "The log of nos state/reconciler.db.nos is damaged: line 1 of 1" in flat(ended.out)


@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_a_file_that_is_no_database_is_told_and_left_alone(run: Run, database: Path, command: str) -> None:
    database.parent.mkdir()
    database.write_text("minutes of the meeting, " * 50, "utf-8")

    ended = run("db", command)

    assert ended.code == 1
    assert "state/reconciler.db is not a database of this program" in flat(ended.err)
    assert "Point state.url at another file" in flat(ended.err)
    assert database.read_text("utf-8").startswith("minutes of the meeting")


def test_check_never_makes_a_database(run: Run, database: Path) -> None:
    ended = run("db", "check")

    assert ended.code == 1
    assert "There is no state database at state/reconciler.db." in ended.err
    assert "reconciler db upgrade" in ended.err
    assert not database.exists()


def test_a_state_folder_that_cannot_be_written_is_told(run: Run, database: Path) -> None:
    database.parent.write_text("a file in the folder's place", "utf-8")

    ended = run("db", "upgrade")

    assert ended.code == 1
    assert "The state database state/reconciler.db cannot be created" in flat(ended.err)
    assert "Traceback" not in ended.err


def test_a_folder_in_the_place_of_the_database_is_told(run: Run, database: Path) -> None:
    database.mkdir(parents=True)

    ended = run("db", "upgrade")

    assert ended.code == 1
    assert "is a folder" in ended.err
