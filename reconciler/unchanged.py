"""Remembers the lists that came to rest, so that one whose bytes are the same need not be decided again.

In memory only: whoever begins anew, or finds that somebody else worked on the client, decides everything.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final

from reconciler.api.tape import Trace
from reconciler.guard import Guarded
from reconciler.model import ListUid, Outcome, PassId
from reconciler.newest import NewestContacts
from reconciler.pairing import Pairing


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about a list with nothing to do, to be told again while it is at rest."""

    guarded: Guarded
    outcomes: tuple[Outcome, ...]
    """What is held, and told in every pass."""
    newest: NewestContacts | None
    """What a short look at the audience must show while nothing in it changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRest:
    """A list about which there was nothing to write and nothing to remember."""

    pairing: Pairing
    recipients: Trace
    contacts: Trace
    found: Found
    since: datetime
    """When it was decided."""
    due: datetime
    """When it is to be decided anew."""
    recipients_seen: datetime
    """When the recipients were last seen to be as they were: when the first of it was asked, by our clock."""
    contacts_seen: datetime
    """The same of the contacts, by Mailchimp's clock where it tells."""


class Unchanged:
    """The lists of one client that came to rest. Safe to use from several threads."""

    def __init__(self) -> None:
        self.mark: Final = secrets.token_hex(16)
        """What is left with the client's lock."""
        self._lists: dict[ListUid, AtRest] = {}
        self._last_pass = PassId(0)
        self._lock = Lock()

    def begin(self, pass_id: PassId, *, alone: bool) -> None:
        """Given a pass that begins, and whether nobody else worked on the client since the one before.

        A pass with a lower number than the one before shows that an older database was put back.
        """
        with self._lock:
            if not alone or pass_id <= self._last_pass:
                self._lists.clear()
            self._last_pass = pass_id

    def forget(self, only: ListUid | None) -> None:
        """Given a list, or none for all, remember nothing of it any more."""
        with self._lock:
            if only is None:
                self._lists.clear()
            else:
                self._lists.pop(only, None)

    def take(self, pairing: Pairing, now: datetime) -> AtRest | None:
        """Given a list as it is now, return it as it came to rest, and forget it until it is kept again.

        None where anything but its bytes differs, or where it is time to read it whole.
        """
        with self._lock:
            found = self._lists.pop(pairing.list_uid, None)
        if found is None or found.pairing != pairing:
            return None
        return found if found.since <= now < found.due else None

    def keep(self, at_rest: AtRest) -> None:
        """Given a list that is at rest, remember it."""
        with self._lock:
            self._lists[at_rest.pairing.list_uid] = at_rest
