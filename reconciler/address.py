"""Knows when two spellings are one e-mail address, and which addresses are none."""

import re
import unicodedata
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from reconciler.model import Address

_PLAIN = re.compile(r"[a-z0-9_+\-]+(?:\.[a-z0-9_+\-]+)*")
"""What nearly every address looks like before its @."""
_LONGEST_PLAIN = 64
_DOMAINS_KEPT = 10_000


def normalise(text: str) -> Address:
    """Given an address as either side spells it, return the one spelling both are matched on."""
    # Lower-casing first: it can leave a letter in two code points, which NFC joins again.
    normal = unicodedata.normalize("NFC", text.strip().lower())
    # A text that is normal already serves for both: there are a million of them.
    return Address(text if text == normal else normal)


def refuse_reason(text: str) -> str:
    """Given an address, return why it cannot be mailed; empty if it can. Asks no network."""
    name, _, domain = text.partition("@")
    # A million addresses share a few thousand domains, and what is hard about an address is its domain.
    if len(name) <= _LONGEST_PLAIN and _PLAIN.fullmatch(name) and _takes_plain_names(domain):
        return ""
    return _refused_because(text)


@lru_cache(_DOMAINS_KEPT)
def _takes_plain_names(domain: str) -> bool:
    return domain.isascii() and not _refused_because("a" * _LONGEST_PLAIN + "@" + domain)


def _refused_because(text: str) -> str:
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        return str(error)
    return ""
