"""Knows how to ask OTYS for mapped fields, and to do without those a tenant refuses (facts/otys.md, 3)."""

import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from reconciler.api.ows_answers import SYSTEM, FieldRefused
from reconciler.api.values import IDENTITY, LABEL, Json, Row, is_text, switch, text, values_at
from reconciler.errors import BadRequest, RemoteError, UnexpectedAnswer
from reconciler.sources.mapping import FieldPath

METHOD_NOT_FOUND = "-32601"
CONSENT = "opted_out"
"""Never done without once it is mapped: whoever opted out would look as if they had not."""
ABOUT_THE_CALL = re.compile(r"\b(method|service|field|function)\b", re.IGNORECASE)

log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sent:
    """What one row says of the fields that were asked for."""

    values: Mapping[str, Json]
    """By field name; a field that was not sent is missing."""

    def text(self, name: str) -> str:
        """Given a field's name, return its text, empty if nothing was sent."""
        return text(self.values.get(name))

    def is_text(self, name: str) -> bool:
        """Given a field's name, return whether a text stands there, or nothing."""
        return is_text(self.values.get(name))

    def label(self, name: str) -> str:
        """Given the name of a field for reading, return the words a person would be shown."""
        return text(self.values.get(name), LABEL)

    def identity(self, name: str) -> str:
        """Given the name of a field that identifies something, return that identity."""
        return text(self.values.get(name), IDENTITY)

    def switch(self, name: str) -> bool | None:
        """Given a field's name, return whether it is on; None if it does not say."""
        return switch(self.values[name]) if name in self.values else None


class AskedFields:
    """The mapped fields of one service, less the optional ones that this tenant was found to refuse."""

    def __init__(self, service: str, fields: Mapping[str, FieldPath]) -> None:
        self.service = service
        self.refused: Mapping[str, str] = {}
        """The paths this tenant refused, by field name."""
        self._lock = threading.Lock()
        self._asked: Mapping[str, FieldPath] = {name: field for name, field in fields.items() if field.path}
        self._paths = _steps(self._asked)

    def ask(self, call: Callable[[Json], T]) -> T:
        """Given a call that takes a projection, return what it answers to the fields that may be read.

        Raise UnexpectedAnswer with advice if a field is refused that nothing works without.
        """
        while True:
            asked = self._asked
            try:
                return call(projection(field.path for field in asked.values()))
            except FieldRefused as refusal:
                self._do_without(_find_refused(asked, refusal, call), asked, refusal)

    @property
    def paths(self) -> Mapping[str, str]:
        """Return the paths that are asked for, by field name."""
        return {name: field.path for name, field in self._asked.items()}

    def sent(self, row: Row) -> Sent:
        """Given a row, return what it says of the fields that are asked for."""
        return Sent(values_at(row, self._paths))

    def _do_without(
        self, names: Collection[str], asked: Mapping[str, FieldPath], refusal: FieldRefused
    ) -> None:
        needed = [asked[name].path for name in names if asked[name].required or name == CONSENT]
        if needed or not names:
            raise UnexpectedAnswer(
                SYSTEM,
                f"{self.service} refuses a field that nothing works without "
                f"({', '.join(needed) or refusal.detail})",
                advice="Correct its path in the mapping file (docs/mapping.md); "
                "`reconciler probe` shows which fields this tenant has.",
            ) from refusal
        with self._lock:
            if self._asked is not asked:
                return  # another thread was first
            refused = {name: asked[name].path for name in names}
            self._asked = {name: field for name, field in asked.items() if name not in refused}
            self._paths = _steps(self._asked)
            self.refused = {**self.refused, **refused}
        log.warning("OTYS refuses fields, going on without them", service=self.service, fields=refused)


def _steps(asked: Mapping[str, FieldPath]) -> Mapping[str, Sequence[str]]:
    return {name: field.path.split(".") for name, field in asked.items()}


def projection(paths: Iterable[str]) -> Json:
    """Given dotted paths, return the `what` that asks for them."""
    tree: dict[str, Json] = {}
    for path in paths:
        level = tree
        *groups, leaf = path.split(".")
        for group in groups:
            below = level.setdefault(group, {})
            # A group that is asked for as a whole already covers its members.
            level = below if isinstance(below, dict) else {}
        level.setdefault(leaf, 1)
    return tree


def says_gone(error: RemoteError | None, messages: Collection[str]) -> bool:
    """Given an error and the texts that mean "gone", return whether it says so of the thing looked up.

    An error about the call itself ("Method … does not exist") proves nothing about the thing.
    """
    if not isinstance(error, BadRequest) or isinstance(error, FieldRefused):
        return False
    if error.title == METHOD_NOT_FOUND or ABOUT_THE_CALL.search(error.detail):
        return False
    return any(message.casefold() in error.detail.casefold() for message in messages)


def _find_refused(
    asked: Mapping[str, FieldPath], refusal: FieldRefused, call: Callable[[Json], T]
) -> Collection[str]:
    named = _named_in(refusal.detail, asked)
    if named:
        return named
    # The message does not say which: try the needed fields alone, then each other one with them.
    needed = [field.path for field in asked.values() if field.required]
    if _is_refused(call, needed):
        return []
    others = {name: field.path for name, field in asked.items() if not field.required}
    return [name for name, path in others.items() if _is_refused(call, [*needed, path])]


def _is_refused(call: Callable[[Json], T], paths: Iterable[str]) -> bool:
    try:
        call(projection(paths))
    except FieldRefused:
        return True
    return False


def _named_in(message: str, asked: Mapping[str, FieldPath]) -> Collection[str]:
    quoted = re.findall(r"""['"`]([\w.]+)['"`]""", message)
    words = set(quoted or re.findall(r"\w[\w.]*\w", message))
    whole = [name for name, field in asked.items() if field.path in words]
    return whole or [name for name, field in asked.items() if field.path.rpartition(".")[2] in words]
