"""Killed or crowded, the store keeps history and base together, on both databases."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from reconciler.model import (
    Address,
    BaseMove,
    ListBase,
    ListUid,
    NoReason,
    PassId,
    RefusalKind,
    Result,
)
from reconciler.store import Store, open_store
from tests.store.examples import ANN, BOB, CLIENT, NEWS, NOW, a_pass, change, no, outcome, row


class Killed(Exception):
    """Stands for the end of the process."""


@contextmanager
def killed_at(store: Store, statement: str) -> Iterator[None]:
    def kill(*seen: object) -> None:
        if str(seen[2]).startswith(statement):
            raise Killed

    event.listen(store._database.engine, "before_cursor_execute", kill)
    try:
        with pytest.raises(Killed):
            yield
    finally:
        event.remove(store._database.engine, "before_cursor_execute", kill)


BATCH = [
    outcome(change(ANN)),
    outcome(change(BOB), Result.REFUSED, refusal=RefusalKind.COMPLIANCE),
]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO outcomes",
        "DELETE FROM base_rows",
        "INSERT INTO base_rows",
        "INSERT INTO nos",
        "DELETE FROM refusals",
        "INSERT INTO refusals",
    ],
)
def test_killed_while_recording_neither_history_nor_base_has_moved(store: Store, statement: str) -> None:
    store.record(a_pass(store), CLIENT, NEWS, [outcome(change(ANN), Result.REFUSED)], NOW)
    before = store.base(CLIENT, NEWS)
    number = a_pass(store)
    with killed_at(store, statement):
        store.record(number, CLIENT, NEWS, BATCH, NOW)
    assert store.outcomes(number) == ()
    assert store.base(CLIENT, NEWS) == before


def test_after_a_kill_the_same_outcomes_can_be_recorded_again(store: Store) -> None:
    number = a_pass(store)
    with killed_at(store, "INSERT INTO refusals"):
        store.record(number, CLIENT, NEWS, BATCH, NOW)
    store.record(number, CLIENT, NEWS, BATCH, NOW)
    base = store.base(CLIENT, NEWS)
    assert (set(base.rows), [said.address for said in base.nos], len(base.refusals)) == ({ANN}, [BOB], 1)
    assert len(store.outcomes(number)) == 2


def test_recording_twice_what_one_pass_knows_moves_the_base_once(store: Store) -> None:
    number = a_pass(store)
    store.record(number, CLIENT, NEWS, BATCH, NOW)
    before = store.base(CLIENT, NEWS)
    store.record(number, CLIENT, NEWS, BATCH, NOW)
    assert store.base(CLIENT, NEWS) == before


def test_killed_during_quiet_moves_none_of_them_happened(store: Store) -> None:
    moves = [BaseMove(address=ANN, row=row()), BaseMove(address=BOB, row=None, no=no(BOB))]
    with killed_at(store, "INSERT INTO nos"):
        store.move(a_pass(store), CLIENT, NEWS, moves, NOW)
    assert store.base(CLIENT, NEWS) == ListBase()


def test_a_process_that_dies_without_a_word_leaves_what_it_recorded_and_nothing_more(
    store: Store, url: str
) -> None:
    number = a_pass(store)
    worker = multiprocessing.get_context("spawn").Process(target=_record_and_die, args=(url, number))
    worker.start()
    worker.join()
    assert worker.exitcode == 9
    assert set(store.base(CLIENT, NEWS).rows) == {ANN}
    assert [record.address_key for record in store.outcomes(number)] == [store.key_address(ANN)]


def _record_and_die(url: str, number: PassId) -> None:
    store = open_store(url)
    store.record(number, CLIENT, NEWS, [outcome(change(ANN))], NOW)

    def die(*seen: object) -> None:
        if str(seen[2]).startswith("INSERT INTO base_rows"):
            os._exit(9)

    event.listen(store._database.engine, "after_cursor_execute", die)
    store.record(number, CLIENT, NEWS, [outcome(change(BOB))], NOW)


def test_workers_of_one_store_record_their_lists_side_by_side(store: Store) -> None:
    _record_side_by_side(store, lambda _: store)


def test_two_stores_on_one_database_record_side_by_side(store: Store, other_store: Store) -> None:
    _record_side_by_side(store, lambda number: (store, other_store)[number % 2])


def test_workers_that_move_the_same_list_lose_nothing(store: Store, other_store: Store) -> None:
    def say(worker: int) -> None:
        for turn in range(10):
            said = no(Address(f"p{worker}-{turn}@agency.nl"), NoReason.OPTED_OUT)
            move = BaseMove(address=said.address, row=None, no=said)
            (store, other_store)[worker % 2].move(PassId(1), CLIENT, NEWS, [move], NOW)

    _in_threads(4, say)
    assert len(store.base(CLIENT, NEWS).nos) == 40


def _record_side_by_side(store: Store, store_of: Callable[[int], Store]) -> None:
    number = a_pass(store)

    def work(worker: int) -> None:
        for batch in range(10):
            known = [outcome(change(Address(f"p{batch}-{one}@agency.nl"))) for one in range(5)]
            store_of(worker).record(number, CLIENT, ListUid(f"list-{worker}"), known, NOW)

    _in_threads(4, work)
    assert [of.active for of in store.counts(CLIENT).values()] == [50] * 4
    assert len(store.outcomes(number)) == 200


def _in_threads(count: int, work: Callable[[int], None]) -> None:
    failures: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
