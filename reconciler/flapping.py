"""Holds a contact that is added and removed again and again: another writer is at work."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TypeAlias

from reconciler.model import Address, BaseMove, Change, Verb
from reconciler.plan import ListPlan
from reconciler.policy import Limits
from reconciler.running import Pass

Directions: TypeAlias = Mapping[Address, Sequence[str]]
"""The adds and removals that were written of each contact, oldest first."""


def hold_flapping(running: Pass, plan: ListPlan) -> ListPlan:
    """Given a list's plan, hold the adds and removals that would change direction once too often.

    A removal that honours a no is never held.
    """
    client = running.client
    turning = {change.address for change in plan.changes if _turns(change)}
    if not turning:
        return plan
    since = running.now() - timedelta(hours=client.limits.flap_hours)
    written = client.store.directions(client.name, plan.list_uid, turning, since)
    return without_flapping(plan, written, client.limits)


def without_flapping(plan: ListPlan, written: Directions, limits: Limits) -> ListPlan:
    """Given a list's plan and what was written about its contacts lately, hold those that flap. Pure."""
    changes = tuple(
        _held(change, limits) if _turns(change) and _flaps(change, written, limits) else change
        for change in plan.changes
    )
    return plan if changes == plan.changes else replace(plan, changes=changes)


def turns(verbs: Sequence[str]) -> int:
    """Given adds and removals of one contact in their order, return how often the direction changed.

    Between two of the same kind somebody else must have turned the contact round.
    """
    return sum(1 if earlier != later else 2 for earlier, later in pairwise(verbs))


def _turns(change: Change) -> bool:
    return change.verb is Verb.ADD or (change.verb is Verb.REMOVE and not change.consent)


def _flaps(change: Change, written: Directions, limits: Limits) -> bool:
    return turns((*written.get(change.address, ()), change.verb)) > limits.flap_turns


def _held(change: Change, limits: Limits) -> Change:
    return replace(
        change,
        verb=Verb.HOLD,
        reason=f"added and removed again and again within {limits.flap_hours:g} hours: another writer is at "
        "work, or somebody keeps changing the list; held until it rests",
        before={},
        after={},
        fields={},
        move=BaseMove(address=change.address, row=change.row_before),
    )
