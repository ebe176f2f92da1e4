from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reconciler.config.values import cron_values, read_schedule
from reconciler.daemon.clock import LONGEST_JITTER, late_at, missed, trigger_for

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def starts(schedule: str, since: str, count: int) -> list[str]:
    """Given a schedule and a local time, return the next local times at which passes start, with offsets."""
    trigger = trigger_for(read_schedule(schedule), AMSTERDAM, jitter=False)
    now, before, found = datetime.fromisoformat(since).replace(tzinfo=AMSTERDAM), None, []
    for _ in range(count):
        before = trigger.get_next_fire_time(before, now)
        assert before is not None
        # by way of UTC, as a clock on the wall shows it when that hour does not exist
        found.append(before.astimezone(UTC).astimezone(AMSTERDAM).strftime("%a %d %H:%M %z"))
        now = before
    return found


def test_an_interval_keeps_its_pace_although_each_start_is_moved_a_little() -> None:
    trigger = trigger_for(read_schedule("every 5 minutes"), AMSTERDAM)
    first = moment = datetime(2026, 11, 23, 12, tzinfo=UTC)
    gaps = []
    for _ in range(500):
        after = trigger.get_next_fire_time(moment, moment)
        gaps.append((after - moment).total_seconds())
        moment = after

    assert all(abs(gap - 300) <= LONGEST_JITTER / 2 for gap in gaps)
    assert len(set(gaps)) > 400
    assert abs((moment - first) / 500 - timedelta(minutes=5)) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0 7 * * 0", ["Sun 29 07:00 +0100", "Sun 06 07:00 +0100"]),
        ("0 7 * * 7", ["Sun 29 07:00 +0100", "Sun 06 07:00 +0100"]),
        ("0 7 * * 1", ["Mon 23 07:00 +0100", "Mon 30 07:00 +0100"]),
        ("0 7 * * fri,6", ["Fri 27 07:00 +0100", "Sat 28 07:00 +0100"]),
        ("0 7 * * 5-7", ["Fri 27 07:00 +0100", "Sat 28 07:00 +0100", "Sun 29 07:00 +0100"]),
        ("*/20 7-8 * * mon-fri", ["Mon 23 07:00 +0100", "Mon 23 07:20 +0100", "Mon 23 07:40 +0100"]),
        ("50/5 9 * * *", ["Mon 23 09:50 +0100", "Mon 23 09:55 +0100", "Tue 24 09:50 +0100"]),
    ],
)
def test_a_cron_line_means_what_crontab_says(line: str, expected: list[str]) -> None:
    assert starts(line, "2026-11-23 00:00", len(expected)) == expected


def test_a_day_of_the_month_and_one_of_the_week_are_either_enough() -> None:
    assert starts("0 7 1 * mon", "2026-11-24 00:00", 3) == [
        "Mon 30 07:00 +0100",
        "Tue 01 07:00 +0100",
        "Mon 07 07:00 +0100",
    ]


def test_in_the_hour_that_summer_time_skips_nothing_is_lost_or_doubled() -> None:
    assert starts("*/30 * * * *", "2026-03-29 01:00", 4) == [
        "Sun 29 01:00 +0100",
        "Sun 29 01:30 +0100",
        "Sun 29 03:00 +0200",
        "Sun 29 03:30 +0200",
    ]
    assert starts("30 2 * * *", "2026-03-28 12:00", 2) == ["Sun 29 03:30 +0200", "Mon 30 02:30 +0200"]


def test_in_the_hour_that_comes_twice_passes_go_on_and_later_times_stay() -> None:
    assert starts("*/30 * * * *", "2026-10-25 02:00", 5) == [
        "Sun 25 02:00 +0200",
        "Sun 25 02:30 +0200",
        "Sun 25 02:00 +0100",
        "Sun 25 02:30 +0100",
        "Sun 25 03:00 +0100",
    ]
    assert starts("0 7 * * *", "2026-10-24 00:00", 3) == [
        "Sat 24 07:00 +0200",
        "Sun 25 07:00 +0100",
        "Mon 26 07:00 +0100",
    ]


@pytest.mark.parametrize(
    ("schedule", "last", "late"),
    [
        ("every 5 minutes", "2026-11-23 12:00", "2026-11-23 12:10"),
        ("every 2 seconds", "2026-11-23 12:00", "2026-11-23 12:01"),
        ("0 7 * * *", "2026-11-23 07:01", "2026-11-25 07:00"),
        ("*/10 7-18 * * mon-fri", "2026-11-20 18:51", "2026-11-23 07:10"),
    ],
)
def test_a_client_is_late_two_intervals_after_its_last_good_pass(schedule: str, last: str, late: str) -> None:
    ended = datetime.fromisoformat(last).replace(tzinfo=AMSTERDAM)
    expected = datetime.fromisoformat(late).replace(tzinfo=AMSTERDAM)

    assert late_at(read_schedule(schedule), AMSTERDAM, ended) == expected


def test_a_cron_line_that_never_comes_makes_nobody_late() -> None:
    assert late_at(read_schedule("0 0 31 2 *"), AMSTERDAM, datetime(2026, 11, 23, tzinfo=UTC)) is None


def test_a_start_that_was_missed_while_the_daemon_was_down_is_made_up_for_once() -> None:
    daily = read_schedule("0 7 * * *")
    last = datetime(2026, 11, 21, 7, 1, tzinfo=AMSTERDAM)

    assert missed(daily, AMSTERDAM, last, datetime(2026, 11, 23, 9, tzinfo=AMSTERDAM))
    assert not missed(daily, AMSTERDAM, last, datetime(2026, 11, 22, 6, tzinfo=AMSTERDAM))
    assert not missed(daily, AMSTERDAM, None, datetime(2026, 11, 23, 9, tzinfo=AMSTERDAM))
    assert missed(read_schedule("every 5 minutes"), AMSTERDAM, None, datetime(2026, 11, 23, tzinfo=UTC))


def test_a_field_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no field"):
        cron_values("x", 0)
