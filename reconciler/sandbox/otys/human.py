"""What a recruiter and an administrator do in OTYS Go!, as methods a test or the control API can call."""

from collections.abc import Iterable
from contextlib import AbstractContextManager

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.otys import sessions
from reconciler.sandbox.otys.state import (
    STANDARD_REMINDER,
    Entity,
    Kind,
    MailingList,
    Modified,
    OtysState,
    Recipient,
)

EDITABLE = frozenset(
    {
        "email",
        "first_name",
        "infix",
        "last_name",
        "language",
        "name",
        "phone",
        "city",
        "status",
        "candidate_uid",
        "opted_out",
        "blocked",
    }
)


class OtysHuman:
    """A person at OTYS Go!'s screens; every action is one transaction of the world."""

    def __init__(self, state: OtysState, clock: SandboxClock, lock: AbstractContextManager[object]) -> None:
        self._state = state
        self._clock = clock
        self._lock = lock

    def create_list(
        self,
        name: str,
        *,
        flagged: bool = True,
        recipients: list[str] | None = None,
        permission_reminder: str = STANDARD_REMINDER,
    ) -> str:
        """Given a name and typed addresses, return the uid of a new list, selected in GE203 if flagged."""
        with self._lock:
            mailing_list = self._state.add_list(
                name,
                flagged=flagged,
                recipients=[*(recipients or [])],
                permission_reminder=permission_reminder,
            )
            mailing_list.created = self._moment()
            self._touch(mailing_list)
            return mailing_list.uid

    def rename_list(self, list_uid: str, name: str) -> None:
        """Given a list, give it another name. Raise LookupError if no such list."""
        with self._lock:
            mailing_list = self._state.live_list(list_uid)
            mailing_list.name = name
            self._touch(mailing_list)

    def edit_reminder(self, list_uid: str, text: str) -> None:
        """Given a list, give it another permission reminder. Raise LookupError if no such list."""
        with self._lock:
            mailing_list = self._state.live_list(list_uid)
            mailing_list.permission_reminder = text
            self._touch(mailing_list)

    def delete_list(self, list_uid: str) -> None:
        """Given a list, delete it; GE203 goes on naming it. Raise LookupError if no such list."""
        with self._lock:
            self._state.live_list(list_uid).deleted = True

    def empty_list(self, list_uid: str) -> int:
        """Given a list, take every recipient off it and return how many. Raise LookupError if no list."""
        with self._lock:
            mailing_list = self._state.live_list(list_uid)
            count = len(mailing_list.recipients)
            mailing_list.recipients.clear()
            self._touch_for_rows(mailing_list)
            return count

    def select_list(self, list_uid: str) -> None:
        """Given a list, select it for synchronisation in GE203. Raise LookupError if no such list."""
        with self._lock:
            self._state.live_list(list_uid).mailchimp = True
            if list_uid not in self._state.flagged():
                self._state.flag(list_uid)

    def unselect_list(self, list_uid: str) -> None:
        """Given a list, take it out of GE203. Raise LookupError if no such list."""
        with self._lock:
            self._state.live_list(list_uid).mailchimp = False
            self._state.unflag(list_uid)

    def add_recipient(
        self,
        list_uid: str,
        kind: str = Kind.MANUAL.value,
        entity: str = "",
        *,
        email: str = "",
        first_name: str = "",
        infix: str = "",
        last_name: str = "",
        name: str = "",
        language: str = "nl",
        candidate_uid: str = "",
    ) -> str:
        """Given a list and either an entity that exists or a new one's data, return the new row's uid.

        Raise LookupError if there is no such list or entity.
        """
        with self._lock:
            mailing_list = self._state.live_list(list_uid)
            if kind == Kind.MANUAL:
                row = self._state.add_recipient(list_uid, email, name=name)
            elif entity:
                row = self._state.add_recipient(list_uid, self._entity(kind, entity))
            else:
                person = self._state.add_entity(
                    kind,
                    email=email,
                    first_name=first_name,
                    infix=infix,
                    last_name=last_name,
                    name=name,
                    language=language,
                    candidate_uid=candidate_uid,
                )
                row = self._state.add_recipient(list_uid, person)
            self._touch_for_rows(mailing_list)
            return row.uid

    def remove_recipient(self, list_uid: str, recipient: str) -> None:
        """Given a list and a row's uid or address, take the row (each with that address) off the list.

        Raise LookupError if there is no such list or row.
        """
        with self._lock:
            mailing_list = self._state.live_list(list_uid)
            rows = self._rows(mailing_list, recipient)
            for row in rows:
                del mailing_list.recipients[row.uid]
            self._touch_for_rows(mailing_list)

    def edit_person(self, kind: str, entity: str, **fields: str | bool | None) -> None:
        """Given a kind and uid, change members of it. Raise LookupError or ValueError if there are none."""
        unknown = sorted(fields.keys() - EDITABLE)
        if unknown:
            raise ValueError(f"no such member: {', '.join(unknown)}; known are {', '.join(sorted(EDITABLE))}")
        with self._lock:
            found = self._entity(kind, entity)
            for member, value in fields.items():
                setattr(found, member, value)
            self._touch_lists_of(found)

    def people_at(self, email: str) -> list[Entity]:
        """Given an address, return everybody who has it."""
        wanted = email.strip().lower()
        with self._lock:
            everybody = (one for kind in self._state.entities.values() for one in kind.values())
            return [one for one in everybody if (one.email or "").strip().lower() == wanted]

    def edit_manual(
        self, list_uid: str, recipient: str, *, email: str | None = None, name: str | None = None
    ) -> None:
        """Given a row typed by hand, change its address or name. Raise LookupError if there is none."""
        with self._lock:
            mailing_list = self._state.live_list(list_uid)
            for row in self._rows(mailing_list, recipient):
                row.email = row.email if email is None else email
                row.name = row.name if name is None else name
            self._touch_for_edits(mailing_list)

    def anonymise(self, kind: str, entity: str) -> None:
        """Given a person, blank name and address, keep the rows: a GDPR due date (facts/otys.md, 10)."""
        self.edit_person(kind, entity, email=None, first_name="", infix="", last_name="Geanonimiseerd")

    def opt_out(self, kind: str, entity: str, *, opted_out: bool = True) -> None:
        """Given a person, set "no mailings". Raise ValueError if this tenant has no such field."""
        if not self._state.switches.opt_out_field:
            raise ValueError("this tenant has no field for opting out; set the switch opt_out_field first")
        self.edit_person(kind, entity, opted_out=opted_out)

    def set_setting(self, code: str, value: str | None) -> None:
        """Given a setting's full code, set it; None takes it away."""
        with self._lock:
            self._state.settings[code] = value

    def revoke_key(self) -> None:
        """Given nothing, withdraw the API key: its sessions die and it logs in no more."""
        with self._lock:
            self._state.key_revoked = True
            sessions.end_all(self._state)

    def restore_key(self) -> None:
        """Given nothing, let the API key log in again."""
        with self._lock:
            self._state.key_revoked = False

    def end_sessions(self) -> None:
        """Given nothing, let every session die, as a restart of OTYS does."""
        with self._lock:
            sessions.end_all(self._state)

    def deny_service(self, service: str) -> None:
        """Given a service's name, take away the key's right to it."""
        with self._lock:
            if service not in self._state.switches.denied_services:
                self._state.switches.denied_services.append(service)

    def allow_service(self, service: str) -> None:
        """Given a service's name, give the key its right to it back."""
        with self._lock:
            if service in self._state.switches.denied_services:
                self._state.switches.denied_services.remove(service)

    def _entity(self, kind: str, uid: str) -> Entity:
        found = self._state.entity(kind, uid)
        if found is None:
            raise LookupError(f"OTYS has no {kind} with uid {uid}")
        return found

    def _rows(self, mailing_list: MailingList, recipient: str) -> list[Recipient]:
        if recipient in mailing_list.recipients:
            return [mailing_list.recipients[recipient]]
        wanted = recipient.strip().lower()
        rows = [
            row
            for row in mailing_list.recipients.values()
            if self._state.address_of(row).strip().lower() == wanted
        ]
        if not rows:
            raise LookupError(f"list {mailing_list.uid} has no row with that uid or address")
        return rows

    def _touch_lists_of(self, entity: Entity) -> None:
        """A procedure shows its candidate."""
        shows = {entity.uid, *(one.uid for one in self._procedures() if one.candidate_uid == entity.uid)}
        for mailing_list in self._state.lists.values():
            if any(row.entity in shows for row in mailing_list.recipients.values()):
                self._touch_for_edits(mailing_list)

    def _procedures(self) -> Iterable[Entity]:
        return self._state.entities.get(Kind.PROCEDURE, {}).values()

    def _touch_for_rows(self, mailing_list: MailingList) -> None:
        if self._state.switches.last_modified is not Modified.LIST:
            self._touch(mailing_list)

    def _touch_for_edits(self, mailing_list: MailingList) -> None:
        if self._state.switches.last_modified is Modified.EVERYTHING:
            self._touch(mailing_list)

    def _touch(self, mailing_list: MailingList) -> None:
        mailing_list.last_modified = self._moment()

    def _moment(self) -> str:
        return self._clock.now().strftime("%Y-%m-%d %H:%M:%S")
