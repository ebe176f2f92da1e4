"""Reading a listing to its end: pages that OTYS' sandbox would never give."""

import pytest

from reconciler.api.ows_answers import Page
from reconciler.api.values import Json
from reconciler.errors import UnexpectedAnswer
from reconciler.sources.otys_pages import Listing, read_listing


def rows(*uids: str) -> list[dict[str, Json]]:
    return [{"uid": uid} for uid in uids]


def read(*pages: Page) -> Listing[dict[str, Json]]:
    """The listing of these pages, the last of them over and over."""
    left = list(pages)

    def fetch(_limit: int, _offset: int) -> Page:
        return left.pop(0) if len(left) > 1 else left[0]

    return read_listing(fetch, lambda row: (str(row.get("uid", "")), row), page_size=2)


def test_the_next_page_begins_after_the_rows_received_not_after_those_asked_for() -> None:
    offsets = []

    def fetch(_limit: int, offset: int) -> Page:
        offsets.append(offset)
        return Page(rows(str(offset)), total=3)

    listing = read_listing(fetch, lambda row: (str(row["uid"]), row), page_size=2)
    assert offsets == [0, 1, 2]
    assert listing.tally.complete


def test_a_row_that_comes_twice_is_one_row_and_leaves_the_listing_incomplete() -> None:
    once = Page(rows("1", "2"), 4), Page(rows("2", "3"), 4), Page([], 4)
    listing = read(*once, *once)
    assert len(listing.rows) == 3
    assert (listing.tally.duplicates, listing.tally.problem) == (1, "3 of 4 rows were read")


def test_a_total_that_is_too_low_does_not_end_the_reading_after_a_full_page() -> None:
    listing = read(*2 * (Page(rows("1", "2"), 2), Page(rows("3"), 2)))
    assert len(listing.rows) == 3
    assert listing.tally.problem == "3 of 2 rows were read"


def test_a_listing_that_ends_early_is_incomplete() -> None:
    assert read(Page(rows("1", "2"), 4), Page([], 4)).tally.problem == "0 of 4 rows were read"


def test_pages_without_end_are_not_read_for_ever() -> None:
    number = 0

    def fetch(_limit: int, _offset: int) -> Page:
        nonlocal number
        number += 2
        return Page(rows(str(number), str(number + 1)), total=number + 100)

    listing = read_listing(fetch, lambda row: (str(row["uid"]), row), page_size=2)
    assert "there was no end" in listing.tally.problem


def test_a_row_without_a_uid_is_an_error_on_the_first_page_and_an_end_on_a_later_one() -> None:
    with pytest.raises(UnexpectedAnswer, match="without its uid"):
        read(Page([{"name": "Koks"}], 1))
    listing = read(Page(rows("1", "2"), 3), Page([{"name": "Koks"}], 3))
    assert len(listing.rows) == 2
    assert "without its uid" in listing.tally.problem
