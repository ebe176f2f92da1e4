"""The made-up agencies that are measured: people by number, as both services would send them."""

import hashlib
from collections.abc import Iterator

import msgspec

FIRST_NAMES = ("Sanne", "Johannes", "Fatima", "Daan", "Annelies", "Mohamed", "Roos", "Willem-Jan")
LAST_NAMES = ("Jansen", "de Vries", "Bakker", "Çelik", "van den Berg", "Smit", "El Idrissi", "Mulder")
NEWCOMERS = 50_000_000
"""The number of whoever takes somebody's place on a list is that much higher."""


CHANGED = "2026-11-23T11:59:00+00:00"
"""When everybody changed last, just before the first pass."""


class Town(msgspec.Struct, frozen=True, kw_only=True):
    """One agency and its audiences."""

    name: str
    lists: int
    recipients: int
    """Of each list."""
    churn: float = 0.0
    """The share of each list's rows that changed in OTYS: by turns another first name, another person."""
    empty: bool = False
    """Whether its audiences hold nobody yet."""

    @property
    def contacts(self) -> int:
        return self.lists * self.recipients


class Someone(msgspec.Struct, frozen=True):
    """One row of a list."""

    uid: str
    email: str
    first: str
    last: str

    @property
    def otys_row(self) -> bytes:
        row = (
            f'{{"uid":"{self.uid}","entityType":"candidate","entityUid":"e{self.uid}","email":"{self.email}",'
            f'"name":"{self.first} {self.last}","Person":{{"firstName":"{self.first}","infix":"",'
            f'"lastName":"{self.last}","languageCode":"nl"}}}}'
        )
        return row.encode()

    @property
    def member_id(self) -> str:
        return member_id(self.email)

    @property
    def member_row(self) -> bytes:
        known = self.member_id
        row = (
            f'{{"id":"{known}","email_address":"{self.email}","status":"subscribed",'
            f'"contact_id":"{known[::-1]}","merge_fields":{{"FNAME":"{self.first}","LNAME":"{self.last}",'
            f'"ADDRESS":"","PHONE":""}},"last_changed":"{CHANGED}"}}'
        )
        return row.encode()

    @property
    def changed_row(self) -> bytes:
        return f'{{"id":"{self.member_id}","last_changed":"{CHANGED}"}}'.encode()


def member_id(email: str) -> str:
    return hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()


def list_uid(number: int) -> str:
    return str(1001 + number)


def audience_id(number: int) -> str:
    return f"a{1001 + number:09}"


def number_of(uid_or_audience: str) -> int:
    return int(uid_or_audience.removeprefix("a")) - 1001


def someone(of_list: int, number: int) -> Someone:
    first, last = FIRST_NAMES[number % 8], LAST_NAMES[number // 8 % 8]
    words = f"{first}.{last}".lower().replace(" ", "").replace("ç", "c")
    return Someone(f"{of_list:04}{number:08}", f"{words}.{of_list}.{number}@mailhuis.nl", first, last)


def on_list(town: Town, of_list: int, numbers: range) -> Iterator[Someone]:
    """Given a stretch of a list's rows, return who stands there now."""
    step = round(1 / town.churn) if town.churn else 0
    for number in numbers:
        before = someone(of_list, number)
        if not step or number % step:
            yield before
        elif number // step % 2:
            yield someone(of_list, number + NEWCOMERS)
        else:
            yield msgspec.structs.replace(before, first="Maria")


def in_audience(town: Town, of_list: int, numbers: range) -> Iterator[Someone]:
    """Given a stretch of an audience's rows, return who stands there: whoever was on the list before."""
    return iter(()) if town.empty else (someone(of_list, number) for number in numbers)
