"""Remembers the lists that came to rest, so that one whose bytes are the same need not be decided again.

In memory, and as the database keeps it: whoever begins anew, or finds that somebody else worked on the
client, goes by the database, which forgets a list as soon as anything changes that it rests on.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from typing import Final

from reconciler.model import ListUid, PassId
from reconciler.pairing import Pairing
from reconciler.resting import AtRest, Rules, read_back, write_down


class Unchanged:
    """The lists of one client that came to rest. Safe to use from several threads."""

    def __init__(self) -> None:
        self.mark: Final = secrets.token_hex(16)
        """What is left with the client's lock."""
        self._lists: dict[ListUid, AtRest] = {}
        self._written: dict[ListUid, bytes] = {}
        """Those that only the database knows yet."""
        self._kept: set[ListUid] = set()
        """Those that the database may know."""
        self._rules: Rules | None = None
        self._last_pass = PassId(0)
        self._lock = Lock()

    def begin(self, pass_id: PassId, rules: Rules, *, alone: bool) -> bool:
        """Given a pass that begins, and whether nobody else worked on the client since the one before.

        Return whether what is remembered still counts; else it is to be recalled. A pass with a lower number
        than the one before shows that an older database was put back.
        """
        with self._lock:
            goes_on = alone and pass_id > self._last_pass
            self._last_pass, self._rules = pass_id, rules
            if not goes_on:
                self._lists.clear()
                self._written.clear()
            return goes_on

    def recall(self, written: Mapping[ListUid, bytes]) -> None:
        """Given the lists at rest as the database knows them, go by that."""
        with self._lock:
            self._written = dict(written)
            self._kept = set(written)

    def forget(self, only: ListUid | None) -> None:
        """Given a list, or none for all, remember nothing of it any more."""
        with self._lock:
            for known in (self._lists, self._written):
                if only is None:
                    known.clear()
                else:
                    known.pop(only, None)

    def take(self, pairing: Pairing, now: datetime) -> AtRest | None:
        """Given a list as it is now, return it as it came to rest, and forget it until it is kept again.

        None where anything but its bytes differs, or where it is time to read it whole.
        """
        with self._lock:
            found = self._lists.pop(pairing.list_uid, None)
            written = self._written.pop(pairing.list_uid, None)
        if written is not None and self._rules is not None:
            found = read_back(written, pairing, self._rules)
        if found is None or found.pairing != pairing:
            return None
        return found if found.since <= now < found.due else None

    def keep(self, at_rest: AtRest) -> None:
        """Given a list that is at rest, remember it."""
        with self._lock:
            self._lists[at_rest.pairing.list_uid] = at_rest

    def write_down(self, at_rest: AtRest) -> bytes | None:
        """Given a list that came to rest, return it as the database is to keep it; None: it is not."""
        written = None if self._rules is None else write_down(at_rest, self._rules)
        if written is not None:
            with self._lock:
                self._kept.add(at_rest.pairing.list_uid)
        return written

    def wake(self, uid: ListUid) -> bool:
        """Given a list that is not at rest, return whether the database may have it so."""
        with self._lock:
            kept = uid in self._kept
            self._kept.discard(uid)
            return kept
