"""A wire without sockets, threads or waiting: the product's own requests reach the sandbox one after another.

What runs is the product's HTTP client, minus the socket, and the sandbox's services and faults, minus the
server. The order of everything is the same in every run, so that a failing story can be told again.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any, ParamSpec, Self, TypeVar
from unittest import mock
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from sqlalchemy import Connection

import reconciler.threads
from reconciler.api.http import Answer, HttpClient, _Request
from reconciler.sandbox import Sandbox
from reconciler.sandbox.exchange import Exchange, exchange
from reconciler.sandbox.http import LoopbackServer, Request
from reconciler.sandbox.mailchimp import MailchimpService
from reconciler.sandbox.requestlog import LoggedRequest
from reconciler.sandbox.service import SAFE_METHODS
from reconciler.stop import Stop
from reconciler.store.connection import Database

P = ParamSpec("P")
T = TypeVar("T")

Hook = Callable[[Request], None]


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class Moment(Enum):
    """When a process may die; the last two leave something behind of which it does not know."""

    SENDING = auto()
    READ = auto()
    BEGINNING = auto()
    COMMITTING = auto()
    WRITTEN = auto()


EVERY = tuple(Moment)
LASTING = (Moment.COMMITTING, Moment.WRITTEN)


class Axe:
    """Falls at one moment of a pass; from then on nothing is sent, answered or stored."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._of: Collection[Moment] = EVERY
        self.fell = False

    def raise_over(self, moments: int, of: Collection[Moment] = EVERY) -> None:
        """Let so many moments of these kinds pass before the axe falls."""
        self._left, self._of, self.fell = moments, of, False

    def put_away(self) -> None:
        self._left, self.fell = None, False

    def reach(self, moment: Moment) -> None:
        if self.fell:
            raise Killed
        if self._left is None or moment not in self._of:
            return
        self._left -= 1
        if self._left < 0:
            self.fell = True
            raise Killed


class Meanwhile:
    """Something that somebody does while a pass runs: before one of its requests."""

    def __init__(self, after: int, act: Callable[[], None]) -> None:
        self._left = after
        self._act = act

    def moment(self) -> None:
        self._left -= 1
        if self._left == -1:
            self._act()


class Wire:
    """Carries requests to a sandbox whose servers need not run."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.axe = Axe()
        self.meanwhile: Meanwhile | None = None
        self._sandbox = sandbox
        self._servers = {server.port: server for server in (sandbox._otys_server, sandbox._mailchimp_server)}

    @contextmanager
    def laid(self) -> Iterator[None]:
        """Let every request go over this wire until the end of the block."""
        writing = Database.writing

        @contextmanager
        def mortal(database: Database) -> Iterator[Connection]:
            self.axe.reach(Moment.BEGINNING)
            with writing(database) as connection:
                yield connection
                self.axe.reach(Moment.COMMITTING)  # before the commit: the transaction is rolled back

        def carry(client: HttpClient, request: _Request) -> Answer:
            return self._carry(client._auth, request)

        with (
            mock.patch.object(HttpClient, "_exchanged", carry),
            mock.patch.object(Database, "writing", mortal),
            mock.patch.object(Stop, "pause"),
            mock.patch.object(reconciler.threads, "ThreadPoolExecutor", OneAtATime),
        ):
            yield

    def _carry(self, auth: tuple[str, str] | None, request: _Request) -> Answer:
        self.axe.reach(Moment.SENDING)
        if self.meanwhile is not None:
            self.meanwhile.moment()
        sent = requests.Request(
            request.method, request.url, params=request.params, data=request.body, auth=auth
        ).prepare()
        target = urlsplit(str(sent.url))
        server = self._servers[target.port or 0]
        arrived = Request(
            method=request.method,
            path=unquote(target.path),
            query=dict(parse_qsl(target.query, keep_blank_values=True)),
            headers={name.lower(): str(value) for name, value in sent.headers.items()},
            body=request.body or b"",
        )
        outcome = exchange(
            arrived,
            server.service,
            lock=self._sandbox.lock,
            faults=self._sandbox.faults,
            wait=lambda _seconds: None,
        )
        self._log(server, arrived, outcome)
        wrote = outcome.applied and server.service.name == MailchimpService.name
        self.axe.reach(Moment.WRITTEN if wrote and arrived.method not in SAFE_METHODS else Moment.READ)
        return _answer(outcome)

    def _log(self, server: LoopbackServer, request: Request, outcome: Exchange) -> None:
        self._sandbox.log.append(
            LoggedRequest(
                at=self._sandbox.clock.now(),
                system=server.service.name,
                method=request.method,
                path=request.path,
                query=request.query,
                body=request.body,
                operation=server.service.operation(request),
                status=0 if outcome.reply is None else outcome.reply.status,
                open_requests=1,
                applied=outcome.applied,
                fault=outcome.fault,
            )
        )


def _answer(outcome: Exchange) -> Answer:
    if outcome.reply is None and outcome.hold_seconds:
        raise requests.ReadTimeout
    if outcome.reply is None or outcome.sent_share < 1:
        raise requests.ConnectionError
    return Answer(outcome.reply.status, CaseInsensitiveDict(outcome.reply.headers), outcome.reply.body)


class OneAtATime:
    """A pool that does each job at once, in the thread of whoever submits it."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def submit(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(job(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for, as a pool does
            done.set_exception(error)
        return done

    def map(self, job: Callable[..., T], *things: Iterable[Any]) -> Iterator[T]:
        return iter([job(*each) for each in zip(*things, strict=False)])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
