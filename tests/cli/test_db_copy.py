import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from reconciler.cli.db_copy import progress
from reconciler.store import open_store
from tests.cli.conftest import Run
from tests.cli.office import Office, flat

OTHER = "sqlite:///moved/other.db"
HOUR = timedelta(hours=1)


@pytest.fixture
def after_a_pass(run: Run, office: Office) -> Office:
    """Return the office after a first pass of one list of two people."""
    office.mailing_list("Kandidaten", "ann@mailhuis.nl", "bob@mailhuis.nl")
    assert run("once").code == 0
    return office


def point_to(office: Office, url: str) -> None:
    """Do what the command says comes next."""
    path = office.folder / "config" / "reconciler.toml"
    path.write_text(f'[state]\nurl = "{url}"\n{path.read_text("utf-8")}', "utf-8")


def test_a_copied_state_is_told_and_the_next_pass_on_it_has_nothing_to_do(
    run: Run, after_a_pass: Office
) -> None:
    ended = run("db", "copy", "--to", OTHER)

    assert ended.code == 0
    assert "from state/reconciler.db to moved/other.db" in flat(ended.out)
    assert "Next: set state.url" in ended.out
    assert ended.err == ""
    point_to(after_a_pass, OTHER)
    assert after_a_pass.writes_of(lambda: run("once")) == []
    assert [one["pass_id"] for one in json.loads(run("history", "--json").out)["passes"]] == [2, 1]


def test_for_programs_it_tells_the_rows_of_each_table(run: Run, after_a_pass: Office) -> None:
    assert after_a_pass.folder.exists()
    told = json.loads(run("db", "copy", "--to", OTHER, "--json").out)

    assert (told["source"], told["target"]) == ("state/reconciler.db", "moved/other.db")
    assert (told["rows"]["lists"], told["rows"]["base_rows"], told["rows"]["passes"]) == (1, 2, 1)


def test_the_url_can_stand_in_the_environment_and_its_password_is_never_shown(
    run: Run, after_a_pass: Office
) -> None:
    assert run("db", "copy", "--to-env", "NEW_STATE", NEW_STATE=OTHER).code == 0
    assert (after_a_pass.folder / "moved" / "other.db").exists()

    url = "postgresql+psycopg://daemon:geheim@127.0.0.1:1/state"
    ended = run("db", "copy", "--to-env", "NEW_STATE", NEW_STATE=url)

    assert ended.code == 1
    assert "daemon:***@127.0.0.1:1/state cannot be reached" in flat(ended.err)
    assert "geheim" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "by --to or by --to-env"),
        (["--to", OTHER, "--to-env", "NEW_STATE"], "once"),
        (["--to-env", "NOT_SET"], "NOT_SET is not set"),
    ],
)
def test_the_other_database_has_to_be_named_once(
    run: Run, office: Office, arguments: list[str], words: str
) -> None:
    ended = run("db", "copy", *arguments)

    assert ended.code == 2
    assert words in flat(ended.err.replace("│", " "))
    assert not (office.folder / "moved").exists()


@pytest.mark.parametrize("client", ["acme", "(daemon)"])
def test_it_refuses_while_the_daemon_or_a_pass_has_the_state(
    run: Run, after_a_pass: Office, client: str
) -> None:
    with (
        open_store("sqlite:///state/reconciler.db") as store,
        store.lock(client, "process 7 on host1", lease=HOUR, now=lambda: datetime.now(UTC)),
    ):
        ended = run("db", "copy", "--to", OTHER)

    assert ended.code == 75
    assert f"{client} is held by process 7 on host1" in flat(ended.err)
    assert not (after_a_pass.folder / "moved").exists()


def test_a_database_that_holds_something_is_refused(run: Run, after_a_pass: Office) -> None:
    run("db", "copy", "--to", OTHER)
    other = after_a_pass.folder / "moved" / "other.db"
    key_of_its_own = sqlite3.connect(other)
    key_of_its_own.execute("UPDATE meta SET value = '00'")
    key_of_its_own.commit()
    key_of_its_own.close()

    ended = run("db", "copy", "--to", OTHER)

    assert ended.code == 1
    assert "moved/other.db is not empty" in flat(ended.err)


def test_a_state_that_is_not_there_is_told_and_nothing_is_made(run: Run, office: Office) -> None:
    ended = run("db", "copy", "--to", OTHER)

    assert ended.code == 1
    assert "There is no state database at state/reconciler.db" in flat(ended.err)
    assert not (office.folder / "moved").exists()


def test_a_terminal_shows_the_table_and_the_rows(tmp_path: Path) -> None:
    with (
        (tmp_path / "terminal").open("w", encoding="utf-8") as terminal,
        progress(Console(file=terminal, force_terminal=True, width=100)) as tell,
    ):
        tell("base_rows", 1000, 2500)
    drawn = (tmp_path / "terminal").read_text("utf-8")

    assert "base_rows" in drawn
    assert "1000/2500" in drawn
