"""What was asked of the sandbox, request by request, so that a test can say what a daemon really sent."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.sandbox.service import SAFE_METHODS

KEPT = 50_000  # enough for any test, and a sandbox left running for weeks does not eat the memory


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One request and what became of it."""

    number: int = 0  # counts from 1 in the order of the answers
    at: datetime  # the sandbox's time
    system: str
    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    operation: str  # the JSON-RPC method, empty on a REST service
    status: int  # 0: no answer was sent
    open_requests: int  # being answered at that moment, this one included
    applied: bool  # the service carried it out, whether or not its answer arrived
    fault: str  # the kind of fault that struck it, empty if none


class RequestLog:
    """The last requests, oldest first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: deque[LoggedRequest] = deque(maxlen=KEPT)
        self._last_number = 0

    def append(self, request: LoggedRequest) -> None:
        """Given a request, give it the next number and keep it."""
        with self._changed:
            self._last_number += 1
            self._requests.append(replace(request, number=self._last_number))
            self._changed.notify_all()

    def requests(self, system: str = "", *, after: int = 0) -> list[LoggedRequest]:
        """Given a system (all if empty) and a number, return that system's requests after it."""
        with self._changed:
            return [
                request
                for request in self._requests
                if request.number > after and system in ("", request.system)
            ]

    def writes(self, *, after: int = 0) -> list[LoggedRequest]:
        """Given a number, return the requests to Mailchimp after it that could change something."""
        requests = self.requests("mailchimp", after=after)
        return [request for request in requests if request.method not in SAFE_METHODS]

    def wait_for(self, number: int, *, seconds: float = 10.0) -> bool:
        """Given a number, return True once a request has it, False if that takes too long."""
        with self._changed:
            return self._changed.wait_for(lambda: self._last_number >= number, seconds)

    def last_number(self) -> int:
        """Return the number of the latest request, 0 before the first."""
        with self._changed:
            return self._last_number

    def clear(self) -> None:
        """Forget every request; the numbers go on."""
        with self._changed:
            self._requests.clear()
