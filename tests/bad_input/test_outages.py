"""Services that are down, answer with web pages or half an answer, or ask for patience."""

import socket
from collections.abc import Iterator

import pytest

from reconciler.sandbox.faults import FaultKind
from reconciler.sandbox.otys.state import MailingList
from tests.bad_input.desk import Desk
from tests.cli.office import flat

NOTHING_IS_LOST = "Nothing is lost: the next pass tries again."


@pytest.fixture
def nobody() -> Iterator[str]:
    """Yield an address at which nobody answers, and nobody can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_otys_is_down(desk: Desk, nurses: MailingList, nobody: str) -> None:
    desk.agency.configure(otys=f'endpoint = "{nobody}/jservice.php"\napi_key = "key"')
    ended = desk.fails(1)
    assert f"FAILED OTYS: no connection to 127.0.0.1 could be opened. {NOTHING_IS_LOST}" in flat(ended.out)
    del desk.agency.tables["otys"]
    desk.recovers(nurses)


def test_mailchimp_is_down(desk: Desk, nurses: MailingList, nobody: str) -> None:
    desk.agency.configure(mailchimp=f'base_url = "{nobody}/3.0"')
    ended = desk.loses_nothing(desk.once)
    assert ended.code == 1
    assert f"FAILED Mailchimp: no connection to 127.0.0.1 could be opened. {NOTHING_IS_LOST}" in flat(
        ended.out
    )
    del desk.agency.tables["mailchimp"]
    desk.recovers(nurses)


@pytest.mark.parametrize(
    ("kind", "system", "sentence"),
    [
        (FaultKind.SERVER_ERROR, "otys", "OTYS: the service failed (HTTP 503)."),
        (FaultKind.FORBIDDEN_HTML, "otys", "OTYS: HTTP 403 instead of an answer."),
        (FaultKind.GARBAGE, "otys", "OTYS: 16 bytes that are no JSON object instead of an answer."),
        (FaultKind.EMPTY_BODY, "otys", "OTYS: an empty answer."),
        (FaultKind.SERVER_ERROR, "mailchimp", "Mailchimp: the service failed (GET /lists: 503)."),
        (
            FaultKind.GARBAGE,
            "mailchimp",
            "Mailchimp: the answer to GET /lists cannot be understood (the whole of it). The next pass tries",
        ),
    ],
)
def test_answers_that_are_none(
    desk: Desk, nurses: MailingList, kind: FaultKind, system: str, sentence: str
) -> None:
    desk.fault(kind, system)
    ended = desk.loses_nothing(desk.once)
    assert ended.code == 1
    assert f"FAILED {sentence}" in flat(ended.out)
    desk.recovers(nurses)


@pytest.mark.parametrize(
    ("system", "pattern"), [("otys", "Recipient"), ("mailchimp", "/members")], ids=["OTYS", "Mailchimp"]
)
def test_answers_that_break_off(desk: Desk, nurses: MailingList, system: str, pattern: str) -> None:
    desk.fault(FaultKind.CUT_BODY, system, pattern)
    ended = desk.loses_nothing(desk.once)
    assert ended.code == 1
    assert "the connection to 127.0.0.1 broke" in flat(ended.out)
    assert NOTHING_IS_LOST in flat(ended.out)
    desk.recovers(nurses)


@pytest.mark.parametrize("kind", [FaultKind.CUT_BODY, FaultKind.GARBAGE, FaultKind.DROP_AFTER_APPLY])
def test_a_write_whose_answer_is_lost_is_found_again_and_not_repeated(
    desk: Desk, nurses: MailingList, kind: FaultKind
) -> None:
    before = desk.nos(nurses)
    desk.fault(kind, "mailchimp", "POST /3.0/lists/", times=1)
    ended = desk.once()
    assert ended.code == 1
    assert "FAILED" in ended.out
    assert desk.agency.writes_of(lambda: desk.recovers(nurses)) == []
    assert desk.nos(nurses) == before


@pytest.mark.parametrize("system", ["otys", "mailchimp"])
def test_a_service_that_asks_for_patience_gets_it(desk: Desk, nurses: MailingList, system: str) -> None:
    desk.fault(FaultKind.TOO_MANY_REQUESTS_BARE, system, times=3)
    ended = desk.once()
    assert ended.code == 0
    assert "added 1" in ended.out
    desk.recovers(nurses)


def test_a_write_that_is_told_to_wait_arrives_once(desk: Desk, nurses: MailingList) -> None:
    desk.fault(FaultKind.TOO_MANY_REQUESTS, "mailchimp", "POST /3.0/lists/", times=2)
    before = desk.agency.sandbox.log.last_number()
    ended = desk.once()
    assert ended.code == 0
    assert [one.applied for one in desk.agency.sandbox.log.writes(after=before)] == [False, False, True]
    desk.recovers(nurses)
