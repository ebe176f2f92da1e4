"""What would turn one change of an earlier pass around, as the world stands now. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.changes import NO_TEXT
from reconciler.document import ChangeDocument
from reconciler.model import (
    Address,
    BaseMove,
    BaseRow,
    BaseState,
    Change,
    Contact,
    Fields,
    ListChange,
    No,
    Person,
    Result,
    Standing,
    Verb,
)
from reconciler.observe import REACHED, View

UNDOES = "undoes pass "
"""Begins the reason of every change that undoes another one; the number of its pass follows."""
NOTHING_WRITTEN = "it wrote nothing to Mailchimp: who said no or is gone stays so"
_NOT_FIELDS = ("email", "status")


class Verdict(StrEnum):
    """What there is to do about a change that is to be undone."""

    TO_DO = "to_do"
    ALREADY_TRUE = "already_true"
    """It is as it was before, whoever saw to that."""
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverse:
    """A change of an earlier pass, and what undoes it."""

    done: ChangeDocument
    verdict: Verdict
    reason: str = ""
    """Why there is nothing to do, or nothing that can be done."""
    change: Change | None = None
    list_change: ListChange | None = None


ERASED = "somebody who was erased on request stands behind that address"


class Inverter:
    """Inverts changes of one list that is seen on all three sides."""

    def __init__(
        self,
        view: View,
        held_back: Mapping[Address, Change],
        reason: str,
        erased: Collection[Address] = frozenset(),
    ) -> None:
        """Given the list, the adoptions that an earlier undo holds back, and why changes are made.

        `erased`: the addresses behind which somebody stands who was erased on request.
        """
        self._view = view
        self._erased = erased
        self._held_back = held_back
        self._reason = reason
        self._no_at: dict[Address, No] = {no.address: no for no in view.base.nos}
        self._no_of: dict[Person, No] = {
            person: no for no in view.base.nos if no.reason.follows_person for person in no.persons
        }

    def invert(self, done: ChangeDocument) -> Inverse:
        """Given a change of a contact that is true since an earlier pass, return what undoes it."""
        if done.is_forgotten:
            return impossible(
                done, "it is not known any more whom it was about: that was erased, or is too old"
            )
        address = Address(done.email or "")
        match done.verb:
            case Verb.ADD if done.result == Result.APPLIED:
                return self._archive(done, address)
            case Verb.ADD | Verb.ADOPT:
                return self._let_go(done, address)
            case Verb.REMOVE:
                return self._bring_back(done, address)
            case Verb.UPDATE | Verb.FORGET if self._let_go_of(done, address):
                return _to_do(done, self._held_back[address])
            case Verb.UPDATE:
                return self._write_back(done, address)
            case Verb.RENAME:
                return self._rename_back(done, address)
            case _:
                return impossible(done, NOTHING_WRITTEN)

    def _archive(self, done: ChangeDocument, address: Address) -> Inverse:
        """What we added leaves again, as long as it is ours."""
        contact, row = self._contact_of(address), self._view.base.rows.get(address)
        if contact is None or contact.standing is Standing.ARCHIVED:
            return already(done, "it is not in the audience any more")
        objection = self._cannot_touch(done, address, row, contact)
        if objection or row is None:
            return impossible(done, objection)
        return _to_do(
            done,
            self._change(
                Verb.REMOVE,
                contact,
                row,
                before={"status": contact.standing},
                after={"status": Standing.ARCHIVED},
                move=BaseMove(address=address, row=replace(row, state=BaseState.REMOVED)),
            ),
        )

    def _let_go(self, done: ChangeDocument, address: Address) -> Inverse:
        """What was there before us stays there, with its values of then, and is not ours any more."""
        contact, row = self._contact_of(address), self._view.base.rows.get(address)
        if row is None or row.state is not BaseState.ACTIVE:
            return already(done, "it is not ours any more")
        objection = self._cannot_touch(done, address, row, contact)
        if objection or contact is None:
            return impossible(done, objection)
        move = BaseMove(address=address, row=None)
        values = _values_to_restore(done, contact) if done.verb == Verb.ADOPT else {}
        if values:
            return _to_do(done, self._written(Verb.UPDATE, contact, row, values, move))
        status = {"status": str(contact.standing)}
        return _to_do(done, self._change(Verb.FORGET, contact, row, before=status, after=status, move=move))

    def _bring_back(self, done: ChangeDocument, address: Address) -> Inverse:
        """What we archived comes back, unless anybody behind it said no."""
        contact, row = self._view.contacts.get(address), self._view.base.rows.get(address)
        if done.consent:
            return impossible(done, "it honoured somebody's no")
        objection = self._objection(done, address) or self._erased_at(address)
        if objection:
            return impossible(done, objection)
        if contact is not None and contact.standing is Standing.SUBSCRIBED:
            return already(done, "it is subscribed")
        if done.result != Result.APPLIED or done.before.get("status") != Standing.SUBSCRIBED:
            return impossible(done, "it was not subscribed when that pass came to it")
        if contact is None:
            return impossible(done, "it was deleted in Mailchimp since then")
        if contact.standing is not Standing.ARCHIVED:
            return impossible(done, f"it is {contact.standing} in Mailchimp by now")
        if row is None or row.state is not BaseState.REMOVED or not row.may_be_of(contact.contact_id):
            return impossible(done, "it was not archived by us last")
        return _to_do(
            done,
            self._change(
                Verb.ADD,
                contact,
                row,
                before={"status": contact.standing},
                after={"status": Standing.SUBSCRIBED, "email": address},
                move=BaseMove(address=address, row=replace(row, state=BaseState.ACTIVE)),
            ),
        )

    def _write_back(self, done: ChangeDocument, address: Address) -> Inverse:
        """The values of before, where Mailchimp still shows those of after."""
        contact, row = self._contact_of(address), self._view.base.rows.get(address)
        objection = self._objection(done, address) or _not_ours(row, contact) or _not_reached(contact)
        if objection or contact is None or row is None:
            return impossible(done, objection)
        values = _values_to_restore(done, contact)
        if not values:
            return _nothing_to_restore(done, contact)
        # With the base as it was before, the planner sees again what it wrote then: a release redoes it.
        move = BaseMove(address=address, row=replace(row, fields={**row.fields, **values}))
        return _to_do(done, self._written(Verb.UPDATE, contact, row, values, move))

    def _rename_back(self, done: ChangeDocument, address: Address) -> Inverse:
        """The old address, if nobody else has it by now."""
        old, rows = Address(done.before["email"]), self._view.base.rows
        contact, row = self._contact_of(address), rows.get(address)
        ours_at_old = row is None and old in rows and rows[old].state is BaseState.ACTIVE
        if ours_at_old or (contact is not None and contact.address == old):
            return already(done, "it has its old address")
        objection = (
            self._erased_at(old)
            or self._objection(done, address)
            or _not_ours(row, contact)
            or _not_reached(contact)
            or _moved(contact, address)
            or self._taken(old, row)
        )
        if objection or contact is None or row is None:
            return impossible(done, objection)
        values = _values_to_restore(done, contact)
        row_of_old = replace(row, address=old, fields={**row.fields, **values})
        move = BaseMove(address=old, row=row_of_old, replaces=address)
        change = self._written(Verb.RENAME, contact, row, values, move)
        before, after = {"email": address, **change.before}, {"email": old, **change.after}
        return _to_do(done, replace(change, before=before, after=after))

    # -- what is asked of the three sides ---------------------------------------------------------------

    def _cannot_touch(
        self, done: ChangeDocument, address: Address, row: BaseRow | None, contact: Contact | None
    ) -> str:
        return (
            self._objection(done, address)
            or _not_ours(row, contact)
            or _not_subscribed(contact)
            or _moved(contact, address)
        )

    def _erased_at(self, address: Address) -> str:
        return ERASED if address in self._erased else ""

    def _let_go_of(self, done: ChangeDocument, address: Address) -> bool:
        """Whether it was done by an undo that let go of what was adopted: it is ours again then."""
        return done.reason.startswith(UNDOES) and address in self._held_back

    def _contact_of(self, address: Address) -> Contact | None:
        return self._view.observe(address).contact

    def _objection(self, done: ChangeDocument, address: Address) -> str:
        """Whoever said no is left alone in every way: only an ordinary pass has to do with them."""
        persons = {*self._persons(done), *self._behind(address)}
        if persons & self._view.opted_out:
            return "somebody behind it opted out in OTYS"
        said = (self._no_at.get(address), *(self._no_of.get(person) for person in sorted(persons)))
        no = next((no for no in said if no is not None), None)
        return "" if no is None else f"somebody behind it said no: {NO_TEXT[no.reason]}"

    def _behind(self, address: Address) -> Iterable[Person]:
        listed, row = self._view.listings.by_address.get(address), self._view.base.rows.get(address)
        return (*(() if listed is None else listed.persons), *(() if row is None else row.persons))

    def _persons(self, done: ChangeDocument) -> Iterable[Person]:
        return (Person(kind, uid) for kind, _, uid in (person.partition(":") for person in done.persons))

    def _taken(self, address: Address, by_now: BaseRow | None) -> str:
        view, listed = self._view, self._view.listings.by_address.get(address)
        ours = () if by_now is None else by_now.persons
        others = listed is not None and not set(listed.persons).issubset(ours)
        if address in self._no_at:
            return f"its old address may not be mailed: {NO_TEXT[self._no_at[address].reason]}"
        if others or address in view.contacts or address in view.base.rows:
            return "its old address belongs to somebody else by now"
        return ""

    # -- the change that undoes --------------------------------------------------------------------------

    def _written(self, verb: Verb, contact: Contact, row: BaseRow, values: Fields, move: BaseMove) -> Change:
        before = {tag: contact.fields.get(tag, "") for tag in values}
        change = self._change(verb, contact, row, before=before, after=values, move=move)
        return replace(change, fields=values)

    def _change(
        self,
        verb: Verb,
        contact: Contact,
        row: BaseRow,
        *,
        before: Fields,
        after: Fields,
        move: BaseMove,
    ) -> Change:
        return Change(
            verb=verb,
            address=move.address,
            reason=self._reason,
            before=before,
            after=after,
            contact=contact,
            row_before=row,
            move=move,
            persons=row.persons,
        )


def impossible(done: ChangeDocument, reason: str) -> Inverse:
    """Given a change and why it cannot be inverted, return that."""
    return Inverse(done=done, verdict=Verdict.IMPOSSIBLE, reason=reason)


def _to_do(done: ChangeDocument, change: Change) -> Inverse:
    return Inverse(done=done, verdict=Verdict.TO_DO, change=change)


def already(done: ChangeDocument, reason: str) -> Inverse:
    """Given a change and how it is seen to be undone, return that."""
    return Inverse(done=done, verdict=Verdict.ALREADY_TRUE, reason=reason)


def _not_ours(row: BaseRow | None, contact: Contact | None) -> str:
    if row is None or row.state is not BaseState.ACTIVE:
        return "it is not ours any more at this address"
    another = contact is not None and not row.may_be_of(contact.contact_id)
    return "another contact has this address by now" if another else ""


def _not_subscribed(contact: Contact | None) -> str:
    standing = Standing.ABSENT if contact is None else contact.standing
    return "" if standing is Standing.SUBSCRIBED else f"it is {standing} in Mailchimp by now"


def _not_reached(contact: Contact | None) -> str:
    standing = Standing.ABSENT if contact is None else contact.standing
    return "" if standing in REACHED else f"it is {standing} in Mailchimp by now"


def _moved(contact: Contact | None, address: Address) -> str:
    moved = contact is not None and contact.address != address
    return "its address was changed in Mailchimp since then" if moved else ""


def _values_to_restore(done: ChangeDocument, contact: Contact) -> Fields:
    return {
        tag: done.before.get(tag, "")
        for tag, text in done.after.items()
        if tag not in _NOT_FIELDS
        and _same(contact.fields.get(tag, ""), text)
        and not _same(text, done.before.get(tag, ""))
    }


def _nothing_to_restore(done: ChangeDocument, contact: Contact) -> Inverse:
    tags = [tag for tag in done.after if tag not in _NOT_FIELDS]
    if all(_same(contact.fields.get(tag, ""), done.before.get(tag, "")) for tag in tags):
        return already(done, "it has its old values")
    return impossible(done, "its values were changed since then")


def _same(shown: str, written: str) -> bool:
    """Mailchimp trims what it is given."""
    return " ".join(shown.split()) == " ".join(written.split())
