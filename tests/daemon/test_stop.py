"""What a stop does to requests: none is begun, no pause or read is sat out, a write is finished."""

import threading

import pytest

from reconciler.api.http import HttpClient
from reconciler.api.mailchimp import Mailchimp
from reconciler.api.ows import OwsClient
from reconciler.api.rate import Allowance
from reconciler.errors import Stopping, Unreachable
from reconciler.sandbox import Sandbox
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.stop import Stop


def test_no_request_is_sent_after_a_stop() -> None:
    stop = Stop()
    stop.ask()
    with (
        Sandbox.start() as sandbox,
        HttpClient("OTYS", stop=stop) as client,
        pytest.raises(Stopping, match="OTYS: no more requests"),
    ):
        client.send("GET", sandbox.otys_url, repeatable=True)
    assert sandbox.log.requests() == []


def test_a_stop_is_a_kind_of_unreachable_so_that_what_was_not_tried_is_tried_later() -> None:
    stop = Stop()
    stop.ask()
    with pytest.raises(Unreachable):
        stop.check("Mailchimp")


@pytest.mark.parametrize(
    "kind", [FaultKind.TOO_MANY_REQUESTS_BARE, FaultKind.SERVER_ERROR, FaultKind.DROP_AFTER_APPLY]
)
def test_a_pause_ends_at_once(kind: FaultKind) -> None:
    stop = Stop()
    with Sandbox.start() as sandbox:
        sandbox.faults.add(Fault(kind=kind, system="mailchimp", times=None, value=503))
        key, url = sandbox.world.mailchimp_api_key, sandbox.mailchimp_url

        def ask_once_tried() -> None:
            sandbox.log.wait_for(1)
            stop.ask()

        asker = threading.Thread(target=ask_once_tried)
        asker.start()
        with Mailchimp(key, base_url=url, stop=stop) as client, pytest.raises(Unreachable):
            client.read("/ping", dict)
        asker.join()

    assert len(sandbox.log.requests()) < 4, "it gave up before its last attempt"


def test_whoever_waits_for_a_turn_with_otys_waits_no_longer() -> None:
    stop = Stop()
    with Sandbox.start() as sandbox:
        key = sandbox.world.otys_api_key
        with (
            HttpClient("OTYS", stop=stop) as http,
            OwsClient(
                http, sandbox.otys_url, key, allowance=Allowance(2), pause=stop.pausing("OTYS")
            ) as client,
        ):
            client.check()  # with the login, all that is free this minute
            asker = threading.Thread(target=stop.ask)
            asker.start()
            with pytest.raises(Stopping):
                client.check()
            asker.join()


def test_a_write_in_flight_is_finished() -> None:
    stop = Stop()
    answers: list[int] = []
    with Sandbox.start() as sandbox, HttpClient("OTYS", stop=stop) as client:
        with sandbox.lock:
            asked = threading.Thread(
                target=lambda: answers.append(
                    client.send("POST", sandbox.otys_url, body=b"{}", repeatable=False).status
                )
            )
            asked.start()
            assert sandbox._otys_server.wait_for_open_requests(1)
            stop.ask()
        asked.join()

    assert answers == [200]


def test_a_read_in_flight_is_left_behind() -> None:
    stop = Stop()
    refusals: list[Exception] = []
    with Sandbox.start() as sandbox:
        sandbox.faults.add(Fault(kind=FaultKind.TIMEOUT_BEFORE, system="mailchimp", value=600))
        key, url = sandbox.world.mailchimp_api_key, sandbox.mailchimp_url

        def read() -> None:
            try:
                client.read("/ping", dict)
            except Stopping as refusal:
                refusals.append(refusal)

        with Mailchimp(key, base_url=url, stop=stop) as client:
            reader = threading.Thread(target=read)
            reader.start()
            assert sandbox._mailchimp_server.wait_for_open_requests(1)
            stop.ask()
            reader.join()

    assert len(refusals) == 1


def test_waiting_that_a_service_asked_for_is_told() -> None:
    told: list[tuple[str, float]] = []
    with Sandbox.start() as sandbox:
        sandbox.faults.add(Fault(kind=FaultKind.TOO_MANY_REQUESTS_BARE, system="otys", times=2))
        with HttpClient(
            "OTYS", pause=lambda _: None, on_throttled=lambda system, seconds: told.append((system, seconds))
        ) as client:
            client.send("POST", sandbox.otys_url, body=b"{}", repeatable=True)

    assert [system for system, _ in told] == ["OTYS", "OTYS"]
    assert all(seconds >= 0 for _, seconds in told)
