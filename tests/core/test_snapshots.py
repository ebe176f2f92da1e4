"""What a list was decided from comes back as it was, through any differences, and without the erased."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.guard import guard
from reconciler.model import Address, Person
from reconciler.plan import ListPlan, plan_list
from reconciler.policy import Limits
from reconciler.snapshots import (
    FORMAT,
    MARK_LENGTH,
    Body,
    Frozen,
    UnreadableSnapshot,
    decided_of,
    freeze,
    mark_of,
    pack,
    thaw,
    unpack,
    unpack_each,
    without,
)
from tests.core.stories import EMAILS, PEOPLE, Deed, chapters, worlds
from tests.core.world import NOW, World, contact, no, person, recipient, row

limits = st.builds(Limits, removals_free=st.integers(0, 2), removals_percent=st.sampled_from((0, 10, 100)))


def frozen_of(world: World, limits: Limits | None = None) -> Frozen:
    return freeze(
        world.sides(), decided_of(guard(world.plan(), limits or Limits(), approved=lambda _: False))
    )


def since_whole(bodies: Sequence[Body]) -> Sequence[Body]:
    """What the store hands out: the bodies from the last whole one on."""
    return bodies[max(index for index, body in enumerate(bodies) if body.whole) :]


def keep(bodies: list[Body], frozen: Frozen) -> None:
    bodies.append(pack(frozen, since_whole(bodies) if bodies else ()))


def agency_of(people: int) -> World:
    emails = [f"somebody.number.{number}@agency{number % 7}.nl" for number in range(people)]
    return World.of(
        *(recipient(f"p{number}", email) for number, email in enumerate(emails)),
        *(contact(email) for email in emails),
        *(row(email, f"p{number}") for number, email in enumerate(emails)),
    )


@given(world=worlds(), story=chapters, limits=limits, unread=st.sets(st.integers(0, 5)))
def test_every_pass_of_a_story_is_decided_again_alike(
    world: World, story: list[list[Deed]], limits: Limits, unread: set[int]
) -> None:
    bodies: list[Body] = []
    plans: list[ListPlan] = []
    for chapter in story:
        for deed in chapter:
            deed.do(world)
        world.list_read = len(plans) not in unread
        plans.append(world.plan())
        keep(bodies, frozen_of(world, limits))
        world.run_guarded(limits)

    for until, plan in enumerate(plans, 1):
        kept = thaw(unpack(since_whole(bodies[:until])))
        again = plan_list(kept.sides, templates=world.templates, policy=world.policy, now=NOW)
        assert again.digest == plan.digest
        assert again.moves == plan.moves
        assert again.facts == plan.facts
        guarded = guard(again, limits, approved=lambda _: False)
        assert kept.decided.same_as(decided_of(guarded))


@given(world=worlds(), seed=st.integers())
def test_the_order_in_which_rows_were_told_makes_no_difference(world: World, seed: int) -> None:
    before = frozen_of(world).mark
    random = Random(seed)
    random.shuffle(world.recipients)
    shuffled = list(world.contacts.items())
    random.shuffle(shuffled)
    world.contacts = dict(shuffled)

    assert frozen_of(world).mark == before


def test_another_decision_about_the_same_sides_is_told_apart() -> None:
    world = agency_of(30)
    world.recipients = world.recipients[:10]

    marks = {frozen_of(world, Limits(removals_free=free)).mark for free in (10, 20)}

    assert len(marks) == 2


def test_one_change_of_a_long_list_costs_few_bytes() -> None:
    world = agency_of(2000)
    whole = pack(frozen_of(world), ())
    world.recipients.append(recipient("new", "new@agency.nl"))

    difference = pack(frozen_of(world), [whole])

    assert not difference.whole
    assert len(difference.data) < 500
    assert len(whole.data) < 60 * 2000


def test_a_list_is_kept_whole_again_once_the_differences_add_up_to_half_of_it() -> None:
    world = agency_of(40)
    bodies: list[Body] = []
    for number in range(60):
        world.recipients.append(recipient(f"new{number}", f"new{number}@agency.nl"))
        keep(bodies, frozen_of(world))

    wholes = [index for index, body in enumerate(bodies) if body.whole]
    assert len(wholes) > 2
    for begin, end in pairwise(wholes):
        differences = sum(len(body.data) for body in bodies[begin + 1 : end])
        assert 2 * differences <= len(bodies[begin].data)


@given(
    world=worlds(),
    story=chapters,
    address=st.sampled_from(EMAILS),
    name=st.sampled_from(PEOPLE),
)
def test_who_is_erased_stands_in_no_body_and_everybody_else_still_does(
    world: World, story: list[list[Deed]], address: str, name: str
) -> None:
    def erased(whom: Address | Person) -> bool:
        return whom in (address, person(name))

    bodies: list[Body] = []
    for chapter in story:
        for deed in chapter:
            deed.do(world)
        keep(bodies, frozen_of(world))
        world.run()

    cleaned = [without(body, erased) for body in bodies]

    for body in cleaned:
        plain = zlib.decompress(body.data[MARK_LENGTH:])
        assert name.encode() not in plain
        assert address.encode() not in plain.replace(b"contact " + address.encode(), b"")
    for was, now in zip(unpack_each(bodies), unpack_each(cleaned), strict=True):
        told = {key: plain for key, plain in was.entries.items() if key != address}
        kept = {key: entry for key, entry in told.items() if name.encode() not in entry}
        assert now.entries == kept


def test_a_body_that_tells_nothing_of_the_erased_stays_as_it_is() -> None:
    body = pack(frozen_of(agency_of(3)), ())
    assert without(body, lambda whom: whom == "stranger@agency.nl") is body


def test_the_address_of_somebody_who_is_erased_goes_though_others_share_it() -> None:
    world = World.of(
        recipient("ann", "desk@x.nl"),
        recipient("bob", "desk@x.nl"),
        recipient("cas", "cas@x.nl"),
        contact("desk@x.nl"),
        row("desk@x.nl", "bob"),
        no("old@x.nl", "ann"),
    )
    body = pack(frozen_of(world), ())

    cleaned = without(body, lambda whom: whom == person("ann"))

    assert list(unpack([cleaned]).entries) == ["cas@x.nl"]


def test_an_erased_person_without_an_address_is_not_left_among_what_went_from_the_list() -> None:
    bodies: list[Body] = []
    keep(bodies, frozen_of(World.of(recipient("ann", ""), *agency_of(30).recipients)))
    keep(bodies, frozen_of(World.of(*agency_of(30).recipients)))

    cleaned = [without(body, lambda whom: whom == person("ann")) for body in bodies]

    assert not bodies[-1].whole
    assert b"candidate:ann" in zlib.decompress(bodies[-1].data[MARK_LENGTH:])
    for body in cleaned:
        assert b"candidate:ann" not in zlib.decompress(body.data[MARK_LENGTH:])


def test_after_an_erasure_the_next_sides_are_kept_again() -> None:
    frozen = frozen_of(agency_of(3))
    cleaned = without(pack(frozen, ()), lambda whom: whom == person("p1"))
    assert mark_of(cleaned.data) != frozen.mark


def test_recipients_without_an_address_are_told_apart() -> None:
    world = World.of(recipient("ann", ""), recipient("bob", " "))
    kept = thaw(unpack([pack(frozen_of(world), ())]))
    assert [one.person for one in kept.sides.recipients.recipients] == [person("ann"), person("bob")]


def test_a_body_of_another_version_is_refused_in_words_and_followed_by_a_whole_one() -> None:
    body = pack(frozen_of(agency_of(3)), ())
    other = replace(body, data=bytes([FORMAT + 1]) + body.data[1:])

    with pytest.raises(UnreadableSnapshot, match="another version of the program") as refused:
        unpack([other])

    assert "name a later pass" in refused.value.advice
    assert pack(frozen_of(agency_of(4)), [other]).whole


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:MARK_LENGTH] + b"\0" * 40])
def test_a_damaged_body_is_refused_in_words_and_followed_by_a_whole_one(damage: object) -> None:
    body = pack(frozen_of(agency_of(3)), ())
    assert callable(damage)
    damaged = replace(body, data=damage(body.data))

    with pytest.raises(UnreadableSnapshot, match="damaged"):
        unpack([damaged])
    with pytest.raises(UnreadableSnapshot, match="damaged"):
        without(damaged, lambda _: True)
    assert pack(frozen_of(agency_of(4)), [damaged]).whole
