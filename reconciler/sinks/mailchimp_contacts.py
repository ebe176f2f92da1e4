"""Knows how to write one contact: rename, revive, edit, archive; never unsubscribe, never delete for good."""

from collections.abc import Mapping

from reconciler.api.mailchimp import Mailchimp
from reconciler.api.mailchimp_errors import refusal_of
from reconciler.api.mailchimp_wire import MemberRow, member_hash
from reconciler.errors import BadRequest, NotFound, RemoteError
from reconciler.model import AudienceId, Change, Contact, Outcome, RefusalKind, Standing, Verb
from reconciler.sinks.mailchimp_account import AudienceContacts
from reconciler.sinks.mailchimp_outcomes import (
    CHANGED_SINCE,
    already_true,
    applied,
    changed_since,
    met_instead,
    not_true,
    refused,
    refused_by,
    retry_later,
)

METHOD_NOT_ALLOWED = 405

_ADDRESS_TAKEN = frozenset(
    {RefusalKind.MEMBER_EXISTS, RefusalKind.UNSUBSCRIBED, RefusalKind.BOUNCED, RefusalKind.ARCHIVED}
)


class ContactWriter:
    """Writes single contacts of one audience."""

    def __init__(self, client: Mailchimp, audience_id: AudienceId, params: Mapping[str, str]) -> None:
        self._client = client
        self._params = params
        self._contacts = AudienceContacts(client, audience_id)

    def write(self, change: Change) -> Outcome:
        """Given a change of a contact that was seen, write it and return what became of it.

        Raise RemoteError when that is not known, or when it is about the audience or the account.
        """
        if change.contact is None:
            raise ValueError(f"{change.verb} needs the contact as it was seen")
        try:
            match change.verb:
                case Verb.RENAME:
                    return self._rename(change, change.contact)
                case Verb.ADD:
                    return self._revive(change, change.contact)
                case Verb.ADOPT | Verb.UPDATE:
                    return self._edit(change, change.contact)
                case Verb.REMOVE:
                    return self._archive(change, change.contact)
                case _:
                    raise ValueError(f"{change.verb} is nothing that is written to Mailchimp")
        except BadRequest as error:
            return refused_by(change, error)

    def _rename(self, change: Change, contact: Contact) -> Outcome:
        # Neither status nor status_if_new: the contact's consent is its own (facts/mailchimp.md, 21 and 31).
        body = {"email_address": change.address, **_merge_fields(change)}
        try:
            member = self._put(contact, body)
        except (BadRequest, NotFound) as error:
            return self._after_refused_rename(change, contact, error)
        if contact.contact_id and member.contact_id and member.contact_id != contact.contact_id:
            return self._take_back(change, member)
        if member.address != change.address:
            return not_true(change, "Mailchimp accepted the new address and kept the old one")
        return applied(change, member.contact_id)

    def _after_refused_rename(
        self, change: Change, contact: Contact, error: BadRequest | NotFound
    ) -> Outcome:
        """Tell a rename whose answer got lost, and a contact that is gone, from an address that is taken.

        Repeated, a rename meets a stale id, which is refused like an address that another contact has
        (facts/mailchimp.md, 22).
        """
        seen = self._contacts.find(contact.contact_id, contact.id, member_hash(change.address))
        if seen and seen.address == change.address and seen.contact_id == contact.contact_id != "":
            return already_true(change, "the contact has this address already")
        if seen is None or isinstance(error, NotFound):
            return _gone(change)
        if refusal_of(error) in _ADDRESS_TAKEN:
            return retry_later(change, "another contact has this address; the next pass sees both")
        return refused_by(change, error) if seen.id == contact.id else _gone(change)

    def _take_back(self, change: Change, member: MemberRow) -> Outcome:
        """Archive what a PUT at a stale id created or revived instead (facts/mailchimp.md, 22 and 23)."""
        try:
            self._client.delete(self._contacts.path(member.id))
        except RemoteError:
            return not_true(change, "the contact was gone and a second one appeared, which is still there")
        return not_true(change, "the contact was gone and a second one appeared, which was archived again")

    def _revive(self, change: Change, contact: Contact) -> Outcome:
        # Only `status` brings an archived contact back, status_if_new does not (facts/mailchimp.md, 26). It
        # would undo a no that was said since the listing was read too: the contact is looked at once more.
        seen = self._contacts.find(contact.contact_id, contact.id)
        if seen is not None and seen.standing is not Standing.ARCHIVED:
            return met_instead(change, seen)
        if seen is not None and changed_since(change, seen.last_changed):
            return refused(change, RefusalKind.ARCHIVED, CHANGED_SINCE)
        status = {"email_address": change.address, "status": Standing.SUBSCRIBED}
        try:
            member = self._put(contact, {**status, **_merge_fields(change)})
        except NotFound:
            self._contacts.must_exist()
            return _gone(change)
        if member.status is not Standing.SUBSCRIBED:
            return not_true(change, f"Mailchimp accepted it and left the contact {member.status}")
        return applied(change, member.contact_id)

    def _edit(self, change: Change, contact: Contact) -> Outcome:
        path = self._contacts.path(contact.id)
        try:
            member = self._client.write("PATCH", path, _merge_fields(change), MemberRow, params=self._params)
        except NotFound:
            self._contacts.must_exist()
            return _gone(change)
        return applied(change, member.contact_id)

    def _archive(self, change: Change, contact: Contact) -> Outcome:
        try:
            self._client.delete(self._contacts.path(contact.id))
        except NotFound:
            return self._after_missing(change, contact)
        except BadRequest as error:
            if error.status != METHOD_NOT_ALLOWED:
                raise
            return self._after_not_allowed(change, contact)
        return applied(change)

    def _after_missing(self, change: Change, contact: Contact) -> Outcome:
        seen = self._contacts.find(contact.contact_id, contact.id)
        if seen is None:
            return already_true(change, "the contact is not there any more")
        return retry_later(change, "the contact changed its address meanwhile; the next pass sees it")

    def _after_not_allowed(self, change: Change, contact: Contact) -> Outcome:
        seen = self._contacts.find(contact.id)
        if seen is None:
            return already_true(change, "the contact is not there any more")
        if seen.standing is Standing.ARCHIVED:
            return already_true(change, "the contact is archived already")
        return refused(
            change,
            RefusalKind.CANNOT_ARCHIVE,
            f"Mailchimp does not archive a contact that is {seen.standing}",
        )

    def _put(self, contact: Contact, body: Mapping[str, object]) -> MemberRow:
        return self._client.write(
            "PUT", self._contacts.path(contact.id), body, MemberRow, params=self._params
        )


def _merge_fields(change: Change) -> dict[str, object]:
    return {"merge_fields": dict(change.fields)} if change.fields else {}


def _gone(change: Change) -> Outcome:
    return retry_later(change, "the contact is not where it was; the next pass looks again")
