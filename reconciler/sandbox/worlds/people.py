"""Makes up people, companies and procedures with Dutch names and addresses that could exist."""

import random
import unicodedata

from reconciler.sandbox.otys.state import Entity, Kind, OtysState


def words(text: str) -> tuple[str, ...]:
    """Given words with blanks between them, return them one by one."""
    return tuple(text.split())


UNKNOWN_KIND = "leverancier"
"""A kind of recipient that the packaged mapping has never heard of."""

FIRST_NAMES = words(
    "Anna Bram Charlotte Daan Eva Femke Gijs Hanneke Ilse Jan Jeroen Karin Lars Lotte Maarten Maria Mohamed "
    "Niels Noor Olga Pieter Quinten Roos Ruben Sanne Sjoerd Tess Thijs Ursula Vera Willem Yasmina Zoë Inès "
    "José Bjørn Fatima Kees Marijke Joost"
)
LAST_NAMES = words(
    "Bakker Berg Boer Bos Bosch Brouwer Dekker Dijk Dijkstra Graaf Groot Haan Heuvel Hendriks Hoekstra "
    "Jacobs Jansen Janssen Jong Kok Koning Kuipers Leeuwen Linden Maas Meijer Meulen Mulder Peters Post "
    "Prins Schouten Smit Smits Veen Vermeulen Visser Vliet Vos Vries Willems Wit Özdemir Müller Nguyen"
)
INFIXES = ("", "", "", "", "", "van", "van der", "de", "van den", "ter")
DOMAINS = (
    "postbusje.nl",
    "mailhuis.nl",
    "snelpost-online.nl",
    "briefkaart.net",
    "thuisbrievenbus.nl",
    "lettermail.nl",
    "grachtenmail.nl",
    "polderpost.nl",
)
LANGUAGES = ("nl", "nl", "nl", "nl", "nl", "nl", "en", "de")
BRANCHES = ("Zorggroep", "Bouwbedrijf", "Logistiek", "Accountants", "Installatietechniek", "Makelaardij")


class PeopleMaker:
    """Adds made-up entities to a tenant; no two of them share an address by accident."""

    def __init__(self, state: OtysState, chance: random.Random) -> None:
        self._state = state
        self._chance = chance
        self._taken: dict[str, int] = {}

    def person(self, kind: str = Kind.CANDIDATE, *, email: str | None = None, name: str = "") -> Entity:
        """Given a kind, return a new person of it, with its own address unless one is given."""
        first, infix, last = (self._chance.choice(part) for part in (FIRST_NAMES, INFIXES, LAST_NAMES))
        return self._state.add_entity(
            kind,
            email=self.address(f"{first}.{last}") if email is None else email,
            first_name=first,
            infix=infix,
            last_name=last,
            language=self._chance.choice(LANGUAGES),
            name=name,
        )

    def relation(self) -> Entity:
        """Given nothing, return a new company with a general address."""
        name = f"{self._chance.choice(BRANCHES)} {self._chance.choice(LAST_NAMES)}"
        return self._state.add_entity(Kind.RELATION, email=self.address("info", domain=name), name=name)

    def procedure(self, candidate: Entity | None = None) -> Entity:
        """Given a candidate (a new one if left out), return a new procedure of it."""
        behind = candidate or self.person()
        return self._state.add_entity(Kind.PROCEDURE, candidate_uid=behind.uid)

    def any_kind(self) -> Entity:
        """Given nothing, return an entity of a kind as often met as in a recruiter's lists."""
        kind = self._chance.choices(
            (
                Kind.CANDIDATE,
                Kind.CONTACT,
                Kind.RELATION,
                Kind.PROCEDURE,
                Kind.PARTICIPANT,
                Kind.ADDRESS_BOOK,
            ),
            weights=(76, 15, 3, 1, 3, 2),
        )[0]
        if kind is Kind.RELATION:
            return self.relation()
        if kind is Kind.PROCEDURE:
            return self.procedure()
        return self.person(kind)

    def one_of_each(self) -> list[Entity]:
        """Given nothing, return one entity of every kind, one of them of a kind nobody foresaw."""
        persons = (Kind.CANDIDATE, Kind.CONTACT, Kind.USER, Kind.PARTICIPANT, Kind.ADDRESS_BOOK, UNKNOWN_KIND)
        return [*(self.person(kind) for kind in persons), self.relation(), self.procedure()]

    def address(self, local: str, *, domain: str = "") -> str:
        """Given a local part, return an address nobody has yet, at a company's domain if one is named."""
        host = f"{_ascii(domain)}.nl" if domain else self._chance.choice(DOMAINS)
        wanted = f"{_ascii(local)}@{host}"
        count = self._taken[wanted] = self._taken.get(wanted, 0) + 1
        return wanted if count == 1 else f"{_ascii(local)}{count}@{host}"


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("ø", "o").replace("Ø", "O"))
    kept = "".join(mark for mark in plain if mark.isascii() and (mark.isalnum() or mark in ". -"))
    return kept.strip().replace(" ", "-").lower()
