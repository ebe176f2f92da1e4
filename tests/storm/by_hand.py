"""Thousands of passes under faults, and a table of what they did: `make storm`."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import structlog

from tests.storm.storm import Storm, storm
from tests.storm.weather import EVERY_KIND, Weather

SHARES = (0.01, 0.1, 0.5)
PASSES = 20
SEEDS_ALONE = 1
SEEDS_MIXED = 20
_ROW = "{:34}{:>6} {:>7} {:>7} {:>6} {:>7} {:>9} {:>9}  {}\n"


def main() -> int:
    """Run all of it; return 1 if a promise was broken."""
    structlog.configure(processors=[_drop])
    sys.stdout.write(
        _ROW.format(
            "weather", "passes", "failed", "struck", "deeds", "retries", "waited", "a minute", "broken"
        )
    )
    return int(sum(_tell(weather, seeds) for weather, seeds in _weathers()) > 0)


def _weathers() -> Iterator[tuple[Weather, int]]:
    for share in SHARES:
        yield Weather(EVERY_KIND, share), SEEDS_MIXED
    for kind in EVERY_KIND:
        for share in SHARES:
            yield Weather([kind], share), SEEDS_ALONE


def _tell(weather: Weather, seeds: int) -> int:
    blown = [_blown(weather, seed) for seed in range(seeds)]
    broken = [f"seed {seed}: {line}" for seed, one in enumerate(blown) for line in one.broken]
    waited = max(one.waited.total_seconds() for one in blown)
    sys.stdout.write(
        _ROW.format(
            weather.name,
            sum(one.passes for one in blown),
            sum(one.failed for one in blown),
            sum(one.struck for one in blown),
            sum(len(one.deeds) for one in blown),
            f"{max(one.worst_ratio for one in blown):.1f}x",
            f"{waited:.0f} s",
            max(one.acme.sandbox.log_summary().most_otys_requests_a_minute for one in blown),
            len(broken),
        )
    )
    sys.stdout.writelines(f"    {line}\n" for line in broken)
    sys.stdout.flush()
    return len(broken)


def _blown(weather: Weather, seed: int) -> Storm:
    with tempfile.TemporaryDirectory() as folder, storm(Path(folder), weather, seed) as blowing:
        blowing.blow(PASSES)
        return blowing


def _drop(_logger: object, _name: str, _line: object) -> str:
    raise structlog.DropEvent


if __name__ == "__main__":
    sys.exit(main())
