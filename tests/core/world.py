"""A list, an audience and our memory in one small mutable world, and the plainest way to carry out a plan.

It knows nothing of the product's sinks and store, and refuses what Mailchimp would refuse.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from reconciler.address import normalise
from reconciler.guard import Guarded, guard
from reconciler.model import (
    Address,
    AudienceId,
    BaseMove,
    BaseRow,
    BaseState,
    Change,
    Contact,
    ContactSnapshot,
    ListBase,
    ListUid,
    MailingList,
    No,
    NoReason,
    Person,
    Recipient,
    RecipientSnapshot,
    Refusal,
    Standing,
    Tally,
    Verb,
)
from reconciler.plan import ListPlan, Sides, plan_list
from reconciler.policy import Limits, Policy

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEMPLATES = {"FNAME": "{first_name}"}
WRITING_ORDER = (Verb.RENAME, Verb.ADD, Verb.ADOPT, Verb.UPDATE, Verb.REMOVE)

Step = Callable[[], None]


def person(name: str) -> Person:
    return Person("candidate", name)


def recipient(name: str, email: str, *, first_name: str | None = None, opted_out: bool = False) -> Recipient:
    values = {"first_name": name.title() if first_name is None else first_name}
    return Recipient(
        uid=f"row-{name}-{email}", person=person(name), email=email, values=values, opted_out=opted_out
    )


def contact(
    email: str, standing: Standing = Standing.SUBSCRIBED, *, contact_id: str = "", first_name: str = ""
) -> Contact:
    return Contact(
        id=f"hash of {email}",
        address=normalise(email),
        standing=standing,
        fields={"FNAME": first_name},
        contact_id=contact_id or f"contact {email}",
    )


def row(
    email: str,
    *names: str,
    state: BaseState = BaseState.ACTIVE,
    contact_id: str | None = None,
    first_name: str = "",
) -> BaseRow:
    return BaseRow(
        address=normalise(email),
        state=state,
        persons=tuple(map(person, names)),
        fields={"FNAME": first_name},
        contact_id=f"contact {email}" if contact_id is None else contact_id,
    )


def no(email: str, *names: str, reason: NoReason = NoReason.UNSUBSCRIBED) -> No:
    return No(address=normalise(email), persons=tuple(map(person, names)), reason=reason)


def tally(rows: int, *, complete: bool = True) -> Tally:
    missing = 0 if complete else 1
    return Tally(rows=rows, declared_before=rows + missing, declared_after=rows + missing)


@dataclass
class World:
    """All three sides of one list."""

    recipients: list[Recipient] = field(default_factory=list)
    contacts: dict[Address, Contact] = field(default_factory=dict)
    rows: dict[Address, BaseRow] = field(default_factory=dict)
    nos: list[No] = field(default_factory=list)
    refusals: tuple[Refusal, ...] = ()
    policy: Policy = field(default_factory=Policy)
    templates: dict[str, str] = field(default_factory=lambda: dict(TEMPLATES))
    list_read: bool = True
    """Whether the list was read completely."""
    audience_read: bool = True
    """Whether the audience was read completely."""
    synced_once: bool = True
    """Whether both were in step before."""
    born: int = 0

    @classmethod
    def of(cls, *things: Recipient | Contact | BaseRow | No, policy: Policy | None = None) -> "World":
        world = cls(policy=policy or Policy())
        for thing in things:
            match thing:
                case Recipient():
                    world.recipients.append(thing)
                case Contact():
                    world.contacts[thing.address] = thing
                case BaseRow():
                    world.rows[thing.address] = thing
                case No():
                    world.nos.append(thing)
        return world

    def copy(self) -> "World":
        return replace(
            self,
            recipients=list(self.recipients),
            contacts=dict(self.contacts),
            rows=dict(self.rows),
            nos=list(self.nos),
        )

    # -- a pass --------------------------------------------------------------------------------------

    def sides(self) -> Sides:
        return Sides(
            client="acme",
            mailing_list=MailingList(uid=ListUid("7"), name="123"),
            audience_id=AudienceId("aud7"),
            recipients=RecipientSnapshot(
                tuple(self.recipients), tally(len(self.recipients), complete=self.list_read)
            ),
            contacts=ContactSnapshot(
                tuple(self.contacts.values()), tally(len(self.contacts), complete=self.audience_read)
            ),
            base=ListBase(rows=dict(self.rows), nos=tuple(self.nos), refusals=self.refusals),
            synced_once=self.synced_once,
        )

    def plan(self) -> ListPlan:
        return plan_list(self.sides(), templates=self.templates, policy=self.policy, now=NOW)

    def run(self) -> ListPlan:
        plan = self.plan()
        for step in self.steps(plan):
            step()
        return plan

    def run_guarded(self, limits: Limits | None = None) -> Guarded:
        """Do what the guards let through, with nobody to approve the rest."""
        plan = self.plan()
        guarded = guard(plan, limits or Limits(), approved=lambda _: False)
        for step in self.steps(replace(plan, changes=guarded.allowed)):
            step()
        return guarded

    def steps(self, plan: ListPlan) -> Iterator[Step]:
        """Return each thing that a pass does and that a crash may come before."""
        for change in plan.changes:
            if change.verb is Verb.REMOVE and change.move.no is not None:
                yield partial(self.remember, change.move.no)
        for move in plan.moves:
            yield partial(self.move, move)
        for change in plan.changes:
            if change.verb in (Verb.SUPPRESS, Verb.FORGET):
                yield partial(self.move, change.move)
        for verb in WRITING_ORDER:
            for change in plan.changes:
                if change.verb is verb:
                    yield partial(self.write, change)
                    yield partial(self.record, change)

    # -- Mailchimp -----------------------------------------------------------------------------------

    def write(self, change: Change) -> None:
        match change.verb:
            case Verb.ADD:
                self._add(change)
            case Verb.ADOPT | Verb.UPDATE:
                self._edit(self._found(change), change)
            case Verb.RENAME:
                self._rename(self._found(change), change)
            case Verb.REMOVE:
                found = self._found(change)
                self.contacts[found.address] = replace(found, standing=Standing.ARCHIVED)
            case _:
                raise AssertionError(f"{change.verb} writes nothing")

    def _add(self, change: Change) -> None:
        if change.contact is None:
            assert change.address not in self.contacts, "an add met a contact that was not seen"
            self.born += 1
            self.contacts[change.address] = Contact(
                id=f"hash of {change.address}",
                address=change.address,
                standing=Standing.SUBSCRIBED,
                fields={"FNAME": "", **change.fields},
                contact_id=f"born {self.born}",
            )
            return
        found = self._found(change)
        assert found.standing is Standing.ARCHIVED, f"an add met a contact that is {found.standing}"
        self._rename(replace(found, standing=Standing.SUBSCRIBED), change)

    def _edit(self, found: Contact, change: Change) -> None:
        self.contacts[found.address] = replace(found, fields={**found.fields, **change.fields})

    def _rename(self, found: Contact, change: Change) -> None:
        assert change.address in (found.address, *self._free(change.address)), "the address is taken"
        del self.contacts[change.contact.address if change.contact else found.address]
        self._edit(replace(found, address=change.address, id=f"hash of {change.address}"), change)

    def _free(self, address: Address) -> tuple[Address, ...]:
        return () if address in self.contacts else (address,)

    def _found(self, change: Change) -> Contact:
        assert change.contact is not None, f"{change.verb} of a contact that was not seen"
        return self.contacts[change.contact.address]

    # -- memory --------------------------------------------------------------------------------------

    def record(self, change: Change) -> None:
        move = change.move
        written = next(
            (found for found in self.contacts.values() if found.address == change.address), change.contact
        )
        if move.row is not None and move.row.state is BaseState.ACTIVE and written is not None:
            move = replace(move, row=replace(move.row, contact_id=written.contact_id))
        self.move(move)

    def move(self, move: BaseMove) -> None:
        if move.replaces is not None:
            self.rows.pop(move.replaces, None)
        if move.row is None:
            self.rows.pop(move.address, None)
        else:
            self.rows[move.address] = move.row
        if move.ends_no:
            self._end_nos(move)
        if move.no is not None:
            self.remember(move.no)

    def _end_nos(self, move: BaseMove) -> None:
        back = set() if move.row is None else set(move.row.persons)
        left = [
            replace(no, persons=tuple(p for p in no.persons if p not in back))
            if no.reason.follows_person
            else no
            for no in self.nos
            if no.address != move.address
        ]
        self.nos = [no for no in left if no.persons or not no.reason.follows_person]

    def remember(self, said: No) -> None:
        for index, known in enumerate(self.nos):
            if (known.address, known.reason) == (said.address, said.reason):
                persons = tuple(dict.fromkeys((*known.persons, *said.persons)))
                self.nos[index] = replace(known, persons=persons)
                return
        self.nos.append(said)

    # -- what a test asks ----------------------------------------------------------------------------

    def standing(self, email: str) -> Standing:
        found = self.contacts.get(normalise(email))
        return Standing.ABSENT if found is None else found.standing

    def memory(self) -> object:
        """What is remembered, in a form that does not depend on the order in which it came."""
        return (
            self.rows,
            sorted((no.address, no.reason, sorted(no.persons)) for no in self.nos),
        )


def verbs(plan: ListPlan) -> list[tuple[Verb, str]]:
    return sorted((change.verb, change.address) for change in plan.changes)


def writes(plan: ListPlan) -> list[Change]:
    """The changes that Mailchimp would notice."""
    return [change for change in plan.changes if change.verb in WRITING_ORDER]


def unsettled(plan: ListPlan) -> list[object]:
    """Everything a second pass would still do."""
    return [*(change for change in plan.changes if change.verb is not Verb.HOLD), *plan.moves]
