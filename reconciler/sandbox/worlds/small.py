"""A tenant with six lists and fewer than 200 recipients: every kind of trouble once, quick to sync."""

import random

from reconciler.sandbox.otys.state import Entity, Kind, OtysState
from reconciler.sandbox.worlds.people import PeopleMaker
from reconciler.sandbox.worlds.settings import switch_on

LONG_NAME = "van Oranje-Nassau " * 16 + "tot de Zwaan"
INVALID_ADDRESSES = ("jan @x", "geen-apenstaart.nl", "piet@", "@mailhuis.nl", "twee@@mailhuis.nl")
FAKE_ADDRESS = "test@example.com"


def populate(otys: OtysState, chance: random.Random) -> None:
    """Given an empty tenant, fill it."""
    switch_on(otys)
    people = PeopleMaker(otys, chance)
    candidates = [people.person() for _ in range(60)]
    otys.add_list("Kandidaten zorg", recipients=[*candidates])
    otys.add_list(
        "Relaties Utrecht",
        recipients=[
            *(people.person(Kind.CONTACT) for _ in range(20)),
            *(people.relation() for _ in range(5)),
        ],
        permission_reminder="Je kreeg deze mail omdat je relatie van ons kantoor in Utrecht bent.",
    )
    every_kind = otys.add_list("Alle soorten", recipients=[*people.one_of_each(), *couple(people)])
    otys.add_recipient(every_kind.uid, "met.de.hand@mailhuis.nl", name="Hand de Vries")
    otys.add_list("Lege lijst")
    otys.add_list(
        "Vreemde adressen 🎄 \"'<b>&",
        recipients=[*people_with_trouble(people), *candidates[:10], *INVALID_ADDRESSES, FAKE_ADDRESS],
    )
    otys.add_list("Niet geselecteerd", flagged=False, recipients=[*candidates[20:40]])


def couple(people: PeopleMaker) -> list[Entity]:
    """Given a maker of people, return two candidates and two contacts who share an address each."""
    home = people.address("familie.bakker")
    desk = people.address("info", domain="Makelaardij Vos")
    return [
        people.person(email=home),
        people.person(email=home.upper()),
        people.person(Kind.CONTACT, email=desk),
        people.person(Kind.CONTACT, email=f" {desk} "),
    ]


def people_with_trouble(people: PeopleMaker) -> list[Entity]:
    """Given a maker of people, return persons whose names and addresses try a program's patience."""
    long_name, emoji, nameless, unreachable, spaced = (people.person() for _ in range(5))
    long_name.last_name = LONG_NAME
    emoji.first_name = "Sanne 🌷"
    nameless.first_name = nameless.infix = nameless.last_name = ""
    unreachable.email = None
    spaced.email = "jan jansen@mailhuis.nl"
    quoted = people.person()
    quoted.last_name = 'O\'Brien "Bé" <script>'
    return [long_name, emoji, nameless, unreachable, spaced, quoted, people.procedure(long_name)]
