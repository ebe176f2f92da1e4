"""The file of the log of nos: what is in it is what was written, or somebody is told."""

import fcntl
import os
import resource
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.errors import StoreError
from reconciler.store.facts import ErasureFact, Fact
from reconciler.store.redo_log import DamagedLog, Position, RedoLog
from tests.store.examples import CLIENT, NOW

KEY = "00ff"


def fact(number: int) -> ErasureFact:
    return ErasureFact(client=CLIENT, keys=(f"key {number}",), erased_at=NOW)


@pytest.fixture
def log(tmp_path: Path) -> RedoLog:
    made = RedoLog(tmp_path / "state.db.nos")
    with made.held() as held:
        held.write_anew(KEY, [fact(1), fact(2)])
    return made


def facts(log: RedoLog) -> list[Fact]:
    contents = log.read()
    return [] if contents is None else [entry.fact for entry in contents.entries]


def append(log: RedoLog, *new: Fact) -> Position:
    with log.held() as held:
        return held.append(new)


def test_it_holds_what_was_written_in_its_order(log: RedoLog) -> None:
    assert append(log, fact(3), fact(4)) == log.end()
    assert facts(log) == [fact(number) for number in (1, 2, 3, 4)]


def test_only_its_owner_may_read_it(log: RedoLog) -> None:
    append(log, fact(3))
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


def test_what_comes_after_a_line_is_known_unless_the_line_is_not_of_this_log(log: RedoLog) -> None:
    second, last = log.end(), append(log, fact(3))
    contents = log.read()
    assert contents is not None
    assert [entry.fact for entry in contents.after(second) or ()] == [fact(3)]
    assert contents.after(last) == ()
    assert contents.after(None) is None
    assert contents.after(Position(last.number, "another mark")) is None
    assert contents.after(Position(last.number + 1, last.mark)) is None


def test_a_log_that_ends_anywhere_holds_every_whole_line_and_goes_on(log: RedoLog) -> None:
    whole = log.path.read_bytes()
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for end in range(len(whole)):
        log.path.write_bytes(whole[:end])
        left = max(0, sum(one <= end for one in ends) - 1)
        assert facts(log) == [fact(1), fact(2)][:left], end
        if end >= ends[0]:
            append(log, fact(9))
            assert facts(log) == [*[fact(1), fact(2)][:left], fact(9)], end
        else:
            assert log.end() is None


def test_every_byte_that_is_not_what_was_written_is_noticed(log: RedoLog) -> None:
    whole = log.path.read_bytes()
    for place in range(len(whole) - 1):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1
        log.path.write_bytes(spoilt)
        with pytest.raises(DamagedLog):
            log.read()


def test_a_last_line_that_is_not_what_was_written_is_no_end(log: RedoLog) -> None:
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[:-2] + b" \n")
    with pytest.raises(DamagedLog, match="line 3 of 3"):
        log.end()


def test_a_damaged_line_is_named_with_what_to_do(log: RedoLog) -> None:
    append(log, fact(3))
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join([*lines[:1], *lines[2:]]))  # one is missing

    with pytest.raises(DamagedLog) as told:
        log.read()

    assert f"The log of nos {log.path} is damaged: lines 2, 3 of 3 are not" in str(told.value)
    assert "Put a whole copy of it back" in told.value.advice


def test_lines_that_are_longer_than_what_is_read_at_once_are_found(log: RedoLog) -> None:
    long = ErasureFact(client=CLIENT, keys=tuple(f"{number:032}" for number in range(5000)), erased_at=NOW)
    append(log, long)
    end = append(log, long)
    assert log.end() == end
    assert append(log, fact(3)).number == end.number + 1


def test_threads_that_write_at_once_leave_every_line_whole(log: RedoLog) -> None:
    def write(first: int) -> None:
        for number in range(first, first + 10):
            append(log, fact(number))

    threads = [threading.Thread(target=write, args=(first,)) for first in (100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    numbers = [int(one.keys[0].split()[1]) for one in facts(log) if isinstance(one, ErasureFact)]
    assert sorted(numbers) == [1, 2, *(first + more for first in (100, 200, 300) for more in range(10))]
    assert [one for one in numbers if 200 <= one < 300] == list(range(200, 210))


def test_who_waited_for_a_log_that_was_written_anew_writes_to_the_new_one(log: RedoLog) -> None:
    waiting = threading.Thread(target=append, args=(log, fact(9)))
    with log.held() as held:
        waiting.start()
        held.write_anew(KEY, [fact(5)])
    waiting.join()
    assert facts(log) == [fact(5), fact(9)]


def test_a_log_that_was_written_anew_is_still_held_by_who_wrote_it(log: RedoLog) -> None:
    with log.held() as held:
        held.write_anew(KEY, [fact(5)])
        with log.path.open("rb") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_log_that_cannot_be_written_anew_stays_as_it_was(
    log: RedoLog, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    owner = Path if step == "replace" else os
    with monkeypatch.context() as patch, log.held() as held:
        patch.setattr(owner, step, full)
        with pytest.raises(StoreError, match="the disk is full"):
            held.write_anew(KEY, [])

    assert facts(log) == [fact(1), fact(2)]
    assert [path.name for path in log.path.parent.iterdir()] == [log.path.name]


def test_the_name_of_a_log_that_was_written_anew_is_on_the_disk_too(
    log: RedoLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = log.path.parent.stat()
    synced: list[list[str]] = []

    def sync(file: int) -> None:
        if os.path.samestat(os.fstat(file), here):
            synced.append([path.name for path in log.path.parent.iterdir()])

    with monkeypatch.context() as patch, log.held() as held:
        patch.setattr(os, "fsync", sync)
        held.write_anew(KEY, [fact(5)])

    assert synced == [[log.path.name]]


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Within it no file can be made longer, as with a quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_takes_only_half_a_line_is_told_and_leaves_none(log: RedoLog) -> None:
    before = log.path.read_bytes()
    with room_for(len(before) + 20), pytest.raises(StoreError, match="cannot grow"):
        append(log, fact(3))
    assert log.path.read_bytes() == before
    append(log, fact(3))
    assert facts(log) == [fact(1), fact(2), fact(3)]


def test_a_log_that_may_not_be_read_is_told_in_words(tmp_path: Path) -> None:
    folder = RedoLog(tmp_path)
    with pytest.raises(StoreError, match=r"The log of nos .* failed: Is a directory"):
        folder.read()
