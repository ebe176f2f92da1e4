"""Turns addresses into keyed hashes and keeps them out of texts, so that history names nobody."""

import hmac
import re
from hashlib import sha256

from reconciler.model import Person

_ADDRESS = re.compile(r"[^\s\"'<>(),;:]+@[^\s\"'<>(),;:]+")
_HASH_BYTES = 16


def keyed_hash(key: bytes, address: str) -> str:
    """Given the store's key and an address, return what history calls that address."""
    return keyed_digest(key, address).hex()


def keyed_digest(key: bytes, address: str) -> bytes:
    """Given the store's key and an address, return its keyed hash as it stands in a column."""
    return hmac.digest(key, address.encode(), sha256)[:_HASH_BYTES]


def person_hash(key: bytes, person: Person) -> str:
    """Given the store's key and a person, return the hash by which an erasure is remembered."""
    return keyed_hash(key, f"person {person}")


def without_addresses(text: str, *addresses: str) -> str:
    """Given a text, return it with whatever looks like an address, and the given ones, taken out."""
    if "@" not in text:
        return text  # nothing in it looks like an address, and it is asked of every outcome
    lowered = text.lower()
    for address in addresses:
        if address and address in lowered:
            text = re.sub(re.escape(address), "…", text, flags=re.IGNORECASE)
    return _ADDRESS.sub("…", text)
