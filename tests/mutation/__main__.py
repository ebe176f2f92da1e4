"""Changes the product in thousands of small ways and tells which of them no test noticed (`make mutants`).

It goes on where it was stopped, and tries again what changed in the product. What survived is not tried again
for a new test: delete `build/mutants` to begin anew.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.mutation.explained import line_of, unexplained
from tests.mutation.groups import GROUPS, Group
from tests.mutation.score import Score, score
from tests.mutation.workshop import ROOT, set_up

MOST_SURVIVORS = 0.05
COLUMNS = "{:<28}{:>9}{:>9}{:>10}{:>10}{:>8}"


def main() -> int:
    options = _options()
    scores: list[Score] = []
    for group in options.groups:
        folder = options.folder / group.name
        set_up(group, folder)
        _mutate(folder, options.at_a_time)
        scores += score(group, folder)
        _tell(_table(score(group, folder)))
    _tell(_table(scores))
    return _verdict(scores)


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _mutate(folder: Path, at_a_time: int) -> None:
    """Run mutmut, which goes on where it was stopped."""
    mutmut = Path(sys.executable).with_name("mutmut")
    here = {"HYPOTHESIS_PROFILE": "mutants", "PYTHONPATH": str(folder)}
    subprocess.run(
        [mutmut, "run", "--max-children", str(at_a_time)], cwd=folder, env={**os.environ, **here}, check=True
    )


def _table(scores: Sequence[Score]) -> str:
    rows = [COLUMNS.format("module", "mutants", "killed", "timeouts", "survived", "share")]
    rows += [_row(one.module, [one]) for one in scores]
    return "\n".join((*rows, _row("all of them", scores)))


def _row(name: str, scores: Iterable[Score]) -> str:
    counted = list(scores)
    mutants, survived = sum(one.mutants for one in counted), sum(one.survived for one in counted)
    timeouts = sum(one.counts["timeout"] for one in counted)
    share = f"{survived / mutants:.1%}" if mutants else "-"
    return COLUMNS.format(name, mutants, mutants - survived - timeouts, timeouts, survived, share)


def _verdict(scores: Sequence[Score]) -> int:
    left = unexplained(survivor for one in scores for survivor in one.survivors)
    for survivor in left:
        _tell(f"not accounted for ({survivor.status}): {line_of(survivor)}")
    mutants, survived = sum(one.mutants for one in scores), sum(one.survived for one in scores)
    return 1 if left or survived > MOST_SURVIVORS * mutants else 0


class _Options(argparse.Namespace):
    names: list[str]
    folder: Path
    at_a_time: int

    @property
    def groups(self) -> list[Group]:
        return [group for group in GROUPS if not self.names or group.name in self.names]


def _options() -> _Options:
    names = [group.name for group in GROUPS]
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="GROUP", help=f"some of: {', '.join(names)}")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "mutants")
    parser.add_argument("--at-a-time", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(namespace=_Options())
    for name in set(options.names) - set(names):
        parser.error(f"no group is named {name}; there are {', '.join(names)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
