"""Knows when two spellings are one e-mail address, and which addresses are none."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from reconciler.model import Address


def normalise(text: str) -> Address:
    """Given an address as either side spells it, return the one spelling both are matched on."""
    # Lower-casing first: it can leave a letter in two code points, which NFC joins again.
    return Address(unicodedata.normalize("NFC", text.strip().lower()))


def refuse_reason(text: str) -> str:
    """Given an address, return why it cannot be mailed; empty if it can. Asks no network."""
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        return str(error)
    return ""
