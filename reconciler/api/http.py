"""Knows how to send one HTTP request well: time-outs, retries, a connection limit, and no secrets told."""

import queue
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import requests
import structlog
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError

from reconciler.api.bounded import MOST_BYTES, Courier, TooLarge, TooLong, body_of
from reconciler.api.session import new_session
from reconciler.config.values import is_loopback
from reconciler.errors import RemoteError, Stopping, Throttled, UnexpectedAnswer, Unreachable, Untrusted
from reconciler.stop import Stop

BACK_OFF = wait_random_exponential(multiplier=0.5, max=30)
MOST_THROTTLED_ATTEMPTS = 20  # so that a service that says "wait 0 seconds" cannot hold us for ever
TOO_MANY_REQUESTS = 429

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered, whatever the status."""

    status: int
    headers: Mapping[str, str]
    """Names are looked up in any case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class RequestNote:
    """What may be told about one request: never a body, a query or a key."""

    system: str
    method: str
    path: str
    status: int | None
    """None: no answer came."""
    seconds: float
    bytes_read: int
    date: str = ""
    """When the service says it answered, as its `Date` header does."""


class ServerFailed(Unreachable):
    """The service answered 5xx to the last."""

    def __init__(self, system: str, answer: Answer) -> None:
        self.answer = answer
        super().__init__(system, f"the service failed (HTTP {answer.status})")


class HttpClient:
    """One service: time-outs, retries, connection limit, redaction. Safe to share between threads."""

    def __init__(
        self,
        system: str,
        *,
        connections: int = 5,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        longest: float = 300.0,
        most_bytes: int = MOST_BYTES,
        attempts: int = 4,
        patience: float = 300.0,
        auth: tuple[str, str] | None = None,
        pause: Callable[[float], None] | None = None,
        stop: Stop | None = None,
        on_request: Callable[[RequestNote], None] | None = None,
        on_throttled: Callable[[str, float], None] | None = None,
    ) -> None:
        self.system = system
        self._timeout = (connect_timeout, read_timeout)
        self._longest = longest
        self._most_bytes = most_bytes
        self._auth = auth
        self._attempts = attempts
        self._patience = patience
        self._stop = stop or Stop()
        self._pause = self._stop.pausing(system) if pause is None else pause
        self._on_request = on_request
        self._on_throttled = on_throttled
        # Last in, first out: a warm connection is borrowed before a cold one.
        self._idle: queue.LifoQueue[_Connection] = queue.LifoQueue()
        for _ in range(connections):
            self._idle.put(_Connection(new_session(auth)))

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        repeatable: bool,
        reads: bool | None = None,
        throttled: Callable[[Answer], float | None] | None = None,
    ) -> Answer:
        """Given a request, return its answer, of any status below 500.

        Transport failures and 5xx are tried again if the request is `repeatable`; otherwise only a
        connection that could not be opened is, because nobody knows whether the rest was applied. Throttling
        is waited for with any request: 429, and whatever else `throttled` gives seconds for. One that only
        `reads` (None: a GET) is left behind when the program stops; any other is finished. Raise
        Unreachable, Throttled, Stopping, or UnexpectedAnswer for a redirect, which is never followed.
        """
        request = _Request(method, url, params, body, reads=method == "GET" if reads is None else reads)

        def once() -> Answer:
            answer = self._once(request)
            self._check(answer, throttled)
            return answer

        def until_answered() -> Answer:
            return Retrying(
                retry=retry_if_exception(lambda error: _may_repeat(error, repeatable=repeatable)),
                stop=stop_after_attempt(self._attempts),
                wait=BACK_OFF,
                sleep=self._pause,
                reraise=True,
            )(once)

        return Retrying(
            retry=retry_if_exception_type(_AskedToWait),
            stop=self._out_of_patience,
            wait=_wait_asked_for,
            sleep=self._wait_as_asked,
            reraise=True,
        )(until_answered)

    def close(self) -> None:
        """Close every connection."""
        for connection in [self._idle.get() for _ in range(self._idle.qsize())]:
            connection.close()
            self._idle.put(connection)  # closed or not, it serves whoever still asks

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _once(self, request: "_Request") -> Answer:
        self._stop.check(self.system)
        started = time.monotonic()
        answer: Answer | None = None
        try:
            answer = self._exchanged(request)
        except (OSError, HTTPError) as error:
            # The original error is left out: its text holds the whole URL, and with it a query.
            raise self._trouble(request, error) from None
        else:
            return answer
        finally:
            self._note(request, answer, time.monotonic() - started)

    def _exchanged(self, request: "_Request") -> Answer:
        connection = self._idle.get()
        try:
            return connection.courier.in_time(
                partial(self._exchange, connection.session, request),
                seconds=self._longest,
                meanwhile=partial(self._stop.check, self.system) if request.reads else _go_on,
            )
        except (TooLong, Stopping):
            # Somebody still reads from its connection.
            connection = _Connection(new_session(self._auth))
            raise
        finally:
            self._idle.put(connection)

    def _exchange(self, session: requests.Session, request: "_Request") -> Answer:
        with session.request(
            request.method,
            request.url,
            params=request.params,
            data=request.body,
            headers={"Content-Type": "application/json"} if request.body is not None else None,
            timeout=self._timeout,
            allow_redirects=False,
            proxies=request.proxies,
            stream=True,
        ) as response:
            body = body_of(response, self._most_bytes)
        return Answer(response.status_code, response.headers, body)

    def _check(self, answer: Answer, throttled: Callable[[Answer], float | None] | None) -> None:
        if answer.status < requests.codes.multiple_choices:
            return
        seconds = throttled(answer) if throttled else None
        if seconds is not None or answer.status == TOO_MANY_REQUESTS:
            raise _AskedToWait(self.system, answer.status, seconds)
        if answer.status >= requests.codes.server_error:
            raise ServerFailed(self.system, answer)
        if answer.status < requests.codes.bad_request:
            raise UnexpectedAnswer(
                self.system,
                f"the service redirects (HTTP {answer.status}); a key is never sent on to another address",
                advice="Put the service's present address into the configuration.",
            )

    def _out_of_patience(self, state: RetryCallState) -> bool:
        waited = state.idle_for + state.upcoming_sleep
        return waited > self._patience or state.attempt_number >= MOST_THROTTLED_ATTEMPTS

    def _wait_as_asked(self, seconds: float) -> None:
        if self._on_throttled:
            self._on_throttled(self.system, seconds)
        self._pause(seconds)

    def _trouble(self, request: "_Request", error: Exception) -> RemoteError:
        host = urlsplit(request.url).hostname
        if isinstance(error, TooLarge):
            return UnexpectedAnswer(
                self.system,
                f"an answer of {host} is larger than {self._most_bytes:,} bytes",
                advice="Look whether something else answers in its place.",
            )
        if isinstance(error, TooLong):
            return Unreachable(self.system, f"no whole answer from {host} within {self._longest:g} seconds")
        if type(error) is OSError:
            # This is how requests says that there is no such file as REQUESTS_CA_BUNDLE names.
            return Untrusted(
                self.system, "the certificates that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names cannot be read"
            )
        if _is_distrust(error):
            return Untrusted(self.system, f"no secure connection to {host} could be made")
        if _was_never_opened(error):
            return _NotOpened(self.system, f"no connection to {host} could be opened")
        if isinstance(error, requests.Timeout):
            return Unreachable(self.system, f"no answer from {host} within {self._timeout[1]:g} seconds")
        return Unreachable(self.system, f"the connection to {host} broke ({type(error).__name__})")

    def _note(self, request: "_Request", answer: Answer | None, seconds: float) -> None:
        note = RequestNote(
            system=self.system,
            method=request.method,
            path=urlsplit(request.url).path,
            status=answer.status if answer else None,
            seconds=seconds,
            bytes_read=len(answer.body) if answer else 0,
            date=answer.headers.get("Date", "") if answer else "",
        )
        log.debug(
            "request",
            system=note.system,
            method=note.method,
            path=note.path,
            status=note.status,
            seconds=round(seconds, 3),
        )
        if self._on_request:
            self._on_request(note)


@dataclass(frozen=True, slots=True)
class _Connection:
    """One at a time uses it."""

    session: requests.Session
    courier: Courier = field(default_factory=Courier)

    def close(self) -> None:
        self.courier.close()
        self.session.close()


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    params: Mapping[str, str] | None
    body: bytes | None
    reads: bool

    @property
    def proxies(self) -> dict[str, str] | None:
        """Loopback never goes by the environment's proxy; everything else may."""
        host = urlsplit(self.url).hostname or ""
        return {"no_proxy": host} if is_loopback(host) else None


class _AskedToWait(Throttled):
    def __init__(self, system: str, status: int, seconds: float | None) -> None:
        self.seconds = seconds
        super().__init__(system, f"too many requests (HTTP {status}), for longer than we waited")


class _NotOpened(Unreachable):
    """Nothing was sent, so nothing can have been applied."""


def _go_on() -> None:
    """A write is finished even when the program is told to stop."""


def _may_repeat(error: BaseException, *, repeatable: bool) -> bool:
    if isinstance(error, Stopping | Untrusted):
        return False
    return isinstance(error, _NotOpened) or (repeatable and isinstance(error, Unreachable))


def _wait_asked_for(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _AskedToWait) and error.seconds is not None:
        return max(0.0, error.seconds)
    return BACK_OFF(state)


def _is_distrust(error: Exception) -> bool:
    """A secure connection that breaks off may be had the next time; one that was refused may not."""
    cause = error.args[0] if isinstance(error, requests.exceptions.SSLError) and error.args else None
    if not isinstance(cause, MaxRetryError) or cause.reason is None:
        return False
    return not any(isinstance(one, ssl.SSLEOFError | ssl.SSLZeroReturnError) for one in cause.reason.args)


def _was_never_opened(error: Exception) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(
        cause.reason, NewConnectionError | ConnectTimeoutError
    )


def http_date(text: str) -> datetime | None:
    """Given a `Date` header, return its moment; None if it tells none."""
    try:
        told = parsedate_to_datetime(text)
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
