"""What the store tells the metrics: refusals by kind, and opt-outs that are not carried out yet."""

from datetime import timedelta

from reconciler.model import BaseMove, NoReason, RefusalKind, Result
from reconciler.store import Store
from tests.store.examples import ANN, BOB, CLIENT, JOBS, NEWS, NOW, a_pass, change, no, outcome, row


def refuse(store: Store, client: str = CLIENT, *, kind: RefusalKind) -> None:
    for address in (ANN, BOB):
        refused = outcome(change(address), Result.REFUSED, refusal=kind)
        store.record(a_pass(store, client), client, NEWS, [refused], NOW)


def test_refusals_are_counted_by_list_and_kind(store: Store) -> None:
    refuse(store, kind=RefusalKind.FAKE_ADDRESS)
    refuse(store, "other", kind=RefusalKind.MERGE_FIELDS)
    assert store.refusal_kinds(CLIENT) == {NEWS: {RefusalKind.FAKE_ADDRESS: 2}}


def test_an_opt_out_is_undelivered_until_its_row_goes(store: Store) -> None:
    owed = BaseMove(address=ANN, row=row(ANN), no=no(ANN, NoReason.OPTED_OUT))
    store.move(a_pass(store), CLIENT, NEWS, [owed], NOW)
    store.move(a_pass(store), CLIENT, NEWS, [owed], NOW + timedelta(days=1))
    assert store.undelivered_opt_outs(CLIENT) == {NEWS: NOW}
    store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=None)], NOW)
    assert store.undelivered_opt_outs(CLIENT) == {}


def test_the_oldest_opt_out_of_each_list_counts(store: Store) -> None:
    for list_uid, address, days in ((NEWS, ANN, 2), (NEWS, BOB, 1), (JOBS, ANN, 3)):
        owed = BaseMove(address=address, row=row(address), no=no(address, NoReason.OPTED_OUT))
        store.move(a_pass(store), CLIENT, list_uid, [owed], NOW + timedelta(days=days))
    assert store.undelivered_opt_outs(CLIENT) == {
        NEWS: NOW + timedelta(days=1),
        JOBS: NOW + timedelta(days=3),
    }


def test_another_address_or_another_no_is_no_undelivered_opt_out(store: Store) -> None:
    store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=row(ANN), no=no(ANN))], NOW)
    opted_out = BaseMove(address=BOB, row=None, no=no(BOB, NoReason.OPTED_OUT))
    store.move(a_pass(store), CLIENT, NEWS, [opted_out], NOW)
    assert store.undelivered_opt_outs(CLIENT) == {}
