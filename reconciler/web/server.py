"""Knows how to listen: waitress in a thread of its own, which can be ended from any other."""

import socket
import threading
from types import TracebackType
from typing import Final, Protocol, Self

from waitress.server import create_server

from reconciler.config import Listen
from reconciler.errors import ReconcilerError
from reconciler.stop import Stop
from reconciler.web.app import LARGEST_BODY, build_app
from reconciler.web.list_views import ListViews, Read, reads_from
from reconciler.web.ports import Service

THREADS: Final = 8
LAST_REQUESTS_SECONDS: Final = 5
"""How long a stop waits for the requests that are being answered."""


class _Channel(Protocol):
    """What waitress waits for: the port, a connection, or the trigger that wakes it."""

    def close(self) -> None: ...


class CannotListen(ReconcilerError):
    """The address and port cannot be had."""


def serve(service: Service, listen: Listen) -> "Server":
    """Given the daemon and where to listen, return its HTTP server, bound to the port but not yet started.

    Raise CannotListen if the port cannot be had.
    """
    return Server(service, bound(listen))


class Server:
    """The daemon's HTTP server. Callers that connect before `start` wait for it."""

    def __init__(self, service: Service, on: socket.socket, *, read: Read | None = None) -> None:
        """Given the daemon, a bound socket, and what reads a client's lists (None: from OTYS), be ready."""
        self._stop = Stop()
        self._views = ListViews(read or reads_from(service, self._stop))
        self._channels: dict[int, _Channel] = {}
        self._server = create_server(
            build_app(service, views=self._views),
            map=self._channels,
            sockets=[on],
            threads=THREADS,
            ident=None,
            # a body a little above what the application takes still gets the application's own refusal
            max_request_body_size=4 * LARGEST_BODY,
        )
        host, port = on.getsockname()[:2]
        self.listen: Final = Listen(host, port)
        """Where it listens: the port that was found when 0 was asked for."""
        self._thread = threading.Thread(target=self._server.run, name="http", daemon=True)

    def start(self) -> None:
        """Answer requests from now on, in threads of the server's own."""
        self._thread.start()

    def stop(self) -> None:
        """Let the requests that are being answered end, for a few seconds, and close the port."""
        self._stop.ask()
        self._views.close()
        self._server.task_dispatcher.shutdown(timeout=LAST_REQUESTS_SECONDS)
        if self._thread.is_alive():
            # the loop ends when nothing is left to listen to, and only its own thread may take it away
            self._server.trigger.pull_trigger(self._close)
            self._thread.join()
        else:
            self._close()

    def _close(self) -> None:
        for channel in list(self._channels.values()):
            channel.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def bound(listen: Listen) -> socket.socket:
    """Given an address and port (0: any that is free), return a socket bound to them. Raise CannotListen."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address, family=family)
    except OSError as error:
        raise CannotListen(
            f"The HTTP port {listen} cannot be opened: {error.strerror}.",
            advice="End the program that has it, or choose another one with http.listen.",
        ) from error
