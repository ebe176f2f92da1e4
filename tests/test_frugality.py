"""What a pass asks for, writes and holds, counted rather than timed; `make bench` measures the rest."""

import gc
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.model import PassResult
from reconciler.reconcile import make_plan, reconcile
from reconciler.report import PassReport
from reconciler.store import Store, open_store
from tests.bench.floor import fewest_requests
from tests.bench.house import BELIEVED, NOW, open_bench_client
from tests.bench.meter import BOOKKEEPING, rows_written
from tests.bench.server import Bench, bench, requests_by_system
from tests.bench.town import Town

BYTES_A_CONTACT = 6_000
"""Twice of what deciding holds for each contact of one list, on all three sides, today."""


@pytest.fixture(scope="module")
def server() -> Iterator[Bench]:
    with bench() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/state.db") as opened:
        yield opened


def once(server: Bench, store: Store, town: Town) -> PassReport:
    with open_bench_client(server.url, town.name, store, writes=True) as client:
        return reconcile(client, trigger="once")


def bring_to_rest(server: Bench, store: Store, town: Town) -> None:
    server.serve(town)
    for _ in range(2):
        assert once(server, store, town).result is PassResult.DONE
    server.log()


def test_a_pass_with_nothing_to_do_asks_no_more_than_it_must_and_writes_no_row(
    server: Bench, store: Store
) -> None:
    town = Town(name="quiet", lists=8, recipients=250)
    bring_to_rest(server, store, town)

    with rows_written() as rows:
        once(server, store, town)

    asked = requests_by_system(server.log())
    fewest = fewest_requests([town])
    assert asked == {**fewest, "OTYS": fewest["OTYS"] + 1}  # it logs out
    assert {table: count for table, count in rows.items() if count and table not in BOOKKEEPING} == {}


@pytest.mark.parametrize("lists", [8, 16])
def test_where_both_services_say_that_nothing_changed_hardly_anything_is_asked(
    server: Bench, store: Store, lists: int
) -> None:
    town = Town(name="still", lists=lists, recipients=250)
    bring_to_rest(server, store, town)
    store.keep_catalogue_trust(town.name, BELIEVED)
    passed = timedelta(0)
    with open_bench_client(server.url, town.name, store, writes=True, now=lambda: NOW + passed) as client:
        for _ in range(2):
            reconcile(client, trigger="schedule")
            passed += timedelta(minutes=15)
        server.log()

        with rows_written() as rows:
            reconcile(client, trigger="schedule")

    asked = server.log()
    # Settings, catalogue and the end of the session; the audiences, and two looks at each.
    assert requests_by_system(asked) == {"OTYS": 3, "Mailchimp": 2 * lists + 1}
    assert all(one.answered < 2_000 for one in asked if "/members" in one.target), "each is small"
    assert {table: count for table, count in rows.items() if count and table not in BOOKKEEPING} == {}


def test_a_first_sync_adds_five_hundred_contacts_a_request_and_writes_a_row_a_contact(
    server: Bench, store: Store
) -> None:
    town = Town(name="new", lists=1, recipients=1_400, empty=True)
    server.serve(town)

    with rows_written() as rows:
        once(server, store, town)

    assert sum(one.adds for one in server.log()) == 3
    assert (rows["base_rows"], rows["outcomes"]) == (1_400, 1_401)  # history also tells of the link


def test_what_a_pass_holds_does_not_grow_with_the_number_of_lists(server: Bench, store: Store) -> None:
    # More lists each time than are read at once.
    few, many = Town(name="few", lists=12, recipients=60), Town(name="many", lists=36, recipients=60)
    for town in (few, many):
        bring_to_rest(server, store, town)
    server.serve(few, many)

    assert peak_of_plan(server, store, many) < 2 * peak_of_plan(server, store, few)


def test_what_a_pass_holds_of_one_list_stays_within_bounds(server: Bench, store: Store) -> None:
    town = Town(name="big", lists=1, recipients=1_000)
    bring_to_rest(server, store, town)

    assert peak_of_plan(server, store, town) < BYTES_A_CONTACT * town.contacts


def peak_of_plan(server: Bench, store: Store, town: Town) -> int:
    """The most that was held at one time, beyond what was held before."""
    with open_bench_client(server.url, town.name, store, writes=False) as client:
        gc.collect()
        tracemalloc.start()
        try:
            make_plan(client)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
