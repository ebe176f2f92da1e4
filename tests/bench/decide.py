"""Diff and plan alone, on what is in memory already, beside the least that tells what changed."""

import time
from datetime import UTC, datetime

import msgspec

from reconciler.address import normalise
from reconciler.guard import guard
from reconciler.model import (
    AudienceId,
    BaseRow,
    BaseState,
    Contact,
    ContactSnapshot,
    ListBase,
    ListUid,
    MailingList,
    Person,
    Recipient,
    RecipientSnapshot,
    Standing,
    Tally,
)
from reconciler.plan import Sides, plan_list
from reconciler.policy import Limits, Policy
from tests.bench.house import FIELDS
from tests.bench.items import Items, changed, items_of
from tests.bench.town import Someone, Town, in_audience, on_list

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Decided(msgspec.Struct, kw_only=True):
    """What it cost, in seconds of processor time."""

    diff: float
    """Three dicts of tuples."""
    plan: float
    changes: int


def decide(contacts: int, churn: float) -> Decided:
    """Given how many contacts and which share of them changed, return what it costs to find what to do."""
    diff, _ = timed_diff(items_of(contacts, churn))
    sides = _sides(Town(name="decide", lists=1, recipients=contacts, churn=churn))
    began = time.process_time()
    plan = plan_list(sides, templates=FIELDS, policy=Policy(), now=NOW)
    guarded = guard(plan, Limits(), approved=lambda _digest: False)
    return Decided(diff=diff, plan=time.process_time() - began, changes=len(guarded.plan.changes))


def timed_diff(items: Items) -> tuple[float, int]:
    """Given three sides as tuples, return what comparing them costs and how many differ."""
    began = time.process_time()
    found = changed(items)
    return time.process_time() - began, found


def _sides(town: Town) -> Sides:
    everybody = range(town.recipients)
    total = town.recipients
    tally = Tally(rows=total, declared_before=total, declared_after=total)
    listed = tuple(_recipient(one) for one in on_list(town, 0, everybody))
    there = tuple(_contact(one) for one in in_audience(town, 0, everybody))
    rows = (_row(one) for one in in_audience(town, 0, everybody))
    return Sides(
        client=town.name,
        mailing_list=MailingList(uid=ListUid("1001"), name="Lijst"),
        audience_id=AudienceId("a1"),
        recipients=RecipientSnapshot(listed, tally),
        contacts=ContactSnapshot(there, tally),
        base=ListBase(rows={row.address: row for row in rows}),
    )


def _recipient(one: Someone) -> Recipient:
    values = {"first_name": one.first, "infix": "", "last_name": one.last, "language": "nl"}
    return Recipient(uid=one.uid, person=Person("candidate", f"e{one.uid}"), email=one.email, values=values)


def _contact(one: Someone) -> Contact:
    return Contact(
        id=one.member_id,
        address=normalise(one.email),
        standing=Standing.SUBSCRIBED,
        fields={"FNAME": one.first, "LNAME": one.last, "ADDRESS": "", "PHONE": ""},
        contact_id=one.member_id[::-1],
    )


def _row(one: Someone) -> BaseRow:
    return BaseRow(
        address=normalise(one.email),
        state=BaseState.ACTIVE,
        persons=(Person("candidate", f"e{one.uid}"),),
        fields={"FNAME": one.first, "LNAME": one.last},
        contact_id=one.member_id[::-1],
    )
