"""Does one piece of work in a process of its own, so that its memory is its own, and tells what it cost."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import msgspec
import structlog

from reconciler.reconcile import make_plan, reconcile
from reconciler.report import PassReport
from reconciler.store import open_store
from tests.bench.decide import Decided, decide
from tests.bench.floor import Floor, floor_of
from tests.bench.house import BELIEVED, NOW, open_bench_client
from tests.bench.meter import Cost, measured
from tests.bench.server import Asked, bench_at
from tests.bench.town import Town

WARM = Town(name="warm", lists=1, recipients=3)
"""A first small pass loads what is loaded once: it is no part of what a pass costs."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done."""

    kind: str
    """pass, plan, floor or decide."""
    url: str = ""
    folder: str = ""
    """Where the database is."""
    towns: list[Town] = []
    asked: list[Asked] = []
    before: int = 0
    """Passes of the same open clients that are not measured, as a daemon has them behind it."""
    minutes: int = 0
    """What the clock moves from pass to pass; then OTYS' catalogue is believed, too."""
    contacts: int = 0
    churn: float = 0.0


class Done(msgspec.Struct, kw_only=True):
    """What it came to."""

    cost: Cost | None = None
    results: dict[str, int] = {}
    """Passes by their result."""
    planned: dict[str, int] = {}
    """Changes by verb."""
    disk: int = 0
    """Bytes of the database."""
    floor: Floor | None = None
    decided: Decided | None = None


def main() -> None:
    """Read the work from standard input, do it, and write what it came to."""
    structlog.configure(processors=[_drop])
    work = msgspec.json.decode(sys.stdin.buffer.read(), type=Work)
    sys.stdout.buffer.write(msgspec.json.encode(_do(work)))


def _do(work: Work) -> Done:
    if work.kind == "floor":
        return Done(floor=floor_of(work.url, work.asked, work.towns))
    if work.kind == "decide":
        return Done(decided=decide(work.contacts, work.churn))
    return _passes(work, writes=work.kind == "pass")


def _passes(work: Work, *, writes: bool) -> Done:
    _run(work, [WARM], "warm.db", writes=writes)
    done = _run(work, work.towns, "state.db", writes=writes, before=work.before)
    done.disk = (Path(work.folder) / "state.db").stat().st_size
    return done


def _run(work: Work, towns: Sequence[Town], database: str, *, writes: bool, before: int = 0) -> Done:
    done, passed = Done(), timedelta(0)
    with open_store(f"sqlite:///{work.folder}/{database}") as store, ExitStack() as opened:
        clients = [
            opened.enter_context(
                open_bench_client(work.url, town.name, store, writes=writes, now=lambda: NOW + passed)
            )
            for town in towns
        ]
        for town in towns if work.minutes else ():
            store.keep_catalogue_trust(town.name, BELIEVED)
        for _ in range(before):
            for client in clients:
                reconcile(client, trigger="schedule")
            passed += timedelta(minutes=work.minutes)
        if before:
            bench_at(work.url).log()
        with measured() as done.cost:
            for client in clients:
                _count(reconcile(client, trigger="once") if writes else make_plan(client), done)
    return done


def _count(report: PassReport, done: Done) -> None:
    """Of a report only numbers are kept: hundreds of whole ones would be memory of the measurement."""
    if report.all_problems:
        raise RuntimeError(f"a pass failed: {report.all_problems}")
    done.results[report.result] = done.results.get(report.result, 0) + 1
    for verb, count in report.planned.items():
        done.planned[verb] = done.planned.get(verb, 0) + count


def _drop(_logger: object, _name: str, _line: object) -> str:
    raise structlog.DropEvent


if __name__ == "__main__":
    main()
