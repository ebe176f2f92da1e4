"""A real HTTP server on loopback that answers as written down, for what a sandbox would never say."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HttpStep = tuple[int, dict[str, str], bytes]
Step = HttpStep | str
OK: Step = (200, {}, b'{"fine": true}')


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came."""

    headers: dict[str, str]
    body: bytes


class Script:
    """Answers request after request as written down, and keeps what was asked."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.asked: list[Asked] = []
        self.lock = threading.Lock()
        self.open = 0
        self.most_open = 0
        self.all_open: threading.Barrier | None = None

    def next(self) -> Step:
        with self.lock:
            return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]


@contextmanager
def serving(script: Script) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with script.lock:
                script.asked.append(Asked(dict(self.headers.items()), body))
                script.open += 1
                script.most_open = max(script.most_open, script.open)
            if script.all_open:
                script.all_open.wait(10)
            step = script.next()
            with script.lock:
                script.open -= 1
            if step == "hang up":
                self.close_connection = True
                return
            if step == "break off":
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b"half")
                return
            status, headers, body = step if isinstance(step, tuple) else (200, {}, b"")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  # the base class calls this name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/service"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Pauses(list[float]):
    def __call__(self, seconds: float) -> None:
        self.append(seconds)
