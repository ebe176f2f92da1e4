"""When each list is read whole again, whatever is known of it: once a night, not all at once. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from zlib import crc32

from reconciler.policy import Limits

_HOURS = re.compile(r"(?P<start>\d\d:\d\d) ?- ?(?P<end>\d\d:\d\d)")
_MOST = 0xFFFFFFFF
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A stretch of every day."""

    start: time
    end: time

    @property
    def length(self) -> timedelta:
        """How long it lasts; one that ends where it begins lasts all day."""
        return (_since_midnight(self.end) - _since_midnight(self.start)) % _DAY or _DAY

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


def read_quiet_hours(text: str) -> QuietHours:
    """Given a text such as 20:00-06:00, return the hours. Raise ValueError if it tells none."""
    told = _HOURS.fullmatch(text.strip())
    if told is None:
        raise ValueError('must be two times of day such as "20:00-06:00"')
    return QuietHours(time.fromisoformat(told["start"]), time.fromisoformat(told["end"]))


def due(name: str, since: datetime, limits: Limits, zone: tzinfo) -> datetime:
    """Given what to read again and when it was read, return when to.

    That is the last of its own moments of the quiet hours until then; where there is none, some moment
    within the second half of the time. The name alone says which, so that many come evenly spread.
    """
    quiet, most = read_quiet_hours(limits.quiet_hours), timedelta(hours=limits.reread_hours)
    share = crc32(name.encode()) / _MOST
    latest = (since + most).astimezone(zone)
    for days_before in range(3):
        day = latest.date() - days_before * _DAY
        moment = datetime.combine(day, quiet.start, tzinfo=zone) + share * quiet.length
        if since < moment <= latest:
            return moment
    return since + most * (1 + share) / 2


def _since_midnight(moment: time) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute)
