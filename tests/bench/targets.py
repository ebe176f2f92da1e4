"""What was aimed at, and whether what was measured meets it."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from tests.bench.decide import Decided
from tests.bench.scenarios import Measured
from tests.bench.stored import Stored

MEGABYTE = 1_000_000


class Peers(msgspec.Struct, kw_only=True):
    """What others cost on the same items: multiples of a dict diff in the same process."""

    vdirsyncer: float
    octodns: float


class Results(msgspec.Struct, kw_only=True):
    """Everything that one run measured."""

    scale: float
    many_lists: Measured
    kept_open: Measured
    """The same, of a client that stays open from pass to pass."""
    incremental: Measured
    """The same, where both services are believed that nothing changed."""
    new_list: Measured
    big_list: Measured
    many_clients: Measured
    decided: Decided
    stored: Stored
    slow_wall: float
    """Seconds of a pass while every answer takes its time."""
    slow_least: float
    """Seconds that its requests take over the connections there are."""
    peers: Peers | None = None
    """None: they are not installed."""
    growth: dict[str, list[Measured]] = {}


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    what: str
    value: float
    target: float | None
    """At most so much; None where nothing was aimed at."""
    unit: str = "x"

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "met" if self.value <= self.target else "not met"


def lines(results: Results) -> Iterator[Line]:
    """Given what was measured, return the table."""
    yield from _quiet("A", results.many_lists)
    yield Line("A  the same in a daemon: processor, of fetching", results.kept_open.over_fetch, 1.25)
    yield Line("A  the same in a daemon: peak memory", results.kept_open.cost.peak / MEGABYTE, 150, "MB")
    few = results.incremental
    yield Line("A  incremental: requests to Mailchimp, of two a list", _of_two_a_list(few), 1.05)
    yield Line("A  incremental: requests to OTYS", few.requests["OTYS"], 5, "")
    yield Line("A  incremental: rows written", few.cost.rows_kept, 0, "rows")
    yield Line("A  incremental: processor, of making the same requests", few.over_fetch, None)
    yield Line("A  incremental: processor, of a full pass of the daemon", _of_full(results), None)
    new = results.new_list
    least = -(-new.contacts // 500)
    yield Line("B  adding requests", new.adding / least, 1.05)
    yield Line("B  processor, of making the same requests", new.over_fetch, None)
    yield Line("B  peak memory", new.cost.peak / MEGABYTE, 150, "MB")
    stored = results.stored
    yield Line("B  base rows, of a bulk insert in SQLAlchemy Core", stored.moved / stored.inserted, 1.5)
    yield Line("B  the same with history and all", stored.recorded / stored.inserted, None)
    yield Line("B  state on disk a contact", new.disk_a_contact, 250, "bytes")
    big = results.big_list
    yield Line("C  requests, of the fewest there are", big.over_fewest, 1.05)
    yield Line("C  processor less fetching, of decode and diff", big.over_floor, 1.4)
    yield Line("C  peak memory, for each million contacts", _for_a_million(big) / MEGABYTE, 150, "MB")
    yield Line("C  state on disk a contact", big.disk_a_contact, 250, "bytes")
    yield from _quiet("D", results.many_clients)
    yield Line("wall time with slow services, of the least", results.slow_wall / results.slow_least, 1.3)
    yield Line("diff and plan, of a dict diff", results.decided.plan / results.decided.diff, None)
    if results.peers is not None:
        yield Line("    vdirsyncer's sync, of a dict diff", results.peers.vdirsyncer, None)
        yield Line("    octoDNS' plan, of a dict diff", results.peers.octodns, None)


def _quiet(letter: str, measured: Measured) -> Iterator[Line]:
    yield Line(f"{letter}  requests, of the fewest there are", measured.over_fewest, 1.05)
    yield Line(f"{letter}  processor, of fetching the same pages", measured.over_fetch, 1.25)
    yield Line(f"{letter}  rows written by a pass with nothing to do", measured.cost.rows_kept, 0, "rows")
    yield Line(f"{letter}  peak memory", measured.cost.peak / MEGABYTE, 150, "MB")
    yield Line(f"{letter}  state on disk a contact", measured.disk_a_contact, 250, "bytes")


def _of_two_a_list(measured: Measured) -> float:
    return measured.requests["Mailchimp"] / (2 * measured.contacts / 500 + 20)


def _of_full(results: Results) -> float:
    return results.incremental.cost.cpu / results.kept_open.cost.cpu


def _for_a_million(measured: Measured) -> float:
    """A share of the full size must not pass for meeting what is aimed at with the whole of it."""
    return 1_000_000 * measured.cost.peak / measured.contacts


def table(results: Results) -> str:
    """Given what was measured, return it as a table of ratios beside what was aimed at."""
    head = f"{'':58}{'measured':>14}{'at most':>16}\n"
    return head + "".join(map(_line, lines(results)))


def costs(results: Results) -> str:
    """Given what was measured, return what each scenario cost."""
    head = (
        f"{'':34}{'contacts':>10}{'cpu s':>8}{'fetch s':>9}{'floor s':>9}{'wall s':>8}"
        f"{'peak MB':>9}{'OTYS':>7}{'Mailchimp':>11}{'read MB':>9}\n"
    )
    main = (
        results.many_lists,
        results.kept_open,
        results.incremental,
        results.new_list,
        results.big_list,
        results.many_clients,
    )
    grown = (one for series in results.growth.values() for one in series)
    return head + "".join(map(_cost, (*main, *grown)))


def _line(line: Line) -> str:
    unit = "" if line.unit == "x" else f" {line.unit}"
    limit = "" if line.target is None else f"{line.target:g}{unit}"
    value = f"{line.value:.3g}" if line.value < 1000 else f"{line.value:.0f}"
    return f"{line.what:58}{value + unit:>14}{limit:>16}  {line.verdict}".rstrip() + "\n"


def _cost(one: Measured) -> str:
    return (
        f"{one.name:34}{one.contacts:>10,}{one.cost.cpu:>8.2f}{one.floor.fetch:>9.2f}"
        f"{one.floor.decode_and_diff:>9.2f}{one.cost.wall:>8.1f}{one.cost.peak / MEGABYTE:>9.1f}"
        f"{one.requests['OTYS']:>7,}{one.requests['Mailchimp']:>11,}{one.read / MEGABYTE:>9.1f}\n"
    )
