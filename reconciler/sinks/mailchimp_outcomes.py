"""Knows how to say what became of a change in Mailchimp."""

from datetime import datetime, timedelta

from reconciler.api.mailchimp_errors import refusal_of, refusal_of_standing, text_of, without_addresses
from reconciler.errors import (
    BadRequest,
    RemoteError,
    Stopping,
    Throttled,
    UnexpectedAnswer,
    Unreachable,
)
from reconciler.model import Change, Contact, Outcome, RefusalKind, Result, Standing

PASSING_TROUBLES = (Unreachable, Throttled, UnexpectedAnswer)
"""Nobody knows whether the write was applied, and the next pass sees."""

CLOCKS_DIFFER = timedelta(minutes=5)
CHANGED_SINCE = "the contact changed in Mailchimp after we archived it: it may have said no meanwhile"


def applied(change: Change, contact_id: str = "") -> Outcome:
    """Given a change that Mailchimp acknowledged, return its outcome."""
    return Outcome(change=change, result=Result.APPLIED, contact_id=contact_id or known_contact_id(change))


def already_true(change: Change, detail: str = "", contact_id: str = "") -> Outcome:
    """Given a change that needs no write any more, return its outcome."""
    return Outcome(
        change=change,
        result=Result.ALREADY_TRUE,
        detail=detail,
        contact_id=contact_id or known_contact_id(change),
    )


def not_true(change: Change, detail: str) -> Outcome:
    """Given a change that was accepted and yet is not so, return its outcome."""
    return Outcome(change=change, result=Result.NOT_TRUE, detail=detail)


def retry_later(change: Change, detail: str) -> Outcome:
    """Given a change that the next pass should look at again, return its outcome."""
    return Outcome(change=change, result=Result.RETRY_LATER, detail=detail)


def troubled(change: Change, error: RemoteError) -> Outcome:
    """Given a change whose write met a passing trouble, return its outcome."""
    if isinstance(error, Stopping):
        return retry_later(change, "cut short: the program was told to stop")
    return retry_later(change, f"it is not known whether this was applied: {error}")


def met_instead(change: Change, contact: Contact) -> Outcome:
    """Given an add and the contact that turned out to be there meanwhile, return the add's outcome."""
    if contact.standing is not Standing.SUBSCRIBED:
        return refused(
            change, refusal_of_standing(contact.standing), f"the contact is there and {contact.standing}"
        )
    if any(contact.fields.get(tag) != value for tag, value in change.fields.items()):
        return retry_later(change, "the contact subscribed meanwhile; the next pass adopts it")
    return already_true(change, "the contact subscribed meanwhile", contact.contact_id)


def changed_since(change: Change, last_changed: datetime | None) -> bool:
    """Given an add of a contact that we archived, return whether it changed after that.

    Archiving hides an opt-out (facts/mailchimp.md, 32), and a database that was restored from an old backup
    does not know of it.
    """
    if change.left_at is None or last_changed is None:
        return False
    return last_changed > change.left_at + CLOCKS_DIFFER


def untried(change: Change) -> Outcome:
    """Given a change that was not tried any more, return its outcome."""
    return retry_later(change, "not tried: an earlier write was not finished")


def refused(change: Change, kind: RefusalKind, detail: str) -> Outcome:
    """Given a refusal in Mailchimp's words, return its outcome; one that passes is tried again later."""
    return Outcome(
        change=change,
        result=Result.RETRY_LATER if kind is RefusalKind.TOO_MANY_SIGNUPS else Result.REFUSED,
        detail=without_addresses(detail),
        refusal=kind,
    )


def refused_by(change: Change, error: BadRequest) -> Outcome:
    """Given the refusal of a write about one contact, return its outcome."""
    return refused(change, refusal_of(error), text_of(error) or str(error))


def known_contact_id(change: Change) -> str:
    """Given a change, return the contact id it was decided upon; empty when it knows none."""
    return change.contact.contact_id if change.contact else ""
