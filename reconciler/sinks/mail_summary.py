"""What a summary mail holds, in words of its language, before it is laid out."""

from dataclasses import dataclass, field
from enum import StrEnum


class Tone(StrEnum):
    """How loud something is told."""

    BAD = "bad"
    WAITS = "waits"
    GOOD = "good"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that stands above the lists, because somebody should see it first."""

    tone: Tone
    title: str
    lines: tuple[str, ...] = ()
    command: str = ""
    """What releases it, to be copied."""
    command_note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Contacts of a list that are told about in one sentence."""

    title: str
    people: tuple[str, ...] = ()
    more: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What became of one list."""

    name: str
    place: str
    """Which list and audience it is."""
    counts: tuple[str, ...]
    lines: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A whole mail."""

    client: str
    subject: str
    essence: str
    tone: Tone
    notices: tuple[Notice, ...] = ()
    sections: tuple[Section, ...] = ()
    more: str = ""
    """How many lists are not told."""
    facts: tuple[str, ...] = field(default=())
    """Which pass it was."""
    pass_id: int | None = None
