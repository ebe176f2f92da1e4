"""The log of nos beside the database: whichever of the two is older, no fact of consent is lost."""

import fcntl
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete, event, insert, select

from reconciler.errors import StaleApproval, StoreError
from reconciler.model import Address, BaseMove, ListUid, NoReason, Person
from reconciler.store import Erased, Release, Store, check_database, open_store
from reconciler.store.facts import NoFact
from reconciler.store.records import StoredProposal
from reconciler.store.redo_log import HeldLog, RedoLog
from reconciler.store.tables import meta
from reconciler.store.tables import nos as nos_table
from tests.store.examples import ANN, BOB, CLIENT, HOUR, NEWS, NOW, P1, P2, Clock, a_pass, no, row

CARL = Address("carl@agency.nl")


class Desk:
    """A state file, copies of it, and its log of nos."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "state" / "reconciler.db"
        self.log = RedoLog(self.database.with_name("reconciler.db.nos"))

    @property
    def url(self) -> str:
        return f"sqlite:///{self.database}"

    def open(self) -> Store:
        return open_store(self.url)

    def work(self) -> Store:
        """Open it as whoever begins a pass does."""
        store = self.open()
        with store.lock(CLIENT, "once", lease=HOUR, now=Clock()):
            return store

    def copy(self) -> bytes:
        with closing(sqlite3.connect(self.database)) as source, closing(sqlite3.connect(":memory:")) as copy:
            source.backup(copy)
            return copy.serialize()

    def put_back(self, copy: bytes | None) -> None:
        for beside in ("", "-wal", "-shm"):
            self.database.with_name(self.database.name + beside).unlink(missing_ok=True)
        if copy is not None:
            self.database.write_bytes(copy)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    with made.work() as store:
        a_pass(store)
    return made


def say(store: Store, address: Address, *persons: Person, reason: NoReason = NoReason.UNSUBSCRIBED) -> None:
    said = no(address, reason, persons)
    store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=address, row=None, no=said)], NOW)


def come_back(store: Store, address: Address, *persons: Person) -> None:
    move = BaseMove(address=address, row=row(address, persons=persons), ends_no=True)
    store.move(a_pass(store), CLIENT, NEWS, [move], NOW + HOUR)


def nos(store: Store) -> dict[str, tuple[Person, ...]]:
    return {one.address: one.persons for one in store.base(CLIENT, NEWS).nos}


def lines(desk: Desk) -> int:
    contents = desk.log.read()
    return 0 if contents is None else len(contents.lines)


def test_a_no_said_after_the_copy_is_there_when_the_copy_is_put_back(desk: Desk) -> None:
    with desk.open() as store:
        say(store, ANN, P1)
    old = desk.copy()
    with desk.open() as store:
        say(store, BOB, P2)
        say(store, ANN, P2)
    desk.put_back(old)

    with desk.open() as store:
        assert nos(store) == {ANN: (P1, P2), BOB: (P2,)}
        taken = store.taken_up()
    assert taken is not None
    assert str(taken.what) == "2 nos"
    with desk.open() as store:
        assert nos(store) == {ANN: (P1, P2), BOB: (P2,)}
        assert store.taken_up() == taken


def test_a_no_that_ended_after_the_copy_stays_ended(desk: Desk) -> None:
    with desk.open() as store:
        say(store, ANN, P1, P2)
        say(store, BOB, P2, reason=NoReason.OPTED_OUT)
    old = desk.copy()
    with desk.open() as store:
        come_back(store, ANN)
        release = Release(list_uid=NEWS, address=BOB, addresses=(BOB,), told="a no")
        store.release(a_pass(store), CLIENT, release, by="eva, by telephone", now=NOW + HOUR)
    desk.put_back(old)

    with desk.open() as store:
        assert nos(store) == {}
        (known,) = store.find(CLIENT, BOB)
        assert [(one.ended_at, one.ended_by) for one in known.nos] == [(NOW + HOUR, "eva, by telephone")]


def test_a_no_said_while_the_clock_was_wrong_counts_in_the_order_of_the_log(desk: Desk) -> None:
    with desk.open() as store:
        say(store, ANN, P1)
        come_back(store, ANN, P1)
    old = desk.copy()
    with desk.open() as store:
        say(store, ANN, P1)
    desk.put_back(old)

    with desk.open() as store:
        assert nos(store) == {ANN: (P1,)}


def test_a_no_that_ended_for_one_person_stands_for_the_other(desk: Desk) -> None:
    with desk.open() as store:
        say(store, ANN, P1, P2)
    old = desk.copy()
    with desk.open() as store:
        come_back(store, BOB, P2)
    desk.put_back(old)
    with desk.open() as store:
        assert nos(store) == {ANN: (P1,)}


def test_a_database_made_new_beside_the_log_knows_every_no_and_erasure_of_it(desk: Desk) -> None:
    with desk.open() as store:
        say(store, ANN, P1)
        say(store, BOB, P2)
        come_back(store, BOB, P2)
        store.remember_erasure(CLIENT, Erased(frozenset({BOB}), frozenset({P2})), NOW)
        key = store.key_address(BOB)
    desk.put_back(None)

    with desk.work() as store:
        assert nos(store) == {ANN: (P1,)}
        assert store.key_address(BOB) == key
        assert store.is_erased(CLIENT)(BOB)
        assert store.is_erased(CLIENT)(P2)
        say(store, CARL, P1)
    desk.put_back(None)
    with desk.open() as store:
        assert nos(store) == {ANN: (P1,), CARL: (P1,)}


def test_whoever_was_erased_after_the_copy_is_forgotten_by_it_too(desk: Desk) -> None:
    with desk.open() as store:
        store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=row(persons=(P1, P2)))], NOW)
        say(store, BOB, P1, P2)
    old = desk.copy()
    erased = Erased(frozenset({ANN}), frozenset({P1}))
    with desk.open() as store:
        store.remember_erasure(CLIENT, erased, NOW)
        store.forget(CLIENT, erased)
    desk.put_back(old)

    with desk.open() as store:
        assert store.is_erased(CLIENT)(ANN)
        assert store.known_of(CLIENT, erased) == {}
        assert nos(store) == {BOB: (P2,)}


def test_an_older_log_that_still_names_an_erased_person_brings_them_back_nowhere(desk: Desk) -> None:
    with desk.open() as store:
        say(store, ANN, P1)
    older = desk.log.path.read_bytes()
    erased = Erased(frozenset({ANN}), frozenset({P1}))
    with desk.open() as store:
        store.remember_erasure(CLIENT, erased, NOW)
        store.forget(CLIENT, erased)
    desk.log.path.write_bytes(older)

    with desk.work() as store:
        assert nos(store) == {}
    assert ANN not in desk.log.path.read_text("utf-8")


def test_an_erasure_leaves_no_trace_in_the_log(desk: Desk) -> None:
    with desk.open() as store:
        say(store, ANN, P1)
        say(store, BOB, P1, P2)
        release = Release(list_uid=NEWS, address=BOB, addresses=(BOB,), told="a no")
        store.release(a_pass(store), CLIENT, release, by="eva", now=NOW)
        say(store, BOB, P2)
        before = lines(desk)
        store.forget(CLIENT, Erased(frozenset({ANN}), frozenset({P1})))
        say(store, BOB, P1)

    text = desk.log.path.read_text("utf-8")
    assert ANN not in text
    assert text.count(f'"{P1.uid}"') == 1  # who said no after the erasure
    assert lines(desk) == before + 1
    with desk.open() as store:
        assert store.taken_up() is None
    desk.put_back(None)
    with desk.open() as store:
        assert nos(store) == {BOB: (P2, P1)}


def test_an_erasure_takes_an_address_out_of_what_was_said_and_leaves_other_clients_alone(desk: Desk) -> None:
    with desk.open() as store:
        said = BaseMove(address=ANN, row=None, no=no(ANN))
        store.move(a_pass(store, "bravo"), "bravo", NEWS, [said], NOW)
        say(store, BOB, P2)
        release = Release(list_uid=NEWS, address=BOB, addresses=(BOB,), told="a no")
        store.release(a_pass(store), CLIENT, release, by=f"eva, asked by {ANN}", now=NOW)
        store.forget(CLIENT, Erased(frozenset({ANN}), frozenset({P1})))

    contents = desk.log.read()
    assert contents is not None
    kept = [entry.fact for entry in contents.entries if isinstance(entry.fact, NoFact)]
    of_ann = [fact for fact in kept if ANN in (fact.address, *(fact.ended_by or "").split())]
    assert [(fact.client, fact.persons) for fact in of_ann] == [("bravo", ((P1.kind, P1.uid),))]
    assert [fact.ended_by for fact in kept if fact.ended_at] == ["eva, asked by …"]


PROPOSAL = StoredProposal(
    digest="d" * 64, list_uid=NEWS, verb="remove", count=12, message="many", plan_digest="p" * 64
)


def propose(store: Store, *proposals: StoredProposal) -> None:
    store.propose(a_pass(store), CLIENT, proposals, NOW + 24 * HOUR, NOW, planned=[NEWS])


@pytest.mark.parametrize("used", [True, False], ids=["used", "lapsed"])
def test_an_approval_that_is_over_does_not_come_back_to_life(desk: Desk, *, used: bool) -> None:
    with desk.open() as store:
        propose(store, PROPOSAL)
        store.approve(PROPOSAL.digest, by="eva", now=NOW)
    old = desk.copy()
    with desk.open() as store:
        if used:
            store.use_approval(CLIENT, PROPOSAL.digest, a_pass(store), NOW)
        else:
            propose(store)
    desk.put_back(old)

    with desk.open() as store:
        assert store.approvals(CLIENT, NOW) == frozenset()
        with pytest.raises(StaleApproval):
            store.use_approval(CLIENT, PROPOSAL.digest, a_pass(store), NOW)


def test_an_approval_that_was_given_again_is_another_one(desk: Desk) -> None:
    with desk.open() as store:
        propose(store, PROPOSAL)
        store.approve(PROPOSAL.digest, by="eva", now=NOW)
        store.use_approval(CLIENT, PROPOSAL.digest, a_pass(store), NOW)
        propose(store, PROPOSAL)
        store.approve(PROPOSAL.digest, by="eva", now=NOW + HOUR)
    desk.log.path.unlink()
    with desk.work():
        pass
    with closing(sqlite3.connect(desk.database)) as database, database:
        database.execute("DELETE FROM meta WHERE name LIKE 'position%'")

    with desk.work() as store:
        assert store.approvals(CLIENT, NOW + HOUR) == {PROPOSAL.digest}


# -- a log that is missing, older, of another history, or damaged


def test_a_log_that_is_missing_is_written_anew_before_anything_else(desk: Desk) -> None:
    with desk.open() as store:
        say(store, ANN, P1)
        say(store, BOB, P2)
        come_back(store, BOB)
        old = desk.copy()
        store.remember_erasure(CLIENT, Erased(frozenset({BOB}), frozenset()), NOW)
    desk.log.path.unlink()

    desk.work().close()

    desk.put_back(old)
    with desk.open() as store:
        assert store.is_erased(CLIENT)(BOB)
    desk.put_back(None)
    with desk.open() as store:
        assert nos(store) == {ANN: (P1,)}
        assert store.is_erased(CLIENT)(BOB)


@pytest.mark.parametrize("beside", ["older", "of another day"])
def test_of_two_histories_the_later_event_of_each_counts(desk: Desk, *, beside: str) -> None:
    with desk.open() as store:
        say(store, ANN, P1)
    copy, log = desk.copy(), desk.log.path.read_bytes()
    with desk.open() as store:
        come_back(store, ANN)
        say(store, BOB, P2)
    newest = desk.copy()
    desk.log.path.write_bytes(log)
    if beside == "of another day":
        desk.put_back(copy)
        with desk.work() as store:
            say(store, CARL, P1)
        desk.put_back(newest)

    beside_it = desk.log.path.read_bytes()
    desk.open().close()
    assert desk.log.path.read_bytes() == beside_it, "whoever only reads writes no log"
    desk.work().close()

    expected = {BOB: (P2,), CARL: (P1,)} if beside == "of another day" else {BOB: (P2,)}
    for state in (newest, copy, None):
        desk.put_back(state)
        with desk.open() as store:
            assert nos(store) == expected


def test_a_process_that_dies_between_log_and_commit_has_not_lost_the_no(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    append = HeldLog.append

    def die(held: HeldLog, facts: Sequence[object]) -> None:
        append(held, facts)  # type: ignore[arg-type]  # handed on as they came
        raise Died

    with desk.open() as store, monkeypatch.context() as patch:
        number = a_pass(store)
        patch.setattr(HeldLog, "append", die)
        with pytest.raises(Died):
            store.move(number, CLIENT, NEWS, [BaseMove(address=ANN, row=None, no=no(ANN))], NOW)
    with desk.open() as store:
        assert set(nos(store)) == {ANN}


def test_the_log_is_held_until_the_commit(desk: Desk) -> None:
    with desk.open() as store:
        number = a_pass(store)
        held: list[bool] = []

        @event.listens_for(store._database.engine, "commit")
        def look(_connection: object) -> None:
            with desk.log.path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    held.append(True)
                else:
                    held.append(False)

        store.move(number, CLIENT, NEWS, [BaseMove(address=ANN, row=None, no=no(ANN))], NOW)

    assert held == [True]


def test_a_commit_that_fails_is_made_good_by_the_next_one_of_the_same_process(desk: Desk) -> None:
    with desk.open() as store:
        number = a_pass(store)
        engine = store._database.engine

        @event.listens_for(engine, "commit")
        def full(_connection: object) -> None:
            raise sqlite3.OperationalError("disk full")

        with pytest.raises(sqlite3.OperationalError):
            store.move(number, CLIENT, NEWS, [BaseMove(address=ANN, row=None, no=no(ANN))], NOW)
        event.remove(engine, "commit", full)
        assert nos(store) == {}
        say(store, BOB, P2)
        assert set(nos(store)) == {ANN, BOB}


def test_a_damaged_log_stops_who_would_write_only_if_the_database_lacks_something(desk: Desk) -> None:
    with desk.open() as store:
        old = desk.copy()
        say(store, ANN, P1)
        say(store, BOB, P2)
    newest, whole = desk.copy(), desk.log.path.read_bytes()
    spoilt = whole.replace(b'"unsubscribed"', b'"unsubscribeD"', 1)
    assert spoilt != whole
    desk.log.path.write_bytes(spoilt)

    desk.work().close()
    assert f"The log of nos {desk.log.path} is damaged: line 2 of 3" in check_database(desk.url).problems[0]

    desk.put_back(old)
    with desk.open() as store:
        assert nos(store) == {}
        with (
            pytest.raises(StoreError, match="is damaged: line 2"),
            store.lock(CLIENT, "once", lease=HOUR, now=Clock()),
        ):
            pass
    assert desk.log.path.read_bytes() == spoilt
    desk.put_back(newest)
    with desk.work() as store:
        store.forget(CLIENT, Erased(frozenset({ANN}), frozenset()))
    assert check_database(desk.url).problems == ()
    assert ANN not in desk.log.path.read_text("utf-8")


def test_the_log_of_another_database_is_refused_and_left_as_it_is(desk: Desk, tmp_path: Path) -> None:
    with desk.open() as store:
        say(store, ANN, P1)
    other = Desk(tmp_path / "other")
    with other.work() as store:
        say(store, BOB, P2)
    shutil.copy(desk.log.path, other.log.path)

    assert "belongs to another database" in check_database(other.url).problems[0]
    with other.open() as store:
        assert set(nos(store)) == {BOB}
        with (
            pytest.raises(StoreError, match="belongs to another database"),
            store.lock(CLIENT, "once", lease=HOUR, now=Clock()),
        ):
            pass
        assert store.lock_record(CLIENT) is None
        with pytest.raises(StoreError, match="belongs to another database"):
            say(store, ANN, P1)
        assert set(nos(store)) == {BOB}
    assert other.log.path.read_bytes() == desk.log.path.read_bytes()


# -- what it costs, and who may only read


def test_an_empty_database_takes_over_a_log_when_it_is_opened_and_never_later(
    desk: Desk, tmp_path: Path
) -> None:
    with desk.open() as store:
        say(store, ANN, P1)
    other = Desk(tmp_path / "other")
    with other.open() as store:
        shutil.copy(desk.log.path, other.log.path)
        with (
            pytest.raises(StoreError, match="belongs to another database"),
            store.lock(CLIENT, "once", lease=HOUR, now=Clock()),
        ):
            pass
    with other.open() as store:
        assert set(nos(store)) == {ANN}


def test_what_was_taken_up_once_is_not_read_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    old = desk.copy()
    with desk.open() as store:
        say(store, ANN, P1)
    desk.put_back(old)
    desk.work().close()

    def read_whole(_: HeldLog) -> None:
        raise AssertionError("the log is read whole")

    with monkeypatch.context() as patch:
        patch.setattr(HeldLog, "contents", read_whole)
        with desk.work() as store:
            assert set(nos(store)) == {ANN}


def test_what_is_no_fact_of_consent_is_not_in_the_log(desk: Desk) -> None:
    before = desk.log.path.read_bytes()
    with desk.work() as store:
        store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=row())], NOW)
        propose(store, PROPOSAL)
        propose(store)
        store.known_of(CLIENT, Erased(frozenset({ANN}), frozenset()))
    assert desk.log.path.read_bytes() == before


def test_a_no_that_is_said_again_is_not_written_again(desk: Desk) -> None:
    with desk.open() as store:
        say(store, ANN, P1)
        before = lines(desk)
        say(store, ANN, P1)
    assert lines(desk) == before


def test_to_open_the_database_writes_no_log(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.open().close()
    assert not desk.log.path.exists()
    with desk.work() as store:
        say(store, ANN, P1)
    desk.log.path.chmod(0o400)
    before = desk.log.path.read_bytes()
    old = desk.copy()
    desk.put_back(old)
    desk.open().close()
    assert desk.log.path.read_bytes() == before


@pytest.mark.parametrize("what", ["log", "folder"])
def test_a_log_that_cannot_be_written_is_told_and_nothing_is_half_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28 if what == "log" else 30, "no")

    with desk.open() as store:
        number = a_pass(store)
        with monkeypatch.context() as patch:
            patch.setattr("os.write" if what == "log" else "os.open", refuse)
            with pytest.raises(StoreError, match="log of nos"):
                store.move(number, CLIENT, NEWS, [BaseMove(address=ANN, row=None, no=no(ANN))], NOW)
        assert nos(store) == {}
        say(store, ANN, P1)
        assert set(nos(store)) == {ANN}


def test_the_list_of_a_no_need_not_be_known(desk: Desk) -> None:
    jobs = ListUid("jobs")
    old = desk.copy()
    with desk.open() as store:
        store.move(a_pass(store), CLIENT, jobs, [BaseMove(address=ANN, row=None, no=no(ANN))], NOW)
    desk.put_back(old)
    with desk.open() as store:
        assert [one.address for one in store.base(CLIENT, jobs).nos] == [ANN]


def test_a_transaction_waits_for_the_disk_once_and_only_if_somebody_said_something(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    with desk.open() as store, monkeypatch.context() as patch:
        patch.setattr("reconciler.store.redo_log.os.fsync", synced.append)
        said = [no(Address(f"p{number}@agency.nl")) for number in range(3)]
        moves = [BaseMove(address=one.address, row=None, no=one) for one in said]
        store.move(a_pass(store), CLIENT, NEWS, moves, NOW)
        assert len(synced) == 1
        store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=row())], NOW)
        assert len(synced) == 1


# -- several processes, and PostgreSQL

WRITER = """
import sys
from pathlib import Path
from reconciler.model import Address
from reconciler.store import open_store
from tests.store.examples import P1
from tests.store.test_redo import come_back, say
with open_store(sys.argv[1], log_folder=Path(sys.argv[2])) as store:
    for number in range(8):
        say(store, Address(f"{sys.argv[3]}{number}@agency.nl"), P1)
        back = Address(f"{sys.argv[3]}@agency.nl")
        say(store, back, P1)
        come_back(store, back)
"""


def test_processes_that_write_at_once_leave_a_log_that_tells_what_the_database_knows(
    url: str, tmp_path: Path
) -> None:
    with (
        open_store(url, log_folder=tmp_path) as store,
        store.lock(CLIENT, "once", lease=HOUR, now=Clock()),
    ):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, url, str(tmp_path), name]) for name in "ab"
        ]
        assert [writer.wait() for writer in writers] == [0, 0]
        expected = nos(store)
        assert len(expected) == 16
        redo = store._redo
        assert redo is not None
        assert redo._are_together(store._database)
        contents = redo._log.read()
    assert contents is not None
    new = Desk(tmp_path / "new")
    new.log.path.parent.mkdir(parents=True)
    shutil.copy(redo._log.path, new.log.path)
    with new.open() as other:
        assert nos(other) == expected


def test_an_old_copy_on_postgresql_takes_up_what_its_log_tells(url: str, tmp_path: Path) -> None:
    with open_store(url, log_folder=tmp_path) as store:
        with store.lock(CLIENT, "once", lease=HOUR, now=Clock()):
            pass
        with store._database.reading() as connection:
            before = connection.execute(select(meta)).all()
        say(store, ANN, P1)
        with store._database.engine.begin() as connection:  # as an old copy of it would be
            connection.execute(delete(nos_table))
            connection.execute(delete(meta))
            connection.execute(insert(meta), [{"name": row.name, "value": row.value} for row in before])
    with open_store(url, log_folder=tmp_path) as store:
        assert nos(store) == {ANN: (P1,)}
