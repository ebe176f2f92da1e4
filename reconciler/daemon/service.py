"""The running daemon as the rest of the world sees it: who may ask for a pass, and how everything stands."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry

from reconciler.config import Config
from reconciler.daemon.clock import late_at
from reconciler.daemon.hints import Hints
from reconciler.daemon.runner import Runner
from reconciler.daemon.slots import MOST_PASSES, Slots
from reconciler.daemon.work import ClientWork, Surroundings
from reconciler.document import PassDocument, pass_document
from reconciler.errors import ConfigurationError, Problem, ReconcilerError
from reconciler.model import ListUid, PassId, PassResult
from reconciler.record import scope_of
from reconciler.report import PassReport
from reconciler.store import Store
from reconciler.web.ports import State, UnknownClient

STILL = 30.0
"""So many seconds after its last tick the loop is taken to hang."""
_LOOKED_AT = 20  # passes; the last good one of a client that is not late is among them

_log = structlog.get_logger(__name__)


class Daemon:
    """Every client and whose turn it is. Safe to use from several threads."""

    def __init__(
        self,
        config: Config,
        store: Store,
        registry: CollectorRegistry,
        around: Callable[["Daemon"], Surroundings],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.registry = registry
        self._config = config
        self._now = now
        self._clock = clock
        self._around = around(self)
        self._threads = ThreadPoolExecutor(MOST_PASSES, thread_name_prefix="pass")
        self._lock = threading.Lock()
        self._runners = {name: self._runner(name) for name in config.clients}
        self._leaving: list[Runner] = []
        self._slots = Slots(self._all_runners, self._spawn, clock=clock)
        self._hints = Hints(now)
        self._last_good: dict[str, datetime] = {}
        self._documents: dict[str, PassReport] = {}
        self._last_tick = clock()
        self._stopping = False

    # -- what others ask -----------------------------------------------------------------------------

    def config(self) -> Config:
        """Return the configuration that is in force now."""
        return self._config

    def ask(
        self, *, client: str | None, only: ListUid | None, trigger: str, full: bool = False
    ) -> Mapping[str, PassId]:
        """Given a client, or none for all, and at most one list of it, let a pass run as soon as it can.

        Return the pass of each client. Raise UnknownClient, ConfigurationError when it is not clear whose
        list is meant, StoreError, and ReconcilerError when the daemon is stopping.
        """
        if self._stopping:
            raise ReconcilerError("The daemon is stopping.", advice="Ask again when it has started.")
        chosen = self._chosen(client)
        if only is not None and len(chosen) > 1:
            raise ConfigurationError([Problem("list", "say whose list it is, by naming its client")])
        asked = {name: runner.ask(trigger, only=only, full=full) for name, runner in chosen.items()}
        self._slots.dispatch()
        return asked

    def ask_all(self, trigger: str) -> None:
        """Given who asks, let a pass of every client run as soon as it can; nobody waits for its number."""
        for runner in self._all_runners():
            runner.want(trigger)
        self._slots.dispatch()

    def hint(self, client: str, source: str) -> None:
        """Given a client and who hinted, let a pass run once the hints have been quiet for a while.

        Raise UnknownClient.
        """
        self._chosen(client)
        self._hints.add(client, source)

    def trouble(self) -> str:
        """Return why the daemon's loop does not tick; empty while it does."""
        silent = self._clock() - self._last_tick
        return "" if silent < STILL else f"the loop has not ticked for {silent:.0f} seconds"

    def unready(self) -> Mapping[str, str]:
        """Return the clients whose last good pass is older than two intervals, each with the reason."""
        found = ((name, self.why_unready(name)) for name in self._config.clients)
        return {name: reason for name, reason in found if reason}

    def why_unready(self, client: str) -> str:
        """Given a client, return why its last good pass is too old; empty while it is not."""
        known = self._last_good.get(client)
        if known is not None and not self._is_late(known):
            return ""
        last = self.last_good(client)  # another process may have run a pass, such as an operator's `once`
        if last is None:
            return "no good pass yet"
        self._last_good[client] = last
        return f"the last good pass ended at {last:%Y-%m-%d %H:%M:%S} UTC" if self._is_late(last) else ""

    def state_of(self, pass_id: PassId) -> State:
        """Given a pass that was begun or asked for, return where it stands."""
        for runner in self._all_runners():
            if runner.waiting_id == pass_id:
                return "waiting"
            if runner.running_id == pass_id:
                return "running"
        return "ended"

    def document(self, pass_id: PassId) -> PassDocument | None:
        """Given a pass, return the whole of it if it was the last one of its client; None otherwise."""
        reports = (one for one in tuple(self._documents.values()) if one.pass_id == pass_id)
        report = next(reports, None)
        return None if report is None else pass_document(report)

    # -- what the clock and the loop do --------------------------------------------------------------

    def last_good(self, client: str) -> datetime | None:
        """Given a client, return when its last good pass ended; None without one."""
        known = self._last_good.get(client), self._recorded_good(client)
        return max((one for one in known if one is not None), default=None)

    def tick(self, client: str) -> None:
        """Given a client whose time has come, let a pass run unless one waits, runs or must not yet."""
        runner = self._runners.get(client)
        if runner is not None and runner.tick():
            self._slots.dispatch()

    def step(self) -> None:
        """Do what is due. To be called about once a second."""
        self._last_tick = self._clock()
        for client, source in self._hints.take_due().items():
            if runner := self._runners.get(client):
                runner.want(f"hint from {source}", patient=True)
        for runner in [one for one in self._leaving if not one.busy]:
            self._leaving.remove(runner)
            self._spawn(runner.close)
            if runner.name not in self._runners:
                self._around.on_gone(runner.name)
        self._slots.dispatch()

    def follow(self, config: Config) -> tuple[frozenset[str], frozenset[str]]:
        """Given another configuration, follow it from each client's next pass on.

        Every client is opened anew, because a secret behind the same name may be another one. Return the
        clients that came and those that went.
        """
        before, after = set(self._config.clients), set(config.clients)
        self._config = config
        for name in before & after:
            self._runners[name].replace(self._work(name))
        gone = [self._runners[name] for name in before - after]
        kept = {name: self._runners[name] for name in before & after}
        self._runners = {**kept, **{name: self._runner(name) for name in after - before}}
        for runner in gone:
            runner.retire()
            self._last_good.pop(runner.name, None)
            self._documents.pop(runner.name, None)
        self._leaving += gone
        return frozenset(after - before), frozenset(before - after)

    def stop(self) -> None:
        """Begin nothing any more, and end every pass before its next request."""
        self._stopping = True
        self._slots.close()
        for runner in (*self._all_runners(), *self._leaving):
            runner.stop()

    def wait_until_idle(self, seconds: float | None = None) -> bool:
        """Return True when no pass runs, False if one still does after so many seconds."""
        return self._slots.wait_until_idle(seconds)

    def close(self) -> None:
        """Close every client. Only when no pass runs."""
        self._threads.shutdown()
        for runner in (*self._all_runners(), *self._leaving):
            runner.close()

    # -- inside --------------------------------------------------------------------------------------

    def note(self, report: PassReport) -> None:
        """Given what became of a pass, remember what others ask about."""
        self._documents[report.client] = report
        if report.result is not PassResult.FAILED and report.only is None:
            self._last_good[report.client] = report.ended_at

    def _is_late(self, last: datetime) -> bool:
        daemon = self._config.daemon
        late = late_at(daemon.schedule, daemon.timezone, last)
        return late is not None and self._now() >= late

    def _chosen(self, client: str | None) -> Mapping[str, Runner]:
        runners = self._runners
        if client is None:
            return runners
        if client not in runners:
            known = ", ".join(sorted(runners))
            raise UnknownClient(f"There is no client {client!r}.", advice=f"Known: {known}.")
        return {client: runners[client]}

    def _all_runners(self) -> tuple[Runner, ...]:
        return tuple(self._runners.values())

    def _runner(self, name: str) -> Runner:
        return Runner(name, self._work(name), now=self._now)

    def _work(self, name: str) -> ClientWork:
        return ClientWork(name, self._config, self._around)

    def _spawn(self, job: Callable[[], None]) -> None:
        self._threads.submit(job).add_done_callback(_tell_of_a_defect)

    def _recorded_good(self, name: str) -> datetime | None:
        """Passes of other processes count too: an operator's `once` beside the daemon."""
        ended = [
            one.ended_at
            for one in self.store.passes(name, limit=_LOOKED_AT)
            if one.ended_at is not None
            and one.result is not PassResult.FAILED
            and scope_of(one.trigger) is None
        ]
        return max(ended, default=None)


def _tell_of_a_defect(done: "Future[None]") -> None:
    """An error that nobody foresaw must not end in silence, nor end the passes of others."""
    error = done.exception()
    if error is not None:
        _log.error("defect", hint="please report this to whoever maintains the program", exc_info=error)
