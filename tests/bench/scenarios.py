"""The scenarios of the measurement: what each is, and what it came to."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.bench.decide import Decided
from tests.bench.floor import Floor, fewest_requests
from tests.bench.meter import Cost
from tests.bench.server import Asked, Bench, requests_by_system
from tests.bench.town import Town
from tests.bench.worker import WARM, Done, Work

PASSES_UNTIL_QUIET = 2
"""The first adopts everybody; the second keeps that nothing is left to do."""


class Measured(msgspec.Struct, kw_only=True):
    """One scenario: what a pass cost, and what the least costs that comes to the same."""

    name: str
    contacts: int
    cost: Cost
    floor: Floor
    requests: dict[str, int]
    fewest: dict[str, int]
    """The smallest number of requests that shows as much."""
    adding: int
    """Requests that add contacts."""
    read: int
    """Bytes of the answers."""
    planned: dict[str, int]
    disk: int
    """Bytes of the database."""

    @property
    def over_fetch(self) -> float:
        """How many times what a bare session costs that fetches the same pages."""
        return self.cost.cpu / self.floor.fetch

    @property
    def over_floor(self) -> float:
        """What is spent beside fetching, as a multiple of decoding and comparing."""
        return (self.cost.cpu - self.floor.fetch) / self.floor.decode_and_diff

    @property
    def over_fewest(self) -> float:
        """How many times the smallest number of requests were made."""
        return sum(self.requests.values()) / sum(self.fewest.values())

    @property
    def disk_a_contact(self) -> float:
        """Bytes of the database for each contact."""
        return self.disk / self.contacts


def quiet(server: Bench, name: str, towns: Sequence[Town], *, before: int = 0, minutes: int = 0) -> Measured:
    """Given towns in step with their audiences, measure a full pass of each that finds nothing to do.

    It is the first pass of its process, or follows so many others, as a daemon's does; where minutes go by
    between them, both services are believed that nothing changed.
    """
    with tempfile.TemporaryDirectory() as folder:
        _bring_to_rest(server, folder, towns)
        measured = _measure(server, name, folder, towns, kind="pass", before=before, minutes=minutes)
    if measured.planned:
        raise RuntimeError(f"{name}: the passes before did not bring the world to rest")
    return measured


def churned(server: Bench, name: str, town: Town) -> Measured:
    """Given a town whose lists changed since they were in step, measure the pass that decides what to do.

    Nothing is written: each changed contact takes Mailchimp a request, at its own pace.
    """
    with tempfile.TemporaryDirectory() as folder:
        _bring_to_rest(server, folder, [msgspec.structs.replace(town, churn=0.0)])
        return _measure(server, name, folder, [town], kind="plan")


def first_sync(server: Bench, name: str, town: Town) -> Measured:
    """Given a town whose audiences are empty, measure the pass that fills them."""
    with tempfile.TemporaryDirectory() as folder:
        return _measure(server, name, folder, [town], kind="pass")


def slow_service(server: Bench, town: Town, latency: float) -> tuple[float, float]:
    """Given a town in step and what every answer takes, return seconds: of a pass, and the fewest there are.

    The fewest are those of the service that is asked more, over five connections.
    """
    with tempfile.TemporaryDirectory() as folder:
        _bring_to_rest(server, folder, [town])
        server.serve(town, WARM, latency=latency)
        done = run(Work(kind="pass", url=server.url, folder=folder, towns=[town]))
        asked = _asked_of(server, [town])
    if done.cost is None:
        raise RuntimeError("the pass was not measured")
    return done.cost.wall, max(requests_by_system(asked).values()) * latency / 5


def diff_and_plan(contacts: int, churn: float) -> Decided:
    """Given how many contacts and which share changed, measure diff and plan alone."""
    decided = run(Work(kind="decide", contacts=contacts, churn=churn)).decided
    if decided is None:
        raise RuntimeError("nothing was decided")
    return decided


def run(work: Work) -> Done:
    """Given work, have it done by a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.worker"],
        input=msgspec.json.encode(work),
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=Done)


def _bring_to_rest(server: Bench, folder: str, towns: Sequence[Town]) -> None:
    server.serve(*towns, WARM)
    for _ in range(PASSES_UNTIL_QUIET):
        run(Work(kind="pass", url=server.url, folder=folder, towns=list(towns)))


def _measure(
    server: Bench,
    name: str,
    folder: str,
    towns: Sequence[Town],
    *,
    kind: str,
    before: int = 0,
    minutes: int = 0,
) -> Measured:
    server.serve(*towns, WARM)
    work = Work(kind=kind, url=server.url, folder=folder, towns=list(towns), before=before, minutes=minutes)
    done = run(work)
    asked = _asked_of(server, towns)
    floor = run(Work(kind="floor", url=server.url, towns=list(towns), asked=asked)).floor
    if done.cost is None or floor is None:
        raise RuntimeError(f"{name} was not measured")
    return Measured(
        name=name,
        contacts=sum(town.contacts for town in towns),
        cost=done.cost,
        floor=floor,
        requests=requests_by_system(asked),
        fewest=fewest_requests(towns),
        adding=sum(one.adds for one in asked),
        read=sum(one.answered for one in asked),
        planned=done.planned,
        disk=done.disk,
    )


def _asked_of(server: Bench, towns: Sequence[Town]) -> list[Asked]:
    names = {town.name for town in towns}
    return [one for one in server.log() if one.target.split("/")[1] in names]
