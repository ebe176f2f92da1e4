"""The tables: what the migrations make is what the program expects, and other versions are refused."""

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import column, table

from reconciler.errors import StoreError
from reconciler.store import check_database, open_store
from reconciler.store.open import open_database
from reconciler.store.schema import VERSION_TABLE, newest_version
from reconciler.store.tables import metadata
from tests.store.examples import a_pass


def test_the_migrations_make_the_tables_that_the_program_expects(empty_url: str) -> None:
    with open_store(empty_url) as store, store._database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_an_empty_database_gets_the_newest_tables(empty_url: str) -> None:
    open_store(empty_url).close()
    report = check_database(empty_url)
    assert (report.version, report.problems) == (newest_version(), ())


def test_opening_without_migrating_refuses_a_database_without_tables(empty_url: str) -> None:
    open_database(empty_url, create=True).close()
    with pytest.raises(StoreError, match="tables of version none, this program needs") as told:
        open_store(empty_url, migrate=False)
    assert "db upgrade" in told.value.advice
    assert check_database(empty_url).version is None


def test_opening_without_migrating_takes_a_database_of_this_version(url: str) -> None:
    open_store(url).close()
    with open_store(url, migrate=False) as store:
        assert a_pass(store) == 1


@pytest.mark.parametrize("migrate", [True, False])
def test_tables_newer_than_this_program_are_refused(empty_url: str, *, migrate: bool) -> None:
    with open_store(empty_url) as store, store._database.writing() as connection:
        connection.execute(table(VERSION_TABLE, column("version_num")).update().values(version_num="9999"))
    with pytest.raises(StoreError, match="written by a newer version of this program") as told:
        open_store(empty_url, migrate=migrate)
    assert "newer version" in told.value.advice
    assert "its tables are of version 9999" in check_database(empty_url).problems[0]


def test_a_failed_migration_leaves_nothing_half_made(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_bytes: int) -> str:
        raise OSError("no randomness")

    with monkeypatch.context() as broken:
        broken.setattr("secrets.token_hex", fail)
        with pytest.raises(OSError, match="no randomness"):
            open_store(empty_url)
    report = check_database(empty_url)
    assert (report.version, report.rows) == (None, {})
    open_store(empty_url).close()


def test_many_that_open_a_new_database_at_once_all_get_it(empty_url: str) -> None:
    start = threading.Barrier(6)
    keys: list[str] = []

    def begin() -> None:
        start.wait()
        with open_store(empty_url) as store:
            keys.append(store.key_address("ann@agency.nl"))

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 6
    assert len(set(keys)) == 1
