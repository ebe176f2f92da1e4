"""Why one address stands where it stands in one list, and what the next pass does about it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from reconciler.address import normalise
from reconciler.answer import Case, answer
from reconciler.diff import COLUMN_OF, decide
from reconciler.explanation import (
    CellDocument,
    ContactDocument,
    ListExplanation,
    NoDocument,
    PlannedDocument,
    RecipientDocument,
    RefusalDocument,
    RowDocument,
    WithheldDocument,
)
from reconciler.guard import Guarded, Proposal
from reconciler.listing import Invalid, bring_together
from reconciler.model import Address, BaseRow, Change, No, Person, Recipient, Refusal, Tally, Verb
from reconciler.observe import Observation, View
from reconciler.pairing import Pairing
from reconciler.plan import ListPlan, Refused, Sides
from reconciler.policy import Policy
from reconciler.store.records import Remembered, RememberedNo

_BEYOND_THE_TABLE = (Verb.RENAME, Verb.HOLD)
"""Two addresses of one person, or a broken one, are seen together; the table sees one address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One list as it was read, planned and guarded."""

    pairing: Pairing
    sides: Sides
    guarded: Guarded
    remembered: Remembered | None = None
    """What the store knows of the address in this list, ended nos too."""
    address_key: str = ""
    """The keyed hash of the address, by which somebody erased is known."""
    proposed: frozenset[str] = frozenset()
    """The digests that wait for an approval."""


def explain_in_list(
    address: Address, evidence: Evidence, *, templates: Mapping[str, str], policy: Policy
) -> ListExplanation | None:
    """Given an address and a list, return the explanation; None when the list never heard of the address."""
    sides, plan = evidence.sides, evidence.guarded.plan
    view = View(bring_together(sides.recipients.recipients, templates), sides.contacts.contacts, sides.base)
    seen = view.observe(address)
    rows = [
        one
        for one in sides.recipients.recipients
        if normalise(one.email) == address or (one.erased and one.erased == evidence.address_key)
    ]
    nos = _nos(seen, evidence.remembered)
    if not (rows or seen.contact or seen.row or nos):
        return None
    change = _change(plan, address)
    refused = _refused(plan, address)
    proposal = _proposal(evidence.guarded, change)
    decision = decide(seen.base, seen.listing, seen.standing, policy=policy, nos=seen.reasons)
    case = Case(
        pairing=evidence.pairing,
        seen=seen,
        rule=decision.rule,
        change=change,
        refused=refused,
        proposal=proposal,
        invalid=_invalid(plan, rows),
        synced_as=_synced_as(seen, sides),
    )
    pairing = evidence.pairing
    return ListExplanation(
        list=pairing.list_uid,
        list_name=pairing.list_name,
        audience=None if pairing.audience is None else pairing.audience.id,
        answer=answer(case),
        notes=_notes(seen, view, rows, sides),
        recipients=_recipients(rows, seen),
        contact=_contact(seen),
        base=_row(seen.row),
        nos=nos,
        refusals=_refusals(sides.base.refusals, address),
        cell=CellDocument(
            base=seen.base,
            otys=seen.listing,
            mailchimp=COLUMN_OF[seen.standing],
            rule=change.reason if change and change.verb in _BEYOND_THE_TABLE else decision.rule,
        )
        if pairing.syncs
        else None,
        change=_planned(pairing, change),
        withheld=_withheld(proposal, evidence.proposed),
    )


def explain_from_memory(remembered: Remembered, answered: str) -> ListExplanation:
    """Given what is remembered in a list that is not looked at, return the explanation."""
    return ListExplanation(
        list=remembered.list_uid,
        list_name=remembered.list_name,
        audience=None,
        answer=answered,
        base=_row(remembered.row),
        nos=tuple(map(_remembered_no, remembered.nos)),
        refusals=tuple(map(_refusal, remembered.refusals)),
    )


def _change(plan: ListPlan, address: Address) -> Change | None:
    return next((one for one in plan.changes if address in (one.address, one.move.replaces)), None)


def _refused(plan: ListPlan, address: Address) -> Refused | None:
    return next(
        (one for one in plan.refused if address in (one.change.address, one.change.move.replaces)), None
    )


def _proposal(guarded: Guarded, change: Change | None) -> Proposal | None:
    return next((one for one in guarded.proposals if any(change is held for held in one.changes)), None)


def _invalid(plan: ListPlan, rows: Sequence[Recipient]) -> Invalid | None:
    persons = {row.person for row in rows}
    spelled = {row.email.strip() for row in rows}
    return next((one for one in plan.invalid if one.person in persons and one.email in spelled), None)


def _notes(seen: Observation, view: View, rows: Sequence[Recipient], sides: Sides) -> tuple[str, ...]:
    sharers = len({row.person for row in rows})
    moved = seen.contact is not None and seen.contact.address != seen.address
    notes = (
        *_elsewhere(seen, view),
        f"{sharers} people share this address; the first one gives the fields" if sharers > 1 else "",
        f"in Mailchimp the contact has the address {seen.contact.address} by now"
        if moved and seen.contact
        else "",
        _unread("the list was not read completely from OTYS", sides.recipients.tally),
        _unread("the audience was not read completely from Mailchimp", sides.contacts.tally),
    )
    return tuple(note for note in notes if note)


def _elsewhere(seen: Observation, view: View) -> list[str]:
    return sorted(
        f"{person} is on the list in OTYS as {view.address_of[person]}"
        for person in seen.persons
        if view.address_of.get(person, seen.address) != seen.address
    )


def _unread(what: str, tally: Tally) -> str:
    return "" if tally.complete else f"{what}: {tally.problem}"


def _synced_as(seen: Observation, sides: Sides) -> Address | None:
    if seen.contact is None or seen.row is not None or not seen.contact.contact_id:
        return None
    rows = sides.base.rows.values()
    return next((row.address for row in rows if row.contact_id == seen.contact.contact_id), None)


def _recipients(rows: Sequence[Recipient], seen: Observation) -> tuple[RecipientDocument, ...]:
    order = () if seen.listed is None else seen.listed.persons
    ranked = sorted(rows, key=lambda row: order.index(row.person) if row.person in order else len(order))
    return tuple(
        RecipientDocument(
            uid=row.uid,
            person=str(row.person),
            email=row.email,
            values=row.values,
            opted_out=row.opted_out,
            gives_fields=place == 0,
        )
        for place, row in enumerate(ranked)
    )


def _contact(seen: Observation) -> ContactDocument | None:
    contact = seen.contact
    if contact is None:
        return None
    return ContactDocument(
        email=contact.address,
        standing=contact.standing,
        fields=contact.fields,
        id=contact.id,
        contact_id=contact.contact_id,
    )


def _row(row: BaseRow | None) -> RowDocument | None:
    if row is None:
        return None
    return RowDocument(
        state=row.state,
        email=row.address,
        persons=_names(row.persons),
        fields=row.fields,
        contact_id=row.contact_id,
    )


def _nos(seen: Observation, remembered: Remembered | None) -> tuple[NoDocument, ...]:
    stored: Sequence[RememberedNo] = () if remembered is None else remembered.nos
    known = tuple(map(_remembered_no, stored)) or tuple(map(_no, seen.nos))
    return (*known, *map(_no, seen.inherited))


def _remembered_no(one: RememberedNo) -> NoDocument:
    ended = {"ended_at": _moment(one.ended_at), "ended_by": one.ended_by}
    return msgspec.structs.replace(_no(one.no), **ended)


def _no(no: No) -> NoDocument:
    return NoDocument(
        email=no.address,
        reason=no.reason,
        since=_moment(no.since),
        ended_at=None,
        persons=_names(no.persons),
    )


def _refusals(refusals: Sequence[Refusal], address: Address) -> tuple[RefusalDocument, ...]:
    return tuple(_refusal(one) for one in refusals if one.address == address)


def _refusal(refusal: Refusal) -> RefusalDocument:
    return RefusalDocument(
        verb=refusal.verb,
        kind=refusal.kind,
        detail=refusal.detail,
        since=refusal.since.isoformat(),
        retry_after=_moment(refusal.retry_after),
    )


def _planned(pairing: Pairing, change: Change | None) -> PlannedDocument | None:
    if change is None or not pairing.syncs:
        return None
    return PlannedDocument(
        verb=change.verb,
        email=change.address,
        reason=change.reason,
        before=change.before,
        after=change.after,
    )


def _withheld(proposal: Proposal | None, proposed: frozenset[str]) -> WithheldDocument | None:
    if proposal is None:
        return None
    return WithheldDocument(
        message=proposal.message,
        digest=proposal.digest,
        approvable=proposal.approvable,
        proposed=proposal.digest in proposed,
    )


def _names(persons: Sequence[Person]) -> tuple[str, ...]:
    return tuple(str(person) for person in persons)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
