from collections.abc import Callable

import pytest

from reconciler.errors import (
    CredentialsRejected,
    RemoteError,
    Throttled,
    UnexpectedAnswer,
    Unreachable,
)
from reconciler.model import Tally
from reconciler.sources.mailchimp_pages import (
    LARGEST_PAGE,
    PAGES_UNTIL_LARGER,
    SMALLEST_PAGE,
    Page,
    PageSize,
    Span,
    joined,
    read_all,
)


def rows(total: int) -> list[str]:
    return [f"row {number}" for number in range(total)]


def slices(found: list[str], asked: list[Span]) -> Callable[[Span], Page[str]]:
    def fetch(span: Span) -> Page[str]:
        asked.append(span)
        return Page(found[span.offset : span.offset + span.count], len(found))

    return fetch


def failing_at(offset: int, error: RemoteError, total: int) -> Callable[[Span], Page[str]]:
    def fetch(span: Span) -> Page[str]:
        if span.offset >= offset:
            raise error
        return Page(rows(total)[span.offset : span.offset + span.count], total)

    return fetch


@pytest.mark.parametrize("error", [Unreachable, Throttled, UnexpectedAnswer])
def test_a_later_page_that_never_comes_leaves_the_listing_incomplete(error: type[RemoteError]) -> None:
    read = read_all(failing_at(1000, error("service", "it broke"), 2500), str, PageSize())

    assert len(read.rows) == 1000
    assert not read.tally.complete
    assert "row 1000 of 2500" in read.tally.problem
    assert "it broke" in read.tally.problem


@pytest.mark.parametrize("offset", [0, 1000])
def test_a_refused_key_is_never_an_incomplete_listing(offset: int) -> None:
    with pytest.raises(CredentialsRejected):
        read_all(failing_at(offset, CredentialsRejected("service", "no"), 2500), str, PageSize())


def test_a_first_page_that_never_comes_is_an_error() -> None:
    with pytest.raises(Unreachable):
        read_all(failing_at(0, Unreachable("service", "no"), 10), str, PageSize())


def test_a_service_that_ignores_the_offset_is_not_asked_for_ever() -> None:
    asked: list[Span] = []

    def same_page(span: Span) -> Page[str]:
        asked.append(span)
        return Page(rows(1000), 5000)

    read = read_all(same_page, str, PageSize())

    assert not read.tally.complete
    assert (len(read.rows), len(asked)) == (1000, 4)


def test_a_total_that_moves_while_it_is_read_is_not_believed() -> None:
    totals = iter(range(2000, 3000))

    read = read_all(
        lambda span: Page(rows(2000)[span.offset : span.offset + span.count], next(totals)), str, PageSize()
    )

    assert not read.tally.complete
    assert "the total moved from" in read.tally.problem


def test_only_the_smallest_page_is_waited_for() -> None:
    asked: list[Span] = []

    def fetch(span: Span) -> Page[str]:
        asked.append(span)
        raise Unreachable("service", "no")

    with pytest.raises(Unreachable):
        read_all(fetch, str, PageSize())

    assert [(span.count, span.patient) for span in asked] == [
        (1000, False),
        (500, False),
        (250, False),
        (125, True),
    ]


def test_a_page_size_is_halved_down_to_a_limit_and_grows_back_slowly() -> None:
    size = PageSize()
    for _ in range(9):
        size.failed(size.now)
    smallest = size.now
    for _ in range(PAGES_UNTIL_LARGER):
        size.worked()
    larger = size.now
    for _ in range(PAGES_UNTIL_LARGER * 9):
        size.worked()

    assert (smallest, larger, size.now) == (SMALLEST_PAGE, SMALLEST_PAGE * 2, LARGEST_PAGE)


def test_two_pages_that_fail_side_by_side_halve_the_size_once() -> None:
    size = PageSize()
    size.failed(1000)
    size.failed(1000)

    assert size.now == 500


def test_a_smaller_page_goes_on_where_the_larger_one_failed() -> None:
    asked: list[Span] = []
    good = slices(rows(700), asked)

    def fetch(span: Span) -> Page[str]:
        if span.count > 500:
            raise Unreachable("service", "no")
        return good(span)

    read = read_all(fetch, str, PageSize())

    assert read.tally.complete
    assert [(span.offset, span.count) for span in asked] == [(0, 500), (500, 500)]


def test_listings_that_each_moved_are_incomplete_though_their_sum_stood_still() -> None:
    grew = Tally(rows=11, declared_before=10, declared_after=11)
    shrank = Tally(rows=9, declared_before=10, declared_after=9)

    both = joined([grew, shrank])

    assert (both.rows, both.declared_before, both.declared_after) == (20, 20, 20)
    assert not both.complete
    assert "moved from 10 to 11" in both.problem
