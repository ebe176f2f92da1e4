"""Knows the client settings every seeded tenant starts with."""

from reconciler.sandbox.mailchimp.state import DEFAULT_API_KEY
from reconciler.sandbox.otys.state import OtysState

DEFAULT_REMINDER = (
    "Je ontvangt deze mail omdat je bij Werkpunt Recruitment staat ingeschreven of met ons samenwerkt."
)


def switch_on(otys: OtysState) -> None:
    """Given a tenant, fill in the settings of the Mailchimp integration as the vendor's manual asks."""
    otys.settings |= {
        "SE3109": "1",
        "SE3110": "werkpunt",
        "SE3111": DEFAULT_API_KEY,
        "SE3121": DEFAULT_REMINDER,
        "GE203": "",
        "SE2995": "1",
    }
