"""The demo's Mailchimp account: two audiences that were there before, one named as a selected list."""

import random
import threading
from datetime import UTC, datetime

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.mailchimp import MailchimpHuman, MailchimpState
from reconciler.sandbox.otys.state import Entity, OtysState
from reconciler.sandbox.worlds.demo import ADOPTED_LIST
from reconciler.sandbox.worlds.people import FIRST_NAMES, LAST_NAMES

OPENED = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
OWN_AUDIENCE = "Nieuwsbrief website"


def populate(mailchimp: MailchimpState, otys: OtysState, chance: random.Random) -> None:
    """Given an empty account, fill it with two audiences, one of which a list of the tenant can adopt."""
    mailchimp.account_name = "Werkpunt Recruitment"
    marketer = MailchimpHuman(mailchimp, SandboxClock(frozen_at=OPENED), threading.RLock())
    adopted = marketer.add_audience(ADOPTED_LIST)
    marketer.edit_reminder(adopted, "Je hebt je via onze website aangemeld.")
    people = _people_of(otys, ADOPTED_LIST)
    for person in people[:10]:
        surname = f"{person.infix} {person.last_name}".strip()
        marketer.add_contact(
            adopted, person.email or "", merge_fields={"FNAME": person.first_name, "LNAME": surname}
        )
    marketer.unsubscribe(adopted, people[8].email or "")
    marketer.bounce(adopted, people[9].email or "")
    _add_strangers(marketer, adopted, 6, chance)
    _add_strangers(marketer, marketer.add_audience(OWN_AUDIENCE), 35, chance)


def _people_of(otys: OtysState, list_name: str) -> list[Entity]:
    listed = next(row for row in otys.lists.values() if row.name == list_name)
    people = (otys.entity(row.kind, row.entity) for row in listed.recipients.values())
    return [person for person in people if person is not None]


def _add_strangers(marketer: MailchimpHuman, audience: str, count: int, chance: random.Random) -> None:
    for number in range(count):
        address = f"lezer{number}@websitelezer.nl"
        fields = {"FNAME": chance.choice(FIRST_NAMES), "LNAME": chance.choice(LAST_NAMES)}
        marketer.add_contact(audience, address, merge_fields=fields)
        if number % 6 == 5:
            marketer.unsubscribe(audience, address)
