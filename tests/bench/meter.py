"""What a piece of work costs this process: processor time, wall time, memory, rows written."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine, event

BOOKKEEPING = {"passes", "locks", "meta"}
"""Tables in which every pass says that it began and ended, whatever it found."""
_WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)
_STATUS = Path("/proc/self/status")
_FORGET_PEAK = "5"


class Cost(msgspec.Struct, kw_only=True):
    """What some work came to."""

    cpu: float = 0.0
    """Seconds, user and system, of all threads."""
    wall: float = 0.0
    peak: int = 0
    """Bytes above what the process held before."""
    rows: dict[str, int] = {}
    """Rows written, by table."""

    @property
    def rows_kept(self) -> int:
        """Rows written but for the record of the pass itself."""
        return sum(count for table, count in self.rows.items() if table not in BOOKKEEPING)


@contextmanager
def measured() -> Iterator[Cost]:
    """Yield what is filled in when the work is over."""
    cost = Cost()
    with rows_written() as rows:
        Path("/proc/self/clear_refs").write_text(_FORGET_PEAK, "ascii")
        idle = _memory("VmRSS")
        wall, cpu = time.perf_counter(), time.process_time()
        yield cost
        cost.cpu, cost.wall = time.process_time() - cpu, time.perf_counter() - wall
        cost.peak = max(0, _memory("VmHWM") - idle)
    cost.rows = dict(rows)


@contextmanager
def rows_written() -> Iterator[Counter[str]]:
    """Yield a count of the rows that any database of this process gets, by table."""
    rows: Counter[str] = Counter()

    def note(
        _connection: Connection,
        cursor: object,
        statement: str,
        _parameters: object,
        _context: object,
        _many: bool,  # noqa: FBT001 (SQLAlchemy calls it so)
    ) -> None:
        found = _WRITES.match(statement)
        if found:
            rows[found[1]] += max(0, getattr(cursor, "rowcount", 0))

    event.listen(Engine, "after_cursor_execute", note)
    try:
        yield rows
    finally:
        event.remove(Engine, "after_cursor_execute", note)


def _memory(line: str) -> int:
    found = re.search(rf"^{line}:\s+(\d+) kB", _STATUS.read_text("ascii"), re.MULTILINE)
    if found is None:
        raise LookupError(f"this system does not tell {line}")
    return int(found[1]) * 1024
