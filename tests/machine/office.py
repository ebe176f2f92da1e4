"""The agency of the machine: its world and clock, its database with backups, and passes over either wire."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TypeVar

from sqlalchemy import event

from reconciler.client import Client, Unwatched
from reconciler.config import Config, load_config
from reconciler.model import ListUid
from reconciler.reconcile import make_plan, reconcile
from reconciler.report import PassReport
from reconciler.sandbox import Sandbox, World
from reconciler.sandbox.clock import SandboxClock
from reconciler.store import Store, open_store
from reconciler.wiring import open_client
from tests.fresh_database import lay_out
from tests.machine.wire import Wire
from tests.machine.witness import Witness
from tests.passes.agency import Agency

T = TypeVar("T")

OPT_OUT = "Person.matchCriteria_9"
MAPPING = f'[recipients.fields]\nopted_out = {{ path = "{OPT_OUT}" }}\n'

_configs: dict[str, Config] = {}


class Office:
    """An agency whose requests go over the quick wire, or, with `sockets`, over real HTTP."""

    def __init__(self, folder: Path, *, sockets: bool = False) -> None:
        self.folder = folder
        self.sandbox = Sandbox(World.empty(), clock=SandboxClock(frozen_at=Agency.now))
        self.sandbox.world.otys.switches.requests_a_minute = 0
        self.sandbox.world.otys.switches.opt_out_field = OPT_OUT
        (folder / "mapping.toml").write_text(MAPPING, "utf-8")
        self.witness = Witness(self.sandbox._mailchimp_server.service)  # type: ignore[arg-type]  # it is one
        self.sandbox._mailchimp_server.service = self.witness
        self.wire = Wire(self.sandbox)
        self._sockets = sockets
        if sockets:
            self.sandbox._otys_server.start()
            self.sandbox._mailchimp_server.start()
        self.database = folder / "state" / "reconciler.db"
        lay_out(self.database)
        self.agency = Agency(self.sandbox, folder, self._open(), mapping=folder / "mapping.toml")
        self._daemon = ExitStack()
        self._kept: tuple[Config, Client] | None = None

    @property
    def store(self) -> Store:
        return self.agency.store

    def close(self) -> None:
        self._stop_daemon()
        self.store.close()
        self.sandbox.stop()

    def let_pass(self, hours: float) -> None:
        self.agency.later(hours=hours)

    # -- passes

    def run(self, *, plan_only: bool = False, only: str | None = None) -> PassReport:
        uid = None if only is None else ListUid(only)
        if plan_only:
            return self.with_client(lambda client: make_plan(client, only=uid), plan_only=True)
        try:
            with self._wire():
                return reconcile(self._client_of_daemon(), trigger="once", only=uid)
        except BaseException:
            self._stop_daemon()
            raise

    def _client_of_daemon(self) -> Client:
        """The client stays open from pass to pass, until its configuration changes."""
        config = self._config()
        if self._kept is None or self._kept[0] is not config:
            self._stop_daemon()
            opened = open_client("acme", config, self.store, Unwatched(), now=lambda: self.agency.now)
            self._kept = config, self._daemon.enter_context(opened)
        return self._kept[1]

    def _stop_daemon(self) -> None:
        self._kept = None
        with self._wire():
            self._daemon.close()

    def with_client(self, do: Callable[[Client], T], *, plan_only: bool = False) -> T:
        """Given what to do with the client, do it over the wire."""
        opened = open_client(
            "acme", self._config(), self.store, Unwatched(), plan_only=plan_only, now=lambda: self.agency.now
        )
        with self._wire(), opened as client:
            return do(client)

    def _wire(self) -> AbstractContextManager[None]:
        return nullcontext() if self._sockets else self.wire.laid()

    def _config(self) -> Config:
        path = self.agency.write_config()
        text = path.read_text("utf-8")
        if text not in _configs:
            _configs.clear()
            _configs[text] = load_config(path, {})
        return _configs[text]

    # -- the database

    def restart(self) -> None:
        """A new process after one that was killed: its lock has run out."""
        self._stop_daemon()
        self.store.close()
        self.let_pass(0.1)
        self.agency.store = self._open()

    def back_up(self) -> bytes:
        with sqlite3.connect(self.database) as source, sqlite3.connect(":memory:") as copy:
            source.backup(copy)
        content = copy.serialize()
        source.close()
        copy.close()
        return content

    def restore(self, content: bytes) -> None:
        self._stop_daemon()
        self.store.close()
        self._put_back(content)
        self.agency.store = self._open()

    def _put_back(self, content: bytes) -> None:
        self.database.parent.mkdir(exist_ok=True)
        for beside in ("-wal", "-shm"):
            self.database.with_name(self.database.name + beside).unlink(missing_ok=True)
        self.database.write_bytes(content)

    def _open(self) -> Store:
        store = open_store(f"sqlite:///{self.database}")
        _in_no_hurry(store)
        return store


def _in_no_hurry(store: Store) -> None:
    """A power cut is not what this machine is about: the disk need not be waited for."""

    def prepare(connection: sqlite3.Connection, _entry: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    store._database.engine.dispose()
    event.listen(store._database.engine, "connect", prepare)
