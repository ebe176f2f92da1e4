"""Which opt-outs OTYS was not told of."""

from datetime import timedelta

from reconciler.model import BaseMove, No, NoReason
from reconciler.store import Store
from tests.store.examples import ANN, BOB, CLIENT, JOBS, NEWS, NOW, P1, P2, a_pass, no, row

LATER = NOW + timedelta(hours=1)


def test_only_what_people_said_in_mailchimp_is_to_be_told_oldest_first(store: Store) -> None:
    _say(store, *(no(reason=reason) for reason in NoReason))
    store.move(a_pass(store), CLIENT, JOBS, [_move(no(BOB))], LATER)

    found = store.opt_outs(CLIENT)

    assert [(one.list_uid, one.address, one.reason, one.since) for one in found] == [
        (NEWS, ANN, NoReason.UNSUBSCRIBED, NOW),
        (NEWS, ANN, NoReason.COMPLIANCE, NOW),
        (JOBS, BOB, NoReason.UNSUBSCRIBED, LATER),
    ]
    assert [one.list_uid for one in store.opt_outs(CLIENT, since=LATER)] == [JOBS]
    assert store.opt_outs("bravo") == ()


def test_what_was_told_is_told_with_its_moment_and_not_moved_by_telling_again(store: Store) -> None:
    _say(store, no())
    [said] = store.opt_outs(CLIENT)

    store.mark_told([said], LATER)
    store.mark_told([said], LATER + timedelta(days=1))

    assert store.opt_outs(CLIENT) == ()
    assert [one.told_at for one in store.opt_outs(CLIENT, told=True)] == [LATER]


def test_who_joins_a_told_no_is_still_to_be_told_of(store: Store) -> None:
    _say(store, no(persons=(P1,)))
    store.mark_told(store.opt_outs(CLIENT), LATER)

    _say(store, no(persons=(P2,)))

    assert [one.persons for one in store.opt_outs(CLIENT)] == [(P1, P2)]


def test_who_joined_while_it_was_told_is_still_to_be_told_of(store: Store) -> None:
    _say(store, no(persons=(P1,)))
    seen = store.opt_outs(CLIENT)
    _say(store, no(persons=(P2,)))

    store.mark_told(seen, LATER)

    assert [one.persons for one in store.opt_outs(CLIENT)] == [(P1, P2)]


def test_somebody_who_came_back_is_nobody_to_tell_of(store: Store) -> None:
    _say(store, no())
    store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=row(), ends_no=True)], LATER)

    assert store.opt_outs(CLIENT, told=True) == ()


def _move(said: No) -> BaseMove:
    return BaseMove(address=said.address, row=None, no=said)


def _say(store: Store, *said: No) -> None:
    store.move(a_pass(store), CLIENT, NEWS, [_move(one) for one in said], NOW)
