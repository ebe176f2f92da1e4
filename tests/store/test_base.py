"""What outcomes and quiet moves leave behind, on both databases."""

from datetime import datetime, timedelta

import pytest

from reconciler.fingerprint import fingerprint
from reconciler.model import (
    AudienceId,
    BaseMove,
    BaseState,
    Change,
    ListBase,
    ListChange,
    ListOutcome,
    ListVerb,
    NoReason,
    Refusal,
    RefusalKind,
    Result,
    Verb,
)
from reconciler.store import Store, open_store
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


def test_a_list_never_seen_remembers_nothing(store: Store) -> None:
    assert store.base(CLIENT, NEWS) == ListBase()


@pytest.mark.parametrize("result", [Result.APPLIED, Result.ALREADY_TRUE])
def test_a_true_outcome_moves_the_base_and_takes_the_contact_id_of_the_answer(
    store: Store, result: Result
) -> None:
    store.record(a_pass(store), CLIENT, NEWS, [outcome(result=result, contact_id="c-1")], NOW)
    assert store.base(CLIENT, NEWS).rows == {ANN: row(contact_id="c-1")}


def test_a_contact_id_already_known_stays_when_the_answer_gives_none(store: Store) -> None:
    known = change(move=BaseMove(address=ANN, row=row(contact_id="c-1")))
    store.record(a_pass(store), CLIENT, NEWS, [outcome(known)], NOW)
    assert store.base(CLIENT, NEWS).rows[ANN].contact_id == "c-1"


@pytest.mark.parametrize("result", [Result.RETRY_LATER, Result.WITHHELD, Result.REFUSED])
def test_an_outcome_that_is_not_true_leaves_the_row_alone(store: Store, result: Result) -> None:
    number = a_pass(store)
    store.move(number, CLIENT, NEWS, [BaseMove(address=ANN, row=row(first_name="Anna"))], NOW)
    store.record(number, CLIENT, NEWS, [outcome(change(verb=Verb.UPDATE), result)], NOW)
    assert store.base(CLIENT, NEWS).rows == {ANN: row(first_name="Anna")}


def test_a_change_that_was_not_true_after_all_restores_the_row(store: Store) -> None:
    number = a_pass(store)
    removed = change(
        verb=Verb.REMOVE,
        move=BaseMove(address=ANN, row=row(state=BaseState.REMOVED)),
        row_before=row(),
    )
    store.record(number, CLIENT, NEWS, [outcome(removed)], NOW)
    store.record(number, CLIENT, NEWS, [outcome(removed, Result.NOT_TRUE)], NOW)
    assert store.base(CLIENT, NEWS).rows == {ANN: row()}


def test_an_add_that_was_not_true_after_all_leaves_no_row(store: Store) -> None:
    number = a_pass(store)
    store.record(number, CLIENT, NEWS, [outcome()], NOW)
    store.record(number, CLIENT, NEWS, [outcome(result=Result.NOT_TRUE)], NOW)
    assert store.base(CLIENT, NEWS).rows == {}


def test_a_rename_moves_the_row_to_the_new_address(store: Store) -> None:
    number = a_pass(store)
    store.record(number, CLIENT, NEWS, [outcome()], NOW)
    store.record(number, CLIENT, NEWS, [outcome(_rename())], NOW)
    assert store.base(CLIENT, NEWS).rows == {BOB: row(BOB)}


def test_a_rename_that_was_not_true_after_all_moves_the_row_back(store: Store) -> None:
    number = a_pass(store)
    store.record(number, CLIENT, NEWS, [outcome(_rename())], NOW)
    store.record(number, CLIENT, NEWS, [outcome(_rename(), Result.NOT_TRUE)], NOW)
    assert store.base(CLIENT, NEWS).rows == {ANN: row()}


def test_two_people_who_swap_their_addresses_both_keep_a_row(store: Store) -> None:
    moves = [
        BaseMove(address=BOB, row=row(BOB, persons=(P1,)), replaces=ANN),
        BaseMove(address=ANN, row=row(ANN, persons=(P2,)), replaces=BOB),
    ]
    number = a_pass(store)
    store.move(number, CLIENT, NEWS, [BaseMove(address=a, row=row(a)) for a in (ANN, BOB)], NOW)
    store.move(number, CLIENT, NEWS, moves, NOW)
    rows = store.base(CLIENT, NEWS).rows
    assert (rows[BOB].persons, rows[ANN].persons) == ((P1,), (P2,))


def test_a_refusal_is_remembered_with_what_was_to_be_written(store: Store) -> None:
    refused = outcome(
        result=Result.REFUSED,
        refusal=RefusalKind.MERGE_FIELDS,
        detail=f"{ANN} is already in this list: number wanted",
    )
    store.record(a_pass(store), CLIENT, NEWS, [refused], NOW)
    assert store.base(CLIENT, NEWS) == ListBase(
        refusals=(
            Refusal(
                address=ANN,
                verb=Verb.ADD,
                kind=RefusalKind.MERGE_FIELDS,
                detail="… is already in this list: number wanted",
                fingerprint=fingerprint(change()),
                since=NOW,
            ),
        )
    )


def test_a_refusal_that_repeats_itself_keeps_its_date(store: Store) -> None:
    for moment in (NOW, NOW + timedelta(days=1)):
        _refuse(store, RefusalKind.FAKE_ADDRESS, moment=moment)
    assert [refusal.since for refusal in store.base(CLIENT, NEWS).refusals] == [NOW]


def test_a_refusal_for_another_reason_begins_anew(store: Store) -> None:
    _refuse(store, RefusalKind.FAKE_ADDRESS)
    _refuse(store, RefusalKind.MERGE_FIELDS, moment=NOW + timedelta(days=1))
    (refusal,) = store.base(CLIENT, NEWS).refusals
    assert (refusal.kind, refusal.since) == (RefusalKind.MERGE_FIELDS, NOW + timedelta(days=1))


def test_too_many_signups_is_tried_again_after_a_day(store: Store) -> None:
    later = outcome(result=Result.RETRY_LATER, refusal=RefusalKind.TOO_MANY_SIGNUPS)
    store.record(a_pass(store), CLIENT, NEWS, [later], NOW)
    (refusal,) = store.base(CLIENT, NEWS).refusals
    assert refusal.retry_after == NOW + timedelta(days=1)


@pytest.mark.parametrize("result", [Result.APPLIED, Result.ALREADY_TRUE])
def test_a_true_outcome_ends_the_refusals_of_its_address_only(store: Store, result: Result) -> None:
    number = a_pass(store)
    refused = [
        outcome(change(address), Result.REFUSED, refusal=RefusalKind.FAKE_ADDRESS) for address in (ANN, BOB)
    ]
    store.record(number, CLIENT, NEWS, refused, NOW)
    store.record(number, CLIENT, NEWS, [outcome(change(ANN), result)], NOW)
    assert [refusal.address for refusal in store.base(CLIENT, NEWS).refusals] == [BOB]


def test_a_refusal_that_proves_a_no_remembers_it_and_drops_the_row(store: Store) -> None:
    number = a_pass(store)
    store.record(number, CLIENT, NEWS, [outcome()], NOW)
    _refuse(store, RefusalKind.COMPLIANCE)
    base = store.base(CLIENT, NEWS)
    assert base.rows == {}
    assert [(said.address, said.reason, said.persons) for said in base.nos] == [
        (ANN, NoReason.COMPLIANCE, (P1,))
    ]


def test_a_rename_refused_by_a_no_keeps_the_old_contact_ours(store: Store) -> None:
    number = a_pass(store)
    store.record(number, CLIENT, NEWS, [outcome()], NOW)
    refused = outcome(_rename(), Result.REFUSED, refusal=RefusalKind.UNSUBSCRIBED)
    store.record(number, CLIENT, NEWS, [refused], NOW)
    base = store.base(CLIENT, NEWS)
    assert set(base.rows) == {ANN}
    assert [said.address for said in base.nos] == [BOB]


def test_lists_and_clients_do_not_see_each_other(store: Store) -> None:
    number = a_pass(store)
    store.record(number, CLIENT, NEWS, [outcome()], NOW)
    assert store.base(CLIENT, JOBS) == ListBase()
    assert store.base("other", NEWS) == ListBase()


def test_rows_survive_reopening_with_every_detail(store: Store, other_store: Store) -> None:
    strange = row(persons=(P2, P1), first_name='Ann "Ä" 🙂', contact_id="c-9")
    store.move(a_pass(store), CLIENT, NEWS, [BaseMove(address=ANN, row=strange)], NOW)
    assert other_store.base(CLIENT, NEWS).rows == {ANN: strange}


def test_history_tells_what_happened_without_an_address(store: Store) -> None:
    number = a_pass(store)
    store.save_link(CLIENT, link(name="Newsletter"))
    told = outcome(
        change(reason=f"{BOB} became {ANN}"), Result.REFUSED, detail=f"{ANN} (was {BOB}) looks fake"
    )
    store.record(number, CLIENT, NEWS, [told], NOW)
    (record,) = store.outcomes(number)
    assert (record.list_uid, record.list_name, record.verb, record.result) == (
        NEWS,
        "Newsletter",
        "add",
        Result.REFUSED,
    )
    assert (record.reason, record.detail, record.at) == ("… became …", "… (was …) looks fake", NOW)
    assert record.address_key == store.key_address(ANN)


def test_a_quiet_move_leaves_no_history(store: Store) -> None:
    number = a_pass(store)
    store.move(number, CLIENT, NEWS, [BaseMove(address=ANN, row=row())], NOW)
    assert store.outcomes(number) == ()


def test_a_change_of_a_list_is_told_with_the_name_of_the_list(store: Store) -> None:
    number = a_pass(store)
    created = ListChange(
        verb=ListVerb.CREATE,
        list_uid=NEWS,
        list_name="News",
        audience_id=AudienceId("aud-1"),
        reason="flagged in OTYS",
    )
    store.record_list(number, CLIENT, ListOutcome(change=created, result=Result.APPLIED), NOW)
    (record,) = store.outcomes(number)
    assert (record.verb, record.list_name, record.address_key) == ("create", "News", "")


def test_an_address_key_is_stable_in_a_store_and_differs_between_stores(
    store: Store, other_store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert store.key_address(ANN) == other_store.key_address(ANN) != store.key_address(BOB)
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('stranger')}/state.db") as stranger:
        assert stranger.key_address(ANN) != store.key_address(ANN)


def test_explaining_an_address_shows_what_each_list_remembers(store: Store) -> None:
    number = a_pass(store)
    store.save_link(CLIENT, link(NEWS, name="News"))
    store.record(number, CLIENT, NEWS, [outcome()], NOW)
    store.move(number, CLIENT, JOBS, [BaseMove(address=ANN, row=None, no=no())], NOW)
    store.record(number, CLIENT, JOBS, [outcome(result=Result.REFUSED)], NOW)
    store.move(number, "other", JOBS, [BaseMove(address=ANN, row=row())], NOW)
    news, jobs = store.find(CLIENT, ANN)
    assert (news.list_uid, news.list_name, news.row, news.nos) == (NEWS, "News", row(), ())
    assert (jobs.list_uid, jobs.row, [one.no.reason for one in jobs.nos]) == (
        JOBS,
        None,
        [NoReason.UNSUBSCRIBED],
    )
    assert [refusal.kind for refusal in jobs.refusals] == [RefusalKind.UNKNOWN]
    assert store.find(CLIENT, BOB) == ()


def test_counts_say_how_much_each_list_remembers(store: Store) -> None:
    number = a_pass(store)
    store.save_link(CLIENT, link(NEWS))
    store.record(number, CLIENT, NEWS, [outcome(change(ANN)), outcome(change(BOB), Result.REFUSED)], NOW)
    gone = BaseMove(address=BOB, row=row(BOB, state=BaseState.REMOVED))
    store.move(number, CLIENT, JOBS, [gone, BaseMove(address=ANN, row=None, no=no())], NOW)
    counts = store.counts(CLIENT)
    assert {uid: (of.active, of.removed, of.nos, of.refusals) for uid, of in counts.items()} == {
        NEWS: (1, 0, 0, 1),
        JOBS: (0, 1, 1, 0),
    }
    assert store.counts("other") == {}


def _rename() -> Change:
    return change(
        BOB,
        verb=Verb.RENAME,
        move=BaseMove(address=BOB, row=row(BOB), replaces=ANN),
        row_before=row(ANN),
    )


def _refuse(store: Store, kind: RefusalKind, *, moment: datetime = NOW) -> None:
    store.record(a_pass(store), CLIENT, NEWS, [outcome(result=Result.REFUSED, refusal=kind)], moment)
