"""Knows how to read OTYS Web Services: login, calls, batches, pages, patience (facts/otys.md, 1 to 5 and 8).

A method that is neither a reading one nor among the few that its maker allowed is refused before anything is
sent; as a rule none is allowed.
"""

import math
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import msgspec
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from reconciler.api.http import BACK_OFF, TOO_MANY_REQUESTS, Answer, HttpClient
from reconciler.api.ows_answers import (
    SYSTEM,
    GarbledAnswer,
    Page,
    Reply,
    SessionDied,
    page_of,
    reply_of,
    result_of,
)
from reconciler.api.rate import Allowance, RateLimiter
from reconciler.api.tape import Query, Tape
from reconciler.api.values import Json, rows_of, text, whole_number
from reconciler.errors import (
    BadRequest,
    CredentialsRejected,
    PermissionDenied,
    ReconcilerError,
    RemoteError,
    UnexpectedAnswer,
)

MULTI = "Otys.Services.MultiService.execute"
READING_METHODS = re.compile(r"check|Otys\.Services\.[A-Za-z]+Service\.get[A-Z][A-Za-z]*")
DEAD_SESSION_TEXTS = ("Access denied; please login again", "Access denied; please login first")
SESSION_SECONDS = 8 * 3600.0  # OTYS ends a session after 14 hours
LAST_REQUESTS = 5  # so many are left to others that use the same key
LARGEST_BATCH = 25
LONGEST_WAIT = 900.0  # OTYS counts in minutes; whoever asks for years would stop us for good
GARBLED_ATTEMPTS = 3
KEY_ADVICE = "Put a valid key of OTYS into `clients.NAME.otys.api_key`."

T = TypeVar("T")


class WritingRefused(ReconcilerError):
    """A method was asked for that is neither a reading one nor allowed."""


@dataclass(frozen=True, slots=True)
class ApiUser:
    """Whose key it is, as `check` says."""

    client_id: int | str
    client_name: str
    user_id: str
    partner_id: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a batch: a method and its arguments after the session."""

    method: str
    arguments: tuple[Json, ...]


class OwsClient:
    """One key of one OTYS client. Safe to share between threads, which share its session and its limit."""

    def __init__(
        self,
        http: HttpClient,
        endpoint: str,
        api_key: str,
        *,
        may_write: Collection[str] = (),
        allowance: Allowance | None = None,
        dead_session_texts: Sequence[str] = DEAD_SESSION_TEXTS,
        session_seconds: float = SESSION_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._api_key = api_key
        self._may_write = frozenset(may_write)
        self._limiter = RateLimiter(allowance or Allowance(), clock=clock, pause=pause)
        self._dead_session_texts = tuple(dead_session_texts)
        self._session_seconds = session_seconds
        self._clock = clock
        self._pause = pause
        self._login_lock = threading.Lock()
        self._session = ""
        self._session_since = 0.0

    def check(self) -> ApiUser:
        """Return whose key it is. Raise CredentialsRejected if it is not accepted."""
        return self._in_session(self._check)

    def call(self, method: str, *arguments: Json) -> Json:
        """Given a reading method and its arguments after the session, return its result.

        Raise WritingRefused for any other method, and RemoteError for every kind of failure.
        """
        _require_reading(method)
        return self._in_session(lambda session: self._send(method, [session, *arguments]))

    def page(self, method: str, arguments: Mapping[str, Json], *, tape: Tape | None = None) -> Page:
        """Given a list method and its arguments, return one page, whichever of the two shapes it has.

        A `tape` notes what was asked, and answers what was fetched ahead.
        """
        if tape is None:
            return page_of(self.call(method, dict(arguments)), method)
        _require_reading(method)
        query = Query(method, msgspec.json.encode(arguments))
        try:
            return page_of(self._in_session(lambda session: self._read(query, session, tape)), method)
        except RemoteError:
            tape.prove_nothing()  # whoever asks in another way now would ask in vain every time
            raise

    def fetch(self, query: Query) -> Answer:
        """Given a query, return the answer as it came, whatever it says. Raise RemoteError without one."""
        _require_reading(query.path)
        return self._ask(_envelope(query.path, [self._live_session(), _arguments(query)]))

    def batch(self, calls: Sequence[Call]) -> list[Reply]:
        """Given calls, return a reply for each, in order. Raise RemoteError if a whole batch fails."""
        for call in calls:
            _require_reading(call.method)
        return [
            reply
            for start in range(0, len(calls), LARGEST_BATCH)
            for reply in self._in_session(self._batch_of(calls[start : start + LARGEST_BATCH]))
        ]

    def write(self, calls: Sequence[Call]) -> list[Reply]:
        """Given a batch of calls that may be repeated without harm, return a reply for each, in order.

        Raise WritingRefused for a method that was not allowed when this client was made, and RemoteError if
        the batch as a whole fails: then nobody knows which calls were carried out.
        """
        for call in calls:
            if call.method not in self._may_write:
                raise WritingRefused(
                    f"{call.method} is not among the methods by which OTYS may be written",
                    advice="Name it under `opt_out` in the mapping (docs/mapping.md).",
                )
        return self._in_session(self._batch_of(calls, reads=False))

    def close(self) -> None:
        """Log out if we are logged in, without insisting, and close every connection."""
        with self._login_lock:
            session, self._session = self._session, ""
        if session:
            with suppress(RemoteError):
                self._http.send(
                    "POST",
                    self._endpoint,
                    body=_envelope("logout", [session]),
                    repeatable=False,
                    throttled=lambda _: math.inf,  # longer than any patience: nobody waits to log out
                )
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- sessions ------------------------------------------------------------------------------------

    def _in_session(self, work: Callable[[str], T]) -> T:
        session = self._live_session()
        try:
            return work(session)
        except SessionDied:
            session = self._live_session(instead_of=session)
        try:
            return work(session)
        except SessionDied as error:
            raise CredentialsRejected(
                SYSTEM, "the key is accepted, but the session it gives is refused at once"
            ) from error

    def _live_session(self, instead_of: str = "") -> str:
        with self._login_lock:
            expired = self._clock() - self._session_since >= self._session_seconds
            if not self._session or expired or self._session == instead_of:
                self._session = ""
                self._session = self._log_in()
                self._session_since = self._clock()
            return self._session

    def _log_in(self) -> str:
        try:
            session = self._send("loginByUid", [self._api_key])
        except (SessionDied, PermissionDenied, BadRequest) as error:
            raise CredentialsRejected(
                SYSTEM, f"the API key is refused ({error})", advice=KEY_ADVICE
            ) from error
        if not isinstance(session, str) or not session:
            raise CredentialsRejected(SYSTEM, "the API key is refused", advice=KEY_ADVICE)
        return session

    def _check(self, session: str) -> ApiUser:
        user = self._send("check", [session])
        if not isinstance(user, dict) or not user:
            raise SessionDied(SYSTEM, "the session is over")
        client_id = user.get("clientId")
        if not isinstance(client_id, int | str) or client_id in ("", 0):
            raise UnexpectedAnswer(SYSTEM, "`check` does not say which client the key belongs to")
        return ApiUser(
            client_id=client_id,
            client_name=text(user.get("client")),
            user_id=text(user.get("id")),
            partner_id=text(user.get("partnerId")),
        )

    # -- calls ---------------------------------------------------------------------------------------

    def _batch_of(self, calls: Sequence[Call], *, reads: bool = True) -> Callable[[str], list[Reply]]:
        def work(session: str) -> list[Reply]:
            asked: list[Json] = [
                {"method": call.method, "args": [session, *call.arguments]} for call in calls
            ]
            items = rows_of(self._send(MULTI, [asked], reads=reads))
            if items is None or len(items) != len(calls):
                raise UnexpectedAnswer(SYSTEM, f"a batch of {len(calls)} calls was not answered one by one")
            replies = [reply_of(item, self._dead_session_texts) for item in items]
            for reply in replies:
                if isinstance(reply.error, SessionDied):
                    raise reply.error
            return replies

        return work

    def _send(self, method: str, params: list[Json], *, reads: bool = True) -> Json:
        body = _envelope(method, params)
        return self._understood(lambda: self._ask(body, reads=reads))

    def _read(self, query: Query, session: str, tape: Tape) -> Json:
        body = _envelope(query.path, [session, _arguments(query)])

        def answer() -> Answer:
            return tape.answer(query, lambda: self._ask(body))

        return self._understood(answer)

    def _ask(self, body: bytes, *, reads: bool = True) -> Answer:
        self._limiter.wait_for_turn()
        answer = self._http.send(
            "POST",
            self._endpoint,
            body=body,
            repeatable=True,
            reads=reads,
            throttled=self._asked_to_wait,
        )
        self._mind_what_is_left(answer)
        return answer

    def _understood(self, ask: Callable[[], Answer]) -> Json:
        def once() -> Json:
            return result_of(ask(), self._dead_session_texts)

        return Retrying(
            retry=retry_if_exception_type(GarbledAnswer),
            stop=stop_after_attempt(GARBLED_ATTEMPTS),
            wait=BACK_OFF,
            sleep=self._pause,
            reraise=True,
        )(once)

    def _asked_to_wait(self, answer: Answer) -> float | None:
        if answer.status != TOO_MANY_REQUESTS:
            return None
        seconds = _number(answer, "Retry-After")
        if seconds is None:
            left_of_frame = _number(answer, "X-Orl-Remaining-Timeframe")
            seconds = None if left_of_frame is None else left_of_frame + 1
        if seconds is not None:
            self._limiter.hold(seconds)
        return seconds

    def _mind_what_is_left(self, answer: Answer) -> None:
        left = _number(answer, "X-Orl-Requests-Remaining")
        seconds = _number(answer, "X-Orl-Remaining-Timeframe")
        if left is not None and seconds is not None and left <= LAST_REQUESTS:
            self._limiter.hold(seconds + 1)


def _require_reading(method: str) -> None:
    if not READING_METHODS.fullmatch(method):
        raise WritingRefused(
            f"OTYS is only ever read, and {method} is not known to be a reading method",
            advice="Name a method that begins with `get` in the mapping (docs/mapping.md).",
        )


def _envelope(method: str, params: list[Json]) -> bytes:
    # A constant id: it is not needed to match answers, and equal pages stay equal bytes.
    return msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": params, "id": 1})


def _arguments(query: Query) -> Json:
    arguments: Json = msgspec.json.decode(query.arguments)
    return arguments


def _number(answer: Answer, header: str) -> float | None:
    number = whole_number(answer.headers.get(header, "").strip())
    return None if number is None else min(float(number), LONGEST_WAIT)
