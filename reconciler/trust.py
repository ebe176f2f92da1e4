"""How far the catalogue of OTYS is believed when it shows a list as it was. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from reconciler.model import ListUid

ANNOUNCED_ENOUGH: Final = 20
"""So many changes must have moved the Last modified of their lists, before it is believed."""
EDITS_ENOUGH: Final = 5
"""So many of them must have been edits of who is on a list: OTYS may count only who comes and goes."""


class TrustState(StrEnum):
    """What the catalogue is good for."""

    WATCHED = "watched"
    """Not known yet: every list is read, and it is seen whether the catalogue announced what changed."""
    TRUSTED = "trusted"
    """A list whose row is as it was is not read."""
    LIED = "lied"
    """A list changed and its row did not: never believed again."""
    FORBIDDEN = "forbidden"
    """The configuration has every list read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was seen of changes of lists and of their rows in the catalogue."""

    announced: int = 0
    """Changes that their rows announced."""
    edits: int = 0
    """Of these, the ones in which nobody came or went."""
    lied_about: ListUid | None = None
    """A list that changed while its row stood still."""

    def __add__(self, other: "Evidence") -> "Evidence":
        """Return both together; the first lie is the one that is told."""
        return Evidence(
            announced=self.announced + other.announced,
            edits=self.edits + other.edits,
            lied_about=self.lied_about or other.lied_about,
        )


NO_EVIDENCE: Final = Evidence()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What is remembered of a client's catalogue."""

    evidence: Evidence = NO_EVIDENCE
    lied_at: datetime | None = None

    @property
    def state(self) -> TrustState:
        """What follows from it, where the configuration forbids nothing."""
        if self.evidence.lied_about is not None:
            return TrustState.LIED
        enough = self.evidence.announced >= ANNOUNCED_ENOUGH and self.evidence.edits >= EDITS_ENOUGH
        return TrustState.TRUSTED if enough else TrustState.WATCHED

    def after(self, seen: Evidence, now: datetime) -> "Trust":
        """Given what a pass saw, return what is to be remembered; unchanged where it adds nothing."""
        if self.state is TrustState.LIED or seen == NO_EVIDENCE:
            return self
        if seen.lied_about is not None:
            return replace(self, evidence=self.evidence + seen, lied_at=now)
        return self if self.state is TrustState.TRUSTED else replace(self, evidence=self.evidence + seen)


def told(trust: Trust, *, allowed: bool) -> str:
    """Given what is remembered of a catalogue, and whether it may be believed, return it in words."""
    seen = trust.evidence
    if not allowed:
        return "Last modified in OTYS is not relied on: limits.trust_catalogue forbids it"
    if trust.state is TrustState.LIED:
        at = "" if trust.lied_at is None else f" on {trust.lied_at:%Y-%m-%d %H:%M} UTC"
        return f"list {seen.lied_about} changed in OTYS{at} and its Last modified did not move: not relied on"
    if trust.state is TrustState.TRUSTED:
        return "a list whose Last modified stands still in OTYS is not read, but for once a day"
    return (
        f"it is being learnt whether Last modified in OTYS moves with every change: "
        f"{seen.announced} of {ANNOUNCED_ENOUGH} changes did, {seen.edits} of {EDITS_ENOUGH} edits of people"
    )
