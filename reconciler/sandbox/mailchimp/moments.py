"""How moments are written and read, facts/mailchimp.md, 15."""

from datetime import UTC, datetime


def when(moment: datetime | None) -> str:
    """Given a moment, return it as Mailchimp writes it, to the second; nothing is the empty text."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def read_moment(text: str) -> datetime:
    """Given a moment as a program writes it, return it; without a zone it is UTC.

    Raise ValueError if it is none.
    """
    # A plus sign that was not encoded in a query arrives as a blank.
    moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
