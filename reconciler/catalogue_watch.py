"""Watches whether OTYS' catalogue announces that a list changed, and since when each row stands as it does.

In memory: what is seen is evidence, which the store keeps. Of a list at rest it also keeps how it was seen
last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Final

import msgspec
import xxhash

from reconciler.model import ListUid, MailingList, Recipient, RecipientSnapshot
from reconciler.newest import OVERLAP
from reconciler.trust import NO_EVIDENCE, Evidence

_encode: Final = msgspec.msgpack.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A list as it was read last, whole."""

    row: str
    """Its Last modified, as the catalogue told it before."""
    since: datetime
    """When the row was first seen like this."""
    who: bytes
    """Stands for who is on the list."""
    what: bytes
    """Stands for all that is told of them."""
    doubted: bool = False
    """Whether it was read otherwise than before while its row stood still. The row may have been read just
    before the change; if the next pass finds it like this too, it lied."""


class CatalogueWatch:
    """What was seen of one client's lists. Safe to use from several threads."""

    def __init__(self) -> None:
        self._seen: dict[ListUid, Seen] = {}
        self._evidence = NO_EVIDENCE
        self._lock = Lock()

    def look(self, mailing_list: MailingList) -> None:
        """Given a list as a new pass finds it in the catalogue, settle a doubt about it."""
        with self._lock:
            seen = self._seen.get(mailing_list.uid)
            if seen is None or not seen.doubted:
                return
            lied = seen.row == mailing_list.last_modified
            self._evidence += Evidence(lied_about=mailing_list.uid) if lied else Evidence(announced=1)
            self._seen[mailing_list.uid] = replace(seen, doubted=False)

    def read(self, mailing_list: MailingList, snapshot: RecipientSnapshot, now: datetime) -> None:
        """Given a list and its recipients, read whole after its row was, note whether that announced them."""
        row = mailing_list.last_modified
        if not row or not snapshot.tally.complete:
            return
        read = Seen(row=row, since=now, who=_who(snapshot.recipients), what=_what(snapshot.recipients))
        with self._lock:
            before = self._seen.get(mailing_list.uid)
            if before is not None:
                moved = row != before.row
                read = replace(read, since=now if moved else before.since)
                if read.what != before.what and moved:
                    self._evidence += Evidence(announced=1, edits=int(read.who == before.who))
                elif read.what != before.what:
                    read = replace(read, doubted=True)
            self._seen[mailing_list.uid] = read

    def stands(self, mailing_list: MailingList, read_at: datetime) -> bool:
        """Given a list as the catalogue shows it, and when it was read, return whether it did not change.

        That goes by OTYS' word. A row that was new when the list was read may stand for a later change too.
        """
        with self._lock:
            seen = self._seen.get(mailing_list.uid)
        if seen is None or seen.doubted:
            return False
        return seen.row == mailing_list.last_modified and seen.since + OVERLAP <= read_at

    def seen(self, uid: ListUid) -> Seen | None:
        """Given a list, return how it was read last; None where that is not known, or in doubt."""
        with self._lock:
            seen = self._seen.get(uid)
        return None if seen is None or seen.doubted else seen

    def recall(self, uid: ListUid, seen: Seen) -> None:
        """Given how a list was read last by another process, remember it unless it was read by this one."""
        with self._lock:
            self._seen.setdefault(uid, seen)

    def take_evidence(self) -> Evidence:
        """Return what was seen since this was asked last."""
        with self._lock:
            seen, self._evidence = self._evidence, NO_EVIDENCE
            return seen


def _who(recipients: Sequence[Recipient]) -> bytes:
    return _digest(one.uid.encode() for one in recipients)


def _what(recipients: Sequence[Recipient]) -> bytes:
    return _digest(map(_encode, recipients))


def _digest(parts: Iterable[bytes]) -> bytes:
    """The order in which OTYS tells its rows makes no difference."""
    told = xxhash.xxh3_128()
    for part in sorted(parts):
        told.update(b"%d " % len(part))
        told.update(part)
    return told.digest()
