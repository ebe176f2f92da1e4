"""Knows how to read a listing of OTYS to its end, and whether that was all of it (facts/otys.md, 3 and 8)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconciler.api.ows_answers import SYSTEM, Page
from reconciler.api.values import Json
from reconciler.errors import RemoteError, UnexpectedAnswer
from reconciler.model import Tally

PAGES_WITHOUT_TOTAL = 1000
SPARE_PAGES = 10
MOST_PAGES = 10_000  # two million rows; whatever a total says, a listing has an end

T = TypeVar("T")

Fetch = Callable[[int, int], Page]
"""Given a limit and an offset, return a page."""
Read = Callable[[dict[str, Json]], tuple[str, T]]
"""Given a row, return its uid, empty if it has none, and what is kept of it: a million rows take room."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """The rows of a listing, each uid once, and what is known about their completeness."""

    rows: tuple[T, ...]
    tally: Tally


def read_listing(fetch: Fetch, read: Read[T], page_size: int) -> Listing[T]:
    """Given how to fetch a page, return the whole listing, read a second time if it moved meanwhile.

    Raise RemoteError if the first page fails; a later page that fails leaves an incomplete tally.
    """
    listing = _read_once(fetch, read, page_size)
    moved = not listing.tally.complete and not listing.tally.failure
    return _read_once(fetch, read, page_size) if moved else listing


def _read_once(fetch: Fetch, read: Read[T], page_size: int) -> Listing[T]:
    page = fetch(page_size, 0)
    reading = _Reading(read, declared_before=page.total)
    reading.take(page)
    most_pages = _most_pages(page)
    for _ in range(most_pages):
        if not page.rows or reading.has_all(page_size, page):
            return reading.listing()
        # The rows received say where the next page begins: a server may give fewer than were asked for.
        try:
            page = fetch(page_size, reading.received)
            reading.take(page)
        except RemoteError as error:
            return reading.listing(failure=f"reading stopped after {reading.received} rows ({error})")
    return reading.listing(failure=f"there was no end after {most_pages} pages")


@dataclass(slots=True)
class _Reading(Generic[T]):
    """What was read so far."""

    read: Read[T]
    declared_before: int | None
    declared_after: int | None = None
    received: int = 0
    rows: dict[str, T] = field(default_factory=dict)

    def take(self, page: Page) -> None:
        for row in page.rows:
            uid, kept = self.read(row)
            if not uid:
                raise UnexpectedAnswer(SYSTEM, "a row came without its uid")
            self.rows.setdefault(uid, kept)
        self.received += len(page.rows)
        self.declared_after = page.total

    def has_all(self, page_size: int, last: Page) -> bool:
        if self.declared_after is None:
            return len(last.rows) < page_size
        # A full page may have a next one whatever the total says; only a page that is not full is the last.
        return self.received >= self.declared_after and len(last.rows) < page_size

    def listing(self, failure: str = "") -> Listing[T]:
        if self.declared_after is None and not failure:
            failure = "OTYS tells no total, so it is not known whether these are all rows"
        tally = Tally(
            rows=len(self.rows),
            declared_before=self.declared_before,
            declared_after=self.declared_after,
            duplicates=self.received - len(self.rows),
            failure=failure,
        )
        return Listing(tuple(self.rows.values()), tally)


def _most_pages(first: Page) -> int:
    if first.total is None or not first.rows:
        return PAGES_WITHOUT_TOTAL
    expected = -(-first.total // len(first.rows))
    return min(2 * expected + SPARE_PAGES, MOST_PAGES)
