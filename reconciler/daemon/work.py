"""Knows how a pass of one client is done, with what stays open between passes, and that it is reported."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import structlog

from reconciler.api.http import RequestNote
from reconciler.client import Client, Watcher
from reconciler.config import Config
from reconciler.daemon.runner import Ending, Wanted
from reconciler.errors import LockHeld, ReconcilerError, StoreError, in_words
from reconciler.failure import kind_of
from reconciler.model import ListUid, PassId, PassResult
from reconciler.reconcile import STOPPED, reconcile
from reconciler.record import trigger_of
from reconciler.report import PassReport
from reconciler.stop import Stop
from reconciler.store import Store
from reconciler.wiring import open_client

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the work of every client shares."""

    store: Store
    watcher: Watcher
    now: Callable[[], datetime]
    on_request: Callable[[RequestNote], None] = lambda _note: None
    on_throttled: Callable[[str, float], None] | None = None
    on_report: Callable[[PassReport], None] = lambda _report: None
    """Is given what became of each pass, after everybody who watches."""
    on_no_report: Callable[[str, ReconcilerError], None] = lambda _client, _error: None
    """Is given the client and the error of a pass that could not even be recorded."""
    on_gone: Callable[[str], None] = lambda _client: None
    """Is given a client that left the configuration, once its last pass is over."""


class ClientWork:
    """Passes of one client under one configuration."""

    def __init__(self, name: str, config: Config, around: Surroundings) -> None:
        self._name = name
        self._config = config
        self._around = around
        self._stop = Stop()
        self._client: Client | None = None
        self._open = ExitStack()

    def reserve(self, trigger: str, only: ListUid | None) -> PassId:
        """Given what is asked for, return the number of the pass that will do it. Raise StoreError."""
        return self._around.store.begin_pass(
            self._name, mode=self._mode, trigger=trigger_of(trigger, only), now=self._around.now()
        )

    def run(self, wanted: Wanted) -> Ending:
        """Run a pass; return how it ended. What fails is reported."""
        try:
            report = self._report(wanted)
        except LockHeld as held:
            _log.info("client_locked", client=self._name, reason=str(held))
            return Ending.LOCKED
        except StoreError as error:
            # Nothing can be recorded now, so the log is the only place to tell it.
            _log.error("state_unusable", client=self._name, problem=in_words(error))
            self._around.on_no_report(self._name, error)
            return Ending.FAILED
        self._around.on_report(report)
        if not _worked(report):
            # A key may have been replaced, or a connection be broken for good: begin from nothing.
            self.close()
            return Ending.FAILED
        return Ending.GOOD

    def give_up(self, wanted: Wanted) -> None:
        """Record that a pass which was asked for will not run."""
        if wanted.pass_id is None:
            return
        try:
            self._end(wanted.pass_id, STOPPED)
        except StoreError as error:
            _log.warning("pass_not_ended", client=self._name, problem=in_words(error))

    def stop(self) -> None:
        """End the pass that runs before its next request."""
        self._stop.ask()

    def close(self) -> None:
        """Close whatever is open between passes."""
        self._client = None
        self._open.close()

    @property
    def _mode(self) -> str:
        return self._config.clients[self._name].mode

    def _opened(self) -> Client:
        if self._client is None:
            around = self._around
            self._client = self._open.enter_context(
                open_client(
                    self._name,
                    self._config,
                    around.store,
                    around.watcher,
                    now=around.now,
                    stop=self._stop,
                    on_request=around.on_request,
                    on_throttled=around.on_throttled,
                )
            )
        return self._client

    def _report(self, wanted: Wanted) -> PassReport:
        try:
            return reconcile(
                self._opened(),
                trigger=wanted.trigger,
                only=wanted.only,
                pass_id=wanted.pass_id,
                full=wanted.full,
            )
        except (LockHeld, StoreError):
            raise
        except ReconcilerError as error:
            return self._failed(wanted, error)

    def _failed(self, wanted: Wanted, error: ReconcilerError) -> PassReport:
        """Report a pass that could not even begin, as when the mapping is broken."""
        began = self._around.now()
        pass_id = wanted.pass_id or self.reserve(wanted.trigger, wanted.only)
        self._end(pass_id, in_words(error))
        report = PassReport(
            client=self._name,
            mode=self._mode,
            pass_id=pass_id,
            only=wanted.only,
            started_at=began,
            ended_at=self._around.now(),
            result=PassResult.FAILED,
            problems=(in_words(error),),
            failure=kind_of(error),
        )
        self._around.watcher.finished(report)
        return report

    def _end(self, pass_id: PassId, problem: str) -> None:
        self._around.store.end_pass(
            pass_id, result=PassResult.FAILED, counts={}, problems=(problem,), now=self._around.now()
        )


def _worked(report: PassReport) -> bool:
    """A client whose lists fail one by one is not resting: the others would wait with them."""
    return report.result is not PassResult.FAILED or any(not one.failed for one in report.lists)
