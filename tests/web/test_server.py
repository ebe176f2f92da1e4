import socket
import threading

import pytest
import requests

from reconciler.config import Listen
from reconciler.web import CannotListen, serve
from tests.web.fake import TOKEN, FakeDaemon

ANY_PORT = Listen("127.0.0.1", 0)


def test_the_port_answers_from_start_to_stop(daemon: FakeDaemon) -> None:
    with serve(daemon, ANY_PORT) as server, requests.Session() as caller:
        answer = caller.get(f"http://{server.listen}/livez", timeout=5)
        asked = caller.post(
            f"http://{server.listen}/api/v1/reconcile",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=5,
        )

    assert answer.status_code == 200
    assert "Server" not in answer.headers
    assert asked.status_code == 202
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.listen.host, server.listen.port), timeout=5)


def test_callers_that_connect_before_the_start_are_answered_after_it(daemon: FakeDaemon) -> None:
    server = serve(daemon, ANY_PORT)
    with socket.create_connection((server.listen.host, server.listen.port), timeout=5) as early:
        early.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        with server:
            assert early.recv(12) == b"HTTP/1.0 200"


def test_a_server_that_was_never_started_gives_its_port_back(daemon: FakeDaemon) -> None:
    server = serve(daemon, ANY_PORT)

    server.stop()

    with serve(daemon, server.listen) as again:
        assert again.listen == server.listen


def test_a_request_that_is_being_answered_ends_before_the_port_closes(
    daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, go_on = threading.Event(), threading.Event()
    answers: list[int] = []

    def slowly() -> str:
        arrived.set()
        go_on.wait(10)
        return ""

    monkeypatch.setattr(daemon, "trouble", slowly)
    server = serve(daemon, ANY_PORT)
    server.start()
    caller = threading.Thread(
        target=lambda: answers.append(requests.get(f"http://{server.listen}/livez", timeout=10).status_code)
    )
    caller.start()
    assert arrived.wait(10)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    go_on.set()
    stopper.join(10)
    caller.join(10)

    assert answers == [200]


def test_a_taken_port_is_told_in_words(daemon: FakeDaemon) -> None:
    with serve(daemon, ANY_PORT) as server, pytest.raises(CannotListen) as refused:
        serve(daemon, server.listen)

    assert str(server.listen) in str(refused.value)
    assert "http.listen" in refused.value.advice


def test_a_body_far_too_large_is_refused_before_it_is_read(daemon: FakeDaemon) -> None:
    with serve(daemon, ANY_PORT) as server, requests.Session() as caller:
        answer = caller.post(f"http://{server.listen}/hooks/otys/x", data=b"x" * 100_000, timeout=5)
        assert answer.status_code == 413
        assert answer.headers["Content-Type"] == "application/problem+json"
        with socket.create_connection((server.listen.host, server.listen.port), timeout=5) as crude:
            crude.sendall(b"POST /hooks/otys/x HTTP/1.0\r\nContent-Length: 99999999\r\n\r\n")
            assert crude.recv(12) == b"HTTP/1.0 413"


def test_lists_that_cannot_be_read_are_told(daemon: FakeDaemon) -> None:
    daemon.text = daemon.text.replace("api_key", 'endpoint = "http://127.0.0.1:1/"\napi_key')

    with serve(daemon, ANY_PORT) as server, requests.Session() as caller:
        answer = caller.get(
            f"http://{server.listen}/api/v1/lists", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30
        )

    [view] = answer.json()["clients"]
    assert view["client"] == "acme"
    assert view["problems"]
