import pytest

from reconciler.sandbox.otys import Kind
from tests.sandbox.otys_client import Tenant, condition, person

CANDIDATES = "CandidateService"


@pytest.fixture
def tenant() -> Tenant:
    tenant = Tenant()
    for number in range(1, 4):
        person(tenant.state, number).entered = f"2026-0{number}-10 08:00:00"
    return tenant


def names(tenant: Tenant, **arguments: object) -> list[str]:
    rows = tenant.rows(CANDIDATES, what={"Person": {"firstName": 1}}, **arguments)
    return [str(row["Person"]["firstName"]) for row in rows if isinstance(row["Person"], dict)]


@pytest.mark.parametrize(
    ("operator", "parameter", "found"),
    [
        ("EQ", "P2", ["P2"]),
        ("EQ", ["P1", "P3"], ["P1", "P3"]),
        ("NE", "P2", ["P1", "P3"]),
        ("GT", "P2", ["P3"]),
        ("GE", "P2", ["P2", "P3"]),
        ("LE", "P2", ["P1", "P2"]),
        ("LIKE", "%2", ["P2"]),
        ("LIKE", "p%", ["P1", "P2", "P3"]),
    ],
)
def test_each_operator_selects_what_it_says(
    tenant: Tenant, operator: str, parameter: object, found: list[str]
) -> None:
    assert names(tenant, condition=condition("Person.firstName", operator, parameter)) == found


def test_conditions_nest_with_and_and_or(tenant: Tenant) -> None:
    one_or_two = {
        "type": "OR",
        "items": [condition("Person.firstName", "EQ", "P1"), condition("Person.firstName", "EQ", "P2")],
    }
    tree = {"type": "AND", "items": [one_or_two, condition("Person.firstName", "NE", "P1")]}

    assert names(tenant, condition=tree) == ["P2"]


def test_several_uids_are_looked_up_at_once_by_a_list_or_by_or(tenant: Tenant) -> None:
    first, _, third = tenant.state.entities[Kind.CANDIDATE]
    either = {"type": "OR", "items": [condition("uid", "EQ", first), condition("uid", "EQ", third)]}

    assert names(tenant, condition=condition("uid", "EQ", [first, third])) == ["P1", "P3"]
    assert names(tenant, condition=either) == ["P1", "P3"]


def test_a_date_is_asked_for_as_iso_8601(tenant: Tenant) -> None:
    assert names(tenant, condition=condition("entryDateTime", "GE", "2026-02-09T21:59:59.999Z")) == [
        "P2",
        "P3",
    ]


def test_rows_are_sorted_by_dotted_fields_both_ways_and_by_order_too(tenant: Tenant) -> None:
    assert names(tenant, sort={"Person.lastName": "DESC"}) == ["P3", "P2", "P1"]
    assert names(tenant, order={"Person.lastName": "ASC"}) == ["P1", "P2", "P3"]


def test_numbers_sort_as_numbers() -> None:
    tenant = Tenant()
    tenant.state.next_number = 98
    uids = [tenant.state.add_list("x").uid for _ in range(4)]

    assert tenant.uids("MailingListService", sort={"uid": "ASC"}) == uids
    assert uids == ["98", "99", "100", "101"]


def test_a_leaf_of_zero_or_null_is_left_out(tenant: Tenant) -> None:
    (row, *_) = tenant.rows(CANDIDATES, what={"status": 1, "uid": 0, "entryDateTime": None})

    assert row == {"status": "active"}


def test_a_group_as_a_whole_is_all_that_is_readable_in_it(tenant: Tenant) -> None:
    (row, *_) = tenant.rows(CANDIDATES, what={"Person": 1})

    assert isinstance(row["Person"], dict)
    assert set(row["Person"]) == {"firstName", "infix", "lastName", "emailPrimary"}


def test_without_what_the_default_columns_come(tenant: Tenant) -> None:
    (row, *_) = tenant.rows(CANDIDATES, what=None)

    assert {"uid", "Person"} <= set(row)
    assert tenant.rows(CANDIDATES)[0] == row


@pytest.mark.parametrize(
    ("service", "what"),
    [
        ("CandidateService", {"updateDateTime": 1}),
        ("CandidateService", {"Person": {"PhoneNumbers": 1}}),
        ("CandidateService", {"Person": {"languageCode": 1}}),
        ("CandidateService", {"Person": {"birthdate": 1}}),
        ("RelationContactService", {"relationUid": 1}),
        ("RelationContactService", {"status": 1}),
        ("RelationContactService", {"Person": {"infix": 1}}),
        ("RelationService", {"address": 1}),
        ("ProcedureService", {"Person": {"emailPrimary": 1}}),
        ("MailingListService", {"nonsense": 1}),
    ],
)
def test_one_unreadable_field_fails_the_whole_list_call(
    tenant: Tenant, service: str, what: dict[str, object]
) -> None:
    assert "Abstract_field" in tenant.refusal(f"{service}.getListEx", {"what": {"uid": 1, **what}})


def test_unreadable_fields_fail_in_conditions_and_in_sorting_too(tenant: Tenant) -> None:
    asked = {"condition": condition("Person.phone", "EQ", "1")}

    assert "Abstract_field" in tenant.refusal(f"{CANDIDATES}.getListEx", asked)
    assert "Abstract_field" in tenant.refusal(f"{CANDIDATES}.getListEx", {"sort": {"updated": "ASC"}})


def test_a_tenant_may_keep_to_itself_which_field_was_unreadable(tenant: Tenant) -> None:
    tenant.state.switches.name_unreadable_fields = False

    refusal = tenant.refusal(f"{CANDIDATES}.getListEx", {"what": {"updateDateTime": 1}})

    assert "Abstract_field" in refusal
    assert "updateDateTime" not in refusal


def test_unproven_fields_are_readable_on_a_lenient_tenant(tenant: Tenant) -> None:
    tenant.state.switches.unproven_fields = True

    assert tenant.rows(CANDIDATES, what={"Person": {"languageCode": 1}}, limit=1) == [
        {"Person": {"languageCode": "nl"}}
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        {"condition": {"type": "NOT", "items": []}},
        {"condition": {"type": "COND", "field": "uid", "op": "EQ"}},
        {"condition": condition("uid", "IN", ["1"])},
        {"condition": "uid = 1"},
        {"limit": "many"},
        {"sort": "uid"},
        {"search": {"ACTONOMY": {}}},
        "everything",
    ],
)
def test_what_is_not_understood_is_refused_and_never_ignored(tenant: Tenant, arguments: object) -> None:
    assert tenant.refusal(f"{CANDIDATES}.getListEx", arguments)


def test_a_detail_shows_more_than_a_list(tenant: Tenant) -> None:
    uid = next(iter(tenant.state.entities[Kind.CANDIDATE]))

    detail = tenant.ask(
        f"{CANDIDATES}.getDetail", uid, {"internalId": 1, "Person": {"languageCode": 1}}, None
    )

    assert detail == {"internalId": "1001", "Person": {"languageCode": "nl"}}
    assert "does not exist" in tenant.refusal(f"{CANDIDATES}.getDetail", "nobody", {"uid": 1})


@pytest.mark.parametrize(("as_object", "shape"), [(False, list), (True, dict)])
def test_a_collection_comes_as_an_array_or_keyed_by_index(
    tenant: Tenant, *, as_object: bool, shape: type
) -> None:
    tenant.state.switches.collections_as_object = as_object
    uid = next(iter(tenant.state.entities[Kind.CANDIDATE]))

    detail = tenant.ask(f"{CANDIDATES}.getDetail", uid, {"Person": {"Emails": 1, "PhoneNumbers": 1}})

    assert isinstance(detail, dict)
    assert isinstance(detail["Person"], dict)
    assert isinstance(detail["Person"]["Emails"], shape)
    assert detail["Person"]["PhoneNumbers"] == []


def test_each_people_service_gives_its_address() -> None:
    tenant = Tenant()
    for kind in (Kind.CANDIDATE, Kind.CONTACT, Kind.USER):
        person(tenant.state, 1, kind)
    tenant.state.add_entity(Kind.RELATION, email="info@bouw.nl", name="Bouw BV")
    address = {"Person": {"emailPrimary": 1}}

    for service in ("CandidateService", "RelationContactService", "UserService"):
        assert tenant.ask(f"{service}.getList", {"what": address}) == [
            {"Person": {"emailPrimary": "p1@mailhuis.nl"}}
        ]
    assert tenant.rows("RelationService", what={"relation": 1, "email": 1}) == [
        {"relation": "Bouw BV", "email": "info@bouw.nl"}
    ]


def test_users_can_be_asked_for_by_blocked_though_it_is_not_shown() -> None:
    tenant = Tenant()
    person(tenant.state, 1, Kind.USER).blocked = True
    active = person(tenant.state, 2, Kind.USER)

    assert tenant.uids("UserService", condition=condition("blocked", "EQ", "0")) == [int(active.uid)]
    assert "Abstract_field" in tenant.refusal("UserService.getList", {"what": {"blocked": 1}})


def test_a_detail_of_a_candidate_shows_the_proven_fields_beside_its_person() -> None:
    tenant = Tenant()
    ada = person(tenant.state, 1)
    what = {"extraInfo1": 1, "Addresses": 1, "UtmTags": 1, "Person": {"suffix": 1, "AddressPrimary": 1}}
    detail = tenant.ask("CandidateService.getDetail", ada.uid, what)
    assert isinstance(detail, dict)
    assert set(detail) == {"extraInfo1", "Addresses", "UtmTags", "Person"}
    assert isinstance(detail["Person"], dict)
    assert set(detail["Person"]) == {"suffix", "AddressPrimary"}
    assert "Abstract_field" in tenant.refusal("CandidateService.getListEx", {"what": {"extraInfo1": 1}})


def test_any_method_but_post_is_refused() -> None:
    tenant = Tenant()
    for method in ("GET", "HEAD", "OPTIONS", "PUT"):
        reply = tenant.post(b"", method=method)
        assert (reply.status, dict(reply.headers)["Allow"]) == (405, "POST")
