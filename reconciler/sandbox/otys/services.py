"""Knows the list-like services: what their records are, where they live and which fields they show."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic

from reconciler.sandbox.otys.fields import (
    CANDIDATE_DETAIL,
    CANDIDATE_LIST,
    CONTACT_DETAIL,
    CONTACT_LIST,
    INFIX,
    LANGUAGE,
    LIST_FIELDS,
    PROCEDURE_FIELDS,
    RELATION_CONDITIONS,
    RELATION_LIST,
    USER_CONDITIONS,
    USER_FIELDS,
    Fields,
    Record,
    opt_out_field,
    recipient_fields,
)
from reconciler.sandbox.otys.state import Entity, Kind, MailingList, OtysState, Recipient


@dataclass(frozen=True, slots=True)
class ListedService(Generic[Record]):
    """One service with getList, getListEx and getDetail; every member but the names is asked per tenant."""

    name: str
    noun: str
    key: str
    """The field by which `rows` finds records without looking at all of them."""
    in_list: Callable[[OtysState], Fields[Record]]
    in_detail: Callable[[OtysState], Fields[Record]]
    in_conditions: Callable[[OtysState], Fields[Record]]
    """Fields that may be asked about though they are not shown."""
    defaults: frozenset[str] | None
    """What a list shows unasked; None means every field."""
    rows: Callable[[OtysState, list[str] | None], Iterable[Record]]
    find: Callable[[OtysState, str], Record | None]

    def default_paths(self, state: OtysState) -> list[str]:
        """Given a tenant, return the paths a list shows when nothing is asked."""
        return [path for path in self.in_list(state) if self.defaults is None or path in self.defaults]


def _nothing(_: OtysState) -> Fields[Record]:
    return {}


def _all_lists(state: OtysState, uids: list[str] | None) -> Iterable[MailingList]:
    shown = (row for row in state.lists.values() if not row.deleted or state.switches.keep_deleted_lists)
    return shown if uids is None else (row for row in shown if row.uid in uids)


def _find_list(state: OtysState, uid: str) -> MailingList | None:
    found = state.lists.get(uid)
    hidden = found is not None and found.deleted and not state.switches.keep_deleted_lists
    return None if hidden else found


def _recipients(state: OtysState, list_uids: list[str] | None) -> Iterable[Recipient]:
    if list_uids is None:
        return state.recipients_of(None)
    return (row for uid in dict.fromkeys(list_uids) for row in state.recipients_of(uid))


def _find_recipient(state: OtysState, uid: str) -> Recipient | None:
    return next((row for row in state.recipients_of(None) if row.uid == uid), None)


MAILING_LISTS: ListedService[MailingList] = ListedService(
    name="MailingListService",
    noun="Mailing list",
    key="uid",
    in_list=lambda _: LIST_FIELDS,
    in_detail=lambda _: LIST_FIELDS,
    in_conditions=_nothing,
    defaults=frozenset({"uid", "name", "description"}),
    rows=_all_lists,
    find=_find_list,
)
RECIPIENTS: ListedService[Recipient] = ListedService(
    name="MailingListRecipientService",
    noun="Recipient",
    key="mailingListUid",
    in_list=recipient_fields,
    in_detail=recipient_fields,
    in_conditions=_nothing,
    defaults=None,
    rows=_recipients,
    find=_find_recipient,
)


def _people(
    kind: Kind,
    name: str,
    noun: str,
    *,
    in_list: Fields[Entity],
    in_detail: Fields[Entity],
    in_conditions: Fields[Entity] | None = None,
) -> ListedService[Entity]:
    has_person = "Person.emailPrimary" in in_list

    def shown_in_list(state: OtysState) -> Fields[Entity]:
        if not has_person:
            return in_list
        unproven = {**INFIX, **LANGUAGE} if state.switches.unproven_fields else {}
        return {**in_list, **unproven, **opt_out_field(state)}

    def shown_in_detail(state: OtysState) -> Fields[Entity]:
        return {**in_detail, **opt_out_field(state)} if has_person else in_detail

    def rows(state: OtysState, uids: list[str] | None) -> Iterable[Entity]:
        entities = state.entities.get(kind, {})
        if uids is None:
            return entities.values()
        return (entities[uid] for uid in dict.fromkeys(uids) if uid in entities)

    return ListedService(
        name=name,
        noun=noun,
        key="uid",
        in_list=shown_in_list,
        in_detail=shown_in_detail,
        in_conditions=lambda _: in_conditions or {},
        defaults=None,
        rows=rows,
        find=lambda state, uid: state.entity(kind, uid),
    )


PEOPLE_SERVICES = (
    _people(
        Kind.CANDIDATE, "CandidateService", "Candidate", in_list=CANDIDATE_LIST, in_detail=CANDIDATE_DETAIL
    ),
    _people(
        Kind.CONTACT, "RelationContactService", "Contact", in_list=CONTACT_LIST, in_detail=CONTACT_DETAIL
    ),
    _people(
        Kind.RELATION,
        "RelationService",
        "Relation",
        in_list=RELATION_LIST,
        in_detail=RELATION_LIST,
        in_conditions=RELATION_CONDITIONS,
    ),
    _people(
        Kind.USER,
        "UserService",
        "User",
        in_list=USER_FIELDS,
        in_detail=USER_FIELDS,
        in_conditions=USER_CONDITIONS,
    ),
    _people(
        Kind.PROCEDURE,
        "ProcedureService",
        "Procedure",
        in_list=PROCEDURE_FIELDS,
        in_detail=PROCEDURE_FIELDS,
    ),
)
