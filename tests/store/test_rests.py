"""What is kept of lists at rest, and that nothing they rest on can change without ending their rest."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from reconciler.model import (
    Address,
    BaseMove,
    Link,
    LinkState,
    ListChange,
    ListOutcome,
    ListUid,
    ListVerb,
    NoReason,
    Refusal,
    RefusalKind,
    Result,
    Verb,
)
from reconciler.store import Erased, IntentKind, Release, Store
from reconciler.store.facts import ErasureFact, NoFact
from reconciler.store.take_up import take_up
from tests.store.examples import (
    ANN,
    BOB,
    CLIENT,
    JOBS,
    NEWS,
    NOW,
    P1,
    P2,
    a_pass,
    change,
    link,
    no,
    outcome,
    row,
)

LEASE = timedelta(minutes=2)
CAS = Address("cas@agency.nl")


def rest(store: Store, *uids: ListUid) -> None:
    with store.lock(CLIENT, "a pass", lease=LEASE, now=lambda: NOW) as lock:
        for uid in uids or (NEWS, JOBS):
            store.keep_rest(lock, uid, b"how it rests")


def refusal(kind: RefusalKind = RefusalKind.MERGE_FIELDS, address: Address = BOB) -> Refusal:
    return Refusal(address=address, verb=Verb.UPDATE, kind=kind, detail="", fingerprint="", since=NOW)


def prepare(store: Store) -> None:
    """Two lists, each with rows, nos and refusals of Ann and Bob."""
    number = a_pass(store)
    for uid, audience in ((NEWS, "aud-1"), (JOBS, "aud-2")):
        store.save_link(CLIENT, link(uid, audience))
        moves = [BaseMove(address=ANN, row=row(ANN, persons=(P1, P2))), BaseMove(address=BOB, row=row(BOB))]
        store.move(number, CLIENT, uid, moves, NOW)
        store.move(number, CLIENT, uid, [BaseMove(address=ANN, row=row(ANN), no=no(ANN))], NOW)
        store.hold_back(CLIENT, uid, [refusal()])


def delete_audience(store: Store) -> None:
    number = a_pass(store)
    gone = ListChange(verb=ListVerb.DELETE, list_uid=NEWS, list_name="News", audience_id=None, reason="gone")
    intent = store.intend(CLIENT, NEWS, IntentKind.DELETE_AUDIENCE, {}, number, NOW)
    outcome_ = ListOutcome(change=gone, result=Result.APPLIED)
    store.audience_deleted(
        number, CLIENT, outcome_, link(state=LinkState.UNLINKED), intent_id=intent, now=NOW
    )


def take_up_a_no(store: Store, address: Address, *, ended: bool = False) -> None:
    fact = NoFact(
        client=CLIENT,
        list_uid=NEWS,
        address=address,
        reason=NoReason.UNSUBSCRIBED,
        persons=(),
        since=NOW,
        noted_at=NOW,
        ended_at=NOW if ended else None,
        ended_by=None,
    )
    with store._database.writing() as connection:
        take_up(connection, [fact], key=b"", continues=True)


def moved(*moves: BaseMove) -> Callable[[Store], None]:
    return lambda store: store.move(a_pass(store), CLIENT, NEWS, moves, NOW)


def released(**what: object) -> Callable[[Store], None]:
    one = Release(list_uid=NEWS, address=ANN, told="all", **what)  # type: ignore[arg-type]  # of one field each
    return lambda store: store.release(a_pass(store), CLIENT, one, by="me: asked", now=NOW)


def recorded(verb: Verb, result: Result, of: RefusalKind | None = None) -> Callable[[Store], None]:
    told = outcome(change(BOB, verb=verb, row_before=row(BOB)), result, refusal=of)
    return lambda store: store.record(a_pass(store), CLIENT, NEWS, [told], NOW)


def linked(one: Link) -> Callable[[Store], None]:
    return lambda store: store.save_link(CLIENT, one)


DISTURBANCES: dict[str, Callable[[Store], None]] = {
    "a new row": moved(BaseMove(address=CAS, row=row(CAS))),
    "another row": moved(BaseMove(address=BOB, row=row(BOB, first_name="Bobby"))),
    "a row that goes": moved(BaseMove(address=BOB, row=None)),
    "a no": moved(BaseMove(address=BOB, row=row(BOB), no=no(BOB))),
    "a no that somebody joins": moved(BaseMove(address=ANN, row=row(ANN), no=no(ANN, persons=(P2,)))),
    "a no that ends": moved(BaseMove(address=ANN, row=row(ANN), ends_no=True)),
    "an outcome": recorded(Verb.ADD, Result.APPLIED),
    "a refusal": recorded(Verb.ADD, Result.REFUSED, RefusalKind.FAKE_ADDRESS),
    "a refusal that is over": lambda store: store.forget_refusals(CLIENT, NEWS, [BOB]),
    "an undone change": lambda store: store.hold_back(CLIENT, NEWS, [refusal(RefusalKind.UNDONE, CAS)]),
    "rows forgotten": lambda store: store.forget_rows(CLIENT, NEWS),
    "a released address": released(addresses=(ANN,)),
    "a released person": released(persons=(P1,)),
    "a released row": released(rows=(row(BOB, first_name="Bobby"),)),
    "a released refusal": released(refused=(BOB,)),
    "an unlinked audience": linked(link(state=LinkState.UNLINKED)),
    "another audience": linked(link(audience="aud-3")),
    "a deleted audience": delete_audience,
    "a no from the log": lambda store: take_up_a_no(store, CAS),
    "the end of a no from the log": lambda store: take_up_a_no(store, ANN, ended=True),
}


@pytest.mark.parametrize("what", DISTURBANCES)
def test_whatever_changes_what_a_list_rests_on_ends_its_rest_alone(store: Store, what: str) -> None:
    prepare(store)
    rest(store)
    DISTURBANCES[what](store)
    assert set(store.rests(CLIENT)) == {JOBS}


ERASURES: dict[str, Callable[[Store], object]] = {
    "remembered": lambda store: store.remember_erasure(CLIENT, Erased(frozenset({CAS}), frozenset()), NOW),
    "forgotten": lambda store: store.forget(CLIENT, Erased(frozenset({CAS}), frozenset())),
    "of a person": lambda store: store.forget(CLIENT, Erased(frozenset(), frozenset({P2}))),
    "from the log": lambda store: taken_up(store, ErasureFact(client=CLIENT, keys=("k",), erased_at=NOW)),
}


def taken_up(store: Store, fact: ErasureFact) -> None:
    with store._database.writing() as connection:
        take_up(connection, [fact], key=b"", continues=True)


@pytest.mark.parametrize("how", ERASURES)
def test_an_erasure_ends_the_rest_of_every_list_of_the_client(store: Store, how: str) -> None:
    prepare(store)
    store.save_link("other", link())
    rest(store)
    with store.lock("other", "a pass", lease=LEASE, now=lambda: NOW) as lock:
        store.keep_rest(lock, NEWS, b"theirs")
    ERASURES[how](store)
    assert store.rests(CLIENT) == {}
    assert store.rests("other") == {NEWS: b"theirs"}


def test_what_would_be_erased_can_be_asked_without_waking_anybody(store: Store) -> None:
    prepare(store)
    rest(store)
    store.known_of(CLIENT, Erased(frozenset({ANN}), frozenset()))
    assert set(store.rests(CLIENT)) == {NEWS, JOBS}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE base_rows SET state = 'removed' WHERE list_id = 1",
        "DELETE FROM base_rows WHERE list_id = 1",
        "UPDATE nos SET ended_at = since WHERE list_id = 1",
        "DELETE FROM nos WHERE list_id = 1",
        "UPDATE refusals SET kind = 'unknown' WHERE list_id = 1",
        "DELETE FROM refusals WHERE list_id = 1",
    ],
)
def test_a_person_with_a_shell_ends_it_too(store: Store, statement: str) -> None:
    prepare(store)
    rest(store)
    with store._database.writing() as connection:
        connection.execute(text(statement))
    assert set(store.rests(CLIENT)) == {JOBS}


def test_what_has_nothing_to_do_with_it_disturbs_nobody(store: Store) -> None:
    prepare(store)
    rest(store)
    number = a_pass(store)
    store.save_plan(number, CLIENT, NEWS, "digest", b"plan", NOW)
    store.settle(store.intend(CLIENT, NEWS, IntentKind.APPLY, {}, number, NOW), result="", detail={}, now=NOW)
    with store._database.writing() as connection:
        connection.execute(text("UPDATE lists SET list_name = 'Renamed'"))
    assert set(store.rests(CLIENT)) == {NEWS, JOBS}


def test_a_change_that_is_rolled_back_ends_nothing(store: Store) -> None:
    prepare(store)
    rest(store)
    with store._database.writing() as connection:
        connection.execute(text("DELETE FROM base_rows"))
        connection.rollback()
    assert set(store.rests(CLIENT)) == {NEWS, JOBS}


def test_a_list_that_comes_to_rest_again_takes_the_place_of_what_was_kept(store: Store) -> None:
    prepare(store)
    rest(store)
    with store.lock(CLIENT, "a pass", lease=LEASE, now=lambda: NOW) as lock:
        store.keep_rest(lock, NEWS, b"anew")
    store.end_rest(CLIENT, JOBS)
    assert store.rests(CLIENT) == {NEWS: b"anew"}


def test_whoever_lost_the_lock_keeps_nothing(store: Store, other_store: Store) -> None:
    """The successor may have changed what the list rests on since that was read."""
    prepare(store)
    later = [NOW]
    with store.lock(CLIENT, "slow", lease=LEASE, now=lambda: NOW) as slow:
        later[0] += 2 * LEASE
        with other_store.lock(CLIENT, "quick", lease=LEASE, now=lambda: later[0]):
            store.keep_rest(slow, NEWS, b"out of date")
    assert store.rests(CLIENT) == {}


def test_fingerprints_of_pages_mean_the_same_in_every_process_and_in_no_other_database(
    store: Store, other_store: Store
) -> None:
    assert store.page_seed == other_store.page_seed
    assert store.page_seed.to_bytes(8) not in bytes.fromhex(store.key_address(ANN))
    assert store.page_seed.bit_length() > 32
