"""Knows how to read a request log: what was asked how often, how many at once, how fast."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from reconciler.sandbox.requestlog import LoggedRequest
from reconciler.sandbox.service import SAFE_METHODS

MINUTE = timedelta(seconds=60)
_IDENTIFIER = re.compile(r"/\d+(?=/|$)|/(?=[^/]*\d)[0-9a-z]{8,}(?=/|$)|/[^/]*@[^/]*")


class LogSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a stretch of the request log adds up to."""

    requests: int
    by_operation: dict[str, dict[str, int]]
    """Per system, how often each operation was asked; ids in paths read {id}."""
    by_status: dict[str, dict[str, int]]
    writes: int
    """Requests to Mailchimp that could change something."""
    most_open_requests: dict[str, int]
    """Per system, the most requests that were being answered at one moment."""
    most_otys_requests_a_minute: int
    """The most requests to OTYS within any 60 seconds."""
    last_number: int


def summarise(requests: Sequence[LoggedRequest]) -> LogSummary:
    """Given logged requests, oldest first, return what they add up to."""
    systems = sorted({request.system for request in requests})
    return LogSummary(
        requests=len(requests),
        by_operation={
            system: _count(operation_of(one) for one in requests if one.system == system)
            for system in systems
        },
        by_status={
            system: _count(str(one.status) for one in requests if one.system == system) for system in systems
        },
        writes=sum(1 for one in requests if one.system == "mailchimp" and one.method not in SAFE_METHODS),
        most_open_requests={
            system: max(one.open_requests for one in requests if one.system == system) for system in systems
        },
        most_otys_requests_a_minute=most_in_a_minute([one for one in requests if one.system == "otys"]),
        last_number=requests[-1].number if requests else 0,
    )


def operation_of(request: LoggedRequest) -> str:
    """Given a request, return its JSON-RPC method, or its HTTP method and path with ids left out."""
    return request.operation or f"{request.method} {_IDENTIFIER.sub('/{id}', request.path)}"


def most_in_a_minute(requests: Sequence[LoggedRequest]) -> int:
    """Given logged requests, return how many of them fall into the busiest 60 seconds."""
    moments = sorted(request.at for request in requests)
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= MINUTE:
            first += 1
        most = max(most, last - first + 1)
    return most


def _count(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
