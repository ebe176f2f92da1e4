"""What a database takes up of the facts of a log, case by case."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from reconciler.model import BaseMove, NoReason, Person, RefusalKind, Result
from reconciler.store import Erased, Store, open_store
from reconciler.store.facts import ApprovalFact, ErasureFact, Fact, NoFact
from reconciler.store.records import StoredProposal
from reconciler.store.take_up import TakenUp, take_up
from tests.store.examples import ANN, BOB, CLIENT, HOUR, NEWS, NOW, P1, P2, a_pass, change, no, outcome, row

EARLIER, LATER = NOW - HOUR, NOW + HOUR


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/state.db") as opened:
        yield opened


def take(store: Store, *facts: Fact, continues: bool = False) -> TakenUp:
    with store._database.writing() as connection:
        return take_up(connection, facts, key=store._address_key, continues=continues)


def fact(*persons: Person, since: datetime = NOW, ended_at: datetime | None = None) -> NoFact:
    return NoFact(
        client=CLIENT,
        list_uid=NEWS,
        address=ANN,
        reason=NoReason.UNSUBSCRIBED,
        persons=tuple((one.kind, one.uid) for one in persons),
        since=since,
        noted_at=since,
        ended_at=ended_at,
    )


def say(store: Store, *persons: Person) -> None:
    """Let Ann say no now."""
    store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=None, no=no(persons=persons))], NOW)


def standing(store: Store) -> list[tuple[Person, ...]]:
    return [one.persons for one in store.base(CLIENT, NEWS).nos]


def test_who_said_no_again_after_the_end_that_a_log_tells_of_stays_out(store: Store) -> None:
    say(store, P1)
    assert not take(store, fact(P1, since=EARLIER - HOUR, ended_at=EARLIER))
    assert standing(store) == [(P1,)]

    assert take(store, fact(P1, ended_at=LATER)).ended == 1
    assert standing(store) == []


def test_a_log_that_goes_on_where_the_database_is_counts_whatever_a_clock_said(store: Store) -> None:
    say(store, P1)
    assert take(store, fact(P1, ended_at=EARLIER), continues=True).ended == 1
    assert standing(store) == []


def test_an_end_that_is_told_twice_is_remembered_once(store: Store) -> None:
    for _ in range(2):
        take(store, fact(P1, ended_at=LATER))
    [known] = store.find(CLIENT, ANN)
    assert [one.ended_at for one in known.nos] == [LATER]


def test_who_stands_behind_a_no_in_either_of_two_histories_stays_out(store: Store) -> None:
    say(store, P1)
    assert take(store, fact(P2)).nos == 1
    assert standing(store) == [(P1, P2)]


def test_otys_is_told_again_of_an_opt_out_only_if_somebody_is_new_behind_it(store: Store) -> None:
    say(store, P1, P2)
    store.mark_told(store.opt_outs(CLIENT), NOW)

    take(store, fact(P1), continues=True)
    assert store.opt_outs(CLIENT) == ()

    take(store, fact(P1, P2), continues=True)
    assert [one.persons for one in store.opt_outs(CLIENT)] == [(P1, P2)]


@pytest.mark.parametrize("of_another_client", [False, True])
@pytest.mark.parametrize(
    "known_as", ["a contact", "a no", "a refusal", "somebody's contact", "somebody's no"]
)
def test_who_is_erased_is_forgotten_wherever_an_old_database_knows_them(
    store: Store, known_as: str, *, of_another_client: bool
) -> None:
    number = a_pass(store)
    erased = (
        Erased(frozenset(), frozenset({P1}))
        if "somebody" in known_as
        else Erased(frozenset({ANN}), frozenset())
    )
    if known_as == "a refusal":
        refused = outcome(change(), Result.REFUSED, refusal=RefusalKind.FAKE_ADDRESS)
        store.record(number, CLIENT, NEWS, [refused], NOW)
    elif "contact" in known_as:
        store.move(number, CLIENT, NEWS, [BaseMove(address=ANN, row=row(persons=(P1, P2)))], NOW)
    else:
        store.move(number, CLIENT, NEWS, [BaseMove(address=ANN, row=None, no=no(persons=(P1, P2)))], NOW)
    before = store.known_of(CLIENT, erased)
    assert before
    keys = (*map(store.key_address, erased.addresses), *map(store.key_person, erased.persons))
    store.remember_erasure(CLIENT, Erased(frozenset({BOB}), frozenset()), NOW)
    client = "bravo" if of_another_client else CLIENT

    take(store, ErasureFact(client=client, keys=keys, erased_at=NOW))

    assert store.known_of(CLIENT, erased) == (before if of_another_client else {})


@pytest.mark.parametrize(
    ("client", "over_at", "left"),
    [(CLIENT, NOW, False), (CLIENT, EARLIER, True), ("bravo", NOW, True)],
    ids=["it", "an earlier one", "another client's"],
)
def test_only_the_approval_that_is_over_ends(
    store: Store, client: str, over_at: datetime, *, left: bool
) -> None:
    proposal = StoredProposal(
        digest="d" * 64, list_uid=NEWS, verb="remove", count=12, message="many", plan_digest="p" * 64
    )
    store.propose(a_pass(store), CLIENT, [proposal], LATER, NOW)
    store.approve(proposal.digest, by="eva", now=NOW)

    take(store, ApprovalFact(client=client, digest=proposal.digest, over_at=over_at))

    assert store.approvals(CLIENT, NOW) == ({proposal.digest} if left else set())
