"""Opening the state database: what is made, what is kept, and what the operator reads when it fails."""

import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from reconciler.errors import StoreError
from reconciler.store import Store, check_database, open_store
from tests.store.examples import CLIENT, NEWS, NOW, a_pass, outcome
from tests.store.postgres import Server

SECRET = "s3cret"


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def plain_user(tmp_path: Path) -> Iterator[Path]:
    """A folder of an ordinary user, with whose rights the test runs: nothing is read-only to root."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)


def test_the_file_and_its_folders_are_made_for_the_daemons_user_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state" / "reconciler.db"
    with open_store(sqlite_url(path)) as store:
        a_pass(store)
        made = sorted(path.parent.iterdir())
        assert [file.name for file in made] == ["reconciler.db", "reconciler.db-shm", "reconciler.db-wal"]
        assert {mode(file) for file in made} == {0o600}
    assert mode(path.parent) == 0o700


def test_a_relative_path_is_relative_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///state/reconciler.db").close()
    assert (tmp_path / "state" / "reconciler.db").exists()


def test_what_was_recorded_is_there_after_reopening(url: str) -> None:
    with open_store(url) as store:
        number = a_pass(store)
        store.record(number, CLIENT, NEWS, [outcome()], NOW)
        key = store.key_address("ann@agency.nl")
    with open_store(url) as store:
        assert len(store.base(CLIENT, NEWS).rows) == 1
        assert store.key_address("ann@agency.nl") == key


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)]
)
def test_sqlite_is_set_to_survive_a_power_cut(tmp_path: Path, pragma: str, value: object) -> None:
    with (
        open_store(sqlite_url(tmp_path / "state.db")) as store,
        store._database.reading() as connection,
    ):
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_postgresql_is_set_to_survive_a_power_cut(postgres: Server) -> None:
    with postgres.database("power_cut") as url:
        postgres.execute("ALTER DATABASE power_cut SET synchronous_commit = off")
        with open_store(url) as store, store._database.reading() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_a_file_that_is_not_a_database_is_named_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("remember the milk " * 100)
    with pytest.raises(StoreError, match=r"notes\.txt is not a database") as told:
        open_store(sqlite_url(path))
    assert "state.url" in told.value.advice
    assert path.read_text().startswith("remember the milk")


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE lists (name TEXT)")
    other.close()
    with pytest.raises(StoreError, match="belongs to another program: it has a table 'lists'"):
        open_store(sqlite_url(path))


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        open_store(sqlite_url(tmp_path))


def test_a_read_only_folder_is_named(plain_user: Path) -> None:
    path = plain_user / "locked" / "state.db"
    path.parent.mkdir(mode=0o500)
    with pytest.raises(StoreError, match=r"state\.db cannot be created: Permission denied") as told:
        open_store(sqlite_url(path))
    assert "right to write" in told.value.advice


def test_a_database_in_a_folder_that_became_read_only_is_named_and_kept(plain_user: Path) -> None:
    path = plain_user / "locked" / "state.db"
    path.parent.mkdir()
    path.touch(mode=0o600)
    path.parent.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written: its folder is read-only"):
        open_store(sqlite_url(path))


def test_a_read_only_file_is_named(plain_user: Path) -> None:
    path = plain_user / "state.db"
    path.touch(mode=0o400)
    with pytest.raises(StoreError, match="cannot be written: its file is read-only"):
        open_store(sqlite_url(path))


def test_a_path_below_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be created: (Not a directory|File exists)"):
        open_store(sqlite_url(tmp_path / "file" / "state.db"))


def test_a_database_that_becomes_read_only_while_it_is_open_is_named(tmp_path: Path) -> None:
    with open_store(sqlite_url(tmp_path / "state.db")) as store:
        _before_each_transaction(store, "PRAGMA query_only = ON")
        with pytest.raises(StoreError, match=r"state\.db cannot be written"):
            a_pass(store)


def test_a_full_disk_is_named_and_nothing_recorded_is_lost(tmp_path: Path) -> None:
    with open_store(sqlite_url(tmp_path / "state.db")) as store:
        number = a_pass(store)
        store.record(number, CLIENT, NEWS, [outcome()], NOW)
        _before_each_transaction(store, "PRAGMA max_page_count = 1")
        with pytest.raises(StoreError, match=r"state\.db cannot grow, the disk is full") as told:
            store.save_plan(number, CLIENT, NEWS, "digest", b"x" * 1_000_000, NOW)
        assert "Make room" in told.value.advice
        assert store.plan_bodies(CLIENT, number) == {}
        assert len(store.base(CLIENT, NEWS).rows) == 1


def test_a_database_that_is_locked_for_too_long_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with open_store(f"{sqlite_url(path)}?timeout=0.05") as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"state\.db was locked by another program for too long"):
            a_pass(store)
        other.execute("ROLLBACK")
        other.close()
        assert a_pass(store) == 1


def test_a_postgresql_table_that_is_locked_for_too_long_is_named(postgres: Server) -> None:
    with (
        postgres.database("too_long") as url,
        open_store(url) as store,
        open_store(url) as other,
        other._database.writing() as connection,
    ):
        connection.exec_driver_sql("LOCK TABLE passes")
        _before_each_transaction(store, "SET lock_timeout = '50ms'")
        with pytest.raises(StoreError, match="was locked by another program for too long"):
            a_pass(store)


def test_readers_do_not_wait_for_a_writer(url: str) -> None:
    with open_store(url) as store, open_store(url) as other, other._database.writing() as connection:
        connection.exec_driver_sql("UPDATE meta SET value = value")
        assert store.passes() == ()


def test_a_postgresql_that_was_restarted_is_used_again(postgres: Server) -> None:
    with postgres.database("restarted") as url, open_store(url) as store:
        a_pass(store)
        postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'restarted'")
        assert a_pass(store) == 2


def test_a_postgresql_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(StoreError, match=r"//daemon:\*\*\*@127\.0\.0\.1:1/x cannot be reached: .+") as told:
        open_store(f"postgresql+psycopg://daemon:{SECRET}@127.0.0.1:1/x?connect_timeout=5&password={SECRET}")
    assert SECRET not in str(told.value) + told.value.advice


def test_a_postgresql_database_that_does_not_exist_is_named(postgres: Server) -> None:
    with pytest.raises(StoreError, match=r'cannot be reached: .*database "nowhere" does not exist'):
        open_store(postgres.url("nowhere"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("reconciler.db", "not the URL of a database"),
        (f"sqlite:state:{SECRET}", "not the URL of a database"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        (f"mysql://daemon:{SECRET}@host/x", "names mysql, which is not supported"),
        (f"postgresql://daemon:{SECRET}@host/x", "names postgresql, which is not supported"),
        (f"postgresql+psycopg://daemon:p@{SECRET}@host/x", "password in state.url holds an '@'"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_showing_it(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as told:
        open_store(url)
    assert SECRET not in str(told.value) + told.value.advice


def test_trouble_with_a_row_never_shows_its_values(url: str) -> None:
    row = "INSERT INTO meta (name, value) VALUES ('ann@agency.nl', '')"
    with open_store(url) as store:
        with store._database.writing() as connection:
            connection.exec_driver_sql(row)
        with (
            pytest.raises(StoreError, match=r"failed: .*(unique|UNIQUE)") as told,
            store._database.writing() as connection,
        ):
            connection.exec_driver_sql(row)
    assert "ann@agency.nl" not in str(told.value)
    assert told.value.__suppress_context__


def test_a_sound_database_is_told_to_be_sound(url: str) -> None:
    with open_store(url) as store:
        store.record(a_pass(store), CLIENT, NEWS, [outcome()], NOW)
    report = check_database(url)
    assert report.healthy
    assert (report.rows["base_rows"], report.rows["outcomes"], report.rows["nos"]) == (1, 1, 0)
    assert report.version == report.newest


def test_a_check_makes_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no state database at"):
        check_database(sqlite_url(tmp_path / "state.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_database_is_told_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with open_store(sqlite_url(path)) as store:
        store.record(a_pass(store), CLIENT, NEWS, [outcome()], NOW)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DELETE FROM lists")
    connection.close()
    assert "a row of base_rows points at no row of lists" in check_database(sqlite_url(path)).problems


def _before_each_transaction(store: Store, statement: str) -> None:
    def run(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    event.listen(store._database.engine, "begin", run)
