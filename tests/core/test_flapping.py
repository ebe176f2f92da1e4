"""Whom the flap detector holds, given what was written about them lately."""

import pytest

from reconciler.flapping import turns, without_flapping
from reconciler.model import Address, BaseMove, Change, NoReason, Standing, Verb
from reconciler.policy import Limits
from tests.core.world import World, contact, no, recipient, row

ANN = Address("ann@x.nl")
TWO_TURNS = Limits(flap_turns=2, flap_hours=36)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([], 0),
        (["add"], 0),
        (["add", "remove"], 1),
        (["add", "remove", "add"], 2),
        (["add", "add"], 2),  # somebody else removed in between
        (["remove", "add", "add"], 3),
    ],
)
def test_every_change_of_direction_is_a_turn(written: list[str], expected: int) -> None:
    assert turns(written) == expected


def leaving(*, opted_out: bool = False) -> World:
    """Ann is ours and leaves the list; Bob stays."""
    world = World.of(
        recipient("bob", "bob@x.nl"),
        contact("bob@x.nl", first_name="Bob"),
        row("bob@x.nl", "bob", first_name="Bob"),
        contact(ANN, first_name="Ann"),
        row(ANN, "ann", first_name="Ann"),
    )
    if opted_out:
        world.recipients.append(recipient("ann", ANN, opted_out=True))
    return world


def held(world: World, *written: str, limits: Limits = TWO_TURNS) -> Change:
    (change,) = without_flapping(world.plan(), {ANN: written}, limits).changes
    return change


@pytest.mark.parametrize(
    ("written", "verb"),
    [
        ((), Verb.REMOVE),
        (("add",), Verb.REMOVE),
        (("remove", "add"), Verb.REMOVE),  # two turns with this one: as many as are allowed
        (("add", "remove", "add"), Verb.HOLD),
    ],
)
def test_one_turn_more_than_allowed_is_held(written: tuple[str, ...], verb: Verb) -> None:
    assert held(leaving(), *written).verb is verb


def test_what_is_held_says_why_and_leaves_everything_as_it_is() -> None:
    was = row(ANN, "ann", first_name="Ann")
    (removal,) = leaving().plan().changes

    assert held(leaving(), "add", "remove", "add") == Change(
        verb=Verb.HOLD,
        address=ANN,
        reason="added and removed again and again within 36 hours: another writer is at work, or somebody "
        "keeps changing the list; held until it rests",
        contact=removal.contact,
        row_before=was,
        move=BaseMove(address=ANN, row=was),
        persons=removal.persons,
    )


def test_an_add_is_held_with_its_fields() -> None:
    change = held(World.of(recipient("ann", ANN)), "add", "remove", "add", "remove")

    assert (change.verb, change.fields, change.move) == (Verb.HOLD, {}, BaseMove(address=ANN, row=None))


def test_a_removal_that_honours_a_no_is_never_held() -> None:
    change = held(leaving(opted_out=True), "add", "remove", "add", "remove", "add")

    assert (change.verb, change.move.no is not None) == (Verb.REMOVE, True)


def test_only_whoever_flaps_is_held() -> None:
    world = leaving()
    world.recipients.append(recipient("eve", "eve@x.nl"))

    plan = without_flapping(world.plan(), {ANN: ("add", "remove", "add")}, TWO_TURNS)

    assert {change.address: change.verb for change in plan.changes} == {
        ANN: Verb.HOLD,
        "eve@x.nl": Verb.ADD,
    }


def test_a_plan_without_a_turn_stays_the_very_plan() -> None:
    plan = leaving().plan()

    assert without_flapping(plan, {}, TWO_TURNS) is plan


def test_an_update_never_turns() -> None:
    world = World.of(recipient("ann", ANN), contact(ANN), row(ANN, "ann"))

    change = held(world, "add", "remove", "add", "remove", "add", "remove")

    assert change.verb is Verb.UPDATE


def test_a_no_is_remembered_however_often_the_contact_turned() -> None:
    world = World.of(
        recipient("ann", ANN), contact(ANN, Standing.UNSUBSCRIBED), row(ANN, "ann"), no("b@x.nl", "bob")
    )

    change = held(world, "add", "remove", "add", "remove", "add", "remove")

    assert change.move.no is not None
    assert change.move.no.reason is NoReason.UNSUBSCRIBED
