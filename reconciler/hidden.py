"""Hides from a pass who was erased on request: their addresses are known by keyed hashes alone."""

from collections.abc import Callable, Collection
from dataclasses import replace

from reconciler.address import normalise
from reconciler.model import ContactSnapshot, Person, Recipient, RecipientSnapshot
from reconciler.store import Store


class Hidden:
    """Who of a client was erased."""

    def __init__(
        self,
        keys: Collection[str],
        key_address: Callable[[str], str],
        key_person: Callable[[Person], str],
    ) -> None:
        """Given the keyed hashes of who was erased, and how they are made, know them again."""
        self._keys = frozenset(keys)
        self._key_address = key_address
        self._key_person = key_person

    @classmethod
    def of(cls, store: Store, client: str) -> "Hidden":
        """Given a client, return who of it was erased."""
        return cls(store.erased(client), store.key_address, store.key_person)

    def in_list(self, snapshot: RecipientSnapshot) -> RecipientSnapshot:
        """Given a list's recipients, return them without anything of the erased ones but who they are.

        Whoever shares an address with somebody erased is hidden with them: a mail would reach both.
        """
        if not self._keys:
            return snapshot
        gone = {normalise(one.email) for one in snapshot.recipients if one.email and self._is_erased(one)}
        return replace(
            snapshot,
            recipients=tuple(
                self._nameless(one) if self._is_erased(one) or normalise(one.email) in gone else one
                for one in snapshot.recipients
            ),
        )

    def in_audience(self, snapshot: ContactSnapshot) -> ContactSnapshot:
        """Given an audience's contacts, return them without the erased ones, who are nobody's business."""
        if not self._keys:
            return snapshot
        contacts = snapshot.contacts
        return replace(
            snapshot,
            contacts=tuple(one for one in contacts if self._key_address(one.address) not in self._keys),
        )

    def _is_erased(self, one: Recipient) -> bool:
        return (
            self._key_address(normalise(one.email)) in self._keys
            or self._key_person(one.person) in self._keys
        )

    def _nameless(self, one: Recipient) -> Recipient:
        key = self._key_address(normalise(one.email))
        return Recipient(uid=one.uid, person=one.person, email="", erased=key)
