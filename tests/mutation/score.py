"""Reads what mutmut found out: how many mutants of each module were noticed, and which were not."""

import difflib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mutmut.stats import status_by_exit_code

from tests.mutation.groups import Group

NOTICED = ("killed", "timeout", "segfault")
"""A mutant that never ends, or takes its process along, is noticed by whoever waits for the suite."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A change of one function that no test noticed."""

    module: str
    function: str
    changed: str
    """The changed lines as they read with the change."""
    status: str

    def __str__(self) -> str:
        return f"{self.module}.{self.function}: `{self.changed}`"


@dataclass(frozen=True, slots=True)
class Score:
    module: str
    counts: Counter[str]
    survivors: tuple[Survivor, ...]

    @property
    def mutants(self) -> int:
        return self.counts.total()

    @property
    def survived(self) -> int:
        return len(self.survivors)


def score(group: Group, folder: Path) -> list[Score]:
    """Return the score of each module of a group that mutmut worked on in the folder."""
    return [_score(module, folder) for module in group.modules]


def _score(module: str, folder: Path) -> Score:
    source = folder / "mutants" / "reconciler" / f"{module}.py"
    meta = json.loads(source.with_name(f"{source.name}.meta").read_text("utf-8"))
    statuses = {name: status_by_exit_code[code] for name, code in meta["exit_code_by_key"].items()}
    survivors = tuple(_survivors(module, source, statuses))
    return Score(module, Counter(statuses.values()), survivors)


def _survivors(module: str, source: Path, statuses: dict[str, str]) -> Iterator[Survivor]:
    lines = source.read_text("utf-8").splitlines()
    spans = json.loads(source.with_name(f"{source.name}.spans").read_text("utf-8"))["spans"]

    def body(function: str) -> list[str]:
        first, last = spans[function]
        return [line.replace(function, "") for line in lines[first - 1 : last]]

    for name, status in statuses.items():
        if status in NOTICED:
            continue
        mutant = name.rpartition(".")[2]
        mangled = mutant.rpartition("__mutmut_")[0]
        difference = list(difflib.ndiff(body(f"{mangled}__mutmut_orig"), body(mutant)))
        changed = _lines("+ ", difference)
        if not any(map(str.isalnum, changed)):
            changed = f"without {_lines('- ', difference)}"
        readable = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        yield Survivor(module, readable, changed, status)


def _lines(sign: str, difference: list[str]) -> str:
    return " / ".join(line[2:].strip() for line in difference if line.startswith(sign))
