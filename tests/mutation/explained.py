"""Knows which survivors are accounted for: those that survivors.md lists, each under the reason why."""

from collections.abc import Iterable
from pathlib import Path

from tests.mutation.score import Survivor

SURVIVORS = Path(__file__).with_name("survivors.md")


def line_of(survivor: Survivor) -> str:
    """Return the line that accounts for a survivor; it outlives changes elsewhere in the module."""
    return f"- `{survivor.module}.{survivor.function}`: `{survivor.changed}`"


def unexplained(survivors: Iterable[Survivor]) -> list[Survivor]:
    explained = set(SURVIVORS.read_text("utf-8").splitlines())
    return [survivor for survivor in survivors if line_of(survivor) not in explained]
