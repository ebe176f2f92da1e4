"""Knows what the store remembers of a client's metrics, so that a restart does not zero them."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from reconciler.model import LinkState, ListUid, PassResult, Verb
from reconciler.sinks.metric_families import BASE_STATUSES, ListState, Series, Side
from reconciler.sinks.metrics_lists import Key, ListGauges, Unsynced
from reconciler.store import Store, StoredProposal
from reconciler.trust import TrustState

LONGEST_SERIES = 100  # of failed passes that is counted: enough for any alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is known of a client before its first pass."""

    last_attempt: datetime | None
    last_success: datetime | None
    consecutive_failures: int
    lists: Mapping[ListUid, ListGauges]
    """The linked lists."""
    untold_since: datetime | None = None
    """Since when the oldest opt-out is known that OTYS does not know of."""
    catalogue: TrustState = TrustState.WATCHED
    """What OTYS' catalogue is good for, as far as the store tells."""


def memory_of(store: Store, client: str, *, now: datetime) -> Memory:
    """Given a client, return what the store knows. Raise StoreError if it cannot be read."""
    ended = [one for one in store.passes(client, limit=LONGEST_SERIES) if one.result is not None]
    success = store.last_success(client)
    return Memory(
        last_attempt=ended[0].started_at if ended else None,
        last_success=None if success is None else success.ended_at,
        consecutive_failures=sum(1 for _ in takewhile(lambda one: one.result is PassResult.FAILED, ended)),
        lists=_lists(store, client, now),
        untold_since=min((one.since for one in store.opt_outs(client)), default=None),
        catalogue=store.catalogue_trust(client).state,
    )


def _lists(store: Store, client: str, now: datetime) -> Mapping[ListUid, ListGauges]:
    refusals = store.refusal_kinds(client)
    opt_outs = store.undelivered_opt_outs(client)
    proposals: defaultdict[ListUid, list[StoredProposal]] = defaultdict(list)
    for proposal in store.proposals(client, now=now):
        proposals[proposal.list_uid].append(proposal)
    return {
        uid: ListGauges(
            state=ListState.WITHHELD if proposals[uid] else ListState.LINKED,
            members={(Side.BASE, BASE_STATUSES[0]): counts.active},
            withheld=_withheld(proposals[uid]),
            refused={(str(kind),): count for kind, count in refusals.get(uid, {}).items()},
            unsynced=_unsynced(proposals[uid], opt_outs.get(uid)),
        )
        for uid, counts in store.counts(client).items()
        if counts.state is LinkState.LINKED
    }


def _withheld(proposals: list[StoredProposal]) -> Mapping[Series, int]:
    counts: Counter[Series] = Counter()
    for proposal in proposals:
        counts[(proposal.verb,)] += proposal.count
    return counts


def _unsynced(proposals: list[StoredProposal], opted_out: datetime | None) -> Mapping[Key, Unsynced]:
    since = {Key(one.verb): Unsynced(one.first_seen) for one in proposals if one.first_seen is not None}
    if opted_out is not None:
        since[Key(Verb.REMOVE)] = Unsynced(opted_out, consent=True)
    return since
