"""One sentence that says why an address is or is not in an audience, and what happens next. Pure."""

from dataclasses import dataclass

from reconciler.changes import NO_TEXT
from reconciler.diff import Rule
from reconciler.guard import Proposal
from reconciler.listing import Invalid
from reconciler.model import (
    Address,
    BaseState,
    Change,
    Listing,
    ListVerb,
    NoReason,
    RefusalKind,
    Standing,
    Verb,
)
from reconciler.observe import REACHED, Observation
from reconciler.pairing import Pairing
from reconciler.plan import Refused
from reconciler.wording import describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is known of one address in one list."""

    pairing: Pairing
    seen: Observation
    rule: Rule
    change: Change | None = None
    refused: Refused | None = None
    proposal: Proposal | None = None
    invalid: Invalid | None = None
    synced_as: Address | None = None
    """The address under which this very contact was synced, if it was changed in Mailchimp."""


def answer(case: Case) -> str:
    """Given what is known of one address in one list, return the answer to "why, and what next"."""
    if not case.pairing.syncs:
        return _left_alone(case)
    if case.change is not None:
        return _changing(case, case.change)
    if case.refused is not None:
        return _refused(case.refused)
    if case.invalid is not None:
        return f"It is on the list in OTYS, but cannot be mailed: {_sentence(case.invalid.reason)}"
    if case.synced_as is not None:
        return (
            f"It is the contact that was synced as {case.synced_as}: the address was changed in Mailchimp. "
            f"What becomes of it is told under {case.synced_as}."
        )
    return _settled(case.seen, case.rule)


def no_in_words(reasons: frozenset[NoReason]) -> str:
    """Given the reasons of nos, return them in words."""
    return " and ".join(NO_TEXT[reason] for reason in NoReason if reason in reasons)


def _left_alone(case: Case) -> str:
    pairing = case.pairing
    what = next((change for change in pairing.changes if change.verb is ListVerb.HOLD), None)
    where = _where(case.seen)
    if what is not None:
        return f"{where}, and the next pass leaves it so: {_sentence(what.reason)}"
    reason = "; ".join(change.reason for change in pairing.changes) or "this list is not synchronised"
    waits = f" ({pairing.waits})" if pairing.waits else ""
    return f"{where}. The list as a whole: {_sentence(reason + waits)}"


def _where(seen: Observation) -> str:
    on_list = {
        Listing.LISTED: "It is on the list in OTYS",
        Listing.ABSENT: "It is not on the list in OTYS",
        Listing.OPTED_OUT: "It opted out in OTYS",
    }[seen.listing]
    there = "not in Mailchimp" if seen.contact is None else f"{seen.standing} in Mailchimp"
    return f"{on_list} and {there}"


def _changing(case: Case, change: Change) -> str:
    if case.proposal is None:
        return _next(case, change)
    why = _sentence(case.proposal.message)
    return f"{_next(case, change).removesuffix('.')}, but a guard withholds that: {why}"


def _next(case: Case, change: Change) -> str:
    match change.verb:
        case Verb.ADD:
            return _added(case, change)
        case Verb.ADOPT if case.rule is Rule.CAME_BACK:
            return "It subscribed again by its own action, and the next pass counts it as ours once more."
        case Verb.UPDATE:
            written = ", ".join(describe(change.before, change.after))
            return f"It is in the audience, and the next pass writes {written}."
        case Verb.RENAME:
            old, new = change.before["email"], change.after["email"]
            return f"It is in the audience as {old}, and the next pass changes the address to {new}."
        case _:
            return _NEXT[change.verb].format(reason=change.reason.rstrip("."))


_NEXT = {
    Verb.ADOPT: "It is subscribed in Mailchimp already, and the next pass takes it over as ours.",
    Verb.REMOVE: "It is in the audience, but {reason}: the next pass removes (archives) it.",
    Verb.SUPPRESS: "It is not mailed ({reason}); the next pass remembers that.",
    Verb.FORGET: "It is gone on both sides, and the next pass forgets it.",
    Verb.HOLD: "The next pass leaves it as it is: {reason}.",
}


def _added(case: Case, change: Change) -> str:
    if case.pairing.audience is None:
        return "It is on the list in OTYS; the next pass creates the audience in Mailchimp and adds it."
    if change.contact is not None:
        return (
            f"It is {change.contact.standing} in Mailchimp, and the next pass subscribes it: {change.reason}."
        )
    return "It is on the list in OTYS and not in the audience yet; the next pass adds it."


def _refused(refused: Refused) -> str:
    refusal = refused.refusal
    verb = refused.change.verb
    until = "until its data changes in OTYS"
    if refusal.kind is RefusalKind.UNDONE:
        return f"A pass would {verb} it, but that was {refusal.detail}; it is left alone {until}."
    if refusal.retry_after is not None:
        until = f"before {refusal.retry_after:%Y-%m-%d %H:%M} UTC"
    kind = refusal.kind.value.replace("_", " ")
    detail = f": {refusal.detail.rstrip('.')}" if refusal.detail else ""
    return f"Mailchimp refused to {verb} it ({kind}{detail}), and that is not tried again {until}."


def _settled(seen: Observation, rule: Rule) -> str:
    match seen.base:
        case BaseState.SUPPRESSED:
            return _suppressed(seen)
        case BaseState.ACTIVE if seen.standing is Standing.SUBSCRIBED:
            return "It is in the audience and in step with OTYS; there is nothing to do."
        case BaseState.REMOVED if seen.listing is Listing.ABSENT:
            return f"It left the list in OTYS, so it was removed from the audience; now {_shown(seen)}."
        case _ if rule is Rule.WAIT or (seen.standing in REACHED and seen.listing is Listing.LISTED):
            return f"It is on the list in OTYS, but {seen.standing} in Mailchimp: a confirmation is awaited."
        case _ if seen.listing is Listing.OPTED_OUT:
            return "It opted out in OTYS, so it is not added."
        case _ if seen.contact is not None:
            return (
                f"It is not on the list in OTYS and not ours; in Mailchimp it is {seen.standing}. "
                "Somebody else put it there, and it is left alone."
            )
        case _:
            return "It is on neither side now, and nothing is to be done."


def _suppressed(seen: Observation) -> str:
    since = min((no.since for no in (*seen.nos, *seen.inherited) if no.since), default=None)
    under = "" if seen.nos else ", under an earlier address"
    when = f", remembered since {since:%Y-%m-%d}" if since else ""
    ends = "that ends when it subscribes again by its own action"
    if seen.reasons == {NoReason.TAKEN_OUT}:
        ends += ", or leaves the list in OTYS"
    return f"It is not mailed ({no_in_words(seen.reasons)}{under}{when}); {ends}."


def _shown(seen: Observation) -> str:
    return "it is not in Mailchimp" if seen.contact is None else f"it is {seen.standing} there"


def _sentence(text: str) -> str:
    return text.rstrip(".") + "."
