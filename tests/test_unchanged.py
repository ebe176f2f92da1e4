"""What is remembered of lists at rest, and when it is forgotten."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.guard import guard
from reconciler.model import ListUid, PassId
from reconciler.pairing import Pairing
from reconciler.policy import Limits
from reconciler.unchanged import AtRest, Unchanged
from tests.core.world import World, recipient

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOURS = 24.0
ZORG = Pairing(list_uid=ListUid("1001"), list_name="Zorg", syncs=True)
GUARDED = guard(World.of(recipient("ann", "ann@x.nl")).plan(), Limits(), approved=lambda _digest: False)


def at_rest(pairing: Pairing = ZORG) -> AtRest:
    return AtRest(pairing=pairing, recipients=(), contacts=(), guarded=GUARDED, outcomes=(), since=NOW)


def remembering(*pairings: Pairing) -> Unchanged:
    memory = Unchanged()
    memory.begin(PassId(7), alone=True)
    for pairing in pairings:
        memory.keep(at_rest(pairing))
    return memory


def test_a_list_is_forgotten_as_soon_as_it_is_looked_at() -> None:
    memory = remembering(ZORG)
    assert memory.take(ZORG, NOW, HOURS) is not None
    assert memory.take(ZORG, NOW, HOURS) is None


def test_anything_else_about_the_pair_counts_as_a_change() -> None:
    assert remembering(ZORG).take(replace(ZORG, list_name="Zorg en welzijn"), NOW, HOURS) is None


def test_whoever_was_not_alone_knows_nothing() -> None:
    memory = remembering(ZORG)
    memory.begin(PassId(8), alone=False)
    assert memory.take(ZORG, NOW, HOURS) is None


def test_a_pass_number_that_comes_again_shows_that_an_older_database_was_put_back() -> None:
    memory = remembering(ZORG)
    memory.begin(PassId(7), alone=True)
    assert memory.take(ZORG, NOW, HOURS) is None


def test_a_clock_that_was_set_back_proves_nothing() -> None:
    assert remembering(ZORG).take(ZORG, NOW - timedelta(seconds=1), HOURS) is None


def test_lists_come_due_one_after_another_in_the_second_half_of_the_day() -> None:
    pairings = [replace(ZORG, list_uid=ListUid(str(1000 + number))) for number in range(100)]
    kept = [
        sum(remembering(one).take(one, NOW + timedelta(hours=hours), HOURS) is not None for one in pairings)
        for hours in (11, 15, 18, 21, 24)
    ]
    assert kept[0] == 100
    assert kept == sorted(kept, reverse=True)
    assert 50 < kept[1] < 95
    assert 5 < kept[3] < 50
    assert kept[4] == 0
