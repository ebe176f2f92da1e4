"""Whoever is in step needs no decision; whoever differs in a single thing gets one."""

import pytest

from reconciler.model import BaseRow, BaseState, Contact, No, Recipient, Standing, Verb
from tests.core.world import World, contact, no, recipient, row

ANN = "ann@x.nl"
LISTED = recipient("ann", ANN)
THERE = contact(ANN, first_name="Ann")
KNOWN = row(ANN, "ann", first_name="Ann")


def test_nothing_is_done_about_whoever_is_in_step() -> None:
    plan = World.of(LISTED, THERE, KNOWN).plan()

    assert (plan.changes, plan.moves) == ((), ())


@pytest.mark.parametrize(
    ("differing", "verb"),
    [
        (recipient("ann", ANN, first_name="Anna"), Verb.UPDATE),
        (recipient("ann", ANN, opted_out=True), Verb.REMOVE),
        (contact(ANN, Standing.UNSUBSCRIBED, first_name="Ann"), Verb.SUPPRESS),
        (contact(ANN, first_name="Ann", contact_id="another"), Verb.ADOPT),
        (row(ANN, "ann", first_name="Ann", state=BaseState.REMOVED), Verb.ADOPT),
        (no(ANN, "ann"), Verb.ADOPT),
    ],
)
def test_whoever_differs_in_one_thing_is_decided_about(
    differing: Recipient | Contact | BaseRow | No, verb: Verb
) -> None:
    ann = {type(one): one for one in (LISTED, THERE, KNOWN, differing)}

    assert [change.verb for change in World.of(*ann.values()).plan().changes] == [verb]


def test_somebody_new_behind_an_address_is_remembered() -> None:
    plan = World.of(LISTED, recipient("bob", ANN, first_name="Ann"), THERE, KNOWN).plan()

    assert [len(move.row.persons) for move in plan.moves if move.row] == [2]
