"""A remembered no outlives rows, takes in persons, and ends only by the person's own action."""

from datetime import timedelta

import pytest

from reconciler.model import Address, BaseMove, ListUid, No, NoReason, Person
from reconciler.store import Store
from tests.store.examples import ANN, BOB, CLIENT, NEWS, NOW, P1, P2, a_pass, no, row

LATER = NOW + timedelta(days=1)


def test_a_no_is_remembered_from_the_moment_it_was_seen(store: Store) -> None:
    _say(store, no())
    (said,) = store.base(CLIENT, NEWS).nos
    assert (said.address, said.persons, said.reason, said.since) == (ANN, (P1,), NoReason.UNSUBSCRIBED, NOW)


def test_a_no_outlives_its_row(store: Store) -> None:
    store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=row(), no=no())], NOW)
    store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=None)], NOW)
    base = store.base(CLIENT, NEWS)
    assert (base.rows, len(base.nos)) == ({}, 1)


def test_the_same_no_again_takes_in_the_new_persons_and_keeps_its_date(store: Store) -> None:
    _say(store, no(persons=(P1,)))
    store.move(a_pass(store), CLIENT, NEWS, [_no_move(no(persons=(P2, P1)))], LATER)
    assert [(said.persons, said.since) for said in store.base(CLIENT, NEWS).nos] == [((P1, P2), NOW)]


def test_two_nos_of_one_batch_about_one_address_become_one(store: Store) -> None:
    _say(store, no(persons=(P1,)), no(persons=(P2,)))
    assert [said.persons for said in store.base(CLIENT, NEWS).nos] == [(P1, P2)]


def test_each_reason_is_remembered_by_itself(store: Store) -> None:
    _say(store, no(reason=NoReason.OPTED_OUT), no(reason=NoReason.BOUNCED))
    assert {said.reason for said in store.base(CLIENT, NEWS).nos} == {
        NoReason.OPTED_OUT,
        NoReason.BOUNCED,
    }


def test_a_thousand_nos_of_one_pass_are_all_remembered_once(store: Store) -> None:
    many = [no(Address(f"person{number}@agency.nl")) for number in range(1200)]
    _say(store, *many)
    _say(store, *many)
    assert len(store.base(CLIENT, NEWS).nos) == 1200


@pytest.mark.parametrize("reason", list(NoReason))
def test_subscribing_again_by_oneself_ends_every_no_about_the_address(store: Store, reason: NoReason) -> None:
    _say(store, no(reason=reason, persons=(P1, P2)))
    _come_back(store)
    assert store.base(CLIENT, NEWS).nos == ()


def test_an_ended_no_is_still_told_with_its_end(store: Store) -> None:
    _say(store, no())
    _come_back(store)
    (remembered,) = store.find(CLIENT, ANN)
    assert [(one.no.since, one.ended_at) for one in remembered.nos] == [(NOW, LATER)]


def test_a_no_after_one_that_ended_is_a_new_one(store: Store) -> None:
    _say(store, no())
    _come_back(store)
    store.move(a_pass(store), CLIENT, NEWS, [_no_move(no())], LATER)
    assert [said.since for said in store.base(CLIENT, NEWS).nos] == [LATER]
    (remembered,) = store.find(CLIENT, ANN)
    assert [one.ended_at for one in remembered.nos] == [LATER, None]


def test_a_person_who_comes_back_with_another_address_ends_the_no_of_the_old_one(store: Store) -> None:
    _say(store, no(BOB, persons=(P1,)))
    _come_back(store)
    assert store.base(CLIENT, NEWS).nos == ()


def test_the_no_of_a_shared_address_stays_for_those_who_did_not_come_back(store: Store) -> None:
    _say(store, no(BOB, persons=(P1, P2)))
    _come_back(store)
    assert [(said.address, said.persons) for said in store.base(CLIENT, NEWS).nos] == [(BOB, (P2,))]


def test_a_bounce_of_another_address_of_the_person_stays(store: Store) -> None:
    _say(store, no(BOB, reason=NoReason.BOUNCED, persons=(P1,)))
    _come_back(store)
    assert [said.address for said in store.base(CLIENT, NEWS).nos] == [BOB]


def test_coming_back_to_one_list_leaves_the_nos_of_the_others(store: Store) -> None:
    store.move(a_pass(store), CLIENT, ListUid("other"), [_no_move(no())], NOW)
    _come_back(store)
    assert len(store.base(CLIENT, ListUid("other")).nos) == 1


def test_a_person_of_a_kind_never_seen_is_kept_as_it_is(store: Store) -> None:
    strange = Person('re:"lation" 🙂', "x:1")
    _say(store, no(persons=(strange,)))
    assert store.base(CLIENT, NEWS).nos[0].persons == (strange,)


def _say(store: Store, *said: No) -> None:
    store.move(a_pass(store), CLIENT, NEWS, [_no_move(one) for one in said], NOW)


def _no_move(said: No) -> BaseMove:
    return BaseMove(address=said.address, row=None, no=said)


def _come_back(store: Store) -> None:
    store.move(
        a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=row(persons=(P1,)), ends_no=True)], LATER
    )
