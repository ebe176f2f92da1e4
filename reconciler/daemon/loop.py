"""What the daemon's process does: open everything, heed signals until one says stop, close everything."""

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import Signals

import structlog
from prometheus_client import CollectorRegistry

from reconciler.config import Config, load_config
from reconciler.daemon.service import Daemon
from reconciler.daemon.signals import SignalPipe
from reconciler.daemon.timetable import Timetable
from reconciler.daemon.watch import EndWatch, PassLog, Together
from reconciler.daemon.work import Surroundings
from reconciler.errors import ConfigurationError, LockHeld
from reconciler.failure import FailureKind
from reconciler.reconcile import LEASE
from reconciler.report import PassReport
from reconciler.sinks.mail import Mailer
from reconciler.sinks.metrics import Metrics
from reconciler.sinks.metrics_memory import memory_of
from reconciler.store import HeldLock, Store, open_store
from reconciler.web.server import serve
from reconciler.wiring import backups_folder, state_folder

DAEMON = "(daemon)"
"""The name of the daemon's own lock; no client can be called so."""
BEAT_SECONDS = 1.0
MAIL_EVERY = timedelta(seconds=5)
PLANS_ARE_KEPT = timedelta(days=90)

_log = structlog.get_logger(__name__)


def run_daemon(path: Path | None, environ: Mapping[str, str]) -> None:
    """Given the configuration file (None: the usual one), run the daemon until a signal ends it.

    Raise ConfigurationError, StoreError or CannotListen if it cannot start, and LockHeld if another daemon
    has the same state, or took it over.
    """
    with SignalPipe() as signals, ExitStack() as opened:
        config = load_config(path, environ)
        store = opened.enter_context(open_store(config.state.url.reveal(), log_folder=state_folder(config)))
        lock = opened.enter_context(only_daemon(store))
        process = _Process(path, environ, config, store)
        opened.callback(process.close)
        server = opened.enter_context(serve(process.daemon, config.http.listen))
        process.timetable.start()
        _log.info(
            "daemon_started",
            process=os.getpid(),
            clients=len(config.clients),
            schedule=str(config.daemon.schedule),
            listen=str(server.listen),
            state=store.place,
        )
        why = process.heed(signals, lock)
        process.stop(signals, why)
        lost = lock.lost
    _log.info("daemon_stopped")
    if lost:
        raise LockHeld("Another daemon took over the state while this one was held up.")


@contextmanager
def only_daemon(store: Store) -> Iterator[HeldLock]:
    """Given a store, hold the lock of its one daemon. Raise LockHeld, naming the holder, if there is one."""
    holder = f"process {os.getpid()} on {socket.gethostname()}"
    with ExitStack() as opened:
        try:
            lock = opened.enter_context(
                store.lock(DAEMON, holder, lease=LEASE, now=lambda: datetime.now(UTC))
            )
        except LockHeld as held:
            record = store.lock_record(DAEMON)
            by = "" if record is None else f": {record.holder}, since {record.since:%Y-%m-%d %H:%M:%S} UTC"
            raise LockHeld(
                f"Another daemon runs on {store.place}{by}.",
                advice="End it first, or give this one a state of its own. The lock of one that was killed "
                "ends by itself within two minutes.",
            ) from held
        yield lock


class _Process:
    """The daemon and all that is wired to it."""

    def __init__(self, path: Path | None, environ: Mapping[str, str], config: Config, store: Store) -> None:
        self._path = path
        self._environ = environ
        self._started_with = config
        self._store = store
        registry = CollectorRegistry()
        self._metrics = Metrics(registry)
        self._metrics.watch_disk(backups_folder(config).parent)
        self._mailer = self._mailer_for(config)
        self.daemon = Daemon(config, store, registry, self._surroundings)
        for name in config.clients:
            self._show(name)
        self.timetable = Timetable(self.daemon.tick, self.daemon.last_good, config)
        self.timetable.every(timedelta(days=1), "prune", self._prune)
        self.timetable.every(MAIL_EVERY, "mail", self._deliver)

    def _surroundings(self, daemon: Daemon) -> Surroundings:
        return Surroundings(
            store=self._store,
            watcher=Together([PassLog(self._store.key_address), self._metrics, EndWatch(self._mail)]),
            now=lambda: datetime.now(UTC),
            on_request=self._metrics.request,
            on_throttled=self._metrics.throttled,
            on_report=daemon.note,
            on_no_report=self._metrics.crashed,
            on_gone=self._metrics.forget,
        )

    def heed(self, signals: SignalPipe, lock: HeldLock) -> str:
        """Given the signals, do what they say and what is due; return why to stop."""
        while not lock.lost:
            for number in signals.wait(BEAT_SECONDS):
                _log.info("signal", name=Signals(number).name)
                match number:
                    case Signals.SIGUSR1:
                        self.daemon.ask_all("SIGUSR1")
                    case Signals.SIGHUP:
                        self._reload()
                    case _:
                        return Signals(number).name
            self.daemon.step()
        return "another daemon took over"

    def stop(self, signals: SignalPipe, why: str) -> None:
        """Given why, let what is in flight end and be recorded; end the process if that takes too long."""
        signals.end_at_next()
        grace = self.daemon.config().daemon.shutdown_grace
        _log.info("daemon_stopping", why=why, grace_seconds=grace)
        _end_after(grace)
        self.timetable.stop()
        self.daemon.stop()
        self.daemon.wait_until_idle()

    def close(self) -> None:
        """Close what is open."""
        self.timetable.stop()
        self.daemon.close()

    def _reload(self) -> None:
        try:
            config = load_config(self._path, self._environ)
        except ConfigurationError as refused:
            self._metrics.reload_failed()
            for problem in refused.problems:
                _log.error("configuration_refused", where=problem.path, problem=problem.message)
            _log.error("reload_failed", problems=len(refused.problems), hint="the old settings stay in force")
            return
        self._tell_what_needs_a_restart(config)
        self._mailer = self._mailer_for(config)
        came, went = self.daemon.follow(config)
        for name in came:
            self._show(name)
        self.timetable.follow(config)
        _log.info("reloaded", clients=len(config.clients), came=sorted(came), went=sorted(went))

    def _tell_what_needs_a_restart(self, config: Config) -> None:
        before = self._started_with
        for key, old, new in (
            ("state.url", before.state.url.reveal(), config.state.url.reveal()),
            ("http.listen", str(before.http.listen), str(config.http.listen)),
        ):
            if old != new:
                _log.warning("needs_a_restart", where=key, hint="until then the old value stays in force")

    def _show(self, name: str) -> None:
        self._metrics.remember(name, memory_of(self._store, name, now=datetime.now(UTC)))
        self._metrics.watch_client(name, lambda: bool(self.daemon.why_unready(name)))

    def _mailer_for(self, config: Config) -> Mailer:
        return Mailer(
            config.mail,
            self._store,
            now=lambda: datetime.now(UTC),
            on_failure=self._metrics.mail_failed,
            zone=config.daemon.timezone,
        )

    def _mail(self, report: PassReport) -> None:
        client = self.daemon.config().clients.get(report.client)
        # A stop is no news to a reader of mails: the next pass tells what became of everything.
        if client is not None and report.failure is not FailureKind.STOPPED:
            self._mailer.finished(report.client, client.notify, report)

    def _deliver(self) -> None:
        self._mailer.deliver()  # the one in force: a reload brings another

    def _prune(self) -> None:
        gone = self._store.forget_plans(datetime.now(UTC) - PLANS_ARE_KEPT)
        _log.info("old_plans_forgotten", count=gone)


def _end_after(seconds: float) -> None:
    """However a service hangs, the process ends in time. The next pass finds out what came of its request."""

    def end() -> None:
        _log.error("stop_took_too_long", seconds=seconds, hint="a request hung; the next pass puts it right")
        os._exit(1)

    watchdog = threading.Timer(seconds, end)
    watchdog.daemon = True
    watchdog.start()
