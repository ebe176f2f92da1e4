"""Turns a schedule into the moments at which passes start."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from reconciler.config import Schedule
from reconciler.config.values import cron_values

LONGEST_JITTER = 10.0
JITTER_SHARE = 0.1
LEAST_PATIENCE = timedelta(minutes=1)
"""A client is never called late before: a pass takes its time, however often one starts."""

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def trigger_for(schedule: Schedule, zone: ZoneInfo, *, jitter: bool = True) -> BaseTrigger:
    """Given a schedule and the time zone of cron lines, return when passes start.

    With `jitter` each moment is moved by some seconds, so that many clients do not start together.
    """
    if schedule.every is None:
        return _cron_trigger(schedule.text, zone, LONGEST_JITTER if jitter else None)
    seconds = schedule.every.total_seconds()
    spread = min(seconds * JITTER_SHARE, LONGEST_JITTER) if jitter else 0.0
    # The trigger counts from the moment that was moved: without the half taken off, it would come late.
    return IntervalTrigger(seconds=seconds - spread / 2, jitter=spread or None, timezone=UTC)


def late_at(schedule: Schedule, zone: ZoneInfo, last: datetime) -> datetime | None:
    """Given the last good pass, return when it is older than two intervals; None if none will follow.

    Under a cron line that is when the second pass after it should have started.
    """
    if schedule.every is not None:
        return last + max(2 * schedule.every, LEAST_PATIENCE)
    trigger = trigger_for(schedule, zone, jitter=False)
    first = _after(trigger, last)
    second = None if first is None else _after(trigger, first)
    return None if second is None else max(second, last + LEAST_PATIENCE)


def missed(schedule: Schedule, zone: ZoneInfo, last: datetime | None, now: datetime) -> bool:
    """Given the last good pass, return whether another should have started since, while nobody kept time.

    A new client of a cron line waits for its first moment; elsewhere the first pass is due at once.
    """
    if schedule.every is not None:
        return True
    due = None if last is None else _after(trigger_for(schedule, zone, jitter=False), last)
    return due is not None and due <= now


def _after(trigger: BaseTrigger, moment: datetime) -> datetime | None:
    fires: datetime | None = trigger.get_next_fire_time(None, moment + timedelta(microseconds=1))
    return fires


def _cron_trigger(line: str, zone: ZoneInfo, jitter: float | None) -> BaseTrigger:
    minute, hour, day, month, weekday = line.lower().split()
    at = {
        "minute": _numbers(minute, 0),
        "hour": _numbers(hour, 1),
        "month": _numbers(month, 3),
        "timezone": zone,
    }
    days = {"day": _numbers(day, 2)}
    # By name: this library's numbers begin with Monday, those of cron with Sunday.
    weekdays = {"day_of_week": ",".join(sorted({_WEEKDAYS[one % 7] for one in cron_values(weekday, 4)}))}
    if day.startswith("*") or weekday.startswith("*"):
        return CronTrigger(**at, **days, **weekdays, jitter=jitter)
    # When both are restricted either is enough, as crontab(5) says.
    either = [CronTrigger(**at, **days), CronTrigger(**at, **weekdays)]
    return OrTrigger(either, jitter=jitter)


def _numbers(field: str, place: int) -> str:
    return ",".join(str(one) for one in cron_values(field, place))
