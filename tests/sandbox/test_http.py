import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection

import pytest
import requests

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.faults import Fault, FaultKind, Faults
from reconciler.sandbox.http import LoopbackServer, Reply, Request
from reconciler.sandbox.requestlog import RequestLog


class Counter:
    """A service that counts what it carried out."""

    name = "mailchimp"
    simultaneous_requests: int | None = 3

    def __init__(self) -> None:
        self.count = 0

    def answer(self, request: Request) -> Reply:
        if request.path == "/missing":
            return Reply(404)
        self.count += 1
        return Reply(200, b'{"count": %d}' % self.count, (("Content-Type", "application/json"),))

    def too_many_requests(self) -> Reply:
        return Reply(429, b"slow down")

    def operation(self, request: Request) -> str:
        return request.query.get("operation", "")


class Wire:
    """A running server with everything a test wants to look at."""

    def __init__(self) -> None:
        self.service = Counter()
        self.clock = SandboxClock()
        self.faults = Faults()
        self.log = RequestLog()
        self.server = LoopbackServer(
            self.service, lock=threading.RLock(), clock=self.clock, faults=self.faults, log=self.log
        )
        self.session = requests.Session()

    def get(self, path: str = "/", *, seconds: float = 5) -> requests.Response:
        return self.session.get(self.server.url + path, timeout=seconds)


@contextmanager
def running_wire() -> Iterator[Wire]:
    wire = Wire()
    with wire.session, wire.server:
        yield wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    with running_wire() as wire:
        yield wire


def test_a_request_is_answered_and_logged(wire: Wire) -> None:
    wire.clock.freeze(datetime(2026, 3, 1, 12, tzinfo=UTC))
    reply = wire.session.post(wire.server.url + "/a%40b?operation=add&x=1", data=b"body", timeout=5)
    assert reply.json() == {"count": 1}
    [logged] = wire.log.requests("mailchimp")
    assert (logged.number, logged.method, logged.path, logged.body) == (1, "POST", "/a@b", b"body")
    assert (logged.operation, logged.status, logged.applied, logged.fault) == ("add", 200, True, "")
    assert logged.query == {"operation": "add", "x": "1"}
    assert logged.at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert logged.open_requests == 1


def test_a_refused_request_is_not_logged_as_applied(wire: Wire) -> None:
    assert wire.get("/missing").status_code == 404
    assert [request.applied for request in wire.log.requests()] == [False]


def test_one_connection_serves_many_requests(wire: Wire) -> None:
    with closing(HTTPConnection("127.0.0.1", wire.server.port, timeout=5)) as connection:
        sockets = set()
        for _ in range(3):
            connection.request("GET", "/")
            connection.getresponse().read()
            sockets.add(connection.sock)
    assert len(sockets) == 1
    assert None not in sockets
    assert wire.service.count == 3


def test_stopping_closes_connections_that_are_kept_alive() -> None:
    with running_wire() as wire, socket.create_connection(("127.0.0.1", wire.server.port), 5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        wire.server.stop()
        assert client.recv(1000) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", wire.server.port), timeout=5)


def test_a_port_that_is_taken_is_refused_and_leaves_nothing_open(wire: Wire) -> None:
    with pytest.raises(OSError, match="in use"):
        LoopbackServer(
            wire.service,
            lock=threading.RLock(),
            clock=wire.clock,
            faults=wire.faults,
            log=wire.log,
            port=wire.server.port,
        )


def test_a_server_that_never_started_can_be_stopped() -> None:
    wire = Wire()
    wire.session.close()
    wire.server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", wire.server.port), timeout=5)


def test_control_requests_pass_by_the_service_its_faults_and_the_log(wire: Wire) -> None:
    class Echo:
        def answer(self, request: Request) -> Reply:
            return Reply(200, request.path.encode())

    assert wire.get("/_sandbox/state").status_code == 404
    wire.server.control = Echo()
    wire.faults.add(Fault(kind=FaultKind.FORBIDDEN_BARE))
    assert wire.get("/_sandbox/state").text == "/_sandbox/state"
    assert wire.log.requests() == []
    assert wire.service.count == 0


@pytest.mark.parametrize(
    ("kind", "value", "status", "applied"),
    [
        (FaultKind.TOO_MANY_REQUESTS, None, 429, False),
        (FaultKind.TOO_MANY_REQUESTS_BARE, None, 429, False),
        (FaultKind.FORBIDDEN_BARE, None, 403, False),
        (FaultKind.FORBIDDEN_HTML, None, 403, False),
        (FaultKind.SERVER_ERROR, 504, 504, False),
        (FaultKind.GARBAGE, None, 200, True),
        (FaultKind.EMPTY_BODY, None, 200, True),
        (FaultKind.LATENCY, 0.01, 200, True),
    ],
)
def test_a_fault_strikes_once_and_says_what_it_did(
    wire: Wire, kind: FaultKind, value: float | None, status: int, *, applied: bool
) -> None:
    wire.faults.add(Fault(kind=kind, value=value))
    assert wire.get().status_code == status
    assert wire.service.count == int(applied)
    assert wire.get().json() == {"count": int(applied) + 1}
    struck, spared = wire.log.requests()
    assert (struck.fault, struck.status, struck.applied) == (kind.value, status, applied)
    assert spared.fault == ""


def test_bodies_of_faults_are_what_a_client_must_survive(wire: Wire) -> None:
    for kind in (
        FaultKind.TOO_MANY_REQUESTS,
        FaultKind.TOO_MANY_REQUESTS_BARE,
        FaultKind.FORBIDDEN_BARE,
        FaultKind.FORBIDDEN_HTML,
        FaultKind.GARBAGE,
        FaultKind.EMPTY_BODY,
    ):
        wire.faults.add(Fault(kind=kind))
    replies = [wire.get() for _ in range(6)]
    assert [reply.content for reply in replies[:3]] == [b"slow down", b"", b""]
    assert "Reference Number" in replies[3].text
    with pytest.raises(requests.exceptions.JSONDecodeError):
        replies[4].json()
    assert replies[5].content == b""


@pytest.mark.parametrize(
    ("kind", "error", "applied"),
    [
        (FaultKind.DROP_AFTER_APPLY, requests.ConnectionError, 1),
        (FaultKind.CUT_BODY, requests.exceptions.ChunkedEncodingError, 1),
        (FaultKind.TIMEOUT_BEFORE, requests.Timeout, 0),
        (FaultKind.TIMEOUT_AFTER_APPLY, requests.Timeout, 1),
    ],
)
def test_an_answer_that_never_arrives(
    wire: Wire, kind: FaultKind, error: type[requests.RequestException], applied: int
) -> None:
    wire.faults.add(Fault(kind=kind))
    with pytest.raises(error):
        wire.get(seconds=0.2)
    assert wire.log.wait_for(1)
    assert wire.service.count == applied
    assert [request.applied for request in wire.log.requests()] == [bool(applied)]
    assert wire.server.wait_for_open_requests(0)
    assert wire.get().status_code == 200


def test_a_held_request_ends_by_itself_after_the_value_of_its_fault(wire: Wire) -> None:
    wire.faults.add(Fault(kind=FaultKind.TIMEOUT_BEFORE, value=0.01))
    with pytest.raises(requests.ConnectionError):
        wire.get(seconds=5)


def test_one_request_too_many_at_a_time_is_refused(wire: Wire) -> None:
    wire.faults.add(Fault(kind=FaultKind.TIMEOUT_BEFORE, times=3))
    with ThreadPoolExecutor(3) as threads:
        held = [threads.submit(requests.get, wire.server.url, timeout=30) for _ in range(3)]
        assert wire.server.wait_for_open_requests(3)
        assert wire.get().status_code == 429
        assert wire.log.requests()[-1].open_requests == 4
        wire.server.stop()
        assert all(isinstance(request.exception(), requests.ConnectionError) for request in held)


def test_a_fault_strikes_only_its_pattern_system_and_turn() -> None:
    faults = Faults()
    kind = FaultKind.FORBIDDEN_BARE
    faults.add(Fault(kind=kind, system="mailchimp", pattern=r"^PUT /3\.0/lists/\w+$", skip=1, times=2))
    label = "PUT /3.0/lists/a1"
    assert faults.take("otys", label) is None
    assert faults.take("mailchimp", "GET /3.0/lists/a1") is None
    assert [faults.take("mailchimp", label) is not None for _ in range(4)] == [False, True, True, False]
    assert faults.armed() == {}


def test_a_fault_of_a_service_is_left_to_the_service() -> None:
    faults = Faults()
    faults.add(Fault(kind=FaultKind.SHORT_PAGE, value=2))
    assert faults.take("otys", "anything") is None
    fault = faults.take("otys", "anything", {FaultKind.SHORT_PAGE})
    assert fault is not None
    assert fault.number(1) == 2


def test_chance_is_the_same_for_the_same_seed() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults()
        faults.add(Fault(kind=FaultKind.FORBIDDEN_BARE, times=None, probability=0.5, seed=seed))
        return [faults.take("otys", "x") is not None for _ in range(64)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 10 < sum(struck(1)) < 54


def test_a_fault_can_be_taken_back() -> None:
    faults = Faults()
    first, second = (faults.add(Fault(kind=FaultKind.FORBIDDEN_BARE, value=n)) for n in (1, 2))
    faults.remove(first)
    assert list(faults.armed()) == [second]
    faults.clear()
    assert faults.take("otys", "x") is None


def test_a_pattern_that_is_no_regular_expression_is_named() -> None:
    with pytest.raises(ValueError, match=r"'\(\[' is no regular expression"):
        Faults().add(Fault(kind=FaultKind.LATENCY, pattern="(["))


def test_time_can_stand_still_pass_and_run_on() -> None:
    clock = SandboxClock()
    start = datetime(2026, 3, 1, tzinfo=UTC)
    clock.freeze(start)
    clock.advance(timedelta(days=2))
    assert clock.now() == start + timedelta(days=2)
    clock.run()
    assert timedelta(0) <= clock.now() - start - timedelta(days=2) < timedelta(minutes=1)
    with pytest.raises(ValueError, match="time zone"):
        clock.freeze(datetime(2026, 3, 1))  # noqa: DTZ001  # the point of the test


def test_a_running_clock_can_be_ahead_of_real_time() -> None:
    clock = SandboxClock(offset=timedelta(hours=1))
    clock.advance(timedelta(hours=1))
    assert timedelta(hours=2) <= clock.now() - datetime.now(UTC) + timedelta(seconds=1)
    assert clock.offset == timedelta(hours=2)
    assert clock.frozen_at is None


def test_the_log_can_be_read_from_a_point_on(wire: Wire) -> None:
    wire.get()
    mark = wire.log.last_number()
    wire.session.post(wire.server.url, timeout=5)
    wire.get()
    assert [request.method for request in wire.log.requests(after=mark)] == ["POST", "GET"]
    assert [request.number for request in wire.log.writes(after=mark)] == [mark + 1]
    wire.log.clear()
    assert wire.log.requests() == []
    assert wire.log.last_number() == mark + 2
    assert not wire.log.wait_for(mark + 3, seconds=0.01)
