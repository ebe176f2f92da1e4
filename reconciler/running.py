"""One pass while it runs: the client, its account, and what was approved before it began."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event

from reconciler.client import Client, Mailchimp
from reconciler.errors import LockHeld
from reconciler.model import AudienceId, ListUid, PassId
from reconciler.ports import AudienceSink, AudienceSource
from reconciler.store import HeldLock, Intent
from reconciler.trust import TrustState


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What every step of a pass needs."""

    client: Client
    id: PassId
    mailchimp: Mailchimp
    approved: frozenset[str] = frozenset()
    """The digests of proposals that a person released."""
    audience_ids: frozenset[AudienceId] = frozenset()
    """The audiences that existed when the pass began."""
    saved_plans: Mapping[ListUid, str] = field(default_factory=dict)
    """The digests of the plans that were last saved, by list."""
    cut_off: Mapping[ListUid, tuple[Intent, ...]] = field(default_factory=dict)
    """The plans that earlier passes began to carry out and whose end is not known, by list."""
    catalogue: TrustState = TrustState.WATCHED
    """What OTYS' catalogue is good for."""
    lock: HeldLock | None = None
    """The client's lock; None in a plan, which takes none."""
    seen: set[ListUid] = field(default_factory=set)
    """The lists that were decided about so far."""
    stopped: Event = field(default_factory=Event)
    """Set when going on makes no sense for any list, as when the key was rejected."""

    @property
    def source(self) -> AudienceSource:
        """Where audiences are read."""
        return self.mailchimp.source

    @property
    def sink(self) -> AudienceSink | None:
        """Where audiences are written; None in plan mode."""
        return self.mailchimp.sink

    def require_lock(self) -> None:
        """Return if the lock is still ours. Raise LockHeld when its lease ran out and another took it."""
        if self.lock is not None and not self.lock.still_held():
            raise LockHeld(
                f"The lock of {self.client.name} was taken over by another pass.",
                advice="This process was held up for too long; what it did is recorded, the other goes on.",
            )

    def now(self) -> datetime:
        """Return the client's clock."""
        return self.client.now()
