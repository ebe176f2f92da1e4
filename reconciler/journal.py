"""Sees to it that history knows of every change that reached Mailchimp, even of a pass that was cut off.

The plan that a pass keeps before it writes is the journal; an intent beside it stays open until it is known
what became of all of it. The next pass compares that plan with what Mailchimp shows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.document import ChangeDocument, ListDocument
from reconciler.model import (
    Address,
    Audience,
    BaseMove,
    BaseRow,
    BaseState,
    Change,
    Contact,
    ListBase,
    ListChange,
    ListOutcome,
    ListUid,
    ListVerb,
    Outcome,
    PassId,
    Person,
    Result,
    Standing,
    Verb,
)
from reconciler.pairing import Pairing
from reconciler.plan import Sides
from reconciler.record import read_plan
from reconciler.running import Pass
from reconciler.sides import read_base
from reconciler.store import Intent, IntentKind, OutcomeRecord

FOUND_DONE = "found done: the pass was cut off before it could record it"


def begin_writing(running: Pass, list_uid: ListUid) -> int:
    """Given a list whose plan is kept and about to be carried out, open its intent; return its number."""
    client = running.client
    return client.store.intend(client.name, list_uid, IntentKind.APPLY, {}, running.id, running.now())


def end_writing(running: Pass, intent: int) -> None:
    """Given the intent of a list, close it, as it is known what became of every change."""
    running.client.store.settle(intent, result=Result.APPLIED, detail={}, now=running.now())


def catch_up(running: Pass, pairing: Pairing, sides: Sides) -> Sides:
    """Given the sides of a list, record what earlier passes did to it and could not record.

    Return the sides with the base as it stands then. Raise RemoteError when a look-up fails.
    """
    cut_off = running.cut_off.get(pairing.list_uid, ())
    if running.sink is None or not cut_off or pairing.audience is None:
        return sides
    client = running.client
    for intent in cut_off:
        journal = _journal(running, intent)
        if journal is not None and journal.audience == pairing.audience.id:
            _settle(_CutOff(running, intent.pass_id, pairing, pairing.audience, sides), journal)
        client.store.settle(intent.id, result=Result.APPLIED, detail={}, now=running.now())
    return replace(sides, base=read_base(running, pairing))


def record_creation(running: Pass, intent: Intent) -> None:
    """Given the intent of an audience that turns out to be there, record its creation unless that is done."""
    store, client = running.client.store, running.client.name
    recorded = {(one.list_uid, one.verb) for one in store.outcomes(intent.pass_id)}
    if (intent.list_uid, ListVerb.CREATE) in recorded:
        return
    name = intent.detail["name"]
    created = ListChange(
        verb=ListVerb.CREATE,
        list_uid=intent.list_uid,
        list_name=name,
        audience_id=None,
        reason=intent.detail.get("reason", "flagged in GE203"),
        after={"name": name},
    )
    outcome = ListOutcome(change=created, result=Result.APPLIED, detail=FOUND_DONE)
    store.record_list(intent.pass_id, client, outcome, running.now())


def _journal(running: Pass, intent: Intent) -> ListDocument | None:
    client = running.client
    body = client.store.plan_bodies(client.name, intent.pass_id).get(intent.list_uid)
    return None if body is None else read_plan(body)


@dataclass(frozen=True, slots=True)
class _CutOff:
    """A pass that was cut off, and one of its lists as it is found now."""

    running: Pass
    pass_id: PassId
    pairing: Pairing
    audience: Audience
    sides: Sides

    def contact(self, address: str) -> Contact | None:
        """Given an address, return the contact; what an incomplete snapshot lacks is looked up."""
        found = next((one for one in self.sides.contacts.contacts if one.address == address), None)
        if found is None and not self.sides.contacts.tally.complete:
            return self.running.source.contact(self.audience.id, address)
        return found


def _settle(cut_off: _CutOff, journal: ListDocument) -> None:
    running, list_uid = cut_off.running, cut_off.pairing.list_uid
    store, client = running.client.store, running.client.name
    known = [one for one in store.outcomes(cut_off.pass_id) if one.list_uid == list_uid]
    for outcome in _list_outcomes(cut_off, journal, known):
        store.record_list(cut_off.pass_id, client, outcome, running.now())
    outcomes = list(_contact_outcomes(cut_off, journal, known))
    store.record(cut_off.pass_id, client, list_uid, outcomes, running.now())


# -- changes of the audience ----------------------------------------------------------------------------


def _list_outcomes(
    cut_off: _CutOff, journal: ListDocument, known: list[OutcomeRecord]
) -> Iterator[ListOutcome]:
    """Changes of one kind are carried out in their order, so the first ones are those that are known."""
    recorded = Counter((one.verb, one.reason) for one in known if not one.address_key)
    for change in (one for one in journal.changes if one.verb in _EDITS):
        if recorded[change.verb, change.reason]:
            recorded[change.verb, change.reason] -= 1
        elif _audience_shows(cut_off, change):
            yield ListOutcome(
                change=ListChange(
                    verb=ListVerb(change.verb),
                    list_uid=cut_off.pairing.list_uid,
                    list_name=cut_off.pairing.list_name,
                    audience_id=cut_off.audience.id,
                    reason=change.reason,
                    before=change.before,
                    after=change.after,
                ),
                result=Result.APPLIED,
                detail=FOUND_DONE,
            )


_EDITS = (ListVerb.RENAME_AUDIENCE, ListVerb.UPDATE_SETTINGS)


def _audience_shows(cut_off: _CutOff, change: ChangeDocument) -> bool:
    tag = change.after.get("merge_field")
    if tag is not None:
        return tag in cut_off.running.source.merge_field_tags(cut_off.audience.id)
    audience = cut_off.audience
    shown = {"name": audience.name, "permission_reminder": audience.permission_reminder}
    return all(shown[key] == value for key, value in change.after.items())


# -- changes of contacts --------------------------------------------------------------------------------


def _contact_outcomes(
    cut_off: _CutOff, journal: ListDocument, known: list[OutcomeRecord]
) -> Iterator[Outcome]:
    latest = {(one.verb, one.address_key): one.result for one in known if one.address_key}
    key_address = cut_off.running.client.store.key_address
    for change in journal.changes:
        reached = _REACHED.get(change.verb)
        if reached is None or change.result is not None:
            continue
        result = latest.get((change.verb, key_address(change.email or "")))
        if result in (None, Result.RETRY_LATER) and reached(cut_off, change):
            yield Outcome(change=_change(cut_off, change), result=Result.APPLIED, detail=FOUND_DONE)


def _is_added(cut_off: _CutOff, change: ChangeDocument) -> bool:
    """Whatever became of the contact since: who was not there before and is now was added."""
    contact = cut_off.contact(change.after["email"])
    return contact is not None and contact.standing != change.before.get("status")


def _is_edited(cut_off: _CutOff, change: ChangeDocument) -> bool:
    contact = cut_off.contact(change.before.get("email", change.email or ""))
    return contact is not None and all(contact.fields.get(tag) == text for tag, text in change.after.items())


def _is_renamed(cut_off: _CutOff, change: ChangeDocument) -> bool:
    return (
        cut_off.contact(change.after["email"]) is not None and cut_off.contact(change.before["email"]) is None
    )


def _is_removed(cut_off: _CutOff, change: ChangeDocument) -> bool:
    contact = cut_off.contact(change.before.get("email", change.email or ""))
    return contact is not None and contact.standing is Standing.ARCHIVED


_REACHED: Mapping[str, Callable[[_CutOff, ChangeDocument], bool]] = {
    Verb.ADD: _is_added,
    Verb.ADOPT: _is_edited,
    Verb.UPDATE: _is_edited,
    Verb.RENAME: _is_renamed,
    Verb.REMOVE: _is_removed,
}


def _change(cut_off: _CutOff, done: ChangeDocument) -> Change:
    """Only who came or left moves the base: all else the plan of this pass takes up where it is now."""
    address, base = Address(done.email or ""), cut_off.sides.base
    persons = tuple(Person(kind, uid) for kind, _, uid in (one.partition(":") for one in done.persons))
    row = base.rows.get(address)
    if done.verb == Verb.REMOVE:
        row = _removed(row, base)
    elif done.verb == Verb.ADD:
        row = _added(cut_off, done, persons)
    return Change(
        verb=Verb(done.verb),
        address=address,
        reason=done.reason,
        before=done.before,
        after=done.after,
        move=BaseMove(address=address, row=row),
        persons=persons,
    )


def _added(cut_off: _CutOff, done: ChangeDocument, persons: tuple[Person, ...]) -> BaseRow:
    """It is ours even if nobody lists it any more, or if it said no since: both have to be noticed."""
    address = Address(done.email or "")
    contact = cut_off.contact(address)
    return BaseRow(
        address=address,
        state=BaseState.ACTIVE,
        persons=persons,
        fields={tag: text for tag, text in done.after.items() if tag not in ("status", "email")},
        contact_id="" if contact is None else contact.contact_id,
    )


def _removed(row: BaseRow | None, base: ListBase) -> BaseRow | None:
    if row is None or any(no.address == row.address for no in base.nos):
        return None
    return replace(row, state=BaseState.REMOVED)
