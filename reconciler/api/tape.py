"""Knows what was asked to read one side of a list, and whether asking it again brings the same bytes."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from types import TracebackType
from typing import Self, TypeAlias

import structlog
import xxhash

from reconciler.api.http import Answer, http_date
from reconciler.api.spool import Kept, Spool
from reconciler.errors import RemoteError

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Query:
    """A reading request, without session and key."""

    path: str
    """Path or method."""
    arguments: bytes
    """Encoded; equal arguments are equal bytes."""
    patient: bool = True
    """Whether a failure of the service may be waited out."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was answered, and the fingerprint of its answer."""

    query: Query
    fingerprint: bytes


Trace: TypeAlias = tuple[Asked, ...]
"""All that one reading asked, in its order. An empty one tells nothing."""


class Tape:
    """The answers to one reading. Given what the last one asked, it can ask that ahead and keep the bytes.

    Equal answers lead a reader to ask the same next and to understand the same, so where every answer is as
    it was, nothing needs to be decoded. Where one differs, the reader gets what was fetched already and asks
    the rest: nothing is asked twice.
    """

    def __init__(self, known: Trace = (), *, seed: int, stop: Event | None = None) -> None:
        """Given what the last reading asked, if that is known.

        The seed of the fingerprints is a secret, so that nobody can make up two pages with one fingerprint.
        `stop` is set as soon as an answer differs, and ends the fetching ahead of all tapes that share it.
        """
        self.same = False
        """Whether every answer was fetched ahead and is as it was, or was spared."""
        self.spared = False
        """Whether nothing needed to be asked to know that."""
        self._known = known
        self._seed = seed
        self._stop = stop or Event()
        self._ahead: deque[tuple[Query, _Ahead | RemoteError]] = deque()
        self._asked: list[Asked] = []
        self._conclusive = True
        self._began = ""
        self._spool = Spool()

    @property
    def trace(self) -> Trace:
        """What was asked, to compare the next reading with; empty if that proves nothing."""
        return tuple(self._asked) if self._conclusive else ()

    @property
    def began(self) -> datetime | None:
        """The service's clock when it was asked first; None if it was not asked, or does not tell."""
        return http_date(self._began)

    def spare(self) -> None:
        """Note that it is known in another way that every answer would be as it was."""
        self.same = self.spared = True

    def fetch_ahead(self, fetch: Callable[[Query], Answer]) -> None:
        """Given how to ask, ask what the last reading asked, until an answer differs."""
        for asked in self._known:
            if self._stop.is_set():
                return
            try:
                answer = fetch(asked.query)
            except RemoteError as error:
                # It is the reader's: who reads decides what to do about it.
                self._ahead.append((asked.query, error))
                self._stop.set()
                return
            self._ahead.append((asked.query, self._keep(answer)))
            if self._fingerprint(asked.query, answer) != asked.fingerprint:
                self._stop.set()
                return
        self.same = bool(self._known)

    def answer(self, query: Query, ask: Callable[[], Answer]) -> Answer:
        """Given a query and how to ask it, return the answer that was fetched ahead, or ask.

        Raise RemoteError if that is what came of it.
        """
        answer = self._fetched(query)
        if answer is None:
            answer = ask()
            self._note_clock(answer)
        self._asked.append(Asked(query, self._fingerprint(query, answer)))
        return answer

    def prove_nothing(self) -> None:
        """Note that more was read than the answers on this tape, or that one could not be understood."""
        self._conclusive = False

    def close(self) -> None:
        """Let the kept bytes go."""
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fingerprint(self, query: Query, answer: Answer) -> bytes:
        told = xxhash.xxh3_128(seed=self._seed)
        told.update(f"{answer.status} {query.path} {len(query.arguments)} ".encode())
        told.update(query.arguments)
        told.update(answer.body)
        return told.digest()

    def _note_clock(self, answer: Answer) -> None:
        if not self._ahead and not self._asked:
            self._began = answer.headers.get("Date", "")

    def _keep(self, answer: Answer) -> "_Ahead":
        """An answer that there is no room for on disk waits in memory, and is the last one fetched ahead."""
        self._note_clock(answer)
        try:
            body = self._spool.keep(answer.body)
        except OSError as error:
            _log.warning(
                "no room for pages in the temporary directory, nothing more is fetched ahead", error=error
            )
            self._stop.set()
            body = answer.body
        return _Ahead(answer.status, answer.headers, body)

    def _fetched(self, query: Query) -> Answer | None:
        if not self._ahead:
            return None
        asked, kept = self._ahead.popleft()
        if asked != query:
            self._ahead.clear()  # this reading goes another way than the last one
            return None
        if isinstance(kept, RemoteError):
            raise kept
        try:
            body = self._spool.take(kept.body)
        except OSError as error:
            _log.warning("a page that was fetched ahead is lost, it is asked for again", error=error)
            return None
        return Answer(kept.status, kept.headers, body)


@dataclass(frozen=True, slots=True)
class _Ahead:
    """An answer whose body is in the spool."""

    status: int
    headers: Mapping[str, str]
    body: Kept
