"""Knows how to read a whole Mailchimp listing page by page, and whether that was all of it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.errors import Throttled, UnexpectedAnswer, Unreachable
from reconciler.model import Tally

LARGEST_PAGE = 1000
SMALLEST_PAGE = 125
PAGES_UNTIL_LARGER = 20
MOST_ROWS = 2_000_000  # whatever a total says, a listing has an end

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows to ask for, and whether a failure of the service may be waited out."""

    offset: int
    count: int
    patient: bool

    @property
    def params(self) -> dict[str, str]:
        """The query that asks for these rows."""
        return {"count": str(self.count), "offset": str(self.offset)}


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and how many there are in all."""

    rows: Sequence[Row]
    total: int


@dataclass(frozen=True, slots=True)
class Read(Generic[Row]):
    """The rows of a listing by their id, and whether these are all."""

    rows: dict[str, Row]
    tally: Tally


Fetch = Callable[[Span], Page[Row]]


class PageSize:
    """How many rows to ask for at once: half as many after a failure, more again after a while.

    Big pages can time out for ever on big audiences (facts/mailchimp.md, 8), so what was learnt is kept
    for the next listing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = LARGEST_PAGE
        self._successes = 0

    @property
    def now(self) -> int:
        """How many rows to ask for."""
        return self._size

    def failed(self, size: int) -> None:
        """Given the size of a page that failed, ask for fewer."""
        with self._lock:
            self._size = max(SMALLEST_PAGE, min(self._size, size // 2))
            self._successes = 0

    def worked(self) -> None:
        """Count a page that arrived."""
        with self._lock:
            self._successes += 1
            if self._successes >= PAGES_UNTIL_LARGER:
                self._size = min(LARGEST_PAGE, self._size * 2)
                self._successes = 0


def read_all(fetch: Fetch[Row], key: Callable[[Row], str], size: PageSize) -> Read[Row]:
    """Given how to ask for rows and what names a row for good, return the whole listing.

    Incomplete when a later page failed, or when rows moved twice while it was read: offsets count in a
    living collection, so a row that leaves shifts all that follow (facts/mailchimp.md, 13). Raise
    RemoteError when the first page cannot be had, or when a later one shows that no other will be.
    """
    read = _read_once(fetch, key, size)
    return read if read.tally.complete or read.tally.failure else _read_once(fetch, key, size)


def _read_once(fetch: Fetch[Row], key: Callable[[Row], str], size: PageSize) -> Read[Row]:
    rows: dict[str, Row] = {}
    page, asked_for = _page(fetch, 0, size)
    declared_before, offset, failure = page.total, 0, ""
    while page.rows:
        known = len(rows)
        rows.update((key(row), row) for row in page.rows)
        offset += len(page.rows)
        nothing_new = len(rows) == known
        # A full page may have a next one whatever the total says; only a page that is not full is the last.
        if nothing_new or (offset >= page.total and len(page.rows) < asked_for):
            break
        if offset >= MOST_ROWS:
            failure = f"there was no end after {offset} rows"
            break
        try:
            page, asked_for = _page(fetch, offset, size)
        except (Unreachable, Throttled, UnexpectedAnswer) as error:
            failure = f"row {offset} of {page.total} and those after it could not be read: {error}"
            break
    tally = Tally(
        rows=len(rows),
        declared_before=declared_before,
        declared_after=page.total,
        duplicates=offset - len(rows),
        failure=failure,
    )
    return Read(rows, tally)


def _page(fetch: Fetch[Row], offset: int, size: PageSize) -> tuple[Page[Row], int]:
    """Return a page, and how many rows it was asked for."""
    while True:
        count = size.now
        span = Span(offset, count, patient=count <= SMALLEST_PAGE)
        try:
            page = fetch(span)
        except Unreachable:
            if span.patient:
                raise
            size.failed(count)
        else:
            size.worked()
            return page, count


def joined(tallies: Sequence[Tally]) -> Tally:
    """Given the tallies of listings that make up one snapshot, return the snapshot's.

    It is complete only if each is: two listings that each moved by one would make up a sum that stood still.
    """
    return Tally(
        rows=sum(tally.rows for tally in tallies),
        declared_before=sum(tally.declared_before or 0 for tally in tallies),
        declared_after=sum(tally.declared_after or 0 for tally in tallies),
        duplicates=sum(tally.duplicates for tally in tallies),
        failure=next((tally.problem for tally in tallies if not tally.complete), ""),
    )
