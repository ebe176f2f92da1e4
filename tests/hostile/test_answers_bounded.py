"""Answers without end, answers that unpack to more than there is memory, and answers that drip."""

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from reconciler.api.http import HttpClient
from reconciler.api.mailchimp import Mailchimp, audience_path, member_path
from reconciler.api.mailchimp_wire import MembersPage
from reconciler.errors import ReconcilerError, RemoteError, UnexpectedAnswer, Unreachable
from tests.scripted import OK, Pauses, Script, serving
from tests.scripted_ows import LOGIN, scripted

Serve = Callable[[socket.socket], None]
MIB = 1024 * 1024


@contextmanager
def raw_server(serve: Serve) -> Iterator[str]:
    """Yield the address of a server that answers every connection by that function alone."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            try:
                connection.recv(65536)
                serve(connection)
            except OSError:
                continue  # the client has had enough

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/service"
    finally:
        for connection in connections:
            connection.close()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def failure(url: str, *, longest: float = 20.0, most_bytes: int = MIB) -> RemoteError:
    """Ask once and return the error, which is the only thing that may come of it."""
    with (
        HttpClient("OTYS", attempts=1, pause=Pauses(), longest=longest, most_bytes=most_bytes) as client,
        pytest.raises(RemoteError) as caught,
    ):
        client.send("GET", url, repeatable=True)
    return caught.value


def test_an_answer_that_unpacks_without_measure_is_given_up_after_a_few_megabytes() -> None:
    packed = zlib.compressobj(1, zlib.DEFLATED, 31)
    bomb = b"".join([packed.compress(bytes(MIB)) for _ in range(64)] + [packed.flush()])
    assert len(bomb) < MIB

    def explode(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + bomb)
        connection.shutdown(socket.SHUT_WR)

    with raw_server(explode) as url:
        error = failure(url)
    assert isinstance(error, UnexpectedAnswer)
    assert str(error) == "OTYS: an answer of 127.0.0.1 is larger than 1,048,576 bytes"


def test_an_honest_answer_may_be_packed() -> None:
    packed = gzip.compress(b'{"fine": true}')
    with (
        serving(Script((200, {"Content-Encoding": "gzip"}, packed))) as url,
        HttpClient("OTYS", most_bytes=MIB) as client,
    ):
        assert client.send("GET", url, repeatable=True).body == b'{"fine": true}'


def test_an_answer_without_end_is_given_up() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")

    with raw_server(endless) as url:
        assert isinstance(failure(url), UnexpectedAnswer)


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"], ids=["head", "body"]
)
def test_an_answer_that_drips_is_given_up_when_its_time_is_over(head: bytes) -> None:
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 900:
            if over.wait(0.02):
                return
            connection.sendall(bytes([byte]))

    with raw_server(drip) as url:
        started = time.monotonic()
        try:
            error = failure(url, longest=0.2)
        finally:
            over.set()
    assert isinstance(error, Unreachable)
    assert str(error) == "OTYS: no whole answer from 127.0.0.1 within 0.2 seconds"
    assert time.monotonic() - started < 10


def test_a_connection_that_was_given_up_does_not_keep_the_next_request_waiting() -> None:
    over = threading.Event()
    answers = iter((False, True))

    def first_silent(connection: socket.socket) -> None:
        if next(answers):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
        else:
            threading.Thread(target=over.wait, args=(10,)).start()

    with (
        raw_server(first_silent) as url,
        HttpClient("OTYS", connections=1, attempts=1, longest=0.2) as client,
    ):
        with pytest.raises(Unreachable):
            client.send("GET", url, repeatable=True)
        assert client.send("GET", url, repeatable=True).body == b"fine"
        over.set()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00" * 100,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 -1 OK\r\n\r\n",
        b"HTTP/9.9 200\r\n\r\n",
        b"\r\n\r\n",
    ],
    ids=lambda answer: repr(answer[:60]),
)
def test_what_is_no_http_is_an_error_that_names_the_service(answer: bytes) -> None:
    def once(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    with raw_server(once) as url:
        assert str(failure(url)).startswith("OTYS: ")


# -- what the services say, taken at its word ------------------------------------------------------------


def test_a_service_that_asks_to_wait_for_years_is_not_waited_for() -> None:
    pauses = Pauses()
    headers = {"X-Orl-Requests-Remaining": "0", "X-Orl-Remaining-Timeframe": "9" * 11}
    login, check = LOGIN, b'{"result": {"clientId": 4711}}'
    assert isinstance(login, tuple)
    with scripted((200, headers, login[2]), (200, {}, check)) as (ows, _):
        ows._limiter._pause = pauses
        ows.check()
    assert pauses
    assert max(pauses) <= 901


@pytest.mark.parametrize("total", [b"-1", b"1e3", b"9" * 40, b"true", b'"7"', b"null"])
def test_a_total_that_counts_nothing_is_named_with_its_place(total: bytes) -> None:
    body = b'{"members": [], "total_items": ' + total + b"}"
    with (
        serving(Script((200, {}, body))) as url,
        Mailchimp("key-us1", base_url=url) as client,
        pytest.raises(UnexpectedAnswer) as caught,
    ):
        client.read("/lists/a1/members", MembersPage)
    assert str(caught.value) == (
        "Mailchimp: the answer to GET /lists/a1/members cannot be understood (`$.total_items`)"
    )


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_an_id_that_would_lead_elsewhere_is_never_part_of_a_path(name: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="can be the id of nothing"):
        audience_path(name)
    with pytest.raises(UnexpectedAnswer, match="can be the id of nothing"):
        member_path("a1b2c3d4e5", name)
    assert member_path("a1", "../../b2?x#y") == "/lists/a1/members/..%2F..%2Fb2%3Fx%23y"


def test_a_key_is_not_sent_on_by_a_redirect() -> None:
    elsewhere = Script(OK)
    with serving(elsewhere) as other:
        for status in (301, 302, 303, 307, 308):
            with (
                serving(Script((status, {"Location": other}, b""))) as url,
                Mailchimp("key-us1", base_url=url) as client,
                pytest.raises(ReconcilerError, match="a key is never sent on"),
            ):
                client.read("/ping", MembersPage)
    assert elsewhere.asked == []
