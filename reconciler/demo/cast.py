"""Finds, in the demo's world, the lists and the people to whom something happens."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.address import normalise
from reconciler.sandbox import Sandbox
from reconciler.sandbox.mailchimp.state import Contact, Status
from reconciler.sandbox.otys.state import Entity, Kind, MailingList

_LONGEST_NAME = 30


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody on a list."""

    kind: str
    uid: str
    name: str
    email: str


class Cast:
    """Lists by name, and people of whom nobody is given out twice."""

    def __init__(self, sandbox: Sandbox, audiences: Mapping[str, str]) -> None:
        self._sandbox = sandbox
        self._audiences = audiences
        self._used: set[str] = set()

    def mailing_list(self, name: str) -> MailingList:
        """Given the name of a list that is flagged, return it."""
        otys = self._sandbox.world.otys
        return next(otys.lists[uid] for uid in otys.flagged() if otys.lists[uid].name == name)

    def audience(self, mailing_list: MailingList) -> str:
        """Given a list, return the audience that follows it."""
        return self._audiences[mailing_list.uid]

    def contact(self, mailing_list: MailingList, email: str) -> Contact | None:
        """Given a list and an address, return the contact in the list's audience."""
        return self._sandbox.mailchimp.contact(self.audience(mailing_list), email)

    def somebody_of(self, mailing_list: MailingList) -> Member:
        """Given a list, return a subscribed candidate on it, with a plain name and an address of their own.

        Raise LookupError if nobody is left.
        """
        otys = self._sandbox.world.otys
        for row in mailing_list.recipients.values():
            person = otys.entity(row.kind, row.entity) if row.kind == Kind.CANDIDATE else None
            if person is not None and person.uid not in self._used and self._is_plain(mailing_list, person):
                self._used.add(person.uid)
                return Member(person.kind, person.uid, _full_name(person), person.email or "")
        raise LookupError(f"nobody is left on {mailing_list.name}")

    def lists_of(self, uid: str) -> list[MailingList]:
        """Given a candidate, return the flagged lists they are on."""
        otys = self._sandbox.world.otys
        return [
            otys.lists[flagged]
            for flagged in otys.flagged()
            if any(row.entity == uid for row in otys.lists[flagged].recipients.values())
        ]

    def _is_plain(self, mailing_list: MailingList, person: Entity) -> bool:
        name, email = _full_name(person), person.email or ""
        if email != normalise(email) or not name.replace(" ", "").isalpha() or len(name) > _LONGEST_NAME:
            return False
        contact = self.contact(mailing_list, email)
        return (
            contact is not None
            and contact.status is Status.SUBSCRIBED
            and len(self._sandbox.otys.people_at(email)) == 1
        )


def _full_name(person: Entity) -> str:
    return " ".join(part for part in (person.first_name, person.infix, person.last_name) if part)
