"""The state moves between databases whole, with its numbers, its hashes and its memory, or not at all."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import column, select, table

from reconciler.errors import LockHeld, StoreError
from reconciler.model import (
    Address,
    ListChange,
    ListOutcome,
    ListVerb,
    PassId,
    PassResult,
    RefusalKind,
    Result,
)
from reconciler.snapshots import Body
from reconciler.store import (
    Erased,
    IntentKind,
    NewMail,
    StateCopy,
    Store,
    StoredProposal,
    Told,
    check_database,
    copy_state,
    open_store,
)
from reconciler.store.schema import VERSION_TABLE, newest_version
from reconciler.store.tables import metadata
from tests.store.examples import (
    ANN,
    BOB,
    CLIENT,
    HOUR,
    JOBS,
    NEWS,
    NOW,
    P1,
    P2,
    Clock,
    a_pass,
    change,
    link,
    outcome,
)
from tests.store.test_redo import Desk, say

if TYPE_CHECKING:
    from tests.store.postgres import Server

MANY = 1500  # more than one batch
DIGEST = "aaaa1111" * 4
NOT_COPIED = {"locks", "rests"}

NewDatabase = Callable[[str], str]


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewDatabase]:
    """Yield a function that gives the URL of a new database of a kind, without a table."""
    with ExitStack() as opened:

        def make(kind: str) -> str:
            name = f"copy_{uuid4().hex}"
            if kind == "sqlite":
                return f"sqlite:///{tmp_path}/{name}.db"
            server: Server = request.getfixturevalue("postgres")
            return opened.enter_context(server.database(name, migrated=False))

        yield make


@pytest.fixture
def source(new_database: NewDatabase) -> str:
    """Return the URL of an SQLite database in which every kind of thing is remembered."""
    url = new_database("sqlite")
    with open_store(url) as store:
        fill(store)
    return url


def fill(store: Store) -> None:
    number = a_pass(store)
    store.save_link(CLIENT, link(name="Jürgen 日本 🙂"))
    store.save_link(CLIENT, link(JOBS, "aud-2"))
    people = [outcome(change(Address(f"p{one}@agency.nl"))) for one in range(MANY)]
    bounced = outcome(change(BOB), Result.REFUSED, refusal=RefusalKind.COMPLIANCE)
    invalid = outcome(change(ANN), Result.REFUSED, refusal=RefusalKind.INVALID_ADDRESS, detail="no domain")
    store.record(number, CLIENT, NEWS, [*people, bounced, invalid], NOW)
    renamed = ListChange(
        verb=ListVerb.RENAME_AUDIENCE,
        list_uid=NEWS,
        list_name="News",
        audience_id=link().audience_id,
        reason="renamed in OTYS",
        before={"name": "Old"},
        after={"name": "New"},
    )
    store.record_list(number, CLIENT, ListOutcome(change=renamed, result=Result.REFUSED), NOW)
    store.intend(CLIENT, NEWS, IntentKind.CREATE_AUDIENCE, {"name": "News"}, number, NOW)
    store.save_plan(number, CLIENT, NEWS, DIGEST, b"\x00\xffzlib", NOW)
    kept = Body(whole=True, data=b"\x01\x00\xffzlib")
    store.save_snapshot(number, CLIENT, NEWS, kept, NOW, after=None)
    store.remember_erasure(CLIENT, Erased(frozenset({BOB}), frozenset({P2})), NOW)
    waiting = StoredProposal(
        digest=DIGEST, list_uid=NEWS, verb="remove", count=12, message="12 of 40", plan_digest=DIGEST
    )
    store.propose(number, CLIENT, [waiting], NOW + HOUR, NOW)
    store.approve(DIGEST, by="ann", now=NOW)
    store.use_approval(CLIENT, DIGEST, number, NOW)
    mail = NewMail(recipients=("ann@agency.nl",), message=b"Subject: hello\r\n")
    store.post(CLIENT, mail, [Told(kind="failed", version="unreachable", told_at=NOW)], NOW)
    store.end_pass(number, result=PassResult.DONE, counts={"add": MANY}, problems=("one",), now=NOW)
    with store.lock(CLIENT, "a pass", lease=HOUR, now=lambda: NOW) as lock:
        store.keep_rest(lock, NEWS, b"at rest")


def untold(_table: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def copied(source: str, target: str) -> StateCopy:
    return copy_state(source, target, now=NOW, tell=untold)


def content(url: str) -> dict[str, list[tuple[Any, ...]]]:
    with open_store(url) as store, store._database.reading() as connection:
        return {
            one.name: [tuple(row) for row in connection.execute(select(one).order_by(*one.primary_key))]
            for one in metadata.sorted_tables
        }


def rows_of(url: str) -> int:
    """Return how many rows there are to copy, besides the key that every database has from the start."""
    counted = check_database(url).rows
    return sum(count for name, count in counted.items() if name not in NOT_COPIED) - 1


def test_what_is_copied_here_is_a_row_of_every_table(source: str) -> None:
    assert [name for name, rows in content(source).items() if not rows] == ["locks"]


@pytest.mark.parametrize("way", [("sqlite",), ("postgresql",), ("postgresql", "postgresql", "sqlite")])
def test_after_any_way_everything_is_there_as_it_was(
    source: str, new_database: NewDatabase, way: tuple[str, ...]
) -> None:
    before = content(source)
    at = source
    for kind in way:
        following = new_database(kind)
        done = copied(at, following)
        assert done.rows == {name: len(rows) for name, rows in before.items() if name not in NOT_COPIED}
        at = following
    arrived = content(at)
    assert arrived["rests"] == [], "it is found out anew"
    for name in before.keys() - NOT_COPIED:
        rows = before[name]
        assert arrived[name] == rows or sorted(arrived[name]) == sorted(rows), name
    assert check_database(at).problems == ()
    assert content(source) == before


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_next_pass_goes_on_where_the_last_one_ended(
    source: str, new_database: NewDatabase, kind: str
) -> None:
    target = new_database(kind)
    copied(source, target)
    with open_store(target) as store, open_store(source) as old:
        assert store.key_address(ANN) == old.key_address(ANN)
        assert store.outcomes(PassId(1)) == old.outcomes(PassId(1))
        number = a_pass(store)
        store.record(number, CLIENT, NEWS, [outcome(change(ANN))], NOW)
        store.intend(CLIENT, NEWS, IntentKind.CREATE_AUDIENCE, {}, number, NOW)
        store.post(CLIENT, NewMail(recipients=("a@b.nl",), message=b""), (), NOW)
        assert number == 2
        assert [one.address_key for one in store.outcomes(number)] == [old.key_address(ANN)]
        assert store.base(CLIENT, NEWS).nos == old.base(CLIENT, NEWS).nos


def test_what_an_old_source_lacks_of_its_log_is_copied_too(tmp_path: Path) -> None:
    desk, target = Desk(tmp_path), f"sqlite:///{tmp_path / 'target.db'}"
    desk.work().close()
    old = desk.copy()
    with desk.open() as store:
        say(store, ANN, P1)
    desk.put_back(old)

    copied(desk.url, target)

    with open_store(target) as store:
        assert [one.address for one in store.base(CLIENT, NEWS).nos] == [ANN]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_state_without_a_row_can_be_copied_and_used(new_database: NewDatabase, kind: str) -> None:
    source, target = new_database("sqlite"), new_database(kind)
    open_store(source).close()
    copied(source, target)
    with open_store(target) as store:
        assert a_pass(store) == 1


def test_whoever_watches_sees_every_table_and_all_rows(source: str, new_database: NewDatabase) -> None:
    seen: list[tuple[str, int, int]] = []
    done = copy_state(source, new_database("sqlite"), now=NOW, tell=lambda *told: seen.append(told))
    assert {table for table, _, _ in seen} == set(done.rows)
    assert [copied for _, copied, _ in seen] == sorted(copied for _, copied, _ in seen)
    assert seen[-1][1:] == (sum(done.rows.values()),) * 2


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_target_that_holds_anything_is_refused_and_stays_as_it_was(
    source: str, new_database: NewDatabase, kind: str
) -> None:
    target = new_database(kind)
    with open_store(target) as store:
        a_pass(store)
    before = content(target)
    with pytest.raises(StoreError, match="is not empty: its table 'passes' holds rows") as told:
        copied(source, target)
    assert "empty database" in told.value.advice
    assert content(target) == before


def test_a_target_of_another_version_is_refused_before_it_is_touched(
    source: str, new_database: NewDatabase
) -> None:
    target = new_database("sqlite")
    with open_store(target) as store:
        a_pass(store)
        with store._database.writing() as connection:
            connection.execute(
                table(VERSION_TABLE, column("version_num")).update().values(version_num="0001")
            )
    with pytest.raises(StoreError, match="is not empty"):
        copied(source, target)
    assert check_database(target).version == "0001" != newest_version()


def test_the_state_is_not_copied_onto_itself(source: str, tmp_path: Path) -> None:
    (tmp_path / "other-name.db").symlink_to(source.removeprefix("sqlite:///"))
    for target in (source, f"sqlite:///{tmp_path}/other-name.db"):
        with pytest.raises(StoreError, match="is the one that is to be copied, or a copy of it"):
            copied(source, target)


def test_a_source_that_does_not_exist_is_not_made(new_database: NewDatabase) -> None:
    source, target = new_database("sqlite"), new_database("sqlite")
    with pytest.raises(StoreError, match="There is no state database"):
        copied(source, target)
    assert not Path(source.removeprefix("sqlite:///")).exists()
    assert not Path(target.removeprefix("sqlite:///")).exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "--to is not the URL of a database"),
        ("mysql://u:hidden@host/d", "--to names mysql, which is not supported"),
        ("sqlite://", "--to names no file"),
    ],
)
def test_a_target_that_is_no_database_of_ours_is_told(source: str, url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as told:
        copied(source, url)
    assert "hidden" not in str(told.value)


@pytest.mark.parametrize("held", ["source", "target"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("client", [CLIENT, "(daemon)"])
def test_nothing_is_copied_while_somebody_works_on_either_side(
    new_database: NewDatabase, held: str, kind: str, client: str
) -> None:
    urls = {"source": new_database("sqlite"), "target": new_database("sqlite")} | {held: new_database(kind)}
    with open_store(urls["source"]) as store:
        a_pass(store)
    with (
        open_store(urls[held]) as busy,
        busy.lock(client, "process 7 on host1", lease=HOUR, now=Clock()),
        pytest.raises(LockHeld) as told,
    ):
        copied(urls["source"], urls["target"])
    assert f"{client} is held by process 7 on host1, since 2025-03-01 12:30:15 UTC" in str(told.value)
    assert "End the daemon" in told.value.advice
    copied(urls["source"], urls["target"])


def test_a_lock_that_was_left_behind_is_in_nobodys_way_and_not_copied(
    source: str, new_database: NewDatabase
) -> None:
    target = new_database("sqlite")
    with open_store(source) as store, store.lock(CLIENT, "killed", lease=HOUR, now=Clock()):
        copy_state(source, target, now=NOW + HOUR, tell=untold)
    with open_store(target) as store:
        assert store.lock_record(CLIENT) is None


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_pass_can_begin_while_the_state_is_copied(
    new_database: NewDatabase, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.store.connection.PATIENCE_SECONDS", 0.05)
    source = new_database(kind)
    with open_store(source) as store:
        a_pass(store)
    refused: list[str] = []

    def begin(table: str, _done: int, _total: int) -> None:
        if table != "outcomes":
            return
        with open_store(source) as other, pytest.raises(StoreError) as told:
            a_pass(other)
        refused.append(str(told.value))

    copy_state(source, new_database("sqlite"), now=NOW, tell=begin)
    assert len(refused) == 1
    assert "was locked by another program" in refused[0]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_copy_that_fails_half_way_leaves_the_target_empty_and_can_be_repeated(
    source: str, new_database: NewDatabase, kind: str
) -> None:
    target = new_database(kind)

    def fail(table: str, done: int, _total: int) -> None:
        if table == "outcomes" and done:
            raise Killed

    with pytest.raises(Killed):
        copy_state(source, target, now=NOW, tell=fail)
    assert rows_of(target) == 0
    copied(source, target)
    assert rows_of(target) == rows_of(source)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_copy_that_is_killed_half_way_leaves_the_target_empty_and_can_be_repeated(
    source: str, new_database: NewDatabase, kind: str
) -> None:
    target = new_database(kind)
    worker = multiprocessing.get_context("spawn").Process(target=_copy_and_die, args=(source, target))
    worker.start()
    worker.join()
    assert worker.exitcode == 9
    assert rows_of(target) == 0
    copied(source, target)
    assert rows_of(target) == rows_of(source)


def _copy_and_die(source: str, target: str) -> None:
    def die(table: str, done: int, _total: int) -> None:
        if table == "proposals" and done:
            os._exit(9)

    copy_state(source, target, now=NOW, tell=die)


def test_a_row_that_goes_missing_on_the_way_ends_the_copy(source: str, new_database: NewDatabase) -> None:
    target = new_database("sqlite")
    with open_store(target) as store, store._database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER loses AFTER INSERT ON base_rows BEGIN "
            "DELETE FROM base_rows WHERE address = 'p7@agency.nl'; END"
        )
    with pytest.raises(StoreError, match=r"Of the 1,500 rows of table 'base_rows', 1,499 arrived"):
        copied(source, target)
    assert rows_of(target) == 0
