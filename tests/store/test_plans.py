"""Plans are kept, and what is withheld waits for exactly its own approval, on both databases."""

from datetime import datetime, timedelta

import pytest

from reconciler.errors import StaleApproval
from reconciler.model import ListUid, PassId, PassResult
from reconciler.store import Store, StoredProposal
from tests.store.examples import CLIENT, HOUR, JOBS, NEWS, NOW, a_pass

A = "aaaa1111" * 4
B = "bbbb2222" * 4
PLAN = "cccc3333" * 4
PLAN_2 = "dddd4444" * 4


def proposal(
    digest: str = A, uid: ListUid = NEWS, *, count: int = 12, plan_digest: str = PLAN
) -> StoredProposal:
    return StoredProposal(
        digest=digest,
        list_uid=uid,
        verb="remove",
        count=count,
        message="12 of 40 would be removed",
        plan_digest=plan_digest,
    )


def propose(
    store: Store, *proposed: StoredProposal, now: datetime = NOW, planned: tuple[ListUid, ...] = ()
) -> PassId:
    number = a_pass(store)
    store.propose(number, CLIENT, proposed, now + timedelta(hours=72), now, planned=planned)
    return number


def keep(store: Store, uid: ListUid, digest: str, *, now: datetime = NOW) -> PassId:
    number = a_pass(store)
    store.save_plan(number, CLIENT, uid, digest, digest.encode(), now)
    return number


def test_the_body_of_a_plan_comes_back_byte_by_byte(store: Store, other_store: Store) -> None:
    number = a_pass(store)
    store.save_plan(number, CLIENT, NEWS, A, b"\x00\xffzlib", NOW)
    assert other_store.plan_bodies(CLIENT, number) == {NEWS: b"\x00\xffzlib"}
    assert other_store.plan_digests(CLIENT) == {NEWS: A}
    assert (store.plan_bodies("other", number), store.plan_digests("other")) == ({}, {})


def test_a_list_whose_plan_did_not_change_shows_the_one_kept_before(store: Store) -> None:
    first, second, third = keep(store, NEWS, A), keep(store, JOBS, B), keep(store, NEWS, PLAN)
    assert store.plan_bodies(CLIENT, first) == {NEWS: A.encode()}
    assert store.plan_bodies(CLIENT, second) == {NEWS: A.encode(), JOBS: B.encode()}
    assert store.plan_bodies(CLIENT, third) == {NEWS: PLAN.encode(), JOBS: B.encode()}
    assert store.plan_digests(CLIENT) == {NEWS: PLAN, JOBS: B}


def test_bodies_replaced_long_ago_are_forgotten(store: Store) -> None:
    old, young = keep(store, NEWS, A), keep(store, NEWS, B, now=NOW + HOUR)
    assert store.forget_plans(NOW + 2 * HOUR) == 1
    assert store.plan_bodies(CLIENT, old) == {}
    assert store.plan_bodies(CLIENT, young) == {NEWS: B.encode()}


def test_a_plan_that_still_counts_is_never_forgotten(store: Store) -> None:
    keep(store, JOBS, A)
    keep(store, NEWS, A)
    young = keep(store, NEWS, B, now=NOW + HOUR)
    assert store.forget_plans(NOW + HOUR) == 0
    assert store.plan_bodies(CLIENT, young) == {NEWS: B.encode(), JOBS: A.encode()}


def test_what_is_withheld_waits(store: Store) -> None:
    number = propose(store, proposal())
    (waiting,) = store.proposals(CLIENT, now=NOW)
    assert (waiting.digest, waiting.list_uid, waiting.verb, waiting.count) == (A, NEWS, "remove", 12)
    assert (waiting.message, waiting.plan_digest) == ("12 of 40 would be removed", PLAN)
    assert (waiting.client, waiting.pass_id, waiting.first_seen) == (CLIENT, number, NOW)
    assert (waiting.expires, waiting.approved_at) == (NOW + timedelta(hours=72), None)
    assert store.proposals("other", now=NOW) == ()
    assert store.proposals(now=NOW) == (waiting,)


def test_an_approval_releases_its_digest_and_nothing_else(store: Store) -> None:
    propose(store, proposal(A, NEWS), proposal(B, JOBS))
    (approved,) = store.approve(A[:6].upper(), by="web", now=NOW + HOUR)
    assert (approved.digest, approved.approved_by, approved.approved_at) == (A, "web", NOW + HOUR)
    assert store.approvals(CLIENT, NOW + HOUR) == {A}
    assert store.approvals("other", NOW + HOUR) == frozenset()


def test_the_digest_of_a_plan_approves_all_that_it_withheld(store: Store) -> None:
    propose(store, proposal(A, NEWS), proposal(B, JOBS))
    assert [one.digest for one in store.approve(PLAN, by="cli", now=NOW)] == [A, B]
    assert store.approvals(CLIENT, NOW) == {A, B}


def test_approving_twice_keeps_the_first_approval(store: Store) -> None:
    propose(store, proposal())
    store.approve(A, by="first", now=NOW)
    assert [one.approved_by for one in store.approve(A, by="second", now=NOW)] == ["first"]


@pytest.mark.parametrize(
    ("digest", "words"),
    [("aaaa", "at least 6"), ("eeeeee", "No plan has a digest beginning"), ("%%%%%%", "No plan")],
)
def test_a_digest_that_names_nothing_is_refused(store: Store, digest: str, words: str) -> None:
    propose(store, proposal())
    with pytest.raises(StaleApproval, match=words):
        store.approve(digest, by="cli", now=NOW)
    assert store.approvals(CLIENT, NOW) == frozenset()


def test_a_digest_that_names_two_things_is_refused(store: Store) -> None:
    propose(store, proposal(A, NEWS), proposal(A[:8] + B[8:], JOBS))
    with pytest.raises(StaleApproval, match="2 things that wait"):
        store.approve(A[:8], by="cli", now=NOW)
    assert store.approvals(CLIENT, NOW) == frozenset()


def test_a_plan_that_changed_needs_a_new_approval(store: Store) -> None:
    propose(store, proposal(A))
    store.approve(A, by="cli", now=NOW)
    propose(store, proposal(B, plan_digest=PLAN_2))
    assert store.approvals(CLIENT, NOW) == frozenset()
    with pytest.raises(StaleApproval, match="superseded"):
        store.approve(A, by="cli", now=NOW)


def test_what_is_proposed_again_keeps_its_date_and_its_approval(store: Store) -> None:
    first = propose(store, proposal())
    store.end_pass(first, result=PassResult.WITHHELD, counts={}, problems=(), now=NOW, plan_digest=PLAN)
    store.approve(A, by="cli", now=NOW)
    again = propose(store, proposal(plan_digest=PLAN_2), now=NOW + HOUR)
    (waiting,) = store.proposals(CLIENT, now=NOW + HOUR)
    assert (waiting.first_seen, waiting.approved_at) == (NOW, NOW)
    assert (waiting.plan_digest, waiting.pass_id) == (PLAN_2, again)
    with pytest.raises(StaleApproval, match="superseded"):
        store.approve(PLAN, by="cli", now=NOW)


def test_a_pass_over_one_list_leaves_the_proposals_of_the_others(store: Store) -> None:
    propose(store, proposal(A, NEWS))
    propose(store, proposal(B, JOBS))
    assert {one.digest for one in store.proposals(now=NOW)} == {A, B}


def test_a_planned_list_with_nothing_withheld_any_more_has_no_proposal(store: Store) -> None:
    propose(store, proposal(A, NEWS))
    propose(store, planned=(NEWS,))
    assert store.proposals(now=NOW) == ()


def test_a_proposal_expires(store: Store) -> None:
    propose(store, proposal())
    late = NOW + timedelta(hours=72)
    assert store.proposals(now=late) == ()
    with pytest.raises(StaleApproval, match=r"expired at 2025-03-04 12:30 UTC"):
        store.approve(A, by="cli", now=late)


def test_an_approval_expires_with_its_proposal(store: Store) -> None:
    propose(store, proposal())
    store.approve(A, by="cli", now=NOW)
    late = NOW + timedelta(hours=72)
    assert store.approvals(CLIENT, late) == frozenset()
    with pytest.raises(StaleApproval):
        store.use_approval(CLIENT, A, a_pass(store), late)


def test_what_expired_and_is_proposed_again_starts_afresh(store: Store) -> None:
    propose(store, proposal())
    store.approve(A, by="cli", now=NOW)
    late = NOW + timedelta(hours=80)
    propose(store, proposal(), now=late)
    (waiting,) = store.proposals(now=late)
    assert (waiting.first_seen, waiting.approved_at) == (late, None)


def test_an_approval_is_used_once(store: Store) -> None:
    propose(store, proposal())
    store.approve(A, by="cli", now=NOW)
    number = a_pass(store)
    store.use_approval(CLIENT, A, number, NOW)
    assert store.approvals(CLIENT, NOW) == frozenset()
    assert store.proposals(now=NOW) == ()
    with pytest.raises(StaleApproval, match=f"carried out by pass {number}"):
        store.use_approval(CLIENT, A, number, NOW)
    with pytest.raises(StaleApproval, match="carried out"):
        store.approve(A, by="cli", now=NOW)


def test_the_same_plan_after_one_that_was_used_needs_an_approval_of_its_own(store: Store) -> None:
    propose(store, proposal())
    store.approve(A, by="cli", now=NOW)
    store.use_approval(CLIENT, A, a_pass(store), NOW)
    propose(store, proposal())
    assert store.approvals(CLIENT, NOW) == frozenset()
    assert len(store.proposals(now=NOW)) == 1


def test_what_nobody_approved_cannot_be_used(store: Store) -> None:
    propose(store, proposal())
    with pytest.raises(StaleApproval, match="not approved"):
        store.use_approval(CLIENT, A, a_pass(store), NOW)
    store.approve(A, by="cli", now=NOW)
    with pytest.raises(StaleApproval):
        store.use_approval("other", A, a_pass(store), NOW)


def test_the_digest_of_a_plan_of_an_earlier_pass_is_called_superseded(store: Store) -> None:
    store.end_pass(a_pass(store), result=PassResult.DONE, counts={}, problems=(), now=NOW, plan_digest=PLAN)
    with pytest.raises(StaleApproval, match="superseded"):
        store.approve(PLAN, by="cli", now=NOW)
