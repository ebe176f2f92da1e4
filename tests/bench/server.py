"""Serves made-up agencies on loopback from a process of its own, and keeps what was asked.

The sandbox would cost more than what is measured: it sorts and renders an audience anew for each page.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tests.bench.answers import Agency
from tests.bench.town import Town

T = TypeVar("T")


class Asked(msgspec.Struct, frozen=True):
    """One request that was answered."""

    method: str
    target: str
    """Path and query."""
    body: str
    answered: int
    """Bytes of the answer."""

    @property
    def system(self) -> str:
        return "OTYS" if self.target.endswith("jservice.php") else "Mailchimp"

    @property
    def adds(self) -> bool:
        return self.method == "POST" and self.system == "Mailchimp"


class Setting(msgspec.Struct, frozen=True):
    """What is served from now on; the log begins anew."""

    towns: list[Town]
    latency: float = 0.0
    """Seconds that every answer takes."""


class Bench:
    """A running server, seen from the process that started it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def serve(self, *towns: Town, latency: float = 0.0) -> None:
        self._ask("POST", "/_bench/setting", bool, Setting(list(towns), latency))

    def log(self) -> list[Asked]:
        """Return what was asked for since the last time this was asked."""
        return self._ask("POST", "/_bench/log", list[Asked])

    def _ask(self, method: str, path: str, kind: type[T], body: object = None) -> T:
        connection = HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request(method, path, msgspec.json.encode(body))
            return msgspec.json.decode(connection.getresponse().read(), type=kind)
        finally:
            connection.close()


def bench_at(url: str) -> Bench:
    """Given where a server runs that another process started, return it."""
    return Bench(urlsplit(url).port or 0)


@contextmanager
def bench() -> Iterator[Bench]:
    """Yield a server in a process of its own, which serves nothing as yet."""
    command = [sys.executable, "-m", "tests.bench.server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("the server has no pipes")
        try:
            yield Bench(int(process.stdout.readline()))
        finally:
            process.stdin.close()  # it ends when nobody holds the other end any more


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.latency = 0.0
        self.agencies: dict[str, Agency] = {}
        self.asked: list[Asked] = []

    def control(self, path: str, body: bytes) -> bytes:
        with self.lock:
            asked, self.asked = self.asked, []
            if path == "/_bench/log":
                return msgspec.json.encode(asked)
            setting = msgspec.json.decode(body, type=Setting)
            self.latency = setting.latency
            self.agencies = {town.name: Agency(town) for town in setting.towns}
            return b"true"

    def answer(self, method: str, target: str, body: bytes) -> bytes:
        url = urlsplit(target)
        _, name, path = url.path.split("/", 2)
        agency = self.agencies[name]
        if path == "jservice.php":
            answer = agency.otys(body)
        else:
            answer = agency.mailchimp(method, path.removeprefix("3.0"), dict(parse_qsl(url.query)), body)
        with self.lock:
            self.asked.append(Asked(method, target, body.decode(), len(answer)))
        if self.latency:
            time.sleep(self.latency)
        return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Write nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/_bench/"):
            answer = self.server.control(self.path, body)
        else:
            answer = self.server.answer(self.command, self.path, body)
        self.send_response_only(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = _serve  # noqa: N815  # the base class names them so


def main() -> None:
    """Serve until standard input is closed."""
    with _Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.shutdown()


def requests_by_system(asked: Sequence[Asked]) -> dict[str, int]:
    """Given requests, return how many each service got."""
    return {system: sum(one.system == system for one in asked) for system in ("OTYS", "Mailchimp")}


if __name__ == "__main__":
    main()
