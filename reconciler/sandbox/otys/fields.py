"""Knows which fields each service shows, in a list and in a detail.

People: facts/otys.md, 7. Mailing lists and their rows: as sources/mapping.toml guesses them.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final, TypeAlias, TypeVar

from reconciler.sandbox.otys.json_types import Json
from reconciler.sandbox.otys.state import Entity, Kind, MailingList, OtysState, Recipient


class Absence(Enum):
    """A field that a row does not carry at all, which is neither null nor empty."""

    ABSENT = "absent"


ABSENT: Final = Absence.ABSENT
Value: TypeAlias = Json | Absence
Record = TypeVar("Record")
Fields: TypeAlias = Mapping[str, Callable[[OtysState, Record], Value]]


def boolean(state: OtysState, value: bool) -> Json:  # noqa: FBT001 - the value itself is the argument
    """Given a truth, return it as this tenant's back end spells it."""
    if state.switches.php_types:
        return "1" if value else "0"
    return value


def _count(state: OtysState, number: int) -> Json:
    return str(number) if state.switches.php_types else number


def _label(state: OtysState, text: str) -> Json:
    return {"uid": text.lower(), "name": text} if state.switches.small_objects and text else text


def _collection(state: OtysState, rows: list[Json]) -> Json:
    if not state.switches.collections_as_object:
        return rows
    return empty_or({str(index): row for index, row in enumerate(rows)}, state)


def empty_or(mapping: dict[str, Json], state: OtysState) -> Json:
    """Given an object, return it, or the empty array by which PHP spells an empty one."""
    return [] if state.switches.php_types and not mapping else mapping


LIST_FIELDS: Fields[MailingList] = {
    "uid": lambda _, row: row.uid,
    "name": lambda _, row: row.name,
    "description": lambda _, row: row.description,
    "subject": lambda _, row: row.subject,
    "owner": lambda state, row: _label(state, row.owner),
    "entryDateTime": lambda _, row: row.created,
    "category": lambda state, row: _label(state, row.category),
    "isGlobal": lambda state, row: boolean(state, row.is_global),
    "lastModified": lambda _, row: row.last_modified,
    "lastModifiedBy": lambda state, row: _label(state, row.last_modified_by),
    "isPublished": lambda state, row: boolean(state, row.published),
    "isTemporary": lambda state, row: boolean(state, row.temporary),
    "isMailchimp": lambda state, row: boolean(state, row.mailchimp),
    "permissionReminder": lambda _, row: row.permission_reminder,
    "recipientCount": lambda state, row: _count(state, len(row.recipients)),
    "isDeleted": lambda state, row: boolean(state, row.deleted),
}

PERSON_IN_LISTS: Fields[Entity] = {
    "Person.firstName": lambda _, person: person.first_name,
    "Person.lastName": lambda _, person: person.last_name,
    "Person.emailPrimary": lambda _, person: person.email,
}
INFIX: Fields[Entity] = {"Person.infix": lambda _, person: person.infix}
LANGUAGE: Fields[Entity] = {"Person.languageCode": lambda _, person: person.language}
PERSON_DETAIL: Fields[Entity] = {
    **PERSON_IN_LISTS,
    **INFIX,
    **LANGUAGE,
    "Person.initials": lambda _, person: person.first_name[:1],
    "Person.gender": lambda _, _person: None,
    "Person.title": lambda _, _person: "",
    "Person.suffix": lambda _, _person: "",
    "Person.nationalityCode": lambda _, _person: None,
    "Person.AddressPrimary": lambda _, person: {
        "address": "",
        "city": person.city,
        "postcode": "",
        "stateCode": "",
        "countryCode": "",
        "country": "",
    },
    "Person.Emails": lambda state, person: _collection(state, [{"type": "primary", "email": person.email}]),
    "Person.PhoneNumbers": lambda state, person: _collection(
        state, [{"type": "mobile", "phoneNumber": person.phone}] if person.phone else []
    ),
}

CANDIDATE_LIST: Fields[Entity] = {
    "uid": lambda _, row: row.uid,
    "status": lambda _, row: row.status,
    "entryDateTime": lambda _, row: row.entered,
    **PERSON_IN_LISTS,
    **INFIX,
}
CANDIDATE_DETAIL: Fields[Entity] = {
    **CANDIDATE_LIST,
    **PERSON_DETAIL,
    "internalId": lambda state, row: _count(state, row.number),
    "acceptTerms": lambda state, _row: boolean(state, value=True),
    "Person.birthdate": lambda _, _row: None,
    **{f"matchCriteria_{number}": lambda _, _row: None for number in range(1, 19)},
    **{f"extraInfo{number}": lambda _, _row: "" for number in range(1, 6)},
    "Addresses": lambda state, _row: _collection(state, []),
    "UtmTags": lambda state, _row: empty_or({}, state),
}
CONTACT_LIST: Fields[Entity] = {
    "uid": lambda _, row: row.uid,
    "relation": lambda _, row: row.name,
    **PERSON_IN_LISTS,
}
CONTACT_DETAIL: Fields[Entity] = {**CONTACT_LIST, **PERSON_DETAIL}
RELATION_LIST: Fields[Entity] = {
    "uid": lambda _, row: row.uid,
    "relation": lambda _, row: row.name,
    "status": lambda _, row: row.status,
    "email": lambda _, row: row.email,
    "phoneNumberMain": lambda _, row: row.phone,
    "website": lambda _, _row: "",
    "city": lambda _, row: row.city,
    "entryDateTime": lambda _, row: row.entered,
}
RELATION_CONDITIONS: Fields[Entity] = {"customerNr": lambda _, row: row.number}
USER_FIELDS: Fields[Entity] = {
    "uid": lambda _, row: row.number,  # a number, unlike every other uid (facts/otys.md, 3)
    "functionId": lambda _, _row: None,
    **PERSON_DETAIL,
}
USER_CONDITIONS: Fields[Entity] = {"blocked": lambda state, row: boolean(state, row.blocked)}
PROCEDURE_FIELDS: Fields[Entity] = {
    "uid": lambda _, row: row.uid,
    "candidateUid": lambda _, row: row.candidate_uid,
    "vacancyUid": lambda _, row: row.vacancy_uid,
    "entryDateTime": lambda _, row: row.entered,
    **{f"ProcedureStatus{level}.uid": lambda _, _row: "1_4" for level in (1, 2, 3)},
    **{f"ProcedureStatus{level}.status": lambda _, _row: "Voorgesteld" for level in (1, 2, 3)},
}

WITHOUT_PERSON = frozenset({Kind.RELATION, Kind.MANUAL})
"""Kinds whose rows carry an address and one name, but no Person."""


def opt_out_field(state: OtysState) -> Fields[Entity]:
    """Given a tenant, return the field in which it keeps "no mailings", none if it has no such field."""
    name = state.switches.opt_out_field
    return {name: lambda state, person: boolean(state, person.opted_out)} if name else {}


def recipient_fields(state: OtysState) -> Fields[Recipient]:
    """Given a tenant, return what its rows of a mailing list show."""
    fields: dict[str, Callable[[OtysState, Recipient], Value]] = {
        "uid": lambda _, row: row.uid,
        "mailingListUid": lambda _, row: row.list_uid,
        "entityType": lambda _, row: row.kind,
        "entityUid": _entity_uid,
        "email": _email,
        "name": _name,
    }
    for path, read in {**PERSON_IN_LISTS, **INFIX, **LANGUAGE, **opt_out_field(state)}.items():
        fields[path] = _of_person(read)
    return fields


def _shows_only_references(state: OtysState, row: Recipient) -> bool:
    return row.kind == Kind.PROCEDURE or (state.switches.references_only and row.kind != Kind.MANUAL)


def _entity_uid(_: OtysState, row: Recipient) -> Value:
    if row.kind == Kind.MANUAL:
        return None
    return int(row.entity) if row.kind == Kind.USER else row.entity


def _email(state: OtysState, row: Recipient) -> Value:
    if row.kind == Kind.MANUAL:
        return row.email
    if _shows_only_references(state, row):
        return ABSENT
    entity = state.entity(row.kind, row.entity)
    return None if entity is None else entity.email


def _name(state: OtysState, row: Recipient) -> Value:
    if row.kind == Kind.MANUAL:
        return row.name
    if _shows_only_references(state, row):
        return ABSENT
    entity = state.entity(row.kind, row.entity)
    if entity is None:
        return None
    if row.kind in WITHOUT_PERSON:
        return entity.name
    return " ".join(part for part in (entity.first_name, entity.infix, entity.last_name) if part)


def _of_person(read: Callable[[OtysState, Entity], Value]) -> Callable[[OtysState, Recipient], Value]:
    def read_through(state: OtysState, row: Recipient) -> Value:
        if row.kind in WITHOUT_PERSON or _shows_only_references(state, row):
            return ABSENT
        entity = state.entity(row.kind, row.entity)
        return ABSENT if entity is None else read(state, entity)

    return read_through
