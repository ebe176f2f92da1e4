"""When lists are read whole again: at night, evenly spread, and in time."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from reconciler.policy import Limits
from reconciler.quiet import due, read_quiet_hours

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NAMES = [str(1000 + number) for number in range(200)]
NOON = datetime(2026, 11, 23, 12, tzinfo=AMSTERDAM)


def test_lists_that_were_read_together_come_due_all_through_the_next_night() -> None:
    moments = sorted(due(name, NOON, Limits(), AMSTERDAM) for name in NAMES)

    evening = NOON.replace(hour=20)
    assert evening <= moments[0] < evening + timedelta(hours=1)
    assert evening + timedelta(hours=9) < moments[-1] <= evening + timedelta(hours=10)
    longest = max(later - earlier for earlier, later in pairwise(moments))
    assert longest < timedelta(minutes=30)


def test_a_list_keeps_its_moment_from_night_to_night() -> None:
    for name in NAMES[:20]:
        first = due(name, NOON, Limits(), AMSTERDAM)
        late = first + timedelta(minutes=4)  # passes do not come to the second
        assert due(name, late, Limits(), AMSTERDAM) == first + timedelta(days=1)


@pytest.mark.parametrize("hours", [0.0, 1.0, 12.0, 24.0, 30.0, 168.0])
def test_no_list_waits_longer_than_it_may_nor_looks_back(hours: float) -> None:
    for name in NAMES:
        for offset in range(0, 24, 5):
            since = NOON + timedelta(hours=offset)
            then = due(name, since, Limits(reread_hours=hours), AMSTERDAM)
            assert since <= then <= since + timedelta(hours=hours)


def test_where_no_night_comes_in_time_it_is_spread_over_the_second_half() -> None:
    moments = sorted(due(name, NOON, Limits(reread_hours=4), AMSTERDAM) for name in NAMES)
    assert NOON + timedelta(hours=2) <= moments[0] < moments[-1] <= NOON + timedelta(hours=4)


@pytest.mark.parametrize(
    ("text", "hours"), [("20:00-06:00", 10), ("01:30 - 03:00", 1.5), ("09:00-09:00", 24)]
)
def test_quiet_hours_may_go_over_midnight_or_all_day(text: str, hours: float) -> None:
    assert read_quiet_hours(text).length == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "20-06", "25:00-06:00", "20:00", "20:00-06:00-07:00", "8:00-9:00"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"times of day|must be in"):
        read_quiet_hours(text)
