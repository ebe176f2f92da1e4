"""Knows how to send one HTTP request well: time-outs, retries, a connection limit, and no secrets told."""

import queue
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import requests
import structlog
from requests.auth import HTTPBasicAuth
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from reconciler import __version__
from reconciler.errors import Stopping, Throttled, UnexpectedAnswer, Unreachable, Untrusted
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
        self._attempts = attempts
        self._patience = patience
        self._stop = stop or Stop()
        self._pause = self._stop.pausing(system) if pause is None else pause
        self._on_request = on_request
        self._on_throttled = on_throttled
        self._sessions = [_new_session(auth) for _ in range(connections)]
        # Last in, first out: a warm connection is borrowed before a cold one.
        self._idle: queue.LifoQueue[requests.Session] = queue.LifoQueue()
        for session in self._sessions:
            self._idle.put(session)

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
        for session in self._sessions:
            session.close()

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
            answer = (
                self._stop.unless_asked(self.system, partial(self._exchange, request))
                if request.reads
                else self._exchange(request)
            )
        except requests.RequestException as error:
            # The original error is left out: its text holds the whole URL, and with it a query.
            raise self._unreachable(request, error) from None
        else:
            return answer
        finally:
            self._note(request, answer, time.monotonic() - started)

    def _exchange(self, request: "_Request") -> Answer:
        with self._borrowed_session() as session:
            response = session.request(
                request.method,
                request.url,
                params=request.params,
                data=request.body,
                headers={"Content-Type": "application/json"} if request.body is not None else None,
                timeout=self._timeout,
                allow_redirects=False,
                proxies=request.proxies,
            )
        return Answer(response.status_code, response.headers, response.content)

    @contextmanager
    def _borrowed_session(self) -> Iterator[requests.Session]:
        session = self._idle.get()
        try:
            yield session
        finally:
            self._idle.put(session)

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

    def _unreachable(self, request: "_Request", error: Exception) -> Unreachable:
        host = urlsplit(request.url).hostname
        if isinstance(error, requests.exceptions.SSLError):
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
        return {"no_proxy": host} if _is_loopback(host) else None


class _AskedToWait(Throttled):
    def __init__(self, system: str, status: int, seconds: float | None) -> None:
        self.seconds = seconds
        super().__init__(system, f"too many requests (HTTP {status}), for longer than we waited")


class _NotOpened(Unreachable):
    """Nothing was sent, so nothing can have been applied."""


class _NoAuth(requests.auth.AuthBase):
    """Keeps requests from sending whatever a .netrc file of this user holds for the host."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _new_session(auth: tuple[str, str] | None) -> requests.Session:
    session = requests.Session()
    session.auth = HTTPBasicAuth(*auth) if auth else _NoAuth()
    session.headers.update({"User-Agent": f"reconciler/{__version__}", "Accept": "application/json"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _may_repeat(error: BaseException, *, repeatable: bool) -> bool:
    if isinstance(error, Stopping):
        return False
    return isinstance(error, _NotOpened) or (repeatable and isinstance(error, Unreachable))


def _wait_asked_for(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _AskedToWait) and error.seconds is not None:
        return max(0.0, error.seconds)
    return BACK_OFF(state)


def _was_never_opened(error: Exception) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(
        cause.reason, NewConnectionError | ConnectTimeoutError
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
