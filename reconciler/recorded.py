"""A pass that is over, read again from what was kept: the plans as of it, joined with what became of them."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from reconciler.document import (
    FORGOTTEN,
    PLANNED,
    ChangeDocument,
    ListDocument,
    PassDocument,
    ProposalDocument,
)
from reconciler.model import PassId, Result, Verb
from reconciler.record import read_plan, scope_of
from reconciler.report import BYTES, REQUESTS
from reconciler.store import OutcomeRecord, PassRecord, Store

_GRACE = "its grace period was not over"

_Key = tuple[str, str]
"""A verb, and the keyed hash of the address it is about; an empty one for a change of the audience."""


def recorded_pass(store: Store, record: PassRecord) -> PassDocument:
    """Given the record of a pass, return the pass as a document: what it did, withheld and only planned.

    Who could not be mailed is not told again, nor how many stood on each side.
    """
    outcomes = _by_list(store.outcomes(record.id))
    known = {one.list: one for one in _planned_lists(store, record, outcomes)}
    for of_list in outcomes.values():
        if of_list.left():
            forgotten = _forgotten_list(store, record, of_list.left())
            one = known.get(forgotten.list, replace(forgotten, changes=()))
            known[forgotten.list] = replace(one, changes=(*one.changes, *forgotten.changes))
    lists = tuple(known.values())
    return PassDocument(
        client=record.client,
        pass_id=record.id,
        mode=record.mode,
        result=record.result or "",
        digest=record.plan_digest,
        started_at=record.started_at.isoformat(),
        ended_at=None if record.ended_at is None else record.ended_at.isoformat(),
        counts=record.counts,
        problems=record.problems,
        requests=_by_service(record, REQUESTS),
        bytes_read=_by_service(record, BYTES),
        changes=tuple(change for one in lists for change in one.changes),
        withheld=tuple(proposal for one in lists for proposal in one.withheld),
        lists=lists,
    )


def _by_service(record: PassRecord, about: str) -> Mapping[str, int]:
    counts = record.counts.items()
    return {name.removeprefix(about): count for name, count in counts if name.startswith(about)}


def latest_pass(store: Store) -> PassId | None:
    """Return the number of the pass that began last; None when there was none."""
    return next((record.id for record in store.passes(limit=1)), None)


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """The outcomes of one list, each told once."""

    contacts: dict[_Key, OutcomeRecord]
    audience: dict[str, deque[OutcomeRecord]]

    def take(self, key: _Key) -> OutcomeRecord | None:
        """Of several outcomes of a contact's change the last one counts: reading back may correct a write."""
        verb, address_key = key
        if address_key:
            return self.contacts.pop(key, None)
        waiting = self.audience[verb]
        return waiting.popleft() if waiting else None

    def left(self) -> Sequence[OutcomeRecord]:
        """Return the outcomes whose change is not known any more."""
        return (*(one for waiting in self.audience.values() for one in waiting), *self.contacts.values())


def _by_list(records: Iterable[OutcomeRecord]) -> Mapping[str, _Outcomes]:
    found: defaultdict[str, _Outcomes] = defaultdict(lambda: _Outcomes({}, defaultdict(deque)))
    for record in records:
        of_list = found[record.list_uid]
        if record.address_key:
            of_list.contacts[record.verb, record.address_key] = record
        else:
            of_list.audience[record.verb].append(record)
    return found


def _planned_lists(
    store: Store, record: PassRecord, outcomes: Mapping[str, _Outcomes]
) -> Iterable[ListDocument]:
    """A list's plan is kept when it changes, so a body of an earlier pass still counts in this one."""
    scope = scope_of(record.trigger)
    for uid, body in store.plan_bodies(record.client, record.id).items():
        of_list = outcomes.get(uid)
        if of_list is not None or scope in (None, uid):
            planned = _joined(store, record, read_plan(body), of_list or _Outcomes({}, defaultdict(deque)))
            if planned.changes:
                yield planned


def _joined(store: Store, record: PassRecord, plan: ListDocument, outcomes: _Outcomes) -> ListDocument:
    changes = []
    for change in plan.changes:
        key = (change.verb, "" if change.email is None else store.key_address(change.email))
        outcome = outcomes.take(key)
        result = _pending(change, plan, record) if outcome is None else outcome.result.value
        if result is not None:
            changes.append(
                replace(change, result=result, detail=change.detail if outcome is None else outcome.detail)
            )
    return ListDocument(
        list=plan.list,
        list_name=plan.list_name,
        audience=plan.audience,
        waits=_GRACE if plan.waits and changes else "",
        changes=tuple(changes),
        withheld=_still_withheld(plan.withheld, changes),
    )


def _pending(change: ChangeDocument, plan: ListDocument, record: PassRecord) -> str | None:
    """Return what became of a change without an outcome; None when the pass had nothing to do with it."""
    counts = record.counts
    if not counts.get(f"planned.{change.verb}"):
        return None
    if change.verb == Verb.HOLD or (change.result == Result.WITHHELD and counts.get("withheld")):
        return Result.WITHHELD
    if record.mode == "plan" or plan.waits:
        return PLANNED
    unsettled = (Result.WITHHELD, Result.RETRY_LATER)
    return next((result for result in unsettled if counts.get(f"{change.verb}.{result}")), None)


def _still_withheld(
    proposals: Iterable[ProposalDocument], changes: Iterable[ChangeDocument]
) -> tuple[ProposalDocument, ...]:
    """Leave out what was released in the pass: those changes have an outcome."""
    withheld = Counter(change.verb for change in changes if change.result == Result.WITHHELD)
    return tuple(proposal for proposal in proposals if withheld[proposal.verb])


def _forgotten_list(store: Store, record: PassRecord, left: Sequence[OutcomeRecord]) -> ListDocument:
    first = left[0]
    links = {link.list_uid: link for link in store.links(record.client)}
    audience = links[first.list_uid].audience_id if first.list_uid in links else None
    return ListDocument(
        list=first.list_uid,
        list_name=first.list_name,
        audience=audience,
        changes=tuple(
            ChangeDocument(
                list=outcome.list_uid,
                list_name=outcome.list_name,
                audience=audience,
                verb=outcome.verb,
                email=f"{FORGOTTEN}{outcome.address_key}" if outcome.address_key else None,
                reason=outcome.reason,
                result=outcome.result,
                detail=outcome.detail,
            )
            for outcome in left
        ),
    )
