"""How many requests it takes to write changes of contacts to Mailchimp, and about how long. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import msgspec

from reconciler.model import Verb

NEWCOMERS_AT_ONCE: Final = 500  # more are refused as a whole (facts/mailchimp.md, 41)
WRITES_SIDE_BY_SIDE: Final = 5  # as many as there are connections for one account
REMOVALS_BETWEEN_LOOKS: Final = 400
MANY_REMOVALS: Final = 40
"""From more removals on, it is looked up meanwhile who said no since they were decided."""
READ_BACK_SAMPLE: Final = 3
REMOVALS_TO_LIST: Final = 10
"""From so many removals on, one listing is cheaper than reading them one by one."""
CONTACTS_A_PAGE: Final = 1000

WORTH_TELLING: Final = 100
"""Fewer requests than that nobody has to wait for."""
SECONDS_A_PORTION: Final = 5.0
SECONDS_A_REQUEST: Final = 0.4
"""Both are assumed, as nobody can know before it is tried."""


class Planned(Protocol):
    """A change of a contact, as it was decided or as it was kept."""

    @property
    def verb(self) -> str:
        """What it does."""

    @property
    def before(self) -> Mapping[str, str]:
        """What Mailchimp shows now, as far as it changes."""

    @property
    def after(self) -> Mapping[str, str]:
        """What it is to show."""


class Effort(msgspec.Struct, frozen=True):
    """What writing something takes of Mailchimp."""

    requests: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Effort") -> "Effort":
        """Return both together: lists share the connections."""
        return Effort(self.requests + other.requests, round(self.seconds + other.seconds, 1))

    @property
    def worth_telling(self) -> bool:
        """Whether whoever waits for it would like to know."""
        return self.requests > WORTH_TELLING


NO_EFFORT: Final = Effort()


def effort_of(changes: Iterable[Planned]) -> Effort:
    """Given planned changes of the contacts of one list, return what it takes to write and to read them back.

    Refusals are left out: a portion of newcomers that is refused as a whole is halved.
    """
    newcomers = returners = edits = removals = 0
    for change in changes:
        match change.verb:
            case Verb.ADD if not change.before:
                newcomers += 1
            case Verb.ADD:
                returners += 1
            case Verb.RENAME:
                edits += 1
            case Verb.UPDATE | Verb.ADOPT if change.after:
                edits += 1
            case Verb.REMOVE:
                removals += 1
    return _effort(newcomers=newcomers, returners=returners, edits=edits, removals=removals)


def effort_of_newcomers(number: int) -> Effort:
    """Given how many contacts are added to a new audience, return what it takes."""
    return _effort(newcomers=number)


def _effort(*, newcomers: int = 0, returners: int = 0, edits: int = 0, removals: int = 0) -> Effort:
    # Who comes back is looked at once more before the write.
    single = 2 * returners + edits + removals
    portions = _portions(newcomers, NEWCOMERS_AT_ONCE)
    looks = _portions(removals, REMOVALS_BETWEEN_LOOKS) if removals > MANY_REMOVALS else 0
    reads = looks + _read_back(newcomers + returners + edits, removals)
    seconds = SECONDS_A_PORTION * portions + SECONDS_A_REQUEST * (reads + single / WRITES_SIDE_BY_SIDE)
    return Effort(portions + single + reads, round(seconds, 1))


def _read_back(written: int, removals: int) -> int:
    listed = removals >= REMOVALS_TO_LIST
    return min(written, READ_BACK_SAMPLE) + (_portions(removals, CONTACTS_A_PAGE) if listed else removals)


def _portions(number: int, size: int) -> int:
    return -(-number // size)
