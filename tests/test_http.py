"""HttpClient against a real server on loopback that misbehaves as told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from reconciler.api.http import Answer, HttpClient, RequestNote, ServerFailed
from reconciler.errors import Throttled, UnexpectedAnswer, Unreachable
from tests.scripted import OK, Pauses, Script, Step, serving


@contextmanager
def talking_to(
    script: Script,
    pauses: Pauses | None = None,
    *,
    attempts: int = 4,
    patience: float = 300.0,
    connections: int = 5,
) -> Iterator[tuple[HttpClient, str]]:
    with (
        serving(script) as url,
        HttpClient(
            "OTYS",
            pause=Pauses() if pauses is None else pauses,
            attempts=attempts,
            patience=patience,
            connections=connections,
        ) as client,
    ):
        yield client, url


def test_an_answer_carries_status_headers_in_any_case_and_body() -> None:
    with talking_to(Script((404, {"X-Left": "7"}, b"gone"))) as (client, url):
        answer = client.send("GET", url, repeatable=True)
    assert (answer.status, answer.headers["x-left"], answer.body) == (404, "7", b"gone")


@pytest.mark.parametrize("trouble", ["hang up", "break off", (502, {}, b"<html>")])
def test_a_read_is_repeated_after_trouble(trouble: Step) -> None:
    pauses = Pauses()
    with talking_to(Script(trouble, trouble, OK), pauses) as (client, url):
        assert client.send("GET", url, repeatable=True).body == b'{"fine": true}'
    assert len(pauses) == 2


@pytest.mark.parametrize("trouble", ["hang up", "break off", (502, {}, b"<html>")])
def test_a_write_whose_fate_is_unknown_is_not_repeated(trouble: Step) -> None:
    script = Script(trouble, OK)
    with talking_to(script) as (client, url), pytest.raises(Unreachable):
        client.send("POST", url, body=b"{}", repeatable=False)
    assert len(script.asked) == 1


def test_a_read_gives_up_after_so_many_attempts_and_keeps_the_last_answer() -> None:
    script = Script((503, {}, b'{"title": "ComplianceRelated"}'))
    with talking_to(script, attempts=3) as (client, url), pytest.raises(ServerFailed) as caught:
        client.send("GET", url, repeatable=True)
    assert len(script.asked) == 3
    assert caught.value.answer.body == b'{"title": "ComplianceRelated"}'


def test_a_connection_that_never_opened_is_tried_again_even_for_a_write() -> None:
    with serving(Script(OK)) as url:
        closed = url
    pauses = Pauses()
    with HttpClient("Mailchimp", attempts=3, pause=pauses) as client, pytest.raises(Unreachable) as caught:
        client.send("POST", closed, params={"email": "sanne@example.org"}, body=b"{}", repeatable=False)
    assert len(pauses) == 2
    assert str(caught.value) == "Mailchimp: no connection to 127.0.0.1 could be opened"


def test_a_silent_service_is_named_with_the_seconds_waited() -> None:
    class Silent(Script):
        def next(self) -> Step:
            released.wait(10)
            return super().next()

    released = threading.Event()
    with serving(Silent("hang up")) as url, HttpClient("OTYS", read_timeout=0.05, attempts=1) as client:
        with pytest.raises(Unreachable, match=r"no answer from 127\.0\.0\.1 within 0\.05 seconds"):
            client.send("GET", url, repeatable=True)
        released.set()


def test_429_is_waited_for_with_any_request_and_as_long_as_asked() -> None:
    def asked(answer: Answer) -> float | None:
        return float(answer.headers.get("Retry-After", "0")) or None

    pauses = Pauses()
    with talking_to(Script((429, {"Retry-After": "17"}, b""), OK), pauses) as (client, url):
        assert client.send("POST", url, body=b"{}", repeatable=False, throttled=asked).status == 200
    assert pauses == [17.0]


def test_429_that_says_nothing_is_waited_for_with_growing_pauses() -> None:
    pauses = Pauses()
    script = Script((429, {}, b""), (429, {}, b""), OK)
    with talking_to(script, pauses) as (client, url):
        assert client.send("GET", url, repeatable=True).status == 200
    assert [0 <= pause <= limit for pause, limit in zip(pauses, (0.5, 1.0), strict=True)] == [True, True]


def test_a_server_without_a_trusted_certificate_is_not_talked_to() -> None:
    script = Script(OK)
    with talking_to(script) as (client, url), pytest.raises(Unreachable) as caught:
        client.send("GET", url.replace("http:", "https:"), repeatable=False)
    assert str(caught.value) == "OTYS: no secure connection to 127.0.0.1 could be made"
    assert "certificates" in caught.value.advice
    assert script.asked == []


def test_the_caller_may_call_other_answers_throttling() -> None:
    script = Script((403, {}, b""), OK)
    with talking_to(script) as (client, url):
        answer = client.send("GET", url, repeatable=True, throttled=lambda a: 1.0 if not a.body else None)
    assert answer.status == 200


def test_throttling_without_end_is_given_up_within_our_patience() -> None:
    pauses = Pauses()
    script = Script((429, {}, b""))
    with talking_to(script, pauses, patience=100) as (client, url), pytest.raises(Throttled):
        client.send("GET", url, repeatable=True, throttled=lambda _: 40.0)
    assert pauses == [40.0, 40.0]


def test_a_service_that_asks_for_no_seconds_at_all_cannot_hold_us_for_ever() -> None:
    with talking_to(Script((429, {}, b""))) as (client, url), pytest.raises(Throttled):
        client.send("GET", url, repeatable=True, throttled=lambda _: 0.0)


def test_a_redirect_is_not_followed() -> None:
    script = Script((302, {"Location": "http://127.0.0.1:9/elsewhere"}, b""))
    with talking_to(script) as (client, url), pytest.raises(UnexpectedAnswer, match="redirects"):
        client.send("GET", url, repeatable=True)


def test_no_more_requests_are_open_than_connections() -> None:
    script = Script(OK)
    script.all_open = threading.Barrier(2)
    with talking_to(script, connections=2) as (client, url):
        threads = [
            threading.Thread(target=client.send, args=("GET", url), kwargs={"repeatable": True})
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (len(script.asked), script.most_open) == (6, 2)


def test_every_attempt_is_noted_without_its_query() -> None:
    notes: list[RequestNote] = []
    with (
        serving(Script("hang up", OK)) as url,
        HttpClient("OTYS", pause=Pauses(), on_request=notes.append) as client,
        capture_logs() as logs,
    ):
        client.send("GET", url, params={"email": "sanne@example.org"}, repeatable=True)
    assert [(note.system, note.path, note.status) for note in notes] == [
        ("OTYS", "/service", None),
        ("OTYS", "/service", 200),
    ]
    assert notes[1].bytes_read == len(b'{"fine": true}')
    assert "sanne" not in repr(logs)
    assert [line["status"] for line in logs] == [None, 200]


def test_basic_authentication_is_sent_only_when_there_is_a_key() -> None:
    script = Script(OK)
    with serving(script) as url:
        with HttpClient("Mailchimp", auth=("any", "key-us1")) as client:
            client.send("GET", url, repeatable=True)
        with HttpClient("OTYS") as client:
            client.send("GET", url, repeatable=True)
    assert [asked.headers.get("Authorization") for asked in script.asked] == ["Basic YW55OmtleS11czE=", None]


def test_loopback_never_goes_by_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with talking_to(Script(OK), attempts=1) as (client, url):
        assert client.send("GET", url, repeatable=True).status == 200
