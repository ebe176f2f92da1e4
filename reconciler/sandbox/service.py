"""What a service of the sandbox looks like from the wire: requests in, replies out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # those that change nothing


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as a service sees it: decoded path and query, header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Service(Protocol):
    """A service that can be put on the wire."""

    @property
    def name(self) -> str:
        """Return "otys" or "mailchimp"."""

    @property
    def simultaneous_requests(self) -> int | None:
        """Return how many requests may be open at a time, None for any number."""

    def answer(self, request: Request) -> Reply:
        """Given a request, carry it out and return the answer; called under the world's lock."""

    def too_many_requests(self) -> Reply:
        """Return the service's own 429."""

    def operation(self, request: Request) -> str:
        """Given a request, return the JSON-RPC method it calls, empty on a REST service."""


class Control(Protocol):
    """Who answers the requests by which the sandbox itself is steered."""

    def answer(self, request: Request) -> Reply:
        """Given a request under /_sandbox/, return the answer; called without the world's lock."""
