"""Knows what is assumed about a tenant's OTYS, as one declarative file that an operator may correct."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import cast

import msgspec
from msgspec import inspect

from reconciler.errors import ConfigurationError, Problem
from reconciler.sources.opt_out_call import OptOutCall
from reconciler.toml_text import NotToml, parse_toml

PACKAGED = "the packaged mapping"

VALUES = ("first_name", "infix", "last_name", "language", "name")
LIST_FIELDS = (
    "uid",
    "name",
    "description",
    "subject",
    "owner",
    "created",
    "category",
    "global",
    "last_modified",
    "last_modified_by",
    "published",
    "temporary",
    "mailchimp",
    "permission_reminder",
    "recipient_count",
    "deleted",
)
RECIPIENT_FIELDS = ("uid", "kind", "entity", "email", *VALUES, "opted_out")
PERSON_FIELDS = ("email", *VALUES, "opted_out")


class _Frozen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the mapping file."""


class FieldPath(_Frozen, frozen=True):
    """Where a value stands in a row; the empty path means that this tenant has no such value."""

    path: str
    required: bool = False


class SettingCodes(_Frozen, frozen=True):
    """The codes of the client settings."""

    integration: str
    user_name: str
    api_key: str
    permission_reminder: str
    synchronised_lists: str
    missing_messages: tuple[str, ...]


class ListsMapping(_Frozen, frozen=True):
    """The catalogue of mailing lists."""

    service: str
    method: str
    detail_method: str
    sort: str
    gone_messages: tuple[str, ...]
    default_reminders: tuple[str, ...]
    fields: dict[str, FieldPath]


class RecipientsMapping(_Frozen, frozen=True):
    """The rows of one mailing list."""

    service: str
    method: str
    list_condition: str
    sort: str
    fields: dict[str, FieldPath]


class PeopleMapping(_Frozen, frozen=True):
    """How one person is looked up."""

    method: str
    fields: dict[str, FieldPath]


class Via(_Frozen, frozen=True):
    """The field that leads on to a person of another kind."""

    path: str
    kind: str


class KindMapping(_Frozen, frozen=True):
    """One kind of recipient."""

    words: tuple[str, ...]
    service: str = ""
    via: Via | None = None
    fields: dict[str, FieldPath] = {}
    opt_out: OptOutCall | None = None
    """How an opt-out of such a person is written; without it OTYS is only ever read."""


class OtysMapping(_Frozen, frozen=True):
    """The whole mapping file."""

    status: str
    settings: SettingCodes
    lists: ListsMapping
    recipients: RecipientsMapping
    people: PeopleMapping
    kinds: dict[str, KindMapping]

    @property
    def tells_opt_outs(self) -> bool:
        """Whether any field tells that somebody opted out."""
        fields = (self.recipients.fields, self.people.fields, *(kind.fields for kind in self.kinds.values()))
        return any("opted_out" in group and bool(group["opted_out"].path) for group in fields)

    def kind_of(self, word: str) -> str:
        """Given a row's word for its kind, return the kind; a word nobody mapped stays as it is."""
        folded = word.casefold()
        for kind, about in self.kinds.items():
            if folded in (known.casefold() for known in about.words):
                return kind
        return word or "unknown"

    def lookup_fields(self, kind: str) -> Mapping[str, FieldPath]:
        """Given a kind, return the fields its lookup asks for: an address and names, or what leads on."""
        via = self.kinds[kind].via
        if via:
            return {"via": FieldPath(path=via.path, required=True)}
        return self.kinds[kind].fields or self.people.fields

    @property
    def opt_out_methods(self) -> Mapping[str, str]:
        """The full name of the method by which an opt-out is written, by kind of person."""
        return {
            name: method_name(kind.opt_out.service or kind.service, kind.opt_out.method)
            for name, kind in self.kinds.items()
            if kind.opt_out
        }


def method_name(service: str, method: str) -> str:
    """Given a service and a method of the mapping, return the name by which OTYS calls it."""
    return f"Otys.Services.{service}.{method}"


def load_mapping(path: Path | None) -> OtysMapping:
    """Given an operator's file, return the packaged mapping with that file's lines in place of its own.

    None returns the packaged mapping. Raise ConfigurationError with every problem found.
    """
    source = str(path) if path else PACKAGED
    content = _parse(files("reconciler.sources").joinpath("mapping.toml").read_text("utf-8"), PACKAGED)
    if path:
        content = _merged(content, _parse(_read(path), source))
    problems = [*_shape_problems(content, inspect.type_info(OtysMapping), "")]
    if problems:
        raise ConfigurationError(problems, source=source)
    mapping = msgspec.convert(content, OtysMapping)
    problems = [*_meaning_problems(mapping)]
    if problems:
        raise ConfigurationError(problems, source=source)
    return mapping


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        problem = Problem(str(path), f"the mapping file cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        problem = Problem(str(path), "the mapping file is not UTF-8 text")
    raise ConfigurationError([problem], source=str(path))


def _parse(content: str, source: str) -> dict[str, object]:
    try:
        return parse_toml(content)
    except NotToml as error:
        raise ConfigurationError([Problem(source, f"this is not TOML: {error}")], source=source) from None


def _merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _shape_problems(given: object, wanted: inspect.Type, path: str) -> Iterator[Problem]:
    match wanted:
        case inspect.UnionType():
            present = next(kind for kind in wanted.types if not isinstance(kind, inspect.NoneType))
            yield from _shape_problems(given, present, path)
        case inspect.StructType() | inspect.DictType() if not isinstance(given, dict):
            yield Problem(path, "a table is expected here")
        case inspect.StructType():
            yield from _table_problems(cast("dict[str, object]", given), wanted, path)
        case inspect.DictType():
            table = cast("dict[str, object]", given)
            yield from _unknown_keys(table, _names_known_at(path) or table, path)
            for key, value in table.items():
                yield from _shape_problems(value, wanted.value_type, _below(path, key))
        case _:
            expected = _expectation(given, wanted)
            if expected:
                yield Problem(path, f"{expected} is expected here")


def _expectation(given: object, wanted: inspect.Type) -> str:
    match wanted:
        case inspect.VarTupleType():
            fits = isinstance(given, list) and all(isinstance(item, str) for item in given)
            return "" if fits else 'a list of texts, such as ["one", "two"],'
        case inspect.BoolType():
            return "" if isinstance(given, bool) else "true or false"
        case _:
            return "" if isinstance(given, str) else "a text in quotation marks"


def _names_known_at(path: str) -> tuple[str, ...]:
    match path.split("."):
        case ["lists", "fields"]:
            return LIST_FIELDS
        case ["recipients", "fields"]:
            return RECIPIENT_FIELDS
        case [*_, "fields"]:
            return PERSON_FIELDS
        case _:
            return ()


def _table_problems(given: Mapping[str, object], wanted: inspect.StructType, path: str) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in wanted.fields}
    yield from _unknown_keys(given, fields, path)
    for name, field in fields.items():
        if name in given:
            yield from _shape_problems(given[name], field.type, _below(path, name))
        elif field.required:
            yield Problem(_below(path, name), "this is missing")


def _meaning_problems(mapping: OtysMapping) -> Iterator[Problem]:
    lists, recipients, people = mapping.lists, mapping.recipients, mapping.people
    yield from _field_problems(lists.fields, ("uid", "name"), "lists.fields")
    yield from _field_problems(recipients.fields, ("uid", "kind", "entity", "email"), "recipients.fields")
    yield from _field_problems(people.fields, ("email",), "people.fields")
    for path, method in {
        "lists.method": lists.method,
        "lists.detail_method": lists.detail_method,
        "recipients.method": recipients.method,
        "people.method": people.method,
    }.items():
        if not re.fullmatch("get[A-Z][A-Za-z]*", method):
            yield Problem(path, f"{method!r} is no reading method: those begin with `get`")
    services = {"lists.service": lists.service, "recipients.service": recipients.service}
    services |= {
        f"kinds.{name}.service": kind.service for name, kind in mapping.kinds.items() if kind.service
    }
    for path, service in services.items():
        if not re.fullmatch("[A-Z][A-Za-z]*Service", service):
            yield Problem(path, f"{service!r} is no service: `Otys.Services.` is left out, `Service` is not")
    for path, texts in {
        "settings.missing_messages": mapping.settings.missing_messages,
        "lists.gone_messages": lists.gone_messages,
    }.items():
        if not all(text.strip() for text in texts):
            yield Problem(path, "an empty text would fit every message")
    yield from _kind_problems(mapping.kinds)


def _field_problems(fields: Mapping[str, FieldPath], needed: tuple[str, ...], path: str) -> Iterator[Problem]:
    for name in needed:
        if name not in fields or not fields[name].path:
            yield Problem(_below(path, name), "nothing works without this field, so it needs a path")


def _kind_problems(kinds: Mapping[str, KindMapping]) -> Iterator[Problem]:
    claimed: dict[str, str] = {}
    for name, kind in kinds.items():
        path = f"kinds.{name}"
        for word in kind.words:
            other = claimed.setdefault(word.casefold(), name)
            if other != name:
                yield Problem(f"{path}.words", f"{word!r} already means {other}")
        if kind.fields:
            yield from _field_problems(kind.fields, ("email",), f"{path}.fields")
        if kind.opt_out:
            for key, problem in kind.opt_out.problems(kind.service):
                yield Problem(f"{path}.opt_out.{key}", problem)
        if kind.via and kind.via.kind not in kinds:
            yield Problem(f"{path}.via.kind", f"unknown kind{_did_you_mean(kind.via.kind, kinds)}")
        elif kind.via and (kinds[kind.via.kind].via or not kinds[kind.via.kind].service):
            yield Problem(f"{path}.via.kind", f"a {kind.via.kind} cannot be looked up by itself")


def _unknown_keys(given: Iterable[str], known: Iterable[str], path: str) -> Iterator[Problem]:
    names = list(known)
    for key in given:
        if key not in names:
            yield Problem(_below(path, key), f"unknown key{_did_you_mean(key, names)}")


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
