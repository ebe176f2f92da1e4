"""A process that dies at a chosen moment: none of its threads does anything from then on."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import Connection

from reconciler.store.connection import Database
from reconciler.store.facts import Fact
from reconciler.store.redo_log import HeldLog, Position

NEVER = -1
IN_THE_LOG_ONLY = "after the log of nos"
"""What the process was about to commit stands in the log of nos, and not in the database."""


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class Death:
    """Comes at one of the moments of a process: before and after each of its requests and commits.

    Also between the log of nos and the commit whose nos it tells.

    After a request means that the service carried it out, and that what it answered was of no use any more.
    """

    def __init__(self, moment: int = NEVER) -> None:
        self._moment = moment
        self._lock = threading.Lock()
        self._came = False
        self.came_at = ""
        """The moment at which it came; empty: it did not."""
        self.moments: list[str] = []
        """Those that the process reached."""

    def reach(self, moment: str) -> None:
        """Given what the process is about to do or has just done, let it live. Raise Killed if it may not."""
        with self._lock:
            if not self._came and len(self.moments) == self._moment:
                self._came, self.came_at = True, moment
            if self._came:
                raise Killed
            self.moments.append(moment)


def lasting(moments: Sequence[str]) -> list[int]:
    """Given the moments of a pass, return those that leave another trace than the moment before them.

    Between two of them nothing is written on any side, so that dying at any of the others is the same.
    """
    return [0, *(number for number, moment in enumerate(moments) if _leaves_a_trace(moment))]


def _leaves_a_trace(moment: str) -> bool:
    return moment.startswith("after") and not moment.endswith("/jservice.php") and " GET " not in moment


@contextmanager
def threatened_by(death: Death, *, one_thread_at_a_time: bool = True) -> Iterator[None]:
    """Given a death, let it come over whatever this process does in the block.

    One thread at a time, equal work reaches equal moments in the same order.
    """
    send, write, append = requests.Session.request, Database.writing, HeldLog.append
    sessions: set[requests.Session] = set()

    def mortal_send(session: requests.Session, method: str, url: str, **options: object) -> requests.Response:
        sessions.add(session)
        what = f"{method} {urlsplit(url).path}"
        death.reach(f"before {what}")
        answer = send(session, method, url, **options)  # type: ignore[arg-type]  # handed on as they came
        try:
            death.reach(f"after {what}")
        except Killed:
            answer.close()  # as the system does when a process ends
            raise
        return answer

    @contextmanager
    def mortal_write(database: Database) -> Iterator[Connection]:
        with write(database) as connection:
            yield connection
            death.reach("before a commit")  # Killed, it is rolled back
        death.reach("after a commit")

    def mortal_append(held: HeldLog, facts: Iterable[Fact]) -> Position:
        end = append(held, facts)
        death.reach(IN_THE_LOG_ONLY)
        return end

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(requests.Session, "request", mortal_send)
        patched.setattr(Database, "writing", mortal_write)
        patched.setattr(HeldLog, "append", mortal_append)
        if one_thread_at_a_time:
            patched.setattr("reconciler.threads.ThreadPoolExecutor", _pool_of_one)
        try:
            yield
        finally:
            for session in sessions:
                session.close()


def _pool_of_one(
    _most: int, *, thread_name_prefix: str, initializer: Callable[[], object]
) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix=thread_name_prefix, initializer=initializer)
