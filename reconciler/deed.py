"""What an operator does about one address: looked at first, then carried out exactly so, under the lock."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.client import Client
from reconciler.errors import ReconcilerError, StaleApproval
from reconciler.model import Address, Deed, ListUid, PassId
from reconciler.reconcile import LEASE
from reconciler.running import Pass
from reconciler.whereabouts import Located, locate

SHORTEST_DIGEST = 6
_NO_PASS = PassId(0)  # looking somebody up is no pass: nothing of it is recorded


@contextmanager
def located(client: Client, address: Address, *, only: ListUid | None) -> Iterator[tuple[Pass, Located]]:
    """Given a client and an address, yield where it is, with the account still open.

    Raise ReconcilerError when OTYS switched the client off, or a side cannot be read at all.
    """
    integration = client.lists.integration()
    if not integration.enabled:
        raise ReconcilerError(
            f"The integration of {client.name} is switched off in OTYS (setting 3109), so nothing is read.",
            advice="Switch it on in OTYS, or set 3109 in the client's settings of the configuration.",
        )
    with client.open_mailchimp(integration) as mailchimp:
        running = Pass(client=client, id=_NO_PASS, mailchimp=mailchimp)
        yield running, locate(running, integration, address, only=only)


@contextmanager
def only_one(client: Client, deed: Deed) -> Iterator[None]:
    """Given a client, hold its lock. Raise LockHeld when a pass of it runs."""
    holder = f"{deed}, process {os.getpid()} on {socket.gethostname()}"
    with client.store.lock(client.name, holder, lease=LEASE, now=client.now):
        yield


def is_named(digest: str, given: str) -> bool:
    """Given what was typed as a digest, return whether it names this one."""
    typed = given.strip().lower()
    return len(typed) >= SHORTEST_DIGEST and digest.startswith(typed)


def require_named(digest: str, given: str, deed: Deed) -> None:
    """Given what would be done now and what was approved, return if that is the same.

    Raise StaleApproval when it is not.
    """
    if not is_named(digest, given):
        raise StaleApproval(
            f"What would be done now does not have the digest {given.strip()!r}.",
            advice=f"Run `reconciler {deed}` again without --approve, and approve the digest it shows.",
        )
