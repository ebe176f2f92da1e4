import threading
from collections.abc import Callable, Iterator

import pytest

from reconciler.list_view import ListView
from reconciler.web.list_views import ListViews
from tests.web.fake import FakeLists, row


@pytest.fixture
def open_views() -> Iterator[Callable[[ListViews], ListViews]]:
    opened: list[ListViews] = []

    def open_one(views: ListViews) -> ListViews:
        opened.append(views)
        return views

    yield open_one
    for views in opened:
        views.close()


def test_a_minute_long_otys_is_asked_once(
    lists: FakeLists, open_views: Callable[[ListViews], ListViews]
) -> None:
    time = [0.0]
    views = open_views(ListViews(lists, clock=lambda: time[0]))

    views.of(["acme", "zeta"])
    time[0] = 59.0
    views.of(["acme"])
    assert lists.read == ["acme", "zeta"]

    time[0] = 61.0
    views.of(["acme"])
    assert lists.read == ["acme", "zeta", "acme"]


def test_a_client_whose_otys_hangs_holds_up_nobody(open_views: Callable[[ListViews], ListViews]) -> None:
    go_on = threading.Event()

    def read(client: str) -> ListView:
        if client == "slow":
            go_on.wait(10)
        return ListView(client=client, lists=[row("Kandidaten", "12")])

    views = open_views(ListViews(read, patience=0.05))
    slow, quick = views.of(["slow", "quick"])
    go_on.set()

    assert "not shown its lists yet" in slow.problems[0]
    assert [one.name for one in quick.lists] == ["Kandidaten"]


def test_while_otys_hangs_what_it_showed_before_is_shown(
    open_views: Callable[[ListViews], ListViews],
) -> None:
    time, go_on = [0.0], threading.Event()

    def read(client: str) -> ListView:
        if time[0]:
            go_on.wait(10)
        return ListView(client=client, lists=[row("Kandidaten", "12")])

    views = open_views(ListViews(read, patience=0.05, clock=lambda: time[0]))
    views.of(["acme"])
    time[0] = 61.0
    [again] = views.of(["acme"])
    go_on.set()

    assert [one.name for one in again.lists] == ["Kandidaten"]
