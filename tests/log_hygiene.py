"""Looks at every line that a test logs in its own process, and fails the test if one tells too much.

An address or a key must not even be handed to the logger: that `reconciler.logs` takes them out is the net
below. What only it can know, such as a contact's hash in the path of a request, is looked for after it.
A test about that net is marked `logs_private_things`.
"""

import re
from collections.abc import Generator, Mapping
from typing import Any

import pytest
from structlog import contextvars
from structlog._base import BoundLoggerBase

from reconciler.logs import redact
from reconciler.sandbox.mailchimp.state import DEFAULT_API_KEY
from reconciler.sandbox.otys.state import DEMO_API_KEY

MARK = "logs_private_things"
_ADDRESS = re.compile(r"[^\s@'\"<>:/]+(?:@|%40)[^\s@'\"<>:/]+\.[a-z]{2,}", re.IGNORECASE)
_HASH_OR_SESSION = re.compile(r"\b[0-9a-f]{32}\b")
_KEYS = (DEMO_API_KEY, DEFAULT_API_KEY)

_told: list[str] = []


def private_things(line: Mapping[str, Any]) -> list[str]:
    """Given what a line is made of, return everything in it that must not be told."""
    text = repr(dict(line))
    shown = repr(redact(None, "", dict(line)))
    return [
        *_ADDRESS.findall(text),
        *(key for key in _KEYS if key in text),
        *_HASH_OR_SESSION.findall(shown),
    ]


def _listen(
    self: BoundLoggerBase, method_name: str, event: str | None, event_kw: dict[str, Any]
) -> tuple[Any, Any]:
    line = {**contextvars.get_contextvars(), **self._context, **event_kw, "event": event}
    _told.extend(f"{thing} in {event!r}" for thing in private_things(line))
    return _process_event(self, method_name, event, event_kw)


# Every logger passes here, whatever the processors are and whoever captures the lines.
_process_event = BoundLoggerBase._process_event


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}: logs addresses or keys on purpose")
    BoundLoggerBase._process_event = _listen  # type: ignore[method-assign]  # to hear every line


def pytest_unconfigure() -> None:
    BoundLoggerBase._process_event = _process_event  # type: ignore[method-assign]  # as it was


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail the test for what it, or its set-up, logged."""
    result = yield
    _check(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fail the test for what is logged while everything it opened is closed."""
    result = yield
    _check(item)
    return result


def _check(item: pytest.Item) -> None:
    told, _told[:] = _told[:], []
    if told and item.get_closest_marker(MARK) is None:
        pytest.fail(f"the log tells what nobody may read there: {told}", pytrace=False)
