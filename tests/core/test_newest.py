"""What a short look at an audience must show while nobody in it changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.newest import LOOKED_AT, OVERLAP, Newest, NewestContacts, newest_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(minutes: int) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def listing(*minutes: int) -> list[tuple[str, object]]:
    return [(f"contact {number}", at(minute)) for number, minute in enumerate(minutes)]


def shown(rows: list[tuple[str, object]], total: int | None = None) -> Newest | None:
    """What a service tells that sorts by who changed last, and those of one moment as it likes."""
    in_order = sorted(rows, key=lambda row: str(row[1]))[::-1]
    return newest_of(in_order[:LOOKED_AT], len(rows) if total is None else total)


@pytest.mark.parametrize(
    "minutes",
    [
        (),
        (5,),
        (1, 2, 3),
        tuple(range(11)),
        tuple(range(40)),
        (7,) * 11,
        (7,) * 40,
        (*range(20, 25), *(3,) * 20),
        (9, *(8,) * 11),
    ],
)
def test_a_look_shows_what_the_whole_reading_told(minutes: tuple[int, ...]) -> None:
    rows = listing(*minutes)
    assert newest_of(rows, len(rows)) == shown(rows) is not None


@pytest.mark.parametrize("before", [(), (5,), tuple(range(40)), (7,) * 40])
def test_whoever_changes_later_makes_another_picture(before: tuple[int, ...]) -> None:
    rows = listing(*before)
    known = newest_of(rows, len(rows))
    for number in range(len(rows)):
        changed = [*rows[:number], (rows[number][0], at(60)), *rows[number + 1 :]]
        assert shown(changed) != known, f"{number} changed"
    assert shown([*rows, ("new", at(60))]) != known
    assert not rows or shown(rows[1:]) != known, "the total tells who is gone"


def test_one_who_comes_for_one_who_goes_is_the_newest() -> None:
    rows = listing(*range(40))
    assert shown([*rows[1:], ("new", at(60))]) != newest_of(rows, len(rows))


def test_other_contacts_of_the_same_moments_are_others() -> None:
    rows = listing(1, 2, 3)
    assert newest_of([("another", rows[2][1]), *rows[:2]], 3) != newest_of(rows, 3)


@pytest.mark.parametrize(
    "told",
    [
        None,
        "",
        5,
        "yesterday",
        "2026-11-23 12:00:00",
        "2026-11-23T12:00:00+01:00",
        "2026-11-23T12:00:00.500+00:00",
        f"{'x' * 19}+00:00",
    ],
)
def test_what_is_told_in_another_way_cannot_be_compared(told: object) -> None:
    assert newest_of([*listing(*range(40)), ("odd", told)], 41) is None


def test_only_what_is_older_than_a_change_may_take_to_show_tells_a_later_one_apart() -> None:
    old, young, nobody = newest_of(listing(0), 1), newest_of(listing(1), 1), newest_of([], 0)
    assert old
    assert young
    assert nobody
    assert NewestContacts(old, nobody).glance().settled(NOON + OVERLAP)
    assert not NewestContacts(old, young).glance().settled(NOON + OVERLAP)
    assert not NewestContacts(young, old).glance().settled(NOON + OVERLAP)
    assert NewestContacts(nobody, nobody).glance().settled(NOON)


def test_a_glance_differs_where_anything_does() -> None:
    nobody, some = newest_of([], 0), newest_of(listing(1, 2, 3), 3)
    crowd, later = newest_of(listing(*(0,) * 40), 40), newest_of(listing(*(1,) * 40), 40)
    assert nobody
    assert some
    assert crowd
    assert later
    pairs = [
        (some, nobody),
        (nobody, some),
        (replace(some, total=4), nobody),
        (crowd, nobody),
        (later, nobody),
    ]
    assert len({NewestContacts(*pair).glance().digest for pair in pairs}) == len(pairs)


def test_a_crowd_of_one_moment_is_as_young_as_each_of_it() -> None:
    crowd = newest_of(listing(*(0,) * 40), 40)
    assert crowd
    assert crowd.moment == NOON
