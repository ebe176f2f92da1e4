"""Knows how to look up the people behind recipients whose rows carry no address (facts/otys.md, 7 and 12)."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from reconciler.api.ows import LARGEST_BATCH, Call, OwsClient
from reconciler.api.ows_answers import SYSTEM, FieldRefused, Reply
from reconciler.api.values import Json
from reconciler.errors import UnexpectedAnswer
from reconciler.model import Person
from reconciler.sources.mapping import VALUES, OtysMapping, method_name
from reconciler.sources.otys_fields import AskedFields, Sent, says_gone

NAME_PARTS = ("first_name", "infix", "last_name")


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What a lookup of one person came to."""

    person: Person
    """Who it is in the end: the candidate where a procedure was looked up."""
    email: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    opted_out: bool = False
    problem: str = ""
    """Why nothing is known; empty if the lookup succeeded, or proved that the person is gone."""


class People:
    """Looks people up in batches, each once until `forget` is called. Safe to share between threads."""

    def __init__(self, ows: OwsClient, mapping: OtysMapping) -> None:
        self._ows = ows
        self._mapping = mapping
        self._lock = threading.Lock()
        self._known: dict[Person, LookedUp] = {}
        self._asked = {
            kind: AskedFields(about.service, mapping.lookup_fields(kind))
            for kind, about in mapping.kinds.items()
            if about.service
        }

    def can_look_up(self, kind: str) -> bool:
        """Given a kind, return whether the mapping names a service for it."""
        return kind in self._asked

    def leads_on(self, kind: str) -> bool:
        """Given a kind, return whether its address is that of a person of another kind."""
        about = self._mapping.kinds.get(kind)
        return about is not None and about.via is not None

    def forget(self) -> None:
        """Forget everybody: the next pass looks them up anew."""
        with self._lock:
            self._known.clear()

    def look_up(self, wanted: Iterable[Person]) -> Mapping[Person, LookedUp]:
        """Given people of kinds that can be looked up, return what is known about each.

        Raise RemoteError if OTYS cannot be asked; a single lookup that fails is told by its `problem`.
        """
        wanted = set(wanted)
        with self._lock:
            found = {person: self._known[person] for person in wanted if person in self._known}
        unknown = wanted - found.keys()
        direct = self._look_up_directly(person for person in unknown if not self.leads_on(person.kind))
        indirect = self._look_up_via([person for person in unknown if self.leads_on(person.kind)])
        found |= direct | indirect
        with self._lock:
            self._known |= found
        return found

    def _look_up_directly(self, people: Iterable[Person]) -> dict[Person, LookedUp]:
        found: dict[Person, LookedUp] = {}
        for kind, of_kind in _by_kind(people).items():
            for person, reply in self._details(kind, of_kind).items():
                found[person] = self._read(person, reply)
        return found

    def _look_up_via(self, people: Sequence[Person]) -> dict[Person, LookedUp]:
        found: dict[Person, LookedUp] = {}
        leads: dict[Person, Person] = {}
        for kind, of_kind in _by_kind(people).items():
            for person, reply in self._details(kind, of_kind).items():
                target = self._lead(person, reply)
                if isinstance(target, LookedUp):
                    found[person] = target
                else:
                    leads[person] = target
        targets = self.look_up(leads.values()) if leads else {}
        return found | {person: targets[target] for person, target in leads.items()}

    def _details(self, kind: str, people: Sequence[Person]) -> dict[Person, Reply]:
        method = method_name(self._mapping.kinds[kind].service, self._mapping.people.method)

        def ask(chunk: Sequence[Person], what: Json) -> list[Reply]:
            replies = self._ows.batch([Call(method, (person.uid, what)) for person in chunk])
            for reply in replies:
                if isinstance(reply.error, FieldRefused):
                    raise reply.error
            return replies

        details: dict[Person, Reply] = {}
        # One batch at a time, so that a refused field is noticed before thousands were asked for it.
        for start in range(0, len(people), LARGEST_BATCH):
            chunk = people[start : start + LARGEST_BATCH]
            replies = self._asked[kind].ask(partial(ask, chunk))
            details |= zip(chunk, replies, strict=True)
        return details

    def _read(self, person: Person, reply: Reply) -> LookedUp:
        if not isinstance(reply.result, dict):
            return self._unknown(person, reply)
        row = self._asked[person.kind].sent(reply.result)
        if not row.is_text("email"):
            return LookedUp(person, problem=f"the address of a {person.kind} is no text")
        return LookedUp(person, email=row.text("email"), values=values_of(row), opted_out=is_opted_out(row))

    def _lead(self, person: Person, reply: Reply) -> Person | LookedUp:
        via = self._mapping.kinds[person.kind].via
        if not isinstance(reply.result, dict) or via is None:
            return self._unknown(person, reply)
        row = self._asked[person.kind].sent(reply.result)
        if "via" not in row.values:
            return LookedUp(person, problem=f"it does not say which {via.kind} it belongs to ({via.path})")
        uid = row.identity("via")
        return Person(via.kind, uid) if uid else LookedUp(person)

    def _unknown(self, person: Person, reply: Reply) -> LookedUp:
        if says_gone(reply.error, self._mapping.lists.gone_messages):
            return LookedUp(person)
        error = reply.error or UnexpectedAnswer(SYSTEM, f"no {person.kind} came back")
        return LookedUp(person, problem=str(error))


def values_of(row: Sent) -> dict[str, str]:
    """Given a row, return the mapped values that were sent, empty ones included."""
    values = {name: row.text(name) for name in VALUES if name in row.values}
    if "name" not in values and values.keys() & NAME_PARTS:
        values["name"] = " ".join(values[part] for part in NAME_PARTS if values.get(part))
    return values


def is_opted_out(row: Sent) -> bool:
    """Given a row, return whether its opt-out field says anything but a clear no."""
    return "opted_out" in row.values and row.switch("opted_out") is not False


def _by_kind(people: Iterable[Person]) -> dict[str, list[Person]]:
    kinds: dict[str, list[Person]] = {}
    for person in sorted(people):
        kinds.setdefault(person.kind, []).append(person)
    return kinds
