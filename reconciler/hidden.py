"""Hides from a pass who was erased on request: their addresses are known by keyed hashes alone."""

from dataclasses import replace

from reconciler.address import normalise
from reconciler.audience_record import AudienceRecord
from reconciler.model import ContactSnapshot, Recipient, RecipientSnapshot
from reconciler.store import Store


class Hidden:
    """Who of a client was erased."""

    def __init__(self, store: Store, client: str) -> None:
        """Given a client, find out who of it was erased."""
        self._nobody = not store.erased(client)
        self._is_erased = store.is_erased(client)
        self._key_address = store.key_address

    def in_list(self, snapshot: RecipientSnapshot) -> RecipientSnapshot:
        """Given a list's recipients, return them without anything of the erased ones but who they are.

        Whoever shares an address with somebody erased is hidden with them: a mail would reach both.
        """
        if self._nobody:
            return snapshot
        gone = {normalise(one.email) for one in snapshot.recipients if one.email and self._concerns(one)}
        return replace(
            snapshot,
            recipients=tuple(
                self._nameless(one) if self._concerns(one) or normalise(one.email) in gone else one
                for one in snapshot.recipients
            ),
        )

    def in_audience(self, snapshot: ContactSnapshot) -> ContactSnapshot:
        """Given an audience's contacts, return them without the erased ones, who are nobody's business."""
        if self._nobody:
            return snapshot
        left = tuple(one for one in snapshot.contacts if not self._is_erased(one.address))
        return replace(snapshot, contacts=left)

    def in_record(self, record: AudienceRecord) -> AudienceRecord:
        """Given an audience that is about to go, return what may be saved of it: all but the erased ones."""
        left = tuple(one for one in record.contacts if not (one.address and self._is_erased(one.address)))
        return replace(record, contacts=left)

    def _concerns(self, one: Recipient) -> bool:
        return self._is_erased(normalise(one.email)) or self._is_erased(one.person)

    def _nameless(self, one: Recipient) -> Recipient:
        key = self._key_address(normalise(one.email))
        return Recipient(uid=one.uid, person=one.person, email="", erased=key)
