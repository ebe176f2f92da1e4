"""A threading HTTP server that knows its open connections, so that stopping it closes them all."""

import socket
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

CLOSING_SECONDS = 5.0
_Connection = socket.socket | tuple[bytes, socket.socket]  # as socketserver has it for TCP and UDP alike


class ConnectionServer(socketserver.ThreadingMixIn, HTTPServer):
    """Serves every connection from a daemon thread of its own."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._connections: set[_Connection] = set()
        self._changed = threading.Condition()
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind without looking the host name up, which takes seconds where there is no resolver."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.socket.getsockname()[1])

    def process_request(self, request: _Connection, client_address: object) -> None:
        """Given a new connection, remember and serve it."""
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: _Connection) -> None:
        """Given a connection that is over, close and forget it."""
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: _Connection, client_address: object) -> None:
        """Print the trace of a defect in the sandbox; a client that went away is none."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        """Hang up on every client, one that keeps its connection alive included."""
        with self._changed:
            for connection in self._connections:
                if isinstance(connection, socket.socket):
                    _hang_up(connection)
            self._changed.wait_for(lambda: not self._connections, CLOSING_SECONDS)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was first
