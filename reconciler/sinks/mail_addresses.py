"""How addresses stand in a mail: as they are, or only so much of them that who knows them recognises them."""

import re

from reconciler.config import MailedAddresses

_ADDRESS = re.compile(r"[^\s\"'<>(),;:“”]+@[^\s\"'<>(),;:“”]+")


class Naming:
    """What a contact is called in mails."""

    def __init__(self, addresses: MailedAddresses) -> None:
        self._plain = addresses is MailedAddresses.PLAIN

    def address(self, text: str) -> str:
        """Given an address, or what somebody took for one, return what is shown of it."""
        if self._plain or not text:
            return text
        return _masked(text)

    def text(self, text: str) -> str:
        """Given any text, return it with what is shown of the addresses in it."""
        return text if self._plain else _ADDRESS.sub(lambda found: _masked(found[0]), text)


def _masked(address: str) -> str:
    name, at, domain = address.rpartition("@")
    return f"{(name or domain)[:1]}…{at}{domain if at else ''}"
