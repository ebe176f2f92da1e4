"""From a decision about one address to the change that carries it out and the memory it leaves. Pure."""

from dataclasses import replace

from reconciler.diff import Decision, Rule
from reconciler.fields import Merge, merge
from reconciler.model import (
    BaseMove,
    BaseRow,
    BaseState,
    Change,
    Fields,
    Listing,
    No,
    NoReason,
    Standing,
    Verb,
)
from reconciler.observe import Observation
from reconciler.policy import FieldConflicts

NO_TEXT = {
    NoReason.UNSUBSCRIBED: "unsubscribed in Mailchimp",
    NoReason.BOUNCED: "bounced in Mailchimp",
    NoReason.FORGOTTEN: "permanently deleted in Mailchimp",
    NoReason.COMPLIANCE: "in a compliance state in Mailchimp",
    NoReason.OPTED_OUT: "opted out in OTYS",
    NoReason.TAKEN_OUT: "taken out by somebody in Mailchimp",
}


def carry_out(seen: Observation, decision: Decision, conflicts: FieldConflicts) -> Change | BaseMove | None:
    """Given what was seen of an address and decided, return the change, a quiet move, or nothing."""
    match decision.verb:
        case Verb.ADD:
            return _add(seen, decision, conflicts)
        case Verb.ADOPT:
            return _adopt(seen, decision, conflicts)
        case Verb.REMOVE:
            return _remove(seen, decision)
        case Verb.SUPPRESS:
            return _suppress(seen, decision)
        case Verb.FORGET:
            return _noted(seen, Verb.FORGET, decision.rule, BaseMove(address=seen.address, row=None))
        case Verb.HOLD:
            return hold(seen, decision.rule)
        case _:
            return _without_verb(seen, decision, conflicts)


def hold(seen: Observation, reason: str) -> Change:
    """Given an address and a reason, return a change that leaves everything as it is and says so."""
    return _noted(seen, Verb.HOLD, reason, BaseMove(address=seen.address, row=seen.row))


def rename(old: Observation, new: Observation, conflicts: FieldConflicts) -> Change:
    """Given the old and the new address of a person, return the change that moves the contact along."""
    merged = _merged(new, conflicts, base=old.row.fields if old.row else {}, shown=_fields_of(old))
    move = BaseMove(address=new.address, row=_row(new, merged, contact_of=old), replaces=old.address)
    shown = old.contact.address if old.contact else old.address
    before, after = _shown(_fields_of(old), merged.writes)
    return Change(
        verb=Verb.RENAME,
        address=new.address,
        reason="the address changed in OTYS",
        before={"email": shown, **before},
        after={"email": new.address, **after},
        fields=merged.writes,
        contact=old.contact,
        row_before=old.row,
        move=move,
        persons=new.persons,
    )


def _add(seen: Observation, decision: Decision, conflicts: FieldConflicts) -> Change:
    merged = _merged(seen, conflicts)
    return Change(
        verb=Verb.ADD,
        address=seen.address,
        reason=decision.rule,
        before={} if seen.contact is None else {"status": seen.standing},
        after={"status": Standing.SUBSCRIBED, "email": seen.address, **merged.writes},
        fields=merged.writes,
        contact=seen.contact,
        row_before=seen.row,
        move=BaseMove(address=seen.address, row=_row(seen, merged)),
        persons=seen.persons,
    )


def _adopt(seen: Observation, decision: Decision, conflicts: FieldConflicts) -> Change:
    merged = _merged(seen, conflicts)
    before, after = _shown(_fields_of(seen), merged.writes)
    return Change(
        verb=Verb.ADOPT,
        address=seen.address,
        reason=decision.rule,
        before=before,
        after=after,
        fields=merged.writes,
        contact=seen.contact,
        row_before=seen.row,
        move=BaseMove(address=seen.address, row=_row(seen, merged), ends_no=bool(seen.nos)),
        persons=seen.persons,
    )


def _remove(seen: Observation, decision: Decision) -> Change:
    row = None
    if seen.row is not None and not decision.no:
        row = replace(seen.row, address=seen.address, state=BaseState.REMOVED)
    return Change(
        verb=Verb.REMOVE,
        address=seen.address,
        reason=decision.rule,
        before={"status": seen.standing},
        after={"status": Standing.ARCHIVED},
        contact=seen.contact,
        row_before=seen.row,
        move=BaseMove(address=seen.address, row=row, no=_no(seen, decision)),
        persons=seen.persons,
        consent=decision.consent or bool(seen.nos),
    )


def _suppress(seen: Observation, decision: Decision) -> Change:
    no = _no(seen, decision)
    reason = NO_TEXT[no.reason] if no else decision.rule
    return _noted(seen, Verb.SUPPRESS, reason, BaseMove(address=seen.address, row=None, no=no))


def _without_verb(
    seen: Observation, decision: Decision, conflicts: FieldConflicts
) -> Change | BaseMove | None:
    if decision.rule is Rule.KEEP:
        return _keep(seen, conflicts)
    if decision.no:
        return BaseMove(address=seen.address, row=None, no=_no(seen, decision))
    if decision.base is not seen.base:
        return BaseMove(address=seen.address, row=None, ends_no=bool(seen.nos))
    if seen.base is not BaseState.SUPPRESSED:
        return None
    return _inherit(seen) if seen.inherited and not seen.nos else _join(seen)


def _join(seen: Observation) -> BaseMove | None:
    """Somebody new behind an address that said no reads the same mailbox: the no is theirs as well."""
    for no in seen.nos:
        # An opt-out in OTYS is of whoever shares the address for as long as OTYS shows it there.
        shown = no.reason is NoReason.OPTED_OUT and seen.listing is Listing.OPTED_OUT
        if (no.reason.is_of_mailbox or shown) and not set(seen.persons) <= set(no.persons):
            return BaseMove(address=seen.address, row=seen.row, no=replace(no, persons=seen.persons))
    return None


def _keep(seen: Observation, conflicts: FieldConflicts) -> Change | BaseMove | None:
    merged = _merged(seen, conflicts)
    row = _row(seen, merged)
    move = BaseMove(address=seen.address, row=row)
    if not merged.writes:
        return None if row == seen.row else move
    before, after = _shown(_fields_of(seen), merged.writes)
    return Change(
        verb=Verb.UPDATE,
        address=seen.address,
        reason="changed in OTYS",
        before=before,
        after=after,
        fields=merged.writes,
        contact=seen.contact,
        row_before=seen.row,
        move=move,
        persons=seen.persons,
    )


def _inherit(seen: Observation) -> Change:
    """A person who said no under an earlier address takes the no along to this one."""
    reason = seen.inherited[0].reason
    said = {person for no in seen.inherited for person in no.persons}
    persons = tuple(person for person in seen.persons if person in said)
    no = No(address=seen.address, persons=persons, reason=reason)
    text = f"{NO_TEXT[reason]}, under an earlier address"
    return _noted(seen, Verb.SUPPRESS, text, BaseMove(address=seen.address, row=None, no=no))


def _noted(seen: Observation, verb: Verb, reason: str, move: BaseMove) -> Change:
    """A change that Mailchimp does not notice: only our memory moves."""
    status = {"status": str(seen.standing)}
    return Change(
        verb=verb,
        address=seen.address,
        reason=reason,
        before=status,
        after=status,
        contact=seen.contact,
        row_before=seen.row,
        move=move,
        persons=seen.persons,
        consent=move.no is not None,
    )


def no_at(seen: Observation, reason: NoReason) -> No:
    """Given an address and the reason of a no there, return the no of whoever it counts for.

    They share the mailbox, or did when it was reached last. An opt-out in OTYS is shown now: who had left
    the address by then has nothing to do with it.
    """
    known = () if seen.row is None or reason is NoReason.OPTED_OUT else seen.row.persons
    return No(address=seen.address, persons=tuple(dict.fromkeys((*seen.persons, *known))), reason=reason)


def _no(seen: Observation, decision: Decision) -> No | None:
    return None if decision.no is None else no_at(seen, decision.no)


def _merged(
    seen: Observation,
    conflicts: FieldConflicts,
    *,
    base: Fields | None = None,
    shown: Fields | None = None,
) -> Merge:
    return merge(
        base=(seen.row.fields if seen.row else {}) if base is None else base,
        otys=seen.listed.fields if seen.listed else {},
        mailchimp=_fields_of(seen) if shown is None else shown,
        conflicts=conflicts,
    )


def _row(seen: Observation, merged: Merge, *, contact_of: Observation | None = None) -> BaseRow:
    contact = (contact_of or seen).contact
    return BaseRow(
        address=seen.address,
        state=BaseState.ACTIVE,
        persons=seen.persons,
        fields=merged.base,
        contact_id="" if contact is None else contact.contact_id,
    )


def _fields_of(seen: Observation) -> Fields:
    return {} if seen.contact is None else seen.contact.fields


def _shown(fields: Fields, writes: Fields) -> tuple[Fields, Fields]:
    return {tag: fields.get(tag, "") for tag in writes}, dict(writes)
