"""Knows when two changes would write the same thing, so that a refused one is not repeated."""

from hashlib import blake2b

import msgspec

from reconciler.model import Change, Standing


def fingerprint(change: Change) -> str:
    """Given a change, return a digest of what it would write and of the standing it would meet.

    Equal changes have equal digests in every process; the order of the fields does not matter.
    """
    standing = change.contact.standing if change.contact else Standing.ABSENT
    written = (change.verb, change.address, sorted(change.fields.items()), standing)
    return blake2b(msgspec.json.encode(written), digest_size=16).hexdigest()
