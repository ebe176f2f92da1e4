"""Turns around what an earlier pass did to a list, as far as the list as it stands now allows. Pure."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from reconciler.document import ChangeDocument, ListDocument
from reconciler.fingerprint import fingerprint
from reconciler.inverse import UNDOES, Inverse, Inverter, Verdict, impossible
from reconciler.inverse_of_audience import ADVICE, invert_list_change
from reconciler.listing import bring_together
from reconciler.model import (
    Address,
    Audience,
    Change,
    Contact,
    ListChange,
    ListUid,
    PassId,
    Refusal,
    RefusalKind,
    Result,
    Standing,
    Verb,
)
from reconciler.observe import View
from reconciler.plan import ListPlan, Sides, plan_list
from reconciler.policy import Policy

_TRUE = tuple(result for result in Result if result.moves_base)
_REDOES: Mapping[str, tuple[Verb, ...]] = {
    Verb.ADD: (Verb.ADD, Verb.ADOPT),
    Verb.ADOPT: (Verb.ADD, Verb.ADOPT),
    Verb.UPDATE: (Verb.UPDATE,),
    Verb.RENAME: (Verb.RENAME,),
    Verb.REMOVE: (Verb.REMOVE,),
}
"""What a pass would do to make an undone change true again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """Which pass is undone, and in whose name."""

    pass_id: PassId
    by: str
    now: datetime

    @property
    def reason(self) -> str:
        """Why a change is made that undoes another one."""
        return f"{UNDOES}{self.pass_id}"

    @property
    def detail(self) -> str:
        """Why what was undone is not done again."""
        return f"undone by {self.by} on {self.now:%Y-%m-%d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUndo:
    """Everything an earlier pass did to one list, turned around."""

    list_uid: ListUid
    inverses: tuple[Inverse, ...]
    plan: ListPlan | None = None
    """The changes of contacts that undo it; None when nothing of the list can be undone."""
    held_back: tuple[Refusal, ...] = ()
    """What the next pass would do again and is not to."""

    @property
    def list_changes(self) -> tuple[ListChange, ...]:
        """The changes of the audience that undo it."""
        return tuple(one.list_change for one in self.inverses if one.list_change is not None)

    def with_verdict(self, verdict: Verdict) -> tuple[Inverse, ...]:
        """Given a verdict, return the changes that it is about."""
        return tuple(one for one in self.inverses if one.verdict is verdict)


def done_in(document: ListDocument) -> tuple[ChangeDocument, ...]:
    """Given a list of an earlier pass, return the changes that were true after it."""
    return tuple(change for change in document.changes if change.result in _TRUE)


def nothing_possible(document: ListDocument, reason: str) -> ListUndo:
    """Given a list of an earlier pass and why none of it can be undone now, return that."""
    inverses = tuple(
        impossible(done, reason if done.email else ADVICE.get(done.verb, reason))
        for done in done_in(document)
    )
    return ListUndo(list_uid=ListUid(document.list), inverses=inverses)


def undo_list(
    document: ListDocument,
    sides: Sides,
    audience: Audience,
    undoing: Undoing,
    *,
    templates: Mapping[str, str],
    policy: Policy,
    erased: Collection[Address] = frozenset(),
) -> ListUndo:
    """Given a list of an earlier pass and how it stands now, return the plan that undoes it.

    `erased`: the addresses behind which somebody stands who was erased on request.
    """
    today = plan_list(sides, templates=templates, policy=policy, now=undoing.now)
    listings = bring_together(sides.recipients.recipients, templates)
    inverter = Inverter(
        View(listings, sides.contacts.contacts, sides.base),
        held_back={
            one.change.address: one.change
            for one in today.refused
            if one.refusal.kind is RefusalKind.UNDONE and one.change.verb is Verb.ADOPT
        },
        reason=undoing.reason,
        erased=erased,
    )
    inverses = tuple(
        invert_list_change(done, audience, undoing.reason) if done.email is None else inverter.invert(done)
        for done in done_in(document)
    )
    changes = tuple(one.change for one in inverses if one.change is not None)
    afterwards = plan_list(_after(sides, changes), templates=templates, policy=policy, now=undoing.now)
    return ListUndo(
        list_uid=sides.mailing_list.uid,
        inverses=inverses,
        plan=replace(today, changes=changes, moves=(), refused=(), outdated=()),
        held_back=tuple(_redone(inverses, afterwards, undoing)),
    )


def digest_of_undo(client: str, pass_id: PassId, lists: Iterable[ListUndo]) -> str:
    """Given what is to be undone of a pass, return its digest.

    What is true already counts too: an undo that was cut off has the digest it had before.
    """
    facts = sorted(
        (one.done.list, one.done.verb, one.done.email or "", sorted(one.done.after.items()))
        for undo in lists
        for one in undo.inverses
        if one.verdict is not Verdict.IMPOSSIBLE
    )
    return hashlib.sha256(msgspec.json.encode(["undo", client, pass_id, facts])).hexdigest()


def _redone(inverses: Iterable[Inverse], afterwards: ListPlan, undoing: Undoing) -> Iterable[Refusal]:
    """Return what a pass would do again; what honours a no is never held back."""
    planned = {(change.verb, change.address): change for change in afterwards.changes if not change.consent}
    for one in inverses:
        if one.change is None:
            continue
        for verb in _REDOES.get(one.done.verb, ()):
            change = planned.get((verb, Address(one.done.email or "")))
            if change is not None:
                yield Refusal(
                    address=change.address,
                    verb=verb,
                    kind=RefusalKind.UNDONE,
                    detail=undoing.detail,
                    fingerprint=fingerprint(change),
                    since=undoing.now,
                )


def _after(sides: Sides, changes: Sequence[Change]) -> Sides:
    """The list as it stands once the changes are true, with nothing held back."""
    written = {id(change.contact): change for change in changes if change.contact is not None}
    contacts = tuple(_written(contact, written.get(id(contact))) for contact in sides.contacts.contacts)
    rows = dict(sides.base.rows)
    for change in changes:
        rows.pop(change.move.replaces or change.move.address, None)
    rows |= {change.move.address: change.move.row for change in changes if change.move.row is not None}
    return replace(
        sides,
        contacts=replace(sides.contacts, contacts=contacts),
        base=replace(sides.base, rows=rows, refusals=()),
    )


def _written(contact: Contact, change: Change | None) -> Contact:
    if change is None:
        return contact
    fields = {**contact.fields, **change.fields}
    match change.verb:
        case Verb.ADD:
            return replace(contact, standing=Standing.SUBSCRIBED, fields=fields)
        case Verb.REMOVE:
            return replace(contact, standing=Standing.ARCHIVED)
        case Verb.RENAME:
            return replace(contact, address=change.address, fields=fields)
        case _:
            return replace(contact, fields=fields)
