"""What a log that is written anew says: all that its database knows, and no more."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from reconciler.model import BaseMove
from reconciler.store import Erased, Release, Store, open_store
from reconciler.store.all_facts import all_facts, holds_nothing
from reconciler.store.facts import ApprovalFact, Fact, NoFact
from reconciler.store.records import StoredProposal
from reconciler.store.tables import nos
from tests.store.examples import ANN, CLIENT, HOUR, NEWS, NOW, a_pass, link, no


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/state.db") as opened:
        yield opened


def facts(store: Store) -> Sequence[Fact]:
    with store._database.reading() as connection:
        return tuple(all_facts(connection))


def test_a_no_that_was_heard_of_again_comes_after_its_end_and_is_noted_then(store: Store) -> None:
    store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=None, no=no())], NOW)
    with store._database.writing() as connection:  # as a database that was copied may number them
        [said] = connection.execute(nos.select()).all()
        ended = {**said._mapping, "id": said.id + 1, "ended_at": NOW + HOUR, "ended_by": "eva"}
        connection.execute(nos.insert().values(**ended))

    told = [one for one in facts(store) if isinstance(one, NoFact)]

    assert [(one.ended_at, one.ended_by) for one in told] == [(NOW + HOUR, "eva"), (None, None)]
    assert told[-1].noted_at == NOW + HOUR


def test_who_ended_a_no_is_told(store: Store) -> None:
    store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=None, no=no())], NOW)
    release = Release(list_uid=NEWS, address=ANN, addresses=(ANN,), told="a no")
    store.release(a_pass(store), CLIENT, release, by="eva", now=NOW)
    assert [one.ended_by for one in facts(store) if isinstance(one, NoFact)] == ["eva"]


def test_approvals_that_are_over_are_told_and_no_others(store: Store) -> None:
    waiting, used, lapsed, unapproved = (
        StoredProposal(
            digest=letter * 64, list_uid=NEWS, verb="remove", count=1, message="", plan_digest="0" * 64
        )
        for letter in "abcd"
    )
    expires = NOW + 24 * HOUR
    store.propose(a_pass(store), CLIENT, [waiting, used, lapsed, unapproved], expires, NOW)
    for one in (waiting, used, lapsed):
        store.approve(one.digest, by="eva", now=NOW)
    store.use_approval(CLIENT, used.digest, a_pass(store), NOW)
    store.propose(a_pass(store), CLIENT, [waiting], expires, NOW + HOUR)

    told = [(one.digest, one.over_at) for one in facts(store) if isinstance(one, ApprovalFact)]

    assert told == [(used.digest, NOW), (lapsed.digest, NOW + HOUR)]


@pytest.mark.parametrize(
    "work",
    [
        lambda store: store.save_link(CLIENT, link()),
        a_pass,
        lambda store: store.remember_erasure(CLIENT, Erased(frozenset({ANN}), frozenset()), NOW),
    ],
    ids=["a list", "a pass", "an erasure"],
)
def test_a_database_that_was_ever_worked_with_holds_something(
    store: Store, work: Callable[[Store], object]
) -> None:
    with store._database.reading() as connection:
        assert holds_nothing(connection)
    work(store)
    with store._database.reading() as connection:
        assert not holds_nothing(connection)
