"""Knows what the HTTP port needs of the daemon behind it."""

from collections.abc import Mapping
from typing import Literal, Protocol

from prometheus_client import CollectorRegistry

from reconciler.config import Config
from reconciler.document import PassDocument
from reconciler.errors import ReconcilerError
from reconciler.model import ListUid, PassId
from reconciler.store import Store

State = Literal["waiting", "running", "ended"]
"""Where a pass stands. One that was cut off has ended too, without a result."""


class UnknownClient(ReconcilerError):
    """The configuration in force has no client of that name."""


class Service(Protocol):
    """The running daemon, as its HTTP port sees it. Every method may be called from any thread."""

    @property
    def store(self) -> Store:
        """What is remembered."""

    @property
    def registry(self) -> CollectorRegistry:
        """What `/metrics` shows."""

    def config(self) -> Config:
        """Return the configuration that is in force now."""

    def ask(
        self, *, client: str | None, only: ListUid | None, trigger: str, full: bool = False
    ) -> Mapping[str, PassId]:
        """Given a client, or none for all, and at most one list of it, let a pass run as soon as it can.

        A `full` one reads every list whole. Return the pass of each client. Everybody who asks while a pass
        runs gets the same pass after it. Raise UnknownClient.
        """

    def hint(self, client: str, source: str) -> None:
        """Given a client and who hinted, let a pass run once the hints have been quiet for a while."""

    def trouble(self) -> str:
        """Return why the daemon's loop does not tick; empty while it does."""

    def unready(self) -> Mapping[str, str]:
        """Return the clients whose last good pass is too old, each with the reason."""

    def state_of(self, pass_id: PassId) -> State:
        """Given a pass that was begun or asked for, return where it stands."""

    def document(self, pass_id: PassId) -> PassDocument | None:
        """Given a pass that ended, return the whole of it while the daemon still has it in memory.

        None is always a good answer: the pass is then read again from the store, which keeps no problem of
        a single list and nobody who cannot be mailed.
        """
