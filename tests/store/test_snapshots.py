"""What lists were decided from is kept for some weeks, in the order of the passes, on both databases."""

from datetime import datetime, timedelta

from reconciler.model import Address, ListUid, PassId, Person
from reconciler.snapshots import Body, mark_of, pack, unpack
from reconciler.store import Store
from tests.core.test_snapshots import frozen_of
from tests.core.world import World, contact, person, recipient
from tests.store.examples import CLIENT, HOUR, JOBS, NEWS, NOW, a_pass

DAY = timedelta(days=1)


def whole(text: bytes) -> Body:
    return Body(whole=True, data=text)


def difference(text: bytes) -> Body:
    return Body(whole=False, data=text)


def keep(store: Store, uid: ListUid, body: Body, *, now: datetime = NOW) -> PassId:
    number = a_pass(store)
    last = store.snapshot_mark(CLIENT, uid)
    assert store.save_snapshot(number, CLIENT, uid, body, now, after=last[0] if last else None)
    return number


def texts(store: Store, uid: ListUid = NEWS, until: PassId | None = None) -> list[bytes]:
    return [kept.body.data for kept in store.snapshot_bodies(CLIENT, uid, until)]


def test_bodies_come_back_from_the_last_whole_one_on(store: Store, other_store: Store) -> None:
    first = keep(store, NEWS, whole(b"\x01\xff1"))
    second = keep(store, NEWS, difference(b"2"))
    keep(store, JOBS, whole(b"jobs"))
    third = keep(store, NEWS, whole(b"3"))
    keep(store, NEWS, difference(b"4"))

    assert texts(other_store) == [b"3", b"4"]
    assert texts(other_store, until=third) == [b"3"]
    assert texts(other_store, until=second) == [b"\x01\xff1", b"2"]
    assert texts(other_store, until=PassId(first - 1)) == []
    assert other_store.snapshot_lists(CLIENT) == (NEWS, JOBS)
    assert (other_store.snapshot_lists("other"), texts(other_store, ListUid("none"))) == ((), [])


def test_the_mark_of_the_last_body_tells_whether_there_is_anything_new(store: Store) -> None:
    body = pack(frozen_of(World.of(recipient("ann", "a@x.nl"))), ())
    assert store.snapshot_mark(CLIENT, NEWS) is None
    number = keep(store, NEWS, body)
    assert store.snapshot_mark(CLIENT, NEWS) == (number, mark_of(body.data))


def test_a_body_made_to_follow_one_that_is_not_the_last_any_more_is_not_kept(store: Store) -> None:
    first = keep(store, NEWS, whole(b"1"))
    late = a_pass(store)
    keep(store, NEWS, difference(b"2"))

    assert not store.save_snapshot(late, CLIENT, NEWS, difference(b"late"), NOW, after=first)
    assert not store.save_snapshot(a_pass(store), CLIENT, NEWS, difference(b"late"), NOW, after=None)
    assert texts(store) == [b"1", b"2"]


def test_a_pass_with_a_lower_number_never_comes_after_a_higher_one(store: Store) -> None:
    reserved = a_pass(store)
    higher = keep(store, NEWS, whole(b"1"))
    assert not store.save_snapshot(reserved, CLIENT, NEWS, whole(b"2"), NOW, after=higher)


def test_what_a_pass_did_not_see_is_noted_once(store: Store) -> None:
    keep(store, NEWS, whole(b"1"))
    keep(store, JOBS, whole(b"jobs"))
    blind = a_pass(store)
    store.note_unseen(blind, CLIENT, {JOBS}, NOW)
    store.note_unseen(a_pass(store), CLIENT, {JOBS}, NOW)
    keep(store, NEWS, difference(b"2"))

    kept = store.snapshot_bodies(CLIENT, NEWS)

    assert [(one.body.data, one.unseen) for one in kept] == [(b"1", False), (b"", True), (b"2", False)]
    assert kept[1].pass_id == blind
    assert texts(store, JOBS) == [b"jobs"]


def test_a_pass_about_one_list_says_nothing_of_the_others(store: Store) -> None:
    keep(store, NEWS, whole(b"1"))
    keep(store, JOBS, whole(b"jobs"))

    store.note_unseen(a_pass(store), CLIENT, (), NOW, only=JOBS)

    assert (texts(store, NEWS), texts(store, JOBS)) == ([b"1"], [b"jobs", b""])


def test_a_pass_that_kept_a_list_saw_it(store: Store) -> None:
    number = keep(store, NEWS, whole(b"1"))
    store.note_unseen(number, CLIENT, (), NOW)
    assert texts(store) == [b"1"]


def test_the_bodies_since_a_moment_begin_with_what_the_one_that_counted_then_builds_on(store: Store) -> None:
    for days, body in enumerate((whole(b"0"), whole(b"1"), difference(b"2"), difference(b"3"), whole(b"4"))):
        keep(store, NEWS, body, now=NOW + days * DAY)

    since = [one.body.data for one in store.snapshot_bodies_since(CLIENT, NEWS, NOW + 2 * DAY + HOUR)]

    assert since == [b"1", b"2", b"3", b"4"]
    assert len(store.snapshot_bodies_since(CLIENT, NEWS, NOW - DAY)) == 5


def test_old_bodies_are_dropped_but_never_what_a_kept_one_builds_on(store: Store) -> None:
    for days, body in enumerate(
        (whole(b"0"), difference(b"1"), whole(b"2"), difference(b"3"), difference(b"4"))
    ):
        keep(store, NEWS, body, now=NOW + days * DAY)
    keep(store, JOBS, whole(b"jobs"), now=NOW)

    assert store.forget_snapshots(CLIENT, NOW + 2 * DAY) == 0
    assert store.forget_snapshots(CLIENT, NOW + 3 * DAY + HOUR) == 2
    assert store.forget_snapshots("other", NOW + 9 * DAY) == 0
    assert (texts(store), texts(store, JOBS)) == ([b"2", b"3", b"4"], [b"jobs"])


def test_nothing_is_kept_of_a_list_that_was_not_seen_for_so_long(store: Store) -> None:
    keep(store, NEWS, whole(b"1"))
    store.note_unseen(a_pass(store), CLIENT, (), NOW + DAY)

    assert store.forget_snapshots(CLIENT, NOW + DAY) == 0
    assert store.forget_snapshots(CLIENT, NOW + DAY + HOUR) == 2
    assert store.snapshot_lists(CLIENT) == ()


def test_all_can_be_dropped_at_once(store: Store) -> None:
    keep(store, NEWS, whole(b"1"))
    keep(store, NEWS, difference(b"2"))
    assert store.forget_snapshots("other", None) == 0
    assert store.forget_snapshots(CLIENT, None) == 2
    assert store.snapshot_lists(CLIENT) == ()


def test_who_is_erased_is_taken_out_of_every_body_of_the_client(store: Store) -> None:
    world = World.of(recipient("ann", "a@x.nl"), recipient("bob", "b@x.nl"), contact("a@x.nl"))
    bodies = [pack(frozen_of(world), ())]
    keep(store, NEWS, bodies[0])
    world.recipients.append(recipient("cas", "c@x.nl"))
    keep(store, NEWS, pack(frozen_of(world), bodies))
    store.note_unseen(a_pass(store), CLIENT, (), NOW)

    def erased(whom: Address | Person) -> bool:
        return whom in ("a@x.nl", person("cas"))

    assert store.erase_from_snapshots("other", erased) == 0
    assert store.erase_from_snapshots(CLIENT, erased) == 2
    assert store.erase_from_snapshots(CLIENT, erased) == 0

    left = [one.body for one in store.snapshot_bodies(CLIENT, NEWS) if not one.unseen]
    assert list(unpack(left).entries) == ["b@x.nl"]


def test_what_cannot_be_read_does_not_stand_in_the_way_of_an_erasure(store: Store) -> None:
    body = pack(frozen_of(World.of(recipient("ann", "a@x.nl"))), ())
    keep(store, NEWS, whole(b"\x09from another version: a@x.nl"))
    keep(store, NEWS, difference(body.data))
    keep(store, JOBS, body)

    assert store.erase_from_snapshots(CLIENT, lambda whom: whom == "b@x.nl") == 2

    assert (texts(store, NEWS), texts(store, JOBS)) == ([], [body.data])
