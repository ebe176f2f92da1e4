"""The faults a sandbox can be told to commit, and which of them strikes which request."""

import random
import re
import threading
from collections.abc import Collection
from enum import StrEnum

import msgspec


class FaultKind(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"  # answers after `value` seconds
    TOO_MANY_REQUESTS = "too_many_requests"  # 429 with the service's own body
    TOO_MANY_REQUESTS_BARE = "too_many_requests_bare"  # 429 without a body
    FORBIDDEN_BARE = "forbidden_bare"  # 403 without a body
    FORBIDDEN_HTML = "forbidden_html"  # 403 from the edge in front of the service
    SERVER_ERROR = "server_error"  # `value` (500, 502, 503, 504) with an HTML body
    TIMEOUT_BEFORE = "timeout_before"  # never answers, nothing is applied
    TIMEOUT_AFTER_APPLY = "timeout_after_apply"  # applies, never answers
    DROP_AFTER_APPLY = "drop_after_apply"  # applies, closes the connection without an answer
    CUT_BODY = "cut_body"  # applies, closes in the middle of the answer
    GARBAGE = "garbage"  # applies, answers 200 with bytes that are no JSON
    EMPTY_BODY = "empty_body"  # applies, answers 200 with nothing
    SHORT_PAGE = "short_page"  # a page misses its last `value` rows
    SHIFT_BETWEEN_PAGES = "shift_between_pages"  # a later page starts `value` rows too far
    LYING_TOTAL = "lying_total"  # the total is `value` too high
    DEAD_SESSION = "dead_session"
    REFUSED_FIELD = "refused_field"  # the field path in `value` is refused
    IN_BAND_ERROR = "in_band_error"  # an error with HTTP 200
    MISSING_RESULT = "missing_result"
    LIST_LIMITS = "list_limits"  # no further list or audience is allowed


TRANSPORT_KINDS = frozenset(
    {
        FaultKind.TOO_MANY_REQUESTS,
        FaultKind.TOO_MANY_REQUESTS_BARE,
        FaultKind.FORBIDDEN_BARE,
        FaultKind.FORBIDDEN_HTML,
        FaultKind.SERVER_ERROR,
        FaultKind.TIMEOUT_BEFORE,
        FaultKind.TIMEOUT_AFTER_APPLY,
        FaultKind.DROP_AFTER_APPLY,
        FaultKind.CUT_BODY,
        FaultKind.GARBAGE,
        FaultKind.EMPTY_BODY,
    }
)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that goes wrong, where, and how often.

    `pattern` is a regular expression searched for in "METHOD path operation"; the empty one fits everything.
    The first `skip` requests that fit are spared, then `times` are struck (all, if it is None), each with
    `probability`, drawn from `seed`.
    """

    kind: FaultKind
    system: str = ""  # "otys" or "mailchimp"; the empty one fits both
    pattern: str = ""
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    value: int | float | str | None = None

    def number(self, otherwise: float) -> float:
        """Return the value as a number, or the given one if the fault has none."""
        return otherwise if self.value is None else float(self.value)


class Faults:
    """Every fault that is armed; the server and the services take from here what strikes a request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: dict[int, _Armed] = {}
        self._last_id = 0

    def add(self, fault: Fault) -> int:
        """Given a fault, arm it and return its id. Raise ValueError if its pattern is no regex."""
        try:
            pattern = re.compile(fault.pattern)
        except re.error as error:
            raise ValueError(
                f"the fault's pattern {fault.pattern!r} is no regular expression: {error}"
            ) from error
        with self._lock:
            self._last_id += 1
            self._armed[self._last_id] = _Armed(fault, pattern)
            return self._last_id

    def remove(self, fault_id: int) -> None:
        """Given the id of a fault, disarm it; an unknown id is fine."""
        with self._lock:
            self._armed.pop(fault_id, None)

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._armed.clear()

    def armed(self) -> dict[int, Fault]:
        """Return the faults that can still strike, by id."""
        with self._lock:
            return {fault_id: armed.fault for fault_id, armed in self._armed.items()}

    def take(self, system: str, label: str, kinds: Collection[FaultKind] = TRANSPORT_KINDS) -> Fault | None:
        """Given a request's system and label, return the oldest fault of these kinds that strikes it."""
        with self._lock:
            for fault_id, armed in self._armed.items():
                if armed.fault.kind in kinds and armed.strikes(system, label):
                    if armed.is_spent():
                        del self._armed[fault_id]
                    return armed.fault
        return None


class _Armed:
    def __init__(self, fault: Fault, pattern: re.Pattern[str]) -> None:
        self.fault = fault
        self._pattern = pattern
        self._random = random.Random(fault.seed)
        self._spare = fault.skip
        self._left = fault.times

    def strikes(self, system: str, label: str) -> bool:
        if self.fault.system not in ("", system) or not self._pattern.search(label):
            return False
        if self._spare > 0:
            self._spare -= 1
            return False
        if self._random.random() >= self.fault.probability:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def is_spent(self) -> bool:
        return self._left is not None and self._left <= 0
