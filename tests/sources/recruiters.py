"""What a recruiter does, on every kind of list source, so that one contract suite can drive them all."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from reconciler.api.http import HttpClient
from reconciler.api.ows import OwsClient
from reconciler.errors import Unreachable
from reconciler.model import ListUid, Recipient
from reconciler.ports import ListSource
from reconciler.sandbox import Sandbox, World
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sources.csv import CsvSource
from reconciler.sources.mapping import load_mapping
from reconciler.sources.memory import MemoryLists
from reconciler.sources.otys import OtysSource
from tests.scripted import Pauses


class Recruiter(Protocol):
    """Edits the lists that `source` reads."""

    @property
    def source(self) -> ListSource: ...

    def add_list(self, name: str, *, flagged: bool = True, reminder: str = "") -> ListUid: ...

    def delete_list(self, uid: ListUid) -> None: ...

    def add_candidate(
        self, uid: ListUid, email: str, *, first: str = "", infix: str = "", last: str = ""
    ) -> None:
        """Put a new person on a list."""

    def remove(self, uid: ListUid, email: str) -> None: ...

    def break_down(self) -> None:
        """Make the source impossible to read."""


class SandboxRecruiter:
    def __init__(self, sandbox: Sandbox, source: OtysSource) -> None:
        self.sandbox = sandbox
        self.source = source

    def add_list(self, name: str, *, flagged: bool = True, reminder: str = "") -> ListUid:
        uid = self.sandbox.otys.create_list(
            name, flagged=flagged, permission_reminder=reminder or "Standaard"
        )
        return ListUid(uid)

    def delete_list(self, uid: ListUid) -> None:
        self.sandbox.otys.delete_list(uid)

    def add_candidate(
        self, uid: ListUid, email: str, *, first: str = "", infix: str = "", last: str = ""
    ) -> None:
        self.sandbox.otys.add_recipient(
            uid, "candidate", email=email, first_name=first, infix=infix, last_name=last
        )

    def remove(self, uid: ListUid, email: str) -> None:
        self.sandbox.otys.remove_recipient(uid, email)

    def break_down(self) -> None:
        self.sandbox.faults.add(Fault(kind=FaultKind.SERVER_ERROR, times=None))


class FolderRecruiter:
    """Writes the files as an export would."""

    COLUMNS = ("uid", "kind", "entity", "email", "first_name", "infix", "last_name")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = CsvSource(folder)
        self._lists: dict[ListUid, tuple[str, bool, str]] = {}
        self._rows: dict[ListUid, list[tuple[str, ...]]] = {}
        self._number = 0
        self._write_lists()

    def add_list(self, name: str, *, flagged: bool = True, reminder: str = "") -> ListUid:
        uid = ListUid(self._next())
        self._lists[uid] = (name, flagged, reminder or "Standaard")
        self._rows[uid] = []
        self._write_lists()
        self._write_rows(uid)
        return uid

    def delete_list(self, uid: ListUid) -> None:
        del self._lists[uid]
        self._write_lists()
        (self.folder / f"{uid}.csv").unlink()

    def add_candidate(
        self, uid: ListUid, email: str, *, first: str = "", infix: str = "", last: str = ""
    ) -> None:
        self._rows[uid].append((self._next(), "candidate", self._next(), email, first, infix, last))
        self._write_rows(uid)

    def remove(self, uid: ListUid, email: str) -> None:
        self._rows[uid] = [row for row in self._rows[uid] if row[3] != email]
        self._write_rows(uid)

    def break_down(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()

    def _next(self) -> str:
        self._number += 1
        return str(self._number)

    def _write_lists(self) -> None:
        rows = [
            (uid, name, "ja" if flagged else "nee", reminder)
            for uid, (name, flagged, reminder) in self._lists.items()
        ]
        self._write("lists.csv", [("uid", "Name", "MailChimp", "Permission reminder"), *rows])

    def _write_rows(self, uid: ListUid) -> None:
        self._write(f"{uid}.csv", [self.COLUMNS, *self._rows[uid]])

    def _write(self, name: str, rows: list[tuple[str, ...]]) -> None:
        with (self.folder / name).open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=";").writerows(rows)


class MemoryRecruiter:
    def __init__(self) -> None:
        self.source = MemoryLists()

    def add_list(self, name: str, *, flagged: bool = True, reminder: str = "") -> ListUid:
        return self.source.add_list(name, flagged=flagged, permission_reminder=reminder)

    def delete_list(self, uid: ListUid) -> None:
        self.source.delete_list(uid)

    def add_candidate(
        self, uid: ListUid, email: str, *, first: str = "", infix: str = "", last: str = ""
    ) -> None:
        self.source.add_recipient(uid, email, first_name=first, infix=infix, last_name=last)

    def remove(self, uid: ListUid, email: str) -> None:
        row = next(row for row in rows_of(self.source, uid) if row.email == email)
        self.source.remove_recipient(uid, row.uid)

    def break_down(self) -> None:
        self.source.outage = Unreachable("memory", "switched off by the test")


def rows_of(source: ListSource, uid: ListUid) -> tuple[Recipient, ...]:
    """The recipients of a list, which must be a complete snapshot."""
    mailing_list = next(row for row in source.catalogue().lists if row.uid == uid)
    snapshot = source.recipients(mailing_list)
    assert snapshot.tally.complete, snapshot.tally.problem
    return snapshot.recipients


@contextmanager
def sandbox_recruiter(world: World | None = None) -> Iterator[SandboxRecruiter]:
    with Sandbox.start(world=world or World.empty()) as sandbox:
        http = HttpClient("OTYS", pause=Pauses())
        with OwsClient(http, sandbox.otys_url, sandbox.world.otys_api_key, pause=Pauses()) as ows:
            yield SandboxRecruiter(sandbox, OtysSource(ows, load_mapping(None)))
