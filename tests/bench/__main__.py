"""Measures what passes cost, and tells it beside what was aimed at: `make bench`."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tests.bench.plot import Curve, Plot, svg
from tests.bench.scenarios import Measured, churned, diff_and_plan, first_sync, quiet, slow_service
from tests.bench.server import Bench, bench
from tests.bench.sizes import Sizes
from tests.bench.stored import record_first_sync
from tests.bench.targets import MEGABYTE, Peers, Results, costs, table

ROOT = Path(__file__).parents[2]
PEERS_PYTHON = ROOT / ".venv" / "peers" / "bin" / "python"
CHURN = 0.02
LATENCY = 0.2
EVERY_DAY = 0.05
"""The share of the full size that takes minutes."""


def main() -> int:
    """Measure, write `dist/bench/results.json` and `growth.svg`, and print the tables."""
    options = _options()
    sizes = Sizes(1.0 if options.full else float(os.environ.get("BENCH_SCALE", EVERY_DAY)))
    with bench() as server:
        results = _measure(server, sizes, growth=not options.no_growth)
    folder = ROOT / "dist" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    if results.growth:
        (folder / "growth.svg").write_text(svg(_plots(results)), "utf-8")
    sys.stdout.write(f"\n{costs(results)}\n{table(results)}\nWritten: {folder.relative_to(ROOT)}\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the sizes that the targets are about (an hour)")
    parser.add_argument("--no-growth", action="store_true", help="leave out how cost grows")
    return parser.parse_args()


def _measure(server: Bench, sizes: Sizes, *, growth: bool) -> Results:
    slow_wall, slow_least = slow_service(server, sizes.slow, LATENCY)
    results = Results(
        scale=sizes.scale,
        many_lists=_told(quiet(server, "A  many lists, nothing to do", sizes.many_lists)),
        kept_open=_told(quiet(server, "A  the same in a daemon", sizes.many_lists, before=1)),
        incremental=_told(quiet(server, "A  the same, incremental", sizes.many_lists, before=2, minutes=15)),
        new_list=_told(first_sync(server, "B  first sync", sizes.new_list)),
        big_list=_told(churned(server, "C  one big list, 1 % churn", sizes.big_list)),
        many_clients=_told(quiet(server, "D  many clients, nothing to do", sizes.many_clients)),
        decided=diff_and_plan(sizes.in_memory, CHURN),
        stored=record_first_sync(sizes.in_memory),
        slow_wall=slow_wall,
        slow_least=slow_least,
        peers=_peers(sizes.in_memory),
    )
    if growth:
        results.growth = _growth(server, sizes)
    return results


def _growth(server: Bench, sizes: Sizes) -> dict[str, list[Measured]]:
    return {
        "lists": [_told(quiet(server, f"   {town.lists} lists", [town])) for town in sizes.growing_lists()],
        "contacts": [
            _told(quiet(server, f"   {town.recipients} contacts", [town]))
            for town in sizes.growing_contacts()
        ],
        "churn": [
            _told(churned(server, f"   {town.churn:.1%} churn", town)) for town in sizes.growing_churn()
        ],
        "clients": [
            _told(quiet(server, f"   {len(towns)} clients", towns)) for towns in sizes.growing_clients()
        ],
    }


def _peers(contacts: int) -> Peers | None:
    if not PEERS_PYTHON.exists():
        return None
    command = [str(PEERS_PYTHON), "-m", "tests.bench.peers", str(contacts), str(CHURN)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    spent = msgspec.json.decode(done.stdout, type=dict[str, float])
    return Peers(
        vdirsyncer=spent["vdirsyncer"] / spent["dict diff"], octodns=spent["octoDNS"] / spent["dict diff"]
    )


def _told(measured: Measured) -> Measured:
    sys.stderr.write(f"{measured.name.strip()}: {measured.over_fetch:.1f} times fetching\n")
    return measured


def _plots(results: Results) -> list[Plot]:
    sizes: dict[str, Callable[[Measured], float]] = {
        "lists": lambda one: one.contacts / 100,
        "contacts": lambda one: one.contacts,
        "churn": lambda one: 100 * sum(one.planned.values()) / one.contacts,
        "clients": lambda one: one.contacts / 250,
    }
    along = {
        "lists": "lists of 100 contacts",
        "contacts": "contacts of one list",
        "churn": "changes for every 100 contacts",
        "clients": "clients with 250 contacts each",
    }
    return [
        plot
        for name, series in results.growth.items()
        for plot in _two(along[name], [sizes[name](one) for one in series], series)
    ]


def _two(along: str, sizes: Sequence[float], series: Sequence[Measured]) -> tuple[Plot, Plot]:
    spent = [
        Curve("the pass", [one.cost.cpu for one in series]),
        Curve("fetch, decode, diff", [one.floor.fetch + one.floor.decode_and_diff for one in series]),
        Curve("fetch alone", [one.floor.fetch for one in series]),
    ]
    held = [Curve("above idle", [one.cost.peak / MEGABYTE for one in series])]
    return (
        Plot("Processor time", along, sizes, "s", spent),
        Plot("Peak memory", along, sizes, "MB", held),
    )


if __name__ == "__main__":
    sys.exit(main())
