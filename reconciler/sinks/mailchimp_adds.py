"""Knows how to add many contacts at once, and what became of each row."""

from collections.abc import Iterator, Mapping, Sequence

from reconciler.address import normalise
from reconciler.api.mailchimp import Mailchimp, audience_path
from reconciler.api.mailchimp_errors import refusal_of_row
from reconciler.api.mailchimp_wire import BatchAnswer, MemberRow, RefusedRow, member_hash
from reconciler.errors import BadRequest, RemoteError
from reconciler.model import AudienceId, Change, Outcome, RefusalKind, Standing
from reconciler.sinks.mailchimp_account import AudienceContacts
from reconciler.sinks.mailchimp_outcomes import (
    applied,
    met_instead,
    not_true,
    refused,
    refused_by,
    retry_later,
    troubled,
)


class ContactAdder:
    """Adds contacts that are not there yet to one audience; never updates one that is."""

    def __init__(self, client: Mailchimp, audience_id: AudienceId, params: Mapping[str, str]) -> None:
        self._client = client
        self._path = audience_path(audience_id)
        self._params = params
        self._contacts = AudienceContacts(client, audience_id)

    def add(self, changes: Sequence[Change]) -> Iterator[list[Outcome]]:
        """Given at most 500 adds of different addresses, yield what became of them, request by request.

        Raise RemoteError when that is not known of those without an outcome, or when it is about the
        audience or the account.
        """
        body = {"members": [_row(change) for change in changes]}
        try:
            answer = self._client.write("POST", self._path, body, BatchAnswer, params=self._params)
        except BadRequest as error:
            yield from self._one_by_one(changes, error)
            return
        # A contact that was archived may come back as an updated one (facts/mailchimp.md, 43).
        members = {row.address: row for row in (*answer.updated_members, *answer.new_members)}
        errors = {normalise(row.email_address): row for row in answer.errors}
        yield [
            self._outcome(change, members.get(change.address), errors.get(change.address))
            for change in changes
        ]

    def _one_by_one(self, changes: Sequence[Change], error: BadRequest) -> Iterator[list[Outcome]]:
        """Halve a request that was refused as a whole until only the row to blame is refused."""
        if error.title.casefold() != "invalid resource":
            raise error  # about the form of the request: its halves would fare no better
        if len(changes) == 1:
            yield [refused_by(changes[0], error)]
            return
        middle = len(changes) // 2
        yield from self.add(changes[:middle])
        yield from self.add(changes[middle:])

    def _outcome(self, change: Change, member: MemberRow | None, error: RefusedRow | None) -> Outcome:
        if error:
            return self._after_refusal(change, error)
        if member is None:
            return not_true(change, "Mailchimp's answer does not mention this contact")
        if member.status is not Standing.SUBSCRIBED:
            return not_true(change, f"Mailchimp accepted it and left the contact {member.status}")
        return applied(change, member.contact_id)

    def _after_refusal(self, change: Change, row: RefusedRow) -> Outcome:
        kind = refusal_of_row(
            error_code=row.error_code, error=row.error, field=row.field, field_message=row.field_message
        )
        if kind is not RefusalKind.MEMBER_EXISTS:
            return refused(change, kind, row.words)
        try:
            contact = self._contacts.find(member_hash(change.address))
        except RemoteError as error:
            # The rows beside this one were taken: what became of them must not get lost with this read.
            return troubled(change, error)
        if contact is None:
            return retry_later(change, "Mailchimp says the contact exists and does not find it")
        return met_instead(change, contact)


def _row(change: Change) -> dict[str, object]:
    return {
        "email_address": change.address,
        "status": Standing.SUBSCRIBED,
        "merge_fields": dict(change.fields),
        **change.extras,
    }
