"""A whole sandbox: both services on loopback, the world behind them, and every handle to steer them."""

import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.control import SandboxControl
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.http import LoopbackServer
from reconciler.sandbox.logsummary import LogSummary, summarise
from reconciler.sandbox.mailchimp import MailchimpHuman, MailchimpService
from reconciler.sandbox.otys import OtysHuman, OtysService
from reconciler.sandbox.requestlog import RequestLog
from reconciler.sandbox.save import save_world
from reconciler.sandbox.world import World


class Sandbox:
    """OTYS and Mailchimp on 127.0.0.1 until stopped; a context manager."""

    def __init__(
        self,
        world: World,
        *,
        clock: SandboxClock | None = None,
        otys_port: int = 0,
        mailchimp_port: int = 0,
        folder: Path | None = None,
    ) -> None:
        self.clock = clock or SandboxClock()
        self.faults = Faults()
        self.log = RequestLog()
        self.folder = folder
        self.lock = threading.RLock()
        self._world = world
        with ExitStack() as undo:
            self._otys_server = self._server(OtysService(world.otys, self.clock, self.faults), otys_port)
            undo.callback(self._otys_server.stop)
            self._mailchimp_server = self._server(
                MailchimpService(world.mailchimp, self.clock, self.faults), mailchimp_port
            )
            undo.pop_all()

    @classmethod
    def start(
        cls,
        *,
        world: World | None = None,
        clock: SandboxClock | None = None,
        otys_port: int = 0,
        mailchimp_port: int = 0,
        folder: Path | None = None,
    ) -> Self:
        """Given a world (the small one if left out), serve it. Raise OSError if a port is taken."""
        sandbox = cls(
            world or World.small(),
            clock=clock,
            otys_port=otys_port,
            mailchimp_port=mailchimp_port,
            folder=folder,
        )
        sandbox._otys_server.start()
        sandbox._mailchimp_server.start()
        return sandbox

    @property
    def otys_url(self) -> str:
        """Return OTYS' one endpoint."""
        return f"{self._otys_server.url}/jservice.php"

    @property
    def mailchimp_url(self) -> str:
        """Return the base of Mailchimp's API."""
        return f"{self._mailchimp_server.url}/3.0"

    @property
    def control_url(self) -> str:
        """Return the base of the control API; Mailchimp's port answers it as well."""
        return f"{self._otys_server.url}/_sandbox"

    @property
    def world(self) -> World:
        """Return the world that is being served."""
        return self._world

    @property
    def otys(self) -> OtysHuman:
        """Return who works in OTYS Go! on the world being served."""
        return OtysHuman(self._world.otys, self.clock, self.lock)

    @property
    def mailchimp(self) -> MailchimpHuman:
        """Return who works in Mailchimp on the world being served."""
        return MailchimpHuman(self._world.mailchimp, self.clock, self.lock)

    def log_summary(self, *, after: int = 0) -> LogSummary:
        """Given a request's number, return what the requests after it add up to."""
        return summarise(self.log.requests(after=after))

    def replace_world(self, world: World) -> None:
        """Given a world, serve it from now on; faults are disarmed, the log is emptied, ports stay."""
        with self.lock:
            self._world = world
            self._otys_server.service = OtysService(world.otys, self.clock, self.faults)
            self._mailchimp_server.service = MailchimpService(world.mailchimp, self.clock, self.faults)
            self.faults.clear()
            self.log.clear()

    def save(self, folder: Path | None = None) -> Path:
        """Given a folder (its own if left out), save the world. Raise ValueError if it has none."""
        target = folder or self.folder
        if target is None:
            raise ValueError("this sandbox was started without a folder; name one to save into")
        with self.lock:
            return save_world(target, self._world, self.clock)

    def stop(self) -> None:
        """Stop both servers and close every socket."""
        self._otys_server.stop()
        self._mailchimp_server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _server(self, service: OtysService | MailchimpService, port: int) -> LoopbackServer:
        return LoopbackServer(
            service,
            lock=self.lock,
            clock=self.clock,
            faults=self.faults,
            log=self.log,
            control=SandboxControl(self),
            port=port,
        )
