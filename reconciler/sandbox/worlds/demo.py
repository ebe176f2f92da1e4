"""A recruitment agency as its recruiters know it: hundreds of lists, one of 15,000, and their habits."""

import random

from reconciler.sandbox.otys.state import Entity, Kind, MailingList, OtysState
from reconciler.sandbox.worlds.people import PeopleMaker, words
from reconciler.sandbox.worlds.settings import switch_on
from reconciler.sandbox.worlds.small import FAKE_ADDRESS, INVALID_ADDRESSES, couple, people_with_trouble

BIG_LIST = "Alle kandidaten"
LIST_OF_501 = "Zzp'ers IT landelijk"
EMPTY_LIST = "Vakantiekrachten 2026"
ADOPTED_LIST = "Interim finance Randstad"
CLUTTERED_LIST = "Kerstborrel 🎄 \"2025\" & 'relaties' <concept>"
FLAGGED = (
    BIG_LIST,
    LIST_OF_501,
    EMPTY_LIST,
    ADOPTED_LIST,
    CLUTTERED_LIST,
    "123",
    "Nieuwsbrief kandidaten",
    "Nieuwsbrief opdrachtgevers",
    "Verpleegkundigen Utrecht",
    "Java-ontwikkelaars",
    "Monteurs regio Zwolle",
    "Contactpersonen gemeenten",
    "Deelnemers workshop solliciteren",
    "Café Müller / oud-collega's",
    "Docenten wiskunde",
    "Chauffeurs CE",
    "Young professionals",
    "Open sollicitaties",
    "Oproepkrachten horeca",
    "Alumni traineeship",
    "HR-netwerk Noord",
    "Bouwplaatspersoneel",
    "Technische tekenaars",
    "Lijst met een heel lange naam " + "en nog wat " * 24,
)
UNFLAGGED_ODDITIES = (
    "123",
    "123",
    "Nieuwsbrief kandidaten",
    "test",
    "TEST",
    " spaties ",
    "🚚🚚🚚",
    "lijst \\ 'x'",
)
PROFESSIONS = words(
    "Accountants Boekhouders Calculators Doktersassistenten Elektriciens Fysiotherapeuten "
    "Heftruckchauffeurs "
    "Inkopers Juristen Koks Lassers Magazijnmedewerkers Operators Planners Receptionisten Schilders "
    "Timmerlieden "
    "Verkopers Werkvoorbereiders Secretaresses"
)
REGIONS = words(
    "Amsterdam Arnhem Breda Eindhoven Groningen Haarlem Leeuwarden Maastricht Nijmegen Rotterdam "
    "Tilburg Zeeland"
)
CONSULTANTS = ("Sanne de Vries", "Mark Bos", "Yasmina el Idrissi", "Peter-Jan van 't Hof")
CATEGORIES = ("", "Kandidaten", "Relaties", "Intern")


def populate(otys: OtysState, chance: random.Random, *, scale: float = 1.0) -> None:
    """Given an empty tenant, fill it; scale 0.1 makes the big list 1,500 and the other lists fewer."""
    switch_on(otys)
    people = PeopleMaker(otys, chance)
    everybody = _everybody(people, max(int(15_000 * scale), 60))
    for name in FLAGGED:
        otys.add_list(name, recipients=_recipients(name, people, everybody, chance))
    for name in _unflagged_names(chance, max(int(230 * scale), len(UNFLAGGED_ODDITIES))):
        otys.add_list(name, flagged=False, recipients=[*_some(everybody, chance)])
    for mailing_list in otys.lists.values():
        _decorate(mailing_list, chance)


def _everybody(people: PeopleMaker, count: int) -> list[Entity]:
    special = [*couple(people), *people_with_trouble(people), *people.one_of_each()]
    return [*special, *(people.any_kind() for _ in range(count - len(special)))]


def _recipients(
    name: str, people: PeopleMaker, everybody: list[Entity], chance: random.Random
) -> list[Entity | str]:
    match name:
        case str(big) if big == BIG_LIST:
            return [*everybody]
        case str(exact) if exact == LIST_OF_501:
            return [people.person() for _ in range(501)]
        case str(empty) if empty == EMPTY_LIST:
            return []
        case str(adopted) if adopted == ADOPTED_LIST:
            return [people.person(kind) for kind in (Kind.CANDIDATE, Kind.CONTACT) for _ in range(20)]
        case str(cluttered) if cluttered == CLUTTERED_LIST:
            typed = ["met.de.hand@mailhuis.nl", *INVALID_ADDRESSES, FAKE_ADDRESS]
            return [
                *people_with_trouble(people),
                *couple(people),
                *people.one_of_each(),
                people.person(Kind.USER),
                *typed,
            ]
        case _:
            return [*_some(everybody, chance), people.address("zelf.getypt")]


def _some(everybody: list[Entity], chance: random.Random) -> list[Entity]:
    return chance.sample(everybody, min(int(60 * chance.random() ** 2), len(everybody)))


def _unflagged_names(chance: random.Random, count: int) -> list[str]:
    pairs = [f"{profession} {region}" for profession in PROFESSIONS for region in REGIONS]
    return [*UNFLAGGED_ODDITIES, *chance.sample(pairs, count - len(UNFLAGGED_ODDITIES))]


def _decorate(mailing_list: MailingList, chance: random.Random) -> None:
    year, month, day = chance.randint(2014, 2025), chance.randint(1, 12), chance.randint(1, 28)
    mailing_list.created = (
        f"{year}-{month:02}-{day:02} {chance.randint(8, 17):02}:{chance.randint(0, 59):02}:00"
    )
    mailing_list.last_modified = mailing_list.created.replace(str(year), "2026", 1)
    mailing_list.owner = chance.choice(CONSULTANTS)
    mailing_list.last_modified_by = chance.choice(CONSULTANTS)
    mailing_list.category = chance.choice(CATEGORIES)
    mailing_list.is_global = chance.random() < 0.7
    mailing_list.published = chance.random() < 0.2
    mailing_list.temporary = chance.random() < 0.1
    mailing_list.description = chance.choice(("", "", "Aangemaakt voor de maandelijkse mailing"))
    mailing_list.subject = chance.choice(("", "Nieuwe vacatures", "Update van Werkpunt"))
    if chance.random() < 0.1:
        mailing_list.permission_reminder = f"Je staat op onze lijst {mailing_list.name.strip()[:60]}."
