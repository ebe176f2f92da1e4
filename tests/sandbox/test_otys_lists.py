import pytest

from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys import Kind, OtysState
from reconciler.sandbox.otys.json_types import Json
from tests.sandbox.otys_client import Tenant, condition, person

LISTS = "MailingListService"
ROWS = "MailingListRecipientService"
PERSON = {"firstName": 1, "infix": 1, "lastName": 1, "languageCode": 1}
WHOLE_ROW = {"uid": 1, "entityType": 1, "entityUid": 1, "email": 1, "name": 1, "Person": PERSON}


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


def tenant_with_people(count: int) -> tuple[Tenant, str]:
    state = OtysState()
    listed = state.add_list("Zorg", recipients=[person(state, number) for number in range(count)])
    return Tenant(state), listed.uid


def test_a_list_shows_every_column_of_the_mapping(tenant: Tenant) -> None:
    uid = tenant.state.add_list("Zorg", recipients=["jan@mailhuis.nl"]).uid
    columns = [
        "uid",
        "name",
        "description",
        "subject",
        "owner",
        "entryDateTime",
        "category",
        "isGlobal",
        "lastModified",
        "lastModifiedBy",
        "isPublished",
        "isTemporary",
        "isMailchimp",
        "permissionReminder",
        "recipientCount",
        "isDeleted",
    ]

    (row,) = tenant.rows(LISTS, what=dict.fromkeys(columns, 1))

    assert list(row) == columns
    assert row["uid"] == uid
    assert row["permissionReminder"] == "Standaard"
    assert (row["isMailchimp"], row["isDeleted"], row["recipientCount"]) == ("1", "0", "1")


def test_booleans_and_counts_are_plain_where_the_tenant_is_not_php(tenant: Tenant) -> None:
    tenant.state.switches.php_types = False
    tenant.state.add_list("Zorg")

    assert tenant.rows(LISTS, what={"isMailchimp": True, "recipientCount": True}) == [
        {"isMailchimp": True, "recipientCount": 0}
    ]


def test_owner_and_category_can_come_as_small_objects(tenant: Tenant) -> None:
    tenant.state.switches.small_objects = True
    tenant.state.add_list("Zorg").owner = "Mark"

    assert tenant.rows(LISTS, what={"owner": 1, "category": 1}) == [
        {"owner": {"uid": "mark", "name": "Mark"}, "category": ""}
    ]


def test_get_list_is_a_bare_array_and_get_list_ex_has_a_total_only_if_asked(tenant: Tenant) -> None:
    tenant.state.add_list("Zorg")
    what = {"name": 1}

    assert tenant.ask(f"{LISTS}.getList", {"what": what}) == [{"name": "Zorg"}]
    assert tenant.page(LISTS, what=what) == {"listOutput": [{"name": "Zorg"}]}
    assert tenant.page(LISTS, what=what, getTotalCount=1) == {
        "listOutput": [{"name": "Zorg"}],
        "totalCount": 1,
    }


def test_rows_can_come_keyed_by_their_index(tenant: Tenant) -> None:
    tenant.state.switches.rows_as_object = True
    tenant.state.add_list("Zorg")
    answer = tenant.page(LISTS, what={"name": 1})

    assert answer == {"listOutput": {"0": {"name": "Zorg"}}}
    assert tenant.page(LISTS, what={"name": 1}, offset=1) == {"listOutput": []}


def test_no_page_has_more_than_200_rows_whatever_is_asked() -> None:
    tenant, _ = tenant_with_people(450)

    page = tenant.page(ROWS, what={"uid": 1}, limit=1000, excludeLimitCheck=1, getTotalCount=1)

    assert isinstance(page["listOutput"], list)
    assert len(page["listOutput"]) == 200
    assert page["totalCount"] == 450


def test_exclude_limit_check_lifts_the_cap_only_where_the_tenant_honours_it() -> None:
    tenant, _ = tenant_with_people(450)
    tenant.state.switches.honour_exclude_limit_check = True

    assert len(tenant.uids(ROWS, limit=1000)) == 200
    assert len(tenant.uids(ROWS, limit=1000, excludeLimitCheck="1")) == 450


def test_without_a_limit_a_page_has_25_rows() -> None:
    tenant, _ = tenant_with_people(30)

    assert len(tenant.uids(ROWS)) == 25


def test_pages_together_are_the_whole_list_and_beyond_the_end_is_nothing() -> None:
    tenant, uid = tenant_with_people(450)
    asked = {"condition": condition("mailingListUid", "EQ", uid), "sort": {"uid": "ASC"}, "limit": 200}

    pages = [tenant.uids(ROWS, **asked, offset=offset) for offset in (0, 200, 400, 600)]

    assert [len(page) for page in pages] == [200, 200, 50, 0]
    assert {row for page in pages for row in page} == set(tenant.state.lists[uid].recipients)


def test_recipients_are_those_of_the_list_asked_for(tenant: Tenant) -> None:
    first = tenant.state.add_list("Een", recipients=["een@mailhuis.nl"])
    tenant.state.add_list("Twee", recipients=["twee@mailhuis.nl"])

    rows = tenant.rows(ROWS, what={"email": 1}, condition=condition("mailingListUid", "EQ", first.uid))

    assert rows == [{"email": "een@mailhuis.nl"}]
    assert len(tenant.rows(ROWS, what={"email": 1})) == 2


def test_a_row_carries_the_address_and_the_person_behind_it(tenant: Tenant) -> None:
    contact = person(tenant.state, 7, Kind.CONTACT)
    tenant.state.add_list("Zorg", recipients=[contact])

    (row,) = tenant.rows(ROWS, what=WHOLE_ROW)

    assert row["entityType"] == "relationcontact"
    assert row["entityUid"] == contact.uid
    assert row["email"] == "p7@mailhuis.nl"
    assert row["name"] == "P7 van Last007"
    assert row["Person"] == {"firstName": "P7", "infix": "van", "lastName": "Last007", "languageCode": "nl"}


def test_a_company_and_a_row_typed_by_hand_have_a_name_but_no_person(tenant: Tenant) -> None:
    company = tenant.state.add_entity(Kind.RELATION, email="info@bouw.nl", name="Bouw BV")
    uid = tenant.state.add_list("Zorg", recipients=[company]).uid
    tenant.state.add_recipient(uid, "hand@mailhuis.nl", name="Met de hand")

    rows = tenant.rows(ROWS, what=WHOLE_ROW)

    assert [(row["email"], row["name"], row["Person"]) for row in rows] == [
        ("info@bouw.nl", "Bouw BV", []),
        ("hand@mailhuis.nl", "Met de hand", []),
    ]
    assert rows[1]["entityUid"] is None


def test_a_procedure_carries_no_address_and_leads_to_its_candidate(tenant: Tenant) -> None:
    candidate = person(tenant.state, 3)
    procedure = tenant.state.add_entity(Kind.PROCEDURE, candidate_uid=candidate.uid)
    tenant.state.add_list("Zorg", recipients=[procedure])

    (row,) = tenant.rows(ROWS, what=WHOLE_ROW)
    detail = tenant.ask("ProcedureService.getDetail", procedure.uid, {"candidateUid": 1})

    assert set(row) == {"uid", "entityType", "entityUid", "Person"}
    assert row["entityUid"] == procedure.uid
    assert row["Person"] == []
    assert detail == {"candidateUid": candidate.uid}


def test_a_tenant_of_references_shows_addresses_of_typed_rows_only(tenant: Tenant) -> None:
    tenant.state.switches.references_only = True
    tenant.state.add_list("Zorg", recipients=[person(tenant.state, 1), "hand@mailhuis.nl"])

    reference, typed = tenant.rows(ROWS, what=WHOLE_ROW)

    assert "email" not in reference
    assert "name" not in reference
    assert typed["email"] == "hand@mailhuis.nl"


def test_a_consultant_is_referred_to_by_a_number(tenant: Tenant) -> None:
    user = person(tenant.state, 1, Kind.USER)
    tenant.state.add_list("Zorg", recipients=[user])

    assert tenant.rows(ROWS, what={"entityUid": 1}) == [{"entityUid": int(user.uid)}]


def test_an_opt_out_field_exists_only_where_the_tenant_has_one(tenant: Tenant) -> None:
    asked = {"what": {"Person": {"matchCriteria_9": 1}}}
    candidate = person(tenant.state, 1)
    candidate.opted_out = True
    tenant.state.add_list("Zorg", recipients=[candidate])

    assert "Abstract_field: field 'Person.matchCriteria_9'" in tenant.refusal(f"{ROWS}.getListEx", asked)
    tenant.state.switches.opt_out_field = "Person.matchCriteria_9"
    assert tenant.rows(ROWS, **asked) == [{"Person": {"matchCriteria_9": "1"}}]


def test_a_deleted_list_is_not_listed_has_no_rows_and_its_detail_does_not_exist(tenant: Tenant) -> None:
    uid = tenant.state.add_list("Weg", recipients=["jan@mailhuis.nl"]).uid
    tenant.state.lists[uid].deleted = True

    assert tenant.rows(LISTS) == []
    assert tenant.rows(ROWS, condition=condition("mailingListUid", "EQ", uid)) == []
    assert tenant.refusal(f"{LISTS}.getDetail", uid, {"uid": 1}) == f"Mailing list {uid} does not exist"


def test_a_deleted_list_says_so_where_the_tenant_keeps_it(tenant: Tenant) -> None:
    tenant.state.switches.keep_deleted_lists = True
    uid = tenant.state.add_list("Weg").uid
    tenant.state.lists[uid].deleted = True

    assert tenant.ask(f"{LISTS}.getDetail", uid, {"isDeleted": 1}) == {"isDeleted": "1"}
    assert tenant.uids(LISTS, condition=condition("isDeleted", "EQ", [0])) == []


def test_a_short_page_misses_rows_while_the_total_stays() -> None:
    tenant, _ = tenant_with_people(20)
    tenant.arm(Fault(kind=FaultKind.SHORT_PAGE, value=3, pattern="RecipientService"))

    page = tenant.page(ROWS, what={"uid": 1}, getTotalCount=1)

    assert isinstance(page["listOutput"], list)
    assert (len(page["listOutput"]), page["totalCount"]) == (17, 20)


def test_rows_that_shift_are_missed_by_the_later_page_and_the_total_moves() -> None:
    tenant, uid = tenant_with_people(20)
    tenant.arm(Fault(kind=FaultKind.SHIFT_BETWEEN_PAGES, value=2))
    asked = {"what": {"uid": 1}, "limit": 10, "getTotalCount": 1, "sort": {"uid": "ASC"}}

    first, second = tenant.page(ROWS, **asked), tenant.page(ROWS, **asked, offset=10)
    seen = [row for page in (first, second) for row in as_list(page["listOutput"])]

    assert (first["totalCount"], second["totalCount"]) == (20, 18)
    assert len(seen) == 18
    assert len(tenant.state.lists[uid].recipients) == 20


def test_rows_that_appear_make_the_later_page_repeat_some() -> None:
    tenant, _ = tenant_with_people(20)
    tenant.arm(Fault(kind=FaultKind.SHIFT_BETWEEN_PAGES, value=-1))
    asked = {"limit": 10, "sort": {"uid": "ASC"}}

    first, second = tenant.uids(ROWS, **asked), tenant.uids(ROWS, **asked, offset=10)

    assert first[-1] == second[0]


def test_a_lying_total_is_higher_than_what_there_is() -> None:
    tenant, _ = tenant_with_people(20)
    tenant.arm(Fault(kind=FaultKind.LYING_TOTAL))

    assert tenant.page(ROWS, getTotalCount=1)["totalCount"] == 27


def as_list(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value
