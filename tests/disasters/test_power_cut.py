"""The power is cut in the middle of a commit: what was acknowledged is there, and nothing is half there."""

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.model import Address, BaseMove, ListUid, NoReason, PassId
from reconciler.store import Store, check_database, open_store
from tests.store.examples import CLIENT, NEWS, NOW, a_pass, no

HEADER, FRAME_HEADER = 32, 24
"""Bytes of a write-ahead log (SQLite's "Database File Format", section 4.1)."""


def say(store: Store, number: int) -> None:
    """Remember three nos at once: all of them are there, or none."""
    said = [no(Address(f"p{number}-{one}@agency.nl"), NoReason.OPTED_OUT) for one in range(3)]
    store.move(
        PassId(1), CLIENT, NEWS, [BaseMove(address=one.address, row=None, no=one) for one in said], NOW
    )


def known(store: Store) -> list[int]:
    """Return how many nos of each batch are remembered."""
    addresses = [one.address for one in store.base(CLIENT, ListUid(NEWS)).nos]
    batches = {int(address.partition("-")[0][1:]) for address in addresses}
    return [sum(one.startswith(f"p{batch}-") for one in addresses) for batch in sorted(batches)]


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """Return a database with one pass in it, and an empty log."""
    path = tmp_path / "state.db"
    with open_store(f"sqlite:///{path}") as store:
        a_pass(store)
    return path


@pytest.mark.parametrize("spoilt", [False, True], ids=["cut off", "cut off and the last bytes spoilt"])
def test_a_log_that_ends_anywhere_holds_every_commit_up_to_there(prepared: Path, *, spoilt: bool) -> None:
    log = prepared.with_name("state.db-wal")
    with open_store(f"sqlite:///{prepared}") as store, store._database.reading() as connection:
        page = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
        acknowledged = [0]
        for number in range(3):
            say(store, number)
            acknowledged.append(log.stat().st_size)
        database, frames = prepared.read_bytes(), log.read_bytes()
    ends = range(HEADER, len(frames) + 1, FRAME_HEADER + page)
    assert acknowledged[-1] == ends[-1]
    for end in sorted({0, 1, HEADER - 1} | {end + by for end in ends for by in (-1, 0, FRAME_HEADER)}):
        left = bytearray(frames[:end])
        if spoilt and left:
            left[-1] ^= 0xFF
        whole = len(left) - 1 if spoilt else len(left)
        after = prepared.with_name("after") / "state.db"
        after.parent.mkdir(exist_ok=True)
        after.write_bytes(database)
        after.with_name("state.db-wal").write_bytes(left)

        with open_store(f"sqlite:///{after}") as store:
            assert known(store) == [3] * (sum(size <= whole for size in acknowledged) - 1), end
        shutil.rmtree(after.parent)


WRITER = """
import itertools, sys
from reconciler.store import open_store
from tests.disasters.test_power_cut import say
with open_store(sys.argv[1]) as store:
    for number in itertools.count(int(sys.argv[2])):
        say(store, number)
        print(number, flush=True)
"""


def test_a_process_killed_at_any_moment_has_kept_what_it_said_it_had(prepared: Path) -> None:
    url, moments, first = f"sqlite:///{prepared}", random.Random(4), 0
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(first)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            acknowledged = first + moments.randrange(5, 25)
            while int(writer.stdout.readline()) < acknowledged:
                pass
            writer.kill()
            last = [int(line) for line in writer.stdout.read().split()]
        at_least = last[-1] if last else acknowledged
        with open_store(url) as store:
            kept = known(store)
        assert set(kept) == {3}
        assert at_least + 1 <= len(kept) <= at_least + 2
        first = len(kept)
    assert check_database(url).healthy
