"""What one reading asked, asked ahead by the next."""

import resource
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import IO

import pytest
from structlog.testing import capture_logs

from reconciler.api import spool
from reconciler.api.http import Answer
from reconciler.api.spool import KEPT_IN_MEMORY
from reconciler.api.tape import Query, Tape, Trace
from reconciler.errors import Unreachable

SEED = 7
FIRST, SECOND, THIRD = (Query(f"/page/{number}", b"{}") for number in (1, 2, 3))


@dataclass
class Service:
    """Answers with what stands at a path, and counts what it is asked."""

    bodies: Mapping[Query, bytes]
    asked: list[Query] = field(default_factory=list)

    def fetch(self, query: Query) -> Answer:
        self.asked.append(query)
        if query not in self.bodies:
            raise Unreachable("Mailchimp", "nobody is there")
        return Answer(200, {}, self.bodies[query])

    def read(self, tape: Tape, *queries: Query) -> Iterator[bytes]:
        for query in queries:
            yield tape.answer(query, lambda query=query: self.fetch(query)).body  # type: ignore[misc]


def traced(service: Service, *queries: Query) -> Trace:
    with Tape(seed=SEED) as tape:
        assert all(service.read(tape, *queries))
        service.asked.clear()
        return tape.trace


def test_the_same_answers_are_told_by_asking_alone() -> None:
    service = Service({FIRST: b"one", SECOND: b"two"})
    with Tape(traced(service, FIRST, SECOND), seed=SEED) as tape:
        tape.fetch_ahead(service.fetch)
        assert tape.same
    assert service.asked == [FIRST, SECOND]


@pytest.mark.parametrize("size", [1, KEPT_IN_MEMORY])
def test_one_other_byte_hands_over_what_was_fetched_and_nothing_is_asked_twice(size: int) -> None:
    before = Service({FIRST: b"one" * size, SECOND: b"two", THIRD: b"three"})
    service = Service({**before.bodies, SECOND: b"twO"})
    with Tape(traced(before, FIRST, SECOND, THIRD), seed=SEED) as tape:
        tape.fetch_ahead(service.fetch)
        assert not tape.same
        assert service.asked == [FIRST, SECOND]
        assert list(service.read(tape, FIRST, SECOND, THIRD)) == [b"one" * size, b"twO", b"three"]
    assert service.asked == [FIRST, SECOND, THIRD]


def test_what_was_handed_over_is_compared_with_the_next_time() -> None:
    before, service = Service({FIRST: b"one"}), Service({FIRST: b"other"})
    with Tape(traced(before, FIRST), seed=SEED) as tape:
        tape.fetch_ahead(service.fetch)
        list(service.read(tape, FIRST))
        known = tape.trace
    with Tape(known, seed=SEED) as tape:
        tape.fetch_ahead(service.fetch)
        assert tape.same


def test_the_reader_gets_the_error_that_came_instead_of_an_answer() -> None:
    known = traced(Service({FIRST: b"one", SECOND: b"two"}), FIRST, SECOND)
    service = Service({FIRST: b"one"})
    with Tape(known, seed=SEED) as tape:
        tape.fetch_ahead(service.fetch)
        assert not tape.same
        with pytest.raises(Unreachable):
            list(service.read(tape, FIRST, SECOND))
    assert service.asked == [FIRST, SECOND]


def test_a_reader_that_goes_another_way_gets_nothing_that_it_did_not_ask_for() -> None:
    before = Service({FIRST: b"one", SECOND: b"two", THIRD: b"three"})
    service = Service({**before.bodies, SECOND: b"twO"})
    with Tape(traced(before, FIRST, SECOND), seed=SEED) as tape:
        tape.fetch_ahead(service.fetch)
        assert list(service.read(tape, THIRD, FIRST)) == [b"three", b"one"]


def test_the_same_bytes_in_answer_to_another_question_are_not_the_same() -> None:
    service = Service({FIRST: b"same", SECOND: b"same"})
    [first], [second] = traced(service, FIRST), traced(service, SECOND)
    assert first.fingerprint != second.fingerprint


def test_the_other_side_stops_asking_ahead_as_soon_as_one_differs() -> None:
    service, differs = Service({FIRST: b"one", SECOND: b"two"}), Event()
    known = traced(service, FIRST, SECOND)
    differs.set()
    with Tape(known, seed=SEED, stop=differs) as tape:
        tape.fetch_ahead(service.fetch)
        assert not tape.same
    assert service.asked == []


def test_nothing_known_is_never_the_same() -> None:
    with Tape(seed=SEED) as tape:
        tape.fetch_ahead(Service({}).fetch)
        assert not tape.same


def test_a_reading_that_knows_more_than_its_answers_proves_nothing() -> None:
    with Tape(seed=SEED) as tape:
        list(Service({FIRST: b"one"}).read(tape, FIRST))
        tape.prove_nothing()
        assert tape.trace == ()


@contextmanager
def no_directory(_folder: Path) -> Iterator[None]:
    """Yield while the temporary directory is gone."""
    before, tempfile.tempdir = tempfile.tempdir, "/nowhere"
    try:
        yield
    finally:
        tempfile.tempdir = before


@contextmanager
def full_directory(folder: Path) -> Iterator[None]:
    """Yield while no more than the half of a page can be written to a file."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (KEPT_IN_MEMORY // 2, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        tempfile.tempdir = before


@pytest.mark.parametrize("broken", [no_directory, full_directory])
def test_without_room_on_disk_no_more_is_fetched_ahead_and_all_is_read(
    tmp_path: Path, broken: Callable[[Path], AbstractContextManager[None]]
) -> None:
    bodies = {FIRST: b"one", SECOND: b"2" * (KEPT_IN_MEMORY + 1), THIRD: b"three"}
    service, stop = Service(bodies), Event()
    known = traced(service, *bodies)
    with capture_logs() as logged, broken(tmp_path), Tape(known, seed=SEED, stop=stop) as tape:
        tape.fetch_ahead(service.fetch)
        assert not tape.same
        assert stop.is_set(), "the other side fetches on in vain"
        assert service.asked == [FIRST, SECOND]
        assert list(service.read(tape, *bodies)) == list(bodies.values())
    assert service.asked == [FIRST, SECOND, THIRD]
    assert [line["log_level"] for line in logged] == ["warning"]


def test_a_page_that_the_disk_lost_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = {FIRST: b"1" * (KEPT_IN_MEMORY + 1), SECOND: b"two"}
    service = Service(bodies)
    known = traced(service, *bodies)
    files: list[IO[bytes]] = []

    def made(**given: int) -> IO[bytes]:
        files.append(tempfile.TemporaryFile(dir=tmp_path, **given))  # type: ignore[call-overload]  # noqa: SIM115 (the tape closes it)
        return files[-1]

    monkeypatch.setattr(spool, "TemporaryFile", made)
    with Tape(known, seed=SEED) as tape:
        tape.fetch_ahead(service.fetch)
        files[0].truncate(5)
        assert list(service.read(tape, *bodies)) == list(bodies.values())
    assert service.asked == [FIRST, SECOND, FIRST]
    assert files[0].closed
