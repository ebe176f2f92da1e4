"""A real HTTP server on loopback that puts a service, its faults and its request log on the wire."""

import selectors
import socket
import threading
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.connections import ConnectionServer
from reconciler.sandbox.exchange import Exchange, exchange
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.requestlog import LoggedRequest, RequestLog
from reconciler.sandbox.service import Control, Reply, Request, Service

__all__ = ["CONTROL_PREFIX", "Control", "LoopbackServer", "Reply", "Request", "Service"]

CONTROL_PREFIX = "/_sandbox/"


class LoopbackServer:
    """Serves one service on 127.0.0.1 until it is stopped; then every socket is closed."""

    def __init__(
        self,
        service: Service,
        *,
        lock: threading.RLock,
        clock: SandboxClock,
        faults: Faults,
        log: RequestLog,
        control: Control | None = None,
        port: int = 0,
    ) -> None:
        self.service = service
        self.lock = lock
        self.clock = clock
        self.faults = faults
        self.log = log
        self.control = control
        self.stopping = threading.Event()
        self._open_requests = 0
        self._open_changed = threading.Condition()
        self._http = ConnectionServer(("127.0.0.1", port), _handler_of(self))  # first: the port may be taken
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name=f"sandbox-{service.name}", daemon=True)

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        return self._http.server_port

    @property
    def url(self) -> str:
        """Return the server's address without a path."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Serve from a thread of its own and return."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving, let go of every held request and close every socket; a second call does nothing."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        self._wake_sender.send(b"x")
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self._http.close_connections()
        self._wake_sender.close()
        self._wake_receiver.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait_for_open_requests(self, count: int, *, seconds: float = 10.0) -> bool:
        """Given a count, return True once so many requests are open, False if that takes too long."""
        with self._open_changed:
            return self._open_changed.wait_for(lambda: self._open_requests == count, seconds)

    def enter(self) -> int:
        """Count one more request as open and return how many are."""
        with self._open_changed:
            self._open_requests += 1
            self._open_changed.notify_all()
            return self._open_requests

    def leave(self) -> None:
        """Count one request as answered."""
        with self._open_changed:
            self._open_requests -= 1
            self._open_changed.notify_all()

    def hold(self, connection: socket.socket, seconds: float) -> None:
        """Given a client's connection, return when the client gives up, the time is over or we stop."""
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            selector.register(self._wake_receiver, selectors.EVENT_READ)
            selector.select(seconds)

    def _serve(self) -> None:
        self._http.serve_forever(poll_interval=0.02)


def _handler_of(server: LoopbackServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        loopback = server

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet
    loopback: LoopbackServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Write nothing: the request log is the log."""

    def _serve(self) -> None:
        try:
            request = self._read_request()
        except ValueError:  # its end cannot be found, so nothing more can be read from this connection
            self.close_connection = True
            self._send(Reply(400))
            return
        if request.path.startswith(CONTROL_PREFIX):
            control = self.loopback.control
            self._send(control.answer(request) if control else Reply(404))
            return
        open_requests = self.loopback.enter()
        try:
            outcome = self._exchange(request, open_requests)
            self._log(request, outcome, open_requests)
            if outcome.reply is None:
                self.loopback.hold(self.connection, outcome.hold_seconds)
        finally:
            # Before the answer leaves: a client that has it may use the freed place at once.
            self.loopback.leave()
        if outcome.reply is None:
            self.close_connection = True
        else:
            self._send(outcome.reply, share=outcome.sent_share)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  # the base class names them so
    do_HEAD = do_OPTIONS = _serve  # noqa: N815  # as above

    def _read_request(self) -> Request:
        target = urlsplit(self.path)
        return Request(
            method=self.command,
            path=unquote(target.path),
            query=dict(parse_qsl(target.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._read_body(),
        )

    def _read_body(self) -> bytes:
        """Return the body, sent in one piece or in chunks. Raise ValueError if its length is no number."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._read_chunk, b""))
        return self.rfile.read(_length(self.headers.get("Content-Length") or "0", base=10))

    def _read_chunk(self) -> bytes:
        size = self.rfile.readline().partition(b";")[0].strip().decode("ascii", "replace")
        chunk = self.rfile.read(_length(size, base=16))
        self.rfile.readline()  # the end of the line after the chunk
        return chunk

    def _exchange(self, request: Request, open_requests: int) -> Exchange:
        service = self.loopback.service
        limit = service.simultaneous_requests
        if limit is not None and open_requests > limit:
            return Exchange(reply=service.too_many_requests())
        return exchange(
            request,
            service,
            lock=self.loopback.lock,
            faults=self.loopback.faults,
            wait=self.loopback.stopping.wait,
        )

    def _log(self, request: Request, outcome: Exchange, open_requests: int) -> None:
        self.loopback.log.append(
            LoggedRequest(
                at=self.loopback.clock.now(),
                system=self.loopback.service.name,
                method=request.method,
                path=request.path,
                query=request.query,
                body=request.body,
                operation=self.loopback.service.operation(request),
                status=0 if outcome.reply is None else outcome.reply.status,
                open_requests=open_requests,
                applied=outcome.applied,
                fault=outcome.fault,
            )
        )

    def _send(self, reply: Reply, *, share: float = 1.0) -> None:
        self.send_response_only(reply.status)
        self.send_header("Date", format_datetime(self.loopback.clock.now(), usegmt=True))
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: int(len(reply.body) * share)])
        if share < 1:
            self.close_connection = True


def _length(text: str, *, base: int) -> int:
    """Given the length of a body or a chunk, return it. Raise ValueError if it is none."""
    length = int(text, base)
    if length < 0:
        raise ValueError("a body cannot be shorter than nothing")
    return length
