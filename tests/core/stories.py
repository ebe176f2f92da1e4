"""What people do on both sides between two passes, for Hypothesis to tell stories with."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from reconciler.address import normalise
from reconciler.model import BaseRow, BaseState, Contact, No, NoReason, Person, Recipient, Standing
from reconciler.policy import ArchivedStranger, FieldConflicts, Policy, RemovedInMailchimp
from tests.core.world import World, contact, no, person, recipient, row

PEOPLE = ("ann", "bob", "cas")
EMAILS = ("a@x.nl", "b@x.nl", "c@x.nl", "d@x.nl")
UNUSABLE = ("a@@x.nl", "")
NAMES = ("", "Ann", "Anna")

people = st.sampled_from(PEOPLE)
emails = st.sampled_from(EMAILS)
names = st.sampled_from(NAMES)
policies = st.builds(
    Policy,
    archived_stranger=st.sampled_from(ArchivedStranger),
    removed_in_mailchimp=st.sampled_from(RemovedInMailchimp),
    archive_opted_out=st.booleans(),
    field_conflicts=st.sampled_from(FieldConflicts),
)


@dataclass(frozen=True)
class Deed:
    """Something somebody does."""

    text: str
    do: Callable[[World], None]

    def __repr__(self) -> str:
        return self.text


# -- in OTYS ---------------------------------------------------------------------------------------


def lists(name: str, email: str, first_name: str) -> Deed:
    def do(world: World) -> None:
        _unlist(world, name)
        world.recipients.append(recipient(name, email, first_name=first_name))

    return Deed(f"OTYS lists {name} at {email!r} as {first_name!r}", do)


def drops(name: str) -> Deed:
    return Deed(f"OTYS drops {name}", lambda world: _unlist(world, name))


def opts_out(name: str) -> Deed:
    def do(world: World) -> None:
        world.recipients = [
            replace(listed, opted_out=not listed.opted_out) if listed.person == person(name) else listed
            for listed in world.recipients
        ]

    return Deed(f"OTYS turns the opt-out of {name}", do)


def _unlist(world: World, name: str) -> None:
    world.recipients = [listed for listed in world.recipients if listed.person != person(name)]


# -- in Mailchimp ----------------------------------------------------------------------------------


def becomes(email: str, standing: Standing) -> Deed:
    """The person or a marketer changes the standing of a contact that is there."""

    def do(world: World) -> None:
        found = world.contacts.get(normalise(email))
        if found is not None:
            world.contacts[found.address] = replace(found, standing=standing)

    return Deed(f"{email} becomes {standing}", do)


def is_deleted(email: str) -> Deed:
    def do(world: World) -> None:
        world.contacts.pop(normalise(email), None)

    return Deed(f"{email} is deleted for good", do)


def signs_up(email: str, standing: Standing, first_name: str) -> Deed:
    """A form: the one thing that brings anybody back."""

    def do(world: World) -> None:
        known = world.contacts.get(normalise(email))
        world.born += 1
        new = contact(email, standing, contact_id=f"born {world.born}", first_name=first_name)
        if known is not None:
            new = replace(new, contact_id=known.contact_id)
        world.contacts[new.address] = new

    return Deed(f"{email} signs up by a form as {standing}, {first_name!r}", do)


def moves(email: str, target: str) -> Deed:
    """The person changes the address in Mailchimp."""

    def do(world: World) -> None:
        found = world.contacts.get(normalise(email))
        if found is not None and normalise(target) not in world.contacts:
            del world.contacts[found.address]
            moved = replace(found, address=normalise(target), id=f"hash of {target}")
            world.contacts[moved.address] = moved

    return Deed(f"{email} moves to {target} in Mailchimp", do)


def edits(email: str, first_name: str) -> Deed:
    def do(world: World) -> None:
        found = world.contacts.get(normalise(email))
        if found is not None:
            world.contacts[found.address] = replace(found, fields={"FNAME": first_name})

    return Deed(f"{email} is called {first_name!r} in Mailchimp", do)


deeds = st.one_of(
    st.builds(lists, people, emails, names),
    st.builds(lists, people, st.sampled_from(UNUSABLE), names),
    st.builds(drops, people),
    st.builds(opts_out, people),
    st.builds(becomes, emails, st.sampled_from((Standing.UNSUBSCRIBED, Standing.CLEANED, Standing.ARCHIVED))),
    st.builds(is_deleted, emails),
    st.builds(signs_up, emails, st.sampled_from((Standing.SUBSCRIBED, Standing.PENDING)), names),
    st.builds(moves, emails, emails),
    st.builds(edits, emails, names),
)

chapters = st.lists(st.lists(deeds, min_size=1, max_size=4), min_size=1, max_size=6)
"""The deeds between one pass and the next."""


# -- any state at all ------------------------------------------------------------------------------

some_people = st.lists(people, unique=True, min_size=1, max_size=2)


@st.composite
def recipients(draw: st.DrawFn) -> list[Recipient]:
    chosen = draw(st.lists(people, unique=True))
    return [
        recipient(
            name,
            draw(st.sampled_from(EMAILS + UNUSABLE)),
            first_name=draw(names),
            opted_out=draw(st.booleans()),
        )
        for name in chosen
    ]


@st.composite
def contacts(draw: st.DrawFn) -> list[Contact]:
    there = [standing for standing in Standing if standing is not Standing.ABSENT]
    chosen = draw(st.lists(emails, unique=True))
    ids = draw(st.permutations(EMAILS))
    return [
        contact(email, draw(st.sampled_from(there)), contact_id=f"contact {known}", first_name=draw(names))
        for email, known in zip(chosen, ids, strict=False)
    ]


@st.composite
def rows(draw: st.DrawFn) -> list[BaseRow]:
    return [
        row(
            email,
            *draw(some_people),
            state=draw(st.sampled_from((BaseState.ACTIVE, BaseState.REMOVED))),
            first_name=draw(names),
        )
        for email in draw(st.lists(emails, unique=True))
    ]


@st.composite
def nos(draw: st.DrawFn) -> list[No]:
    keys = draw(st.lists(st.tuples(emails, st.sampled_from(NoReason)), unique=True, max_size=3))
    return [no(email, *draw(some_people), reason=reason) for email, reason in keys]


@st.composite
def worlds(draw: st.DrawFn, *, policy: st.SearchStrategy[Policy] = policies) -> World:
    world = World.of(*draw(recipients()), *draw(contacts()), policy=draw(policy))
    return replace(world, rows={row.address: row for row in draw(rows())}, nos=draw(nos()))


def behind(world: World, email: str) -> set[Person]:
    return {listed.person for listed in world.recipients if normalise(listed.email) == normalise(email)}
