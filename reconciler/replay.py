"""Makes decisions of the past again with the rules of today: it reads what was kept, and writes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from reconciler.errors import ReconcilerError
from reconciler.flapping import without_flapping
from reconciler.guard import Guarded, guard
from reconciler.model import ListUid, PassId
from reconciler.plan import plan_list
from reconciler.policy import Limits, Policy
from reconciler.record import scope_of
from reconciler.snapshots import Decided, Frozen, decided_of, thaw, unpack, unpack_each
from reconciler.store import KeptBody, PassRecord, Store


class CannotReplay(ReconcilerError):
    """Nothing is kept of what the pass decided from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a client's configuration says today about its contacts."""

    templates: Mapping[str, str]
    policy: Policy
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One decision of the past, and how it would be made today."""

    list_uid: ListUid
    list_name: str
    decided_in: PassId
    """The first pass that decided so; those after it found the list as it was."""
    decided_at: datetime
    then: Decided
    now: Decided

    @property
    def differs(self) -> bool:
        """Whether today's rules decide otherwise."""
        return not self.then.same_as(self.now)


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision that was made again, in full."""

    comparison: Comparison
    guarded: Guarded


def replay_pass(
    store: Store, record: PassRecord, rules: Rules, *, only: ListUid | None = None
) -> Iterator[Replayed]:
    """Given a pass and the rules of today, yield each of its decisions, or that about one list, made again.

    Raise CannotReplay when nothing is kept of it, and UnreadableSnapshot when that cannot be read.
    """
    uids = [uid for uid in store.snapshot_lists(record.client) if only in (None, uid)]
    found = False
    for uid in uids:
        bodies = store.snapshot_bodies(record.client, uid, record.id)
        if bodies and _tells_of(bodies[-1], record) and scope_of(record.trigger) in (None, uid):
            found = True
            seen = [one for one in bodies if not one.unseen]
            yield _replay(store, record, seen[-1], unpack([one.body for one in seen]), rules)
    if not found:
        what = f"list {only} in pass {record.id}" if only else f"pass {record.id}"
        raise CannotReplay(
            f"It is not kept what {what} was decided from.",
            advice="A look at the plan keeps nothing, nor does a pass that came to no decision, and after "
            "`state.snapshot_days` it is dropped. `reconciler plan --at 30d` goes through all that is kept.",
        )


def replay_since(
    store: Store, client: str, since: datetime, rules: Rules, *, only: ListUid | None = None
) -> Iterator[Comparison]:
    """Given a moment and the rules of today, yield every decision that counted since, list by list.

    Raise UnreadableSnapshot when one cannot be read.
    """
    for uid in store.snapshot_lists(client):
        if only in (None, uid):
            bodies = store.snapshot_bodies_since(client, uid, since)
            ended = {one.pass_id: later.taken_at for one, later in pairwise(bodies)}
            seen = [one for one in bodies if not one.unseen]
            decisions = unpack_each(one.body for one in seen)
            for kept, frozen in zip(seen, decisions, strict=True):
                if ended.get(kept.pass_id, since) >= since:
                    yield _replay(store, None, kept, frozen, rules).comparison


def _tells_of(kept: KeptBody, record: PassRecord) -> bool:
    """A pass that did not end counted nothing: of it counts what it kept itself."""
    return not kept.unseen and (bool(record.counts.get("kept")) or kept.pass_id == record.id)


def _replay(
    store: Store, record: PassRecord | None, kept: KeptBody, frozen: Frozen, rules: Rules
) -> Replayed:
    """Decide again as of a pass that found the list as it was kept; None: as of the one that kept it."""
    was = thaw(frozen)
    now = kept.taken_at if record is None else max(record.started_at, kept.taken_at)
    plan = plan_list(was.sides, templates=rules.templates, policy=rules.policy, now=now)
    written = store.directions(
        plan.client,
        plan.list_uid,
        {change.address for change in plan.changes},
        now - timedelta(hours=rules.limits.flap_hours),
        before=kept.pass_id if record is None else record.id,
    )
    plan = without_flapping(plan, written, rules.limits)
    guarded = guard(plan, rules.limits, approved=frozenset(was.decided.released).__contains__)
    comparison = Comparison(
        list_uid=plan.list_uid,
        list_name=plan.list_name,
        decided_in=kept.pass_id,
        decided_at=kept.taken_at,
        then=was.decided,
        now=decided_of(guarded),
    )
    return Replayed(comparison, guarded)
