"""Which addresses Mailchimp refuses on sight, facts/mailchimp.md, 41."""

import re

from reconciler.sandbox.mailchimp import problems

_FORM = re.compile(r"[^\s@,;:<>()\[\]\"\\]+@(?:[^\s@.,;:<>()\[\]_]+\.)+[^\s@.,;:<>()\[\]_\d]{2,}")
_FAKE_DOMAINS = ("example.com", "example.net", "example.org", "fake.com", "mailinator.com", "test.com")
_FAKE_ENDINGS = (".invalid", ".localhost", ".test")
_LONGEST = 254


def check(address: str) -> None:
    """Given an address, return if a contact may have it. Raise Problem if it is invalid or looks fake."""
    local, _, domain = address.lower().rpartition("@")
    dots_misplaced = local.startswith(".") or local.endswith(".") or ".." in local
    if len(address) > _LONGEST or dots_misplaced or not _FORM.fullmatch(address):
        raise problems.invalid(problems.INVALID_ADDRESS)
    belongs_to_fake = any(domain == fake or domain.endswith(f".{fake}") for fake in _FAKE_DOMAINS)
    if belongs_to_fake or domain.endswith(_FAKE_ENDINGS):
        raise problems.fake_address(address)
