"""Links, passes and intents come back as they were saved, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.errors import StoreError
from reconciler.model import (
    AudienceId,
    LinkState,
    ListChange,
    ListOutcome,
    ListVerb,
    PassId,
    PassResult,
    RefusalKind,
    Result,
)
from reconciler.store import IntentKind, Store
from tests.store.examples import ANN, BOB, CLIENT, HOUR, JOBS, NEWS, NOW, a_pass, change, link, outcome


def test_a_link_comes_back_with_every_detail(store: Store, other_store: Store) -> None:
    saved = replace(
        link(name="Nieuws 🙂"),
        name="agreed",
        permission_reminder="because",
        synced_once=True,
        absent_passes=2,
        absent_since=NOW,
    )
    store.save_link(CLIENT, saved)
    assert other_store.links(CLIENT) == (saved,)


def test_saving_a_link_again_replaces_it(store: Store) -> None:
    store.save_link(CLIENT, replace(link(), absent_passes=2, absent_since=NOW))
    store.save_link(CLIENT, link())
    assert store.links(CLIENT) == (link(),)


def test_an_audience_cannot_be_linked_to_two_lists(store: Store) -> None:
    store.save_link(CLIENT, link(NEWS, "aud-1"))
    with pytest.raises(StoreError, match="aud-1 of acme is already linked to list list-1, so list list-2"):
        store.save_link(CLIENT, link(JOBS, "aud-1"))
    assert store.links(CLIENT) == (link(NEWS, "aud-1"),)


def test_an_audience_is_free_once_its_list_is_unlinked(store: Store) -> None:
    store.save_link(CLIENT, link(NEWS, "aud-1"))
    store.save_link(CLIENT, link(NEWS, "aud-1", state=LinkState.UNLINKED))
    store.save_link(CLIENT, link(JOBS, "aud-1"))
    assert [known.state for known in store.links(CLIENT)] == [LinkState.UNLINKED, LinkState.LINKED]


def test_two_clients_may_link_audiences_of_the_same_id(store: Store) -> None:
    store.save_link(CLIENT, link())
    store.save_link("other", link())
    assert store.links(CLIENT) == store.links("other") == (link(),)


def test_a_list_without_a_link_has_none(store: Store) -> None:
    store.record(a_pass(store), CLIENT, NEWS, [outcome()], NOW)
    assert store.links(CLIENT) == ()
    assert store.counts(CLIENT)[NEWS].state is None


def test_a_pass_that_runs_has_no_end(store: Store) -> None:
    record = store.pass_record(a_pass(store))
    assert record is not None
    assert (record.client, record.mode, record.trigger, record.started_at) == (
        CLIENT,
        "apply",
        "schedule",
        NOW,
    )
    assert (record.ended_at, record.result) == (None, None)


def test_a_pass_that_ended_tells_how_and_names_nobody(store: Store) -> None:
    number = a_pass(store)
    store.end_pass(
        number,
        result=PassResult.WITHHELD,
        counts={"add": 3},
        problems=["list News: ann@agency.nl is odd"],
        now=NOW + HOUR,
        plan_digest="d1",
    )
    record = store.pass_record(number)
    assert record is not None
    assert (record.result, record.ended_at) == (PassResult.WITHHELD, NOW + HOUR)
    assert (record.counts, record.plan_digest) == ({"add": 3}, "d1")
    assert record.problems == ("list News: … is odd",)


def test_an_unknown_pass_has_no_record(store: Store) -> None:
    assert store.pass_record(PassId(77)) is None


def test_passes_are_told_newest_first_and_by_client(store: Store) -> None:
    first, second, third = a_pass(store), a_pass(store, "other"), a_pass(store)
    assert [record.id for record in store.passes()] == [third, second, first]
    assert [record.id for record in store.passes(CLIENT)] == [third, first]
    assert [record.id for record in store.passes(limit=1)] == [third]


def test_the_last_success_skips_failed_and_unfinished_passes(store: Store) -> None:
    good, bad = a_pass(store), a_pass(store)
    a_pass(store)
    for number, result in ((good, PassResult.WITHHELD), (bad, PassResult.FAILED)):
        store.end_pass(number, result=result, counts={}, problems=(), now=NOW)
    last = store.last_success(CLIENT)
    assert last is not None
    assert last.id == good
    assert store.last_success("other") is None


def test_history_is_told_newest_first_and_by_client(store: Store) -> None:
    for client in (CLIENT, "other", CLIENT):
        store.record(a_pass(store, client), client, NEWS, [outcome()], NOW)
    assert [record.client for record in store.history(limit=2)] == [CLIENT, "other"]
    assert [record.pass_id for record in store.history(CLIENT, limit=9)] == [3, 1]


def test_moments_come_back_in_utc_whatever_zone_they_had(store: Store) -> None:
    summer = datetime(2025, 7, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    record = store.pass_record(store.begin_pass(CLIENT, mode="plan", trigger="cli", now=summer))
    assert record is not None
    assert record.started_at.isoformat() == "2025-07-01T12:00:00+00:00"
    assert record.started_at.tzinfo is UTC


def test_an_intent_stays_open_until_it_is_settled(store: Store, other_store: Store) -> None:
    number = a_pass(store)
    intended = store.intend(CLIENT, NEWS, IntentKind.CREATE_AUDIENCE, {"name": "News"}, number, NOW)
    (seen,) = other_store.open_intents(CLIENT)
    assert (seen.id, seen.list_uid, seen.kind) == (intended, NEWS, IntentKind.CREATE_AUDIENCE)
    assert (seen.detail, seen.pass_id, seen.intended_at) == ({"name": "News"}, number, NOW)
    assert store.open_intents("other") == ()
    store.settle(intended, result="done", detail={"audience": "aud-1"}, now=NOW)
    assert other_store.open_intents(CLIENT) == ()


def test_a_refused_change_of_an_audience_is_remembered_with_what_was_wanted(store: Store) -> None:
    store.record_list(a_pass(store), CLIENT, _of_audience(Result.REFUSED, "limit, ann@agency.nl"), NOW)
    assert store.refused_list_changes(CLIENT) == {
        (NEWS, ListVerb.RENAME_AUDIENCE): ({"name": "New"}, "limit, …")
    }
    assert store.refused_list_changes("other") == {}


def test_a_refused_change_of_an_audience_is_forgotten_once_it_is_true(store: Store) -> None:
    number = a_pass(store)
    for result in (Result.REFUSED, Result.REFUSED, Result.RETRY_LATER):
        store.record_list(number, CLIENT, _of_audience(result), NOW)
    assert len(store.refused_list_changes(CLIENT)) == 1
    store.record_list(number, CLIENT, _of_audience(Result.APPLIED), NOW)
    assert store.refused_list_changes(CLIENT) == {}


def test_a_list_that_gets_another_audience_keeps_its_nos_only(store: Store) -> None:
    number = a_pass(store)
    for uid in (NEWS, JOBS):
        said = outcome(change(BOB), Result.REFUSED, refusal=RefusalKind.FORGOTTEN)
        store.record(number, CLIENT, uid, [outcome(change(ANN)), said], NOW)
    store.forget_rows(CLIENT, NEWS)
    counts = store.counts(CLIENT)
    assert (counts[NEWS].active, counts[NEWS].refusals, counts[NEWS].nos) == (0, 0, 1)
    assert (counts[JOBS].active, counts[JOBS].refusals, counts[JOBS].nos) == (1, 1, 1)


def _of_audience(result: Result, detail: str = "") -> ListOutcome:
    renamed = ListChange(
        verb=ListVerb.RENAME_AUDIENCE,
        list_uid=NEWS,
        list_name="News",
        audience_id=AudienceId("aud-1"),
        reason="renamed in OTYS",
        before={"name": "Old"},
        after={"name": "New"},
    )
    return ListOutcome(change=renamed, result=result, detail=detail)
