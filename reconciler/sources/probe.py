"""Knows how to show what a real tenant's OTYS answers: shapes and field names, never values."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.api.ows import OwsClient
from reconciler.api.ows_answers import Page
from reconciler.api.values import Json, Row
from reconciler.errors import RemoteError
from reconciler.sources.mapping import ListsMapping, OtysMapping, RecipientsMapping, method_name
from reconciler.sources.otys_fields import AskedFields
from reconciler.sources.otys_settings import named_overrides, read_settings

LISTS_TRIED = 5
PAGE = 200
VOCABULARY = re.compile(r"[A-Za-z_]{1,30}")  # anything else in the place of a kind may be a name
DIGITS_ONLY = re.compile(r"-?\d+")
LOOKS_LIKE = (
    ("an address", re.compile(r"\S+@\S+")),
    ("a number", DIGITS_ONLY),
    ("a date", re.compile(r"\d{4}-\d\d-\d\d.*")),
)

Rows = Sequence[Row]


@dataclass(frozen=True, slots=True)
class ProbedSetting:
    """One client setting: whether it is there, never what it says."""

    code: str
    name: str
    origin: str
    active: bool


@dataclass(frozen=True, slots=True)
class ProbedService:
    """What one service of the mapping answers."""

    service: str
    method: str
    total: int | None = None
    found: Mapping[str, str] = field(default_factory=dict)
    """Mapped fields that came, by name."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Mapped fields that were accepted, but came in no row."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Mapped fields the tenant refuses."""
    shape: Json = None
    """The first row, with kinds of values instead of values."""
    default_shape: Json = None
    """The same, of what the service gives when no fields are named: where to look for other names."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """Everything needed to correct the mapping on site; plain values, fit for JSON."""

    mapping_status: str
    client: str = ""
    settings: tuple[ProbedSetting, ...] = ()
    services: tuple[ProbedService, ...] = ()
    kinds: Mapping[str, int] = field(default_factory=dict)
    """How many rows of the probed page are of each kind the mapping knows."""
    unknown_kinds: Mapping[str, int] = field(default_factory=dict)
    """The words of kinds the mapping does not know."""
    problems: tuple[str, ...] = ()


def probe(
    ows: OwsClient, mapping: OtysMapping, settings_overrides: Mapping[str, str] | None = None
) -> ProbeReport:
    """Given a tenant, the mapping and settings overridden by code, return what the tenant really answers.

    Raise RemoteError only if the tenant cannot be reached or the key is refused; the rest is reported.
    """
    overrides = named_overrides(mapping.settings, settings_overrides or {})
    user = ows.check()
    report = ProbeReport(mapping_status=mapping.status, client=user.client_name)
    try:
        settings = read_settings(ows, mapping, user.client_id, overrides).settings
    except RemoteError as error:
        report = replace(report, problems=(f"the settings cannot be read ({error})",))
    else:
        probed = (ProbedSetting(one.code, one.name, one.origin.value, one.active) for one in settings)
        report = replace(report, settings=tuple(probed))
    lists, list_rows = _probe_lists(ows, mapping)
    recipients, rows = _probe_recipients(ows, mapping, list_rows)
    people = _probe_people(ows, mapping, rows)
    services = (lists, recipients, *people)
    known, unknown = _kinds(mapping, rows)
    return replace(
        report,
        services=services,
        kinds=known,
        unknown_kinds=unknown,
        problems=(
            *report.problems,
            *(f"{one.service}.{one.method}: {one.error}" for one in services if one.error),
        ),
    )


def _probe_lists(ows: OwsClient, mapping: OtysMapping) -> tuple[ProbedService, Rows]:
    about = mapping.lists
    return _probe_listing(ows, about, condition=None)


def _probe_recipients(ows: OwsClient, mapping: OtysMapping, list_rows: Rows) -> tuple[ProbedService, Rows]:
    about = mapping.recipients
    asked = AskedFields(mapping.lists.service, mapping.lists.fields)
    probed = ProbedService(about.service, about.method, error="not asked, because no list came")
    for list_row in list_rows[:LISTS_TRIED]:
        condition: Json = {
            "type": "COND",
            "field": about.list_condition,
            "op": "EQ",
            "param": asked.sent(list_row).identity("uid"),
        }
        probed, rows = _probe_listing(ows, about, condition=condition)
        if rows or probed.error:
            return probed, rows
    return replace(
        probed, error=probed.error or f"the first {LISTS_TRIED} lists have no recipient to look at"
    ), ()


def _probe_listing(
    ows: OwsClient, about: ListsMapping | RecipientsMapping, *, condition: Json
) -> tuple[ProbedService, Rows]:
    method = method_name(about.service, about.method)

    def page(what: Json, limit: int) -> Page:
        arguments: dict[str, Json] = {
            "what": what,
            "condition": condition,
            "limit": limit,
            "offset": 0,
            "sort": {about.sort: "ASC"} if what else None,
            "getTotalCount": 1,
        }
        return ows.page(method, arguments)

    def rows_by_default() -> Rows:
        return page(None, 1).rows

    asked = AskedFields(about.service, about.fields)
    probed = ProbedService(about.service, about.method, default_shape=_shape_by_default(rows_by_default))
    try:
        answer = asked.ask(lambda what: page(what, PAGE))
    except RemoteError as error:
        return replace(probed, refused=asked.refused, error=str(error)), ()
    return replace(_compared(probed, asked, answer.rows), total=answer.total), answer.rows


def _probe_people(ows: OwsClient, mapping: OtysMapping, rows: Rows) -> Iterator[ProbedService]:
    asked = AskedFields(mapping.recipients.service, mapping.recipients.fields)
    uids: dict[str, str] = {}
    for row in rows:
        sent = asked.sent(row)
        kind, uid = mapping.kind_of(sent.text("kind")), sent.identity("entity")
        if uid and kind in mapping.kinds and mapping.kinds[kind].service:
            uids.setdefault(kind, uid)
    for kind, uid in sorted(uids.items()):
        yield _probe_person(ows, mapping, kind, uid)


def _probe_person(ows: OwsClient, mapping: OtysMapping, kind: str, uid: str) -> ProbedService:
    about = mapping.kinds[kind]
    method = method_name(about.service, mapping.people.method)

    def detail(what: Json) -> Rows:
        answer = ows.call(method, uid, what)
        return [answer] if isinstance(answer, dict) else []

    asked = AskedFields(about.service, mapping.lookup_fields(kind))
    probed = ProbedService(
        about.service, mapping.people.method, default_shape=_shape_by_default(lambda: detail(None))
    )
    try:
        return _compared(probed, asked, asked.ask(detail))
    except RemoteError as error:
        return replace(probed, refused=asked.refused, error=str(error))


def _compared(probed: ProbedService, asked: AskedFields, rows: Rows) -> ProbedService:
    came = {name for row in rows for name in asked.sent(row).values}
    return replace(
        probed,
        found={name: path for name, path in asked.paths.items() if name in came},
        missing={name: path for name, path in asked.paths.items() if name not in came},
        refused=asked.refused,
        shape=shape_of(rows[0]) if rows else None,
    )


def _shape_by_default(read: Callable[[], Rows]) -> Json:
    try:
        rows = read()
    except RemoteError:
        return None  # a service may insist on named fields; what it says to those is reported
    return shape_of(rows[0]) if rows else None


def _kinds(mapping: OtysMapping, rows: Rows) -> tuple[dict[str, int], dict[str, int]]:
    asked = AskedFields(mapping.recipients.service, mapping.recipients.fields)
    known: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for row in rows:
        word = asked.sent(row).text("kind")
        kind = mapping.kind_of(word)
        if kind in mapping.kinds:
            known[kind] += 1
        else:
            unknown[word if VOCABULARY.fullmatch(word) else _kind_of_text(word)] += 1
    return dict(known), dict(unknown)


def shape_of(value: Json | Mapping[str, Json]) -> Json:
    """Given any answer, return it with kinds of values instead of values."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return _kind_of_text(value)
        case list():
            return [shape_of(value[0])] if value else []
        case _ if value and all(DIGITS_ONLY.fullmatch(key) for key in value):
            return {"(index)": shape_of(next(iter(value.values())))}
        case _:
            return {key: shape_of(member) for key, member in value.items()}


def _kind_of_text(value: str) -> str:
    if not value:
        return "empty text"
    return next((f"text: {name}" for name, form in LOOKS_LIKE if form.fullmatch(value)), "text")
