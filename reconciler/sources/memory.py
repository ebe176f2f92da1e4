"""Mailing lists held in memory: a `ListSource` for tests and demonstrations, without files and networks."""

from dataclasses import dataclass, field, replace

from reconciler.api.tape import Tape
from reconciler.errors import RemoteError
from reconciler.model import (
    Catalogue,
    Fate,
    Integration,
    ListUid,
    MailingList,
    Person,
    Recipient,
    RecipientSnapshot,
    Tally,
)

SWITCHED_ON = Integration(enabled=True, user_name="memory", api_key="", permission_reminder="", flagged=())


@dataclass(slots=True)
class MemoryLists:
    """Lists and recipients that a test edits as a recruiter would."""

    settings: Integration = SWITCHED_ON
    outage: RemoteError | None = None
    """What every reading raises while it is set."""
    cut_off: dict[ListUid, int] = field(default_factory=dict)
    """After how many recipients reading a list stops."""
    _lists: dict[ListUid, MailingList] = field(default_factory=dict)
    _recipients: dict[ListUid, dict[str, Recipient]] = field(default_factory=dict)
    _last_number: int = 0

    def integration(self) -> Integration:
        """Return the client's settings."""
        self._fail_if_out()
        return self.settings

    def catalogue(self) -> Catalogue:
        """Return every list."""
        self._fail_if_out()
        return Catalogue(tuple(self._lists.values()), _complete(len(self._lists)))

    def recipients(self, mailing_list: MailingList, _tape: Tape | None = None) -> RecipientSnapshot:
        """Given a list, return its recipients, only the first of them while it is cut off."""
        self._fail_if_out()
        rows = tuple(self._recipients.get(mailing_list.uid, {}).values())
        limit = self.cut_off.get(mailing_list.uid)
        if limit is None:
            return RecipientSnapshot(rows, _complete(len(rows)))
        tally = Tally(rows=limit, declared_before=len(rows), failure=f"reading stopped after {limit} rows")
        return RecipientSnapshot(rows[:limit], tally)

    def fetch_ahead(self, tape: Tape) -> None:
        """Ask nobody: what is in memory is never asked for."""

    def fate(self, uid: ListUid) -> Fate:
        """Given a list's uid, return whether it lives."""
        self._fail_if_out()
        return Fate.LIVES if uid in self._lists else Fate.DELETED

    def add_list(self, name: str, *, flagged: bool = True, permission_reminder: str = "") -> ListUid:
        """Given a name, create a list and return its uid."""
        uid = ListUid(self._next_number())
        self._lists[uid] = MailingList(uid=uid, name=name, permission_reminder=permission_reminder)
        self._recipients[uid] = {}
        if flagged:
            self.settings = replace(self.settings, flagged=(*self.settings.flagged, uid))
        return uid

    def edit_list(
        self, uid: ListUid, *, name: str | None = None, permission_reminder: str | None = None
    ) -> None:
        """Given a list, change its name or its reminder."""
        before = self._lists[uid]
        self._lists[uid] = replace(
            before,
            name=before.name if name is None else name,
            permission_reminder=(
                before.permission_reminder if permission_reminder is None else permission_reminder
            ),
        )

    def unflag(self, uid: ListUid) -> None:
        """Given a list, take it out of those that are synchronised."""
        flagged = tuple(other for other in self.settings.flagged if other != uid)
        self.settings = replace(self.settings, flagged=flagged)

    def delete_list(self, uid: ListUid) -> None:
        """Given a list, delete it with its recipients."""
        del self._lists[uid]
        del self._recipients[uid]

    def add_recipient(
        self,
        list_uid: ListUid,
        email: str,
        *,
        person: Person | None = None,
        opted_out: bool = False,
        **values: str,
    ) -> str:
        """Given a list and an address, add a row and return its uid; without a person it is typed by hand."""
        uid = self._next_number()
        self._recipients[list_uid][uid] = Recipient(
            uid=uid,
            person=person or Person("manual", uid),
            email=email,
            values=values,
            opted_out=opted_out,
        )
        return uid

    def edit_recipient(
        self,
        list_uid: ListUid,
        uid: str,
        *,
        email: str | None = None,
        opted_out: bool | None = None,
        **values: str,
    ) -> None:
        """Given a row, change its address, its opt-out or values by name."""
        before = self._recipients[list_uid][uid]
        self._recipients[list_uid][uid] = replace(
            before,
            email=before.email if email is None else email,
            opted_out=before.opted_out if opted_out is None else opted_out,
            values={**before.values, **values},
        )

    def remove_recipient(self, list_uid: ListUid, uid: str) -> None:
        """Given a row, take it off its list."""
        del self._recipients[list_uid][uid]

    def _fail_if_out(self) -> None:
        if self.outage:
            raise self.outage

    def _next_number(self) -> str:
        self._last_number += 1
        return str(self._last_number)


def _complete(rows: int) -> Tally:
    return Tally(rows=rows, declared_before=rows, declared_after=rows)
