"""Mailchimp's Marketing API 3.0, played from what facts/mailchimp.md says it does."""

from reconciler.sandbox.mailchimp.audiences import new_audience
from reconciler.sandbox.mailchimp.human import MailchimpHuman
from reconciler.sandbox.mailchimp.router import BASE_PATH
from reconciler.sandbox.mailchimp.service import MailchimpService
from reconciler.sandbox.mailchimp.state import DEFAULT_API_KEY, MailchimpState, Status
from reconciler.sandbox.mailchimp.switches import Switches

__all__ = [
    "BASE_PATH",
    "DEFAULT_API_KEY",
    "MailchimpHuman",
    "MailchimpService",
    "MailchimpState",
    "Status",
    "Switches",
    "new_audience",
]
