"""Kills a pass at every moment there is, in three ways, and tells what came of it: `make crashes`."""

import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import structlog

from tests.crashes.checks import broken_promises, remembered
from tests.crashes.harness import House, open_house

SEED = 1


def main() -> int:
    """Run all of it; return 1 if a promise was broken."""
    structlog.configure(processors=[_drop])
    with tempfile.TemporaryDirectory() as folder, open_house(Path(folder)) as house:
        return int(sum(_tell(*way) for way in _ways(house)) > 0)


def _ways(house: House) -> Iterator[tuple[str, int, list[str]]]:
    moments = len(house.day().moments)
    undisturbed = remembered(house.acme.store)
    chance = random.Random(SEED)

    def once(moment: int) -> list[str]:
        return broken_promises(house.day(moment), undisturbed)

    def twice(moment: int) -> list[str]:
        return broken_promises(house.day(moment, chance.randrange(moments)), undisturbed)

    def among_threads(moment: int) -> list[str]:
        return broken_promises(house.day(moment, one_thread_at_a_time=False), undisturbed)

    for name, way in (("once", once), ("twice in a row", twice), ("several threads", among_threads)):
        broken = [f"{moment}: {line}" for moment in range(moments) for line in way(moment)]
        yield name, moments, broken


def _tell(name: str, moments: int, broken: list[str]) -> int:
    sys.stdout.write(f"Killed at {moments} moments, {name}: {len(broken)} promises broken.\n")
    sys.stdout.writelines(f"  {line}\n" for line in broken)
    sys.stdout.flush()
    return len(broken)


def _drop(_logger: object, _name: str, _line: object) -> str:
    raise structlog.DropEvent


if __name__ == "__main__":
    sys.exit(main())
