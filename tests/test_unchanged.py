"""What is remembered of lists at rest, and when it is forgotten."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.at_rest import nothing_to_do
from reconciler.guard import guard
from reconciler.model import (
    Address,
    ListUid,
    NoReason,
    PassId,
    Refusal,
    RefusalKind,
    Standing,
    Verb,
)
from reconciler.pairing import Pairing
from reconciler.policy import Limits
from reconciler.resting import AtRest, Found, Rules
from reconciler.unchanged import Unchanged
from tests.core.world import World, contact, no, recipient

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANN = Address("ann@x.nl")
ZORG = Pairing(list_uid=ListUid("1001"), list_name="Zorg", syncs=True)
RULES = Rules("acme", b"")
GUARDED = guard(World.of(recipient("ann", ANN)).plan(), Limits(), approved=lambda _digest: False)


def at_rest(pairing: Pairing = ZORG) -> AtRest:
    return AtRest(
        pairing=pairing,
        recipients=(),
        contacts=(),
        found=Found(GUARDED, (), None),
        since=NOW,
        due=NOW + timedelta(hours=1),
        recipients_seen=NOW,
        contacts_seen=NOW,
    )


def remembering(*pairings: Pairing) -> Unchanged:
    memory = Unchanged()
    memory.begin(PassId(7), RULES, alone=True)
    for pairing in pairings:
        memory.keep(at_rest(pairing))
    return memory


def test_a_list_is_forgotten_as_soon_as_it_is_looked_at() -> None:
    memory = remembering(ZORG)
    assert memory.take(ZORG, NOW) is not None
    assert memory.take(ZORG, NOW) is None


def test_anything_else_about_the_pair_counts_as_a_change() -> None:
    assert remembering(ZORG).take(replace(ZORG, list_name="Zorg en welzijn"), NOW) is None


def test_whoever_was_not_alone_knows_nothing() -> None:
    memory = remembering(ZORG)
    memory.begin(PassId(8), RULES, alone=False)
    assert memory.take(ZORG, NOW) is None


def test_a_pass_number_that_comes_again_shows_that_an_older_database_was_put_back() -> None:
    memory = remembering(ZORG)
    memory.begin(PassId(7), RULES, alone=True)
    assert memory.take(ZORG, NOW) is None


def test_a_clock_that_was_set_back_proves_nothing() -> None:
    assert remembering(ZORG).take(ZORG, NOW - timedelta(seconds=1)) is None


def test_a_list_that_is_due_is_as_good_as_forgotten() -> None:
    assert remembering(ZORG).take(ZORG, NOW + timedelta(minutes=59)) is not None
    assert remembering(ZORG).take(ZORG, NOW + timedelta(hours=1)) is None


def test_one_list_or_all_can_be_forgotten() -> None:
    bouw = replace(ZORG, list_uid=ListUid("1002"))
    memory = remembering(ZORG, bouw)
    memory.forget(bouw.list_uid)
    assert (memory.take(ZORG, NOW) is None, memory.take(bouw, NOW) is None) == (False, True)
    memory = remembering(ZORG, bouw)
    memory.forget(None)
    assert memory.take(ZORG, NOW) is None


def test_a_list_in_step_has_nothing_to_do() -> None:
    assert rests(in_step())


def test_a_list_that_was_not_read_completely_has() -> None:
    half_a_list, half_an_audience = in_step(), in_step()
    half_a_list.list_read = half_an_audience.audience_read = False
    assert not rests(half_a_list)
    assert not rests(half_an_audience)


def test_whatever_is_to_be_done_or_forgotten_keeps_it_from_resting() -> None:
    to_add, to_forget = in_step(), in_step()
    to_add.recipients.append(recipient("bob", "bob@x.nl"))
    to_forget.nos.append(no("gone@x.nl", "gone", reason=NoReason.TAKEN_OUT))
    assert not rests(to_add)
    assert not rests(to_forget), "a no that ends without a word"


def test_who_is_held_for_good_does_not() -> None:
    world = in_step()
    world.recipients.append(recipient("bob", "bob@x.nl"))
    archived = contact("bob@x.nl", Standing.ARCHIVED)
    world.contacts[archived.address] = archived
    assert [change.verb for change in world.plan().changes] == [Verb.HOLD]
    assert rests(world)


def test_a_refusal_keeps_it_from_resting_only_if_it_ends_by_itself() -> None:
    refusal = Refusal(
        address=ANN,
        verb=Verb.UPDATE,
        kind=RefusalKind.MERGE_FIELDS,
        detail="",
        fingerprint="",
        since=NOW,
    )
    lasting, passing = in_step(), in_step()
    lasting.refusals = (refusal,)
    passing.refusals = (replace(refusal, retry_after=NOW),)
    assert rests(lasting)
    assert not rests(passing)


def in_step() -> World:
    world = World.of(recipient("ann", ANN))
    world.run()
    return world


def rests(world: World) -> bool:
    plan = world.plan()
    return nothing_to_do(world.sides(), guard(plan, Limits(), approved=lambda _digest: False))
