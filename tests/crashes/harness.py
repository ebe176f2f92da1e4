"""A pass that is killed at any of its moments, and the objects of the process that comes after it."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from reconciler.model import ListUid, PassId
from reconciler.report import PassReport
from reconciler.sandbox import World
from reconciler.store import Store, open_store
from tests.crashes import day
from tests.crashes.death import NEVER, Death, Killed, threatened_by
from tests.passes.agency import Agency, agency

LONGER_THAN_A_LEASE = 3
"""Minutes after which the lock of a dead pass is free: here its process is ours, which lives."""


@dataclass(frozen=True, kw_only=True)
class Day:
    """An agency after passes that were killed, or one that was not, and the two passes after it."""

    acme: Agency
    pass_id: PassId
    """Of the first pass."""
    log_from: int
    """The number of the last request before it."""
    moments: tuple[str, ...]
    """What the first pass reached, in order."""
    died_at: frozenset[str]
    """The moments at which a pass was killed."""
    written: int
    """How many writes were carried out before the last two passes."""
    nos_at_death: Mapping[ListUid, frozenset[str]]
    """Who was known to have said no by then, by list."""
    next_pass: PassReport
    """The last but one."""
    writes_at_rest: tuple[str, ...]
    """What the last pass wrote."""


@dataclass(frozen=True)
class House:
    """An agency in the morning of the same day, as often as it is asked for."""

    acme: Agency
    world: bytes
    saved: Path

    def day(self, *kill_at: int, one_thread_at_a_time: bool = True) -> Day:
        """Given a moment for each process that dies, let one after another begin a pass and die then.

        Return the day as it ended, after two further passes.
        """
        acme = self.acme
        self._morning()
        pass_id = PassId(acme.store.passes("acme", limit=1)[0].id + 1)
        log_from = acme.sandbox.log.last_number()
        lives = [Death(moment) for moment in kill_at or (NEVER,)]
        for death in lives:
            with threatened_by(death, one_thread_at_a_time=one_thread_at_a_time), suppress(Killed):
                acme.once()
            self._restart()
        died_at = frozenset(death.came_at for death in lives if death.came_at)
        return look_back(acme, pass_id, log_from, lives[0].moments, died_at)

    @property
    def _database(self) -> Path:
        return self.acme.folder / "state" / "reconciler.db"

    def _morning(self) -> None:
        self.acme.store.close()
        for path in self._database.parent.glob(f"{self._database.name}*"):
            path.unlink()
        shutil.copy(self.saved, self._database)
        shutil.copy(_log_of_nos(self.saved), _log_of_nos(self._database))
        self.acme.store = open_store(f"sqlite:///{self._database}")
        self.acme.sandbox.replace_world(msgspec.json.decode(self.world, type=World))

    def _restart(self) -> None:
        self.acme.store.close()
        self.acme.store = open_store(f"sqlite:///{self._database}")
        self.acme.later(minutes=LONGER_THAN_A_LEASE)


def look_back(
    acme: Agency,
    pass_id: PassId,
    log_from: int,
    moments: Sequence[str] = (),
    died_at: frozenset[str] = frozenset(),
) -> Day:
    """Given an agency, and a pass and a request with which its day began, return the day after two passes."""
    written = sum(one.applied for one in acme.sandbox.log.writes(after=log_from))
    nos = {ListUid(uid): _nos(acme.store, ListUid(uid)) for uid in acme.world.otys.lists}
    next_pass = acme.once()
    return Day(
        acme=acme,
        pass_id=pass_id,
        log_from=log_from,
        moments=tuple(moments),
        died_at=died_at,
        written=written,
        nos_at_death=nos,
        next_pass=next_pass,
        writes_at_rest=tuple(acme.writes_of(acme.once)),
    )


def _log_of_nos(database: Path) -> Path:
    return database.with_name(f"{database.name}.nos")


def _nos(store: Store, list_uid: ListUid) -> frozenset[str]:
    return frozenset(no.address for no in store.base("acme", list_uid).nos)


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    """Given an empty folder, yield a house in it."""
    with agency(folder) as acme:
        day.yesterday(acme)
        day.today(acme)
        acme.store.close()
        saved = folder / "morning.db"
        database = folder / "state" / "reconciler.db"
        shutil.copy(database, saved)
        shutil.copy(_log_of_nos(database), _log_of_nos(saved))
        acme.store = open_store(f"sqlite:///{database}")
        try:
            yield House(acme, msgspec.json.encode(acme.world), saved)
        finally:
            acme.store.close()
