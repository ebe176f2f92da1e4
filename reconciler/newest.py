"""Knows what a short look at an audience must show while nobody in it has changed since it was read. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from heapq import nlargest
from typing import Final

import msgspec

LOOKED_AT: Final = 11
"""So many of those that changed last are asked for."""
OVERLAP: Final = timedelta(minutes=10)
"""A change may show late, and two of one second look alike (facts/mailchimp.md, 15): only what is older than
this when an audience is read tells a later change from an earlier one."""

_UTC: Final = "+00:00"
_LENGTH: Final = len("2026-01-31T12:00:00+00:00")
_UNTOLD: Final = "~"  # comes after every moment, so that it is among the newest


@dataclass(frozen=True, slots=True)
class Newest:
    """The contacts of one listing that changed last."""

    total: int
    changed: frozenset[tuple[str, str]]
    """Their ids, and when each changed."""
    edge: str = ""
    """The moment of the last one that is asked for, which others may share; empty where these are all."""

    @property
    def moment(self) -> datetime | None:
        """When one of them changed last; None when nobody is there."""
        latest = max((moment for _, moment in self.changed), default=self.edge)
        return datetime.fromisoformat(latest) if latest else None


@dataclass(frozen=True, slots=True)
class Glance:
    """Stands for the newest of an audience; equal ones have equal glances."""

    digest: bytes
    latest: datetime | None
    """When any of them changed last; None when nobody is there."""

    def settled(self, read_at: datetime) -> bool:
        """Given when the audience was read, return whether any later change must come before these."""
        return self.latest is None or self.latest + OVERLAP <= read_at


@dataclass(frozen=True, slots=True)
class NewestContacts:
    """The newest of the two listings of an audience."""

    live: Newest
    archived: Newest

    def glance(self) -> Glance:
        """Return what stands for them, in few bytes."""
        both = (self.live, self.archived)
        told = msgspec.msgpack.encode([(one.total, sorted(one.changed), one.edge) for one in both])
        moments = [one.moment for one in both if one.moment is not None]
        return Glance(blake2b(told, digest_size=16).digest(), max(moments, default=None))


def newest_of(changed: Iterable[tuple[str, object]], total: int) -> Newest | None:
    """Given ids and when each changed, of a whole listing or of where it begins, return the newest.

    None where a moment is not told as Mailchimp tells it: it could not be compared.
    """
    newest = nlargest(LOOKED_AT, ((_comparable(moment), uid) for uid, moment in changed))
    if not all(_is_moment(moment) for moment, _ in newest):
        return None
    # Of those that share the last moment, some may not be among the ones that are asked for.
    edge = newest[-1][0] if len(newest) == LOOKED_AT else ""
    return Newest(total, frozenset((uid, moment) for moment, uid in newest if moment > edge), edge)


def _comparable(moment: object) -> str:
    """Texts of one form and time zone come in the order of their moments."""
    told = isinstance(moment, str) and len(moment) == _LENGTH and moment.endswith(_UTC)
    return str(moment) if told else _UNTOLD


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
