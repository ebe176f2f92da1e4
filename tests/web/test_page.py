import base64
import re

import pytest
from flask.testing import FlaskClient

from reconciler.list_view import Linked, ListView
from reconciler.model import Address, BaseMove, ListUid, No, NoReason, PassResult
from tests.web.fake import ADDRESS, CLIENT, NOW, TOKEN, WITH_TOKEN, FakeDaemon, FakeLists, row

DIGEST = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4
BROWSER = {"Authorization": "Basic " + base64.b64encode(f"ann:{TOKEN}".encode()).decode()}


def form_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(\w+)" value="(\w+)"', page))


def test_the_page_shows_the_lists_as_the_manual_does(port: FlaskClient, lists: FakeLists) -> None:
    lists.views["acme"] = ListView(
        client="acme",
        lists=[
            row("Kandidaten", "12", owner="Ann", subject="Nieuws", created="2026-01-02", is_global=True),
            row("Relaties", "13", mailchimp=Linked.SELECTED),
            row("Intern", "14", mailchimp=Linked.NO),
        ],
    )

    page = port.get("/", headers=BROWSER).text
    everything = port.get("/?all=yes", headers=BROWSER).text

    for column in (
        *("Name", "Description", "Subject", "Owner", "Created", "Category", "Global", "Last modified"),
        *("Last modified by", "Published", "Temporary", "MailChimp"),
    ):
        assert f">{column}</th>" in page
    assert "Kandidaten" in page
    assert "selected, not linked" in page
    assert "1 other list not selected" in page
    assert "Intern" not in page
    assert "Intern" in everything


def test_the_lists_of_the_chosen_client_are_shown(
    port: FlaskClient, daemon: FakeDaemon, lists: FakeLists
) -> None:
    daemon.text += CLIENT.format(name="zeta")
    lists.views["zeta"] = ListView(client="zeta", lists=[row("Van Zeta", "12")])

    assert "Choose a client" in port.get("/", headers=BROWSER).text
    assert lists.read == []
    assert "Van Zeta" in port.get("/?client=zeta", headers=BROWSER).text
    assert port.get("/?client=nobody", headers=BROWSER).status_code == 404


def test_names_cannot_add_anything_to_the_page(
    port: FlaskClient, daemon: FakeDaemon, lists: FakeLists
) -> None:
    evil = "<script>alert(1)</script>\u202e\"'&"
    lists.views["acme"] = ListView(client="acme", lists=[row(evil, "1", owner=evil)], problems=[evil])
    daemon.withhold(DIGEST, message=evil)
    daemon.store.end_pass(daemon.begin_pass(), result=PassResult.FAILED, counts={}, problems=[evil], now=NOW)

    page = port.get("/", headers=BROWSER).text

    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 5
    assert "\u202e" not in page


def test_a_problem_of_a_client_is_told(port: FlaskClient, daemon: FakeDaemon) -> None:
    daemon.store.end_pass(
        daemon.begin_pass(),
        result=PassResult.FAILED,
        counts={},
        problems=["OTYS: the key is refused"],
        now=NOW,
    )
    daemon.late = {"acme": "the last good pass is a day old"}

    page = port.get("/", headers=BROWSER).text

    assert "OTYS: the key is refused" in page
    assert "the last good pass is a day old" in page
    assert "reconciler doctor --client acme" in page


def test_times_are_those_of_the_configured_zone(port: FlaskClient, daemon: FakeDaemon) -> None:
    daemon.begin_pass()

    assert "2026-11-23 13:00" in port.get("/", headers=BROWSER).text


def test_a_button_approves_exactly_what_stands_beside_it(port: FlaskClient, daemon: FakeDaemon) -> None:
    daemon.withhold(DIGEST)
    page = port.get("/", headers=BROWSER).text
    assert f"reconciler approve {DIGEST[:12]}" in page
    assert "20 of 20 would go" in page

    answer = port.post("/approve", headers=BROWSER, data=form_of(page))

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    [stored] = daemon.store.proposals(now=NOW)
    assert stored.approved_by == "ann"
    after = port.get("/", headers=BROWSER).text
    assert "Approved by ann" in after
    assert "<button" not in after


@pytest.mark.parametrize("forged", [{"proof": ""}, {"proof": "0" * 64}, {"digest": OTHER}])
def test_a_strangers_page_cannot_press_the_button(
    port: FlaskClient, daemon: FakeDaemon, forged: dict[str, str]
) -> None:
    daemon.withhold(DIGEST)
    form = form_of(port.get("/", headers=BROWSER).text) | forged

    assert port.post("/approve", headers=BROWSER, data=form).status_code == 403
    assert daemon.store.approvals("acme", NOW) == frozenset()


def test_a_button_that_is_out_of_date_says_so(port: FlaskClient, daemon: FakeDaemon) -> None:
    daemon.withhold(DIGEST)
    form = form_of(port.get("/", headers=BROWSER).text)
    daemon.withhold(OTHER)

    answer = port.post("/approve", headers=BROWSER, data=form)

    assert answer.status_code == 409
    assert "it was superseded" in answer.text
    assert daemon.store.approvals("acme", NOW) == frozenset()


def test_without_a_token_the_page_shows_and_has_no_buttons(port: FlaskClient, daemon: FakeDaemon) -> None:
    daemon.withhold(DIGEST)
    daemon.text = daemon.text.removeprefix(WITH_TOKEN)

    page = port.get("/").text

    assert f"reconciler approve {DIGEST[:12]}" in page
    assert "<button" not in page
    assert "http.token" in page


def test_what_is_left_undone_is_told_with_the_commands_that_name_it(
    port: FlaskClient, daemon: FakeDaemon
) -> None:
    daemon.store.end_pass(
        daemon.begin_pass(), result=PassResult.DONE, counts={"invalid": 3}, problems=[], now=NOW
    )
    daemon.store.move(daemon.begin_pass(), "acme", ListUid("1"), [opting_out(ADDRESS)], NOW)

    page = " ".join(port.get("/", headers=BROWSER).text.split())

    assert "3 recipients: without a usable address, or erased" in page
    assert "reconciler plan --client acme --all" in page
    assert "OTYS does not know of 1 opt-out in Mailchimp" in page
    assert "reconciler optouts --client acme" in page
    assert ADDRESS not in page


def opting_out(address: str) -> BaseMove:
    said = No(address=Address(address), persons=(), reason=NoReason.UNSUBSCRIBED)
    return BaseMove(address=said.address, row=None, no=said)
