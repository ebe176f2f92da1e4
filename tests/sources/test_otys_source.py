"""OtysSource over the sandbox's real HTTP: what only OTYS can do to us."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from reconciler.api.http import HttpClient
from reconciler.api.ows import OwsClient
from reconciler.api.values import Json
from reconciler.errors import PermissionDenied, RemoteError, UnexpectedAnswer
from reconciler.model import Fate, ListUid, MailingList, Person, RecipientSnapshot
from reconciler.sandbox import Sandbox
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sources.mapping import load_mapping
from reconciler.sources.otys import OtysSource
from tests.scripted import Pauses
from tests.scripted_ows import LOGIN, scripted
from tests.sources.recruiters import SandboxRecruiter, rows_of, sandbox_recruiter

LISTS = "MailingListService.getListEx"
RECIPIENTS = "MailingListRecipientService.getListEx"
MULTI = "MultiService.execute"


@pytest.fixture
def recruiter() -> Iterator[SandboxRecruiter]:
    with sandbox_recruiter() as recruiter:
        yield recruiter


def requests(sandbox: Sandbox) -> Counter[str]:
    return Counter(
        request.operation.removeprefix("Otys.Services.") for request in sandbox.log.requests("otys")
    )


def list_of(recruiter: SandboxRecruiter, count: int) -> MailingList:
    uid = recruiter.add_list("Koks")
    for number in range(count):
        recruiter.add_candidate(uid, f"p{number:03}@example.org", first=f"P{number}")
    return MailingList(uid=uid, name="Koks")


def read(recruiter: SandboxRecruiter, mailing_list: MailingList) -> RecipientSnapshot:
    return recruiter.source.recipients(mailing_list)


@contextmanager
def another_source(sandbox: Sandbox, *, mapping: Path) -> Iterator[OtysSource]:
    http = HttpClient("OTYS", pause=Pauses())
    with OwsClient(http, sandbox.otys_url, sandbox.world.otys_api_key, pause=Pauses()) as ows:
        yield OtysSource(ows, load_mapping(mapping))


# -- requests ----------------------------------------------------------------------------------------


def test_a_pass_asks_no_more_than_its_pages_dictate(recruiter: SandboxRecruiter) -> None:
    long, short = list_of(recruiter, 401), list_of(recruiter, 3)
    source = recruiter.source
    source.integration()
    source.catalogue()
    source.recipients(long)
    source.recipients(short)
    assert requests(recruiter.sandbox) == {
        "loginByUid": 1,
        "check": 1,
        "CsmService.getValue": 1,
        LISTS: 1,
        RECIPIENTS: 3 + 1,
    }


def test_the_next_pass_needs_neither_login_nor_check(recruiter: SandboxRecruiter) -> None:
    recruiter.source.integration()
    recruiter.sandbox.log.clear()
    recruiter.source.integration()
    assert requests(recruiter.sandbox) == {"CsmService.getValue": 1}


# -- completeness ------------------------------------------------------------------------------------


def test_a_server_that_gives_fewer_rows_than_asked_is_read_to_the_end(recruiter: SandboxRecruiter) -> None:
    mailing_list = list_of(recruiter, 60)
    recruiter.sandbox.world.otys.switches.max_rows = 25
    snapshot = read(recruiter, mailing_list)
    assert snapshot.tally.complete
    assert len({row.email for row in snapshot.recipients}) == 60


def test_a_short_page_loses_nobody(recruiter: SandboxRecruiter) -> None:
    mailing_list = list_of(recruiter, 210)
    recruiter.sandbox.faults.add(Fault(kind=FaultKind.SHORT_PAGE, value=7))
    snapshot = read(recruiter, mailing_list)
    assert snapshot.tally.complete
    assert len(snapshot.recipients) == 210


def test_rows_that_shift_once_between_pages_are_read_again(recruiter: SandboxRecruiter) -> None:
    mailing_list = list_of(recruiter, 210)
    recruiter.sandbox.faults.add(Fault(kind=FaultKind.SHIFT_BETWEEN_PAGES, pattern=RECIPIENTS))
    snapshot = read(recruiter, mailing_list)
    assert snapshot.tally.complete
    assert len(snapshot.recipients) == 210
    assert requests(recruiter.sandbox)[RECIPIENTS] == 4


def test_rows_that_go_on_shifting_leave_an_incomplete_snapshot(recruiter: SandboxRecruiter) -> None:
    mailing_list = list_of(recruiter, 210)
    recruiter.sandbox.faults.add(Fault(kind=FaultKind.SHIFT_BETWEEN_PAGES, pattern=RECIPIENTS, times=None))
    snapshot = read(recruiter, mailing_list)
    assert snapshot.tally.problem == "the total moved from 210 to 209 while it was read"
    assert requests(recruiter.sandbox)[RECIPIENTS] == 4


def test_a_total_that_lies_leaves_an_incomplete_snapshot(recruiter: SandboxRecruiter) -> None:
    mailing_list = list_of(recruiter, 10)
    recruiter.sandbox.faults.add(Fault(kind=FaultKind.LYING_TOTAL, times=None, value=3))
    assert read(recruiter, mailing_list).tally.problem == "10 of 13 rows were read"


def test_a_later_page_that_fails_keeps_what_came_and_says_why(recruiter: SandboxRecruiter) -> None:
    mailing_list = list_of(recruiter, 210)
    recruiter.sandbox.faults.add(
        Fault(kind=FaultKind.SERVER_ERROR, pattern=RECIPIENTS, skip=1, times=None, value=502)
    )
    snapshot = read(recruiter, mailing_list)
    assert len(snapshot.recipients) == 200
    assert not snapshot.tally.complete
    assert snapshot.tally.problem == ("reading stopped after 200 rows (OTYS: the service failed (HTTP 502))")


def test_a_first_page_that_fails_is_an_error(recruiter: SandboxRecruiter) -> None:
    mailing_list = list_of(recruiter, 3)
    recruiter.sandbox.otys.deny_service("MailingListRecipientService")
    with pytest.raises(PermissionDenied):
        read(recruiter, mailing_list)


def test_a_catalogue_of_many_pages_is_complete(recruiter: SandboxRecruiter) -> None:
    for number in range(250):
        recruiter.add_list(f"Lijst {number}", flagged=False)
    catalogue = recruiter.source.catalogue()
    assert catalogue.tally.complete
    assert len(catalogue.lists) == 250


def test_a_listing_without_a_total_is_never_complete(recruiter: SandboxRecruiter, tmp_path: Path) -> None:
    mailing_list = list_of(recruiter, 3)
    own = tmp_path / "mapping.toml"
    own.write_text('[recipients]\nmethod = "getList"\n')
    with another_source(recruiter.sandbox, mapping=own) as source:
        snapshot = source.recipients(mailing_list)
    assert len(snapshot.recipients) == 3
    assert "tells no total" in snapshot.tally.problem


# -- the catalogue -----------------------------------------------------------------------------------


@pytest.mark.parametrize("spelled", [False, True])
def test_every_column_of_the_list_view_is_read_however_it_is_spelled(
    recruiter: SandboxRecruiter, *, spelled: bool
) -> None:
    switches = recruiter.sandbox.world.otys.switches
    switches.php_types, switches.small_objects, switches.rows_as_object = spelled, spelled, spelled
    uid = recruiter.add_list("Koks", reminder="STANDAARD")
    row = recruiter.sandbox.world.otys.lists[uid]
    row.description, row.subject, row.category = "Alle koks", "Nieuws", "Horeca"
    row.published, row.temporary = True, False
    recruiter.add_candidate(uid, "sanne@example.org")
    (mailing_list,) = recruiter.source.catalogue().lists
    assert mailing_list == MailingList(
        uid=uid,
        name="Koks",
        description="Alle koks",
        subject="Nieuws",
        owner="Sanne de Vries",
        created=row.created,
        category="Horeca",
        is_global=True,
        last_modified=row.last_modified,
        last_modified_by="Sanne de Vries",
        published=True,
        temporary=False,
        mailchimp=True,
        permission_reminder="",
        recipient_count=1,
    )


def test_a_deleted_list_that_is_still_shown_is_no_list_any_more(recruiter: SandboxRecruiter) -> None:
    uid = recruiter.add_list("Koks")
    recruiter.sandbox.world.otys.switches.keep_deleted_lists = True
    recruiter.delete_list(uid)
    catalogue = recruiter.source.catalogue()
    assert catalogue.lists == ()
    assert catalogue.tally.complete
    assert recruiter.source.fate(uid) is Fate.DELETED


def test_a_refused_lookup_proves_no_list_deleted(recruiter: SandboxRecruiter) -> None:
    uid = recruiter.add_list("Koks")
    recruiter.sandbox.otys.deny_service("MailingListService")
    with pytest.raises(PermissionDenied):
        recruiter.source.fate(uid)


@pytest.mark.parametrize("line", ['detail_method = "getRecord"', 'service = "DistributionService"'])
def test_a_wrong_mapping_proves_no_list_deleted(
    recruiter: SandboxRecruiter, tmp_path: Path, line: str
) -> None:
    own = tmp_path / "mapping.toml"
    own.write_text(f"[lists]\n{line}\n")
    with (
        another_source(recruiter.sandbox, mapping=own) as source,
        pytest.raises(RemoteError, match="does not exist"),
    ):
        source.fate(ListUid("12"))


@pytest.mark.parametrize("answer", [{"uid": "13"}, {}, [], None, False])
def test_an_answer_about_nothing_or_another_list_proves_nothing(answer: Json) -> None:
    with scripted(LOGIN, answer) as (ows, _), pytest.raises(UnexpectedAnswer):
        OtysSource(ows, load_mapping(None)).fate(ListUid("12"))


# -- recipients --------------------------------------------------------------------------------------


def test_every_kind_of_recipient_is_carried_by_its_name(recruiter: SandboxRecruiter) -> None:
    otys = recruiter.sandbox.world.otys
    uid = recruiter.add_list("Alle soorten")
    kinds = {
        "candidate": "candidate",
        "relationcontact": "contact",
        "relation": "relation",
        "user": "consultant",
        "participant": "participant",
        "addressbook": "address_book",
        "leverancier": "leverancier",
    }
    people = {word: otys.add_entity(word, email=f"{word}@example.org") for word in kinds}
    for person in people.values():
        otys.add_recipient(uid, person)
    rows = {row.person: row.email for row in rows_of(recruiter.source, uid)}
    assert rows == {Person(kind, people[word].uid): f"{word}@example.org" for word, kind in kinds.items()}


def test_an_entry_typed_by_hand_is_a_person_of_its_own(recruiter: SandboxRecruiter) -> None:
    uid = recruiter.add_list("Met de hand")
    row_uid = recruiter.sandbox.otys.add_recipient(uid, email="jan@example.org", name="Jan Bos")
    (row,) = rows_of(recruiter.source, uid)
    assert (row.person, row.email, row.values) == (
        Person("manual", row_uid),
        "jan@example.org",
        {"name": "Jan Bos"},
    )


def test_behind_a_procedure_stands_its_candidate(recruiter: SandboxRecruiter) -> None:
    otys = recruiter.sandbox.world.otys
    uid = recruiter.add_list("Procedures")
    candidates = [
        otys.add_entity("candidate", email=f"c{n}@example.org", first_name="C", infix="van", last_name=str(n))
        for n in range(30)
    ]
    for candidate in candidates:
        otys.add_recipient(uid, otys.add_entity("procedure", candidate_uid=candidate.uid))
    rows = rows_of(recruiter.source, uid)
    assert {row.person: row.email for row in rows} == {
        Person("candidate", candidate.uid): candidate.email for candidate in candidates
    }
    assert rows[0].values == {
        "first_name": "C",
        "infix": "van",
        "last_name": "0",
        "language": "nl",
        "name": "C van 0",
    }
    assert requests(recruiter.sandbox)[MULTI] == 4  # 30 procedures and 30 candidates, 25 a batch


def test_rows_that_only_refer_are_looked_up_in_batches_once_a_pass(recruiter: SandboxRecruiter) -> None:
    mailing_list = list_of(recruiter, 60)
    recruiter.sandbox.world.otys.switches.references_only = True
    first = read(recruiter, mailing_list)
    assert first.tally.complete
    assert sorted(row.email for row in first.recipients) == [f"p{n:03}@example.org" for n in range(60)]
    assert requests(recruiter.sandbox)[MULTI] == 3
    read(recruiter, mailing_list)
    assert requests(recruiter.sandbox)[MULTI] == 3
    recruiter.source.integration()
    read(recruiter, mailing_list)
    assert requests(recruiter.sandbox)[MULTI] == 6


def test_a_person_who_is_gone_is_carried_without_an_address(recruiter: SandboxRecruiter) -> None:
    mailing_list = list_of(recruiter, 2)
    otys = recruiter.sandbox.world.otys
    otys.switches.references_only = True
    (gone, _) = otys.entities["candidate"]
    del otys.entities["candidate"][gone]
    snapshot = read(recruiter, mailing_list)
    assert snapshot.tally.complete
    assert {row.person.uid: row.email for row in snapshot.recipients}[gone] == ""


def test_a_procedure_whose_candidate_is_gone_or_unknown_has_no_address(recruiter: SandboxRecruiter) -> None:
    otys = recruiter.sandbox.world.otys
    uid = recruiter.add_list("Procedures")
    otys.add_recipient(uid, otys.add_entity("procedure", candidate_uid="gone"))
    otys.add_recipient(uid, otys.add_entity("procedure", candidate_uid=""))
    assert [row.email for row in rows_of(recruiter.source, uid)] == ["", ""]


@pytest.mark.parametrize("detail", [{}, {"candidate": "c1"}, [], None, False])
def test_a_procedure_that_does_not_say_whose_it_is_leaves_an_incomplete_snapshot(detail: Json) -> None:
    row: Json = {"uid": "1", "entityType": "procedure", "entityUid": "7"}
    page: Json = {"listOutput": [row], "totalCount": 1}
    with scripted(LOGIN, page, [{"status": "success", "data": detail}]) as (ows, _):
        snapshot = OtysSource(ows, load_mapping(None)).recipients(MailingList(uid=ListUid("1"), name="Koks"))
    assert snapshot.recipients[0].email == ""
    assert snapshot.tally.problem.startswith("1 lookups of people failed; the first:")


def test_people_who_may_not_be_looked_up_leave_an_incomplete_snapshot(recruiter: SandboxRecruiter) -> None:
    mailing_list = list_of(recruiter, 2)
    recruiter.sandbox.world.otys.switches.references_only = True
    recruiter.sandbox.otys.deny_service("CandidateService")
    snapshot = read(recruiter, mailing_list)
    assert not snapshot.tally.complete
    assert snapshot.tally.problem.startswith("2 lookups of people failed; the first: OTYS: Access denied")


def test_a_person_without_an_address_is_not_looked_up(recruiter: SandboxRecruiter) -> None:
    uid = recruiter.add_list("Koks")
    recruiter.add_candidate(uid, "")
    assert [row.email for row in rows_of(recruiter.source, uid)] == [""]
    assert requests(recruiter.sandbox)[MULTI] == 0


@pytest.mark.parametrize("references_only", [False, True])
def test_an_opt_out_counts_only_where_the_mapping_names_its_field(
    recruiter: SandboxRecruiter, tmp_path: Path, *, references_only: bool
) -> None:
    mailing_list = list_of(recruiter, 2)
    switches = recruiter.sandbox.world.otys.switches
    switches.opt_out_field, switches.references_only = "Person.matchCriteria_9", references_only
    opted_out = next(iter(recruiter.sandbox.world.otys.entities["candidate"]))
    recruiter.sandbox.otys.opt_out("candidate", opted_out)
    assert not any(row.opted_out for row in read(recruiter, mailing_list).recipients)

    own = tmp_path / "mapping.toml"
    field = 'opted_out = { path = "Person.matchCriteria_9" }'
    own.write_text(f"[recipients.fields]\n{field}\n[people.fields]\n{field}\n")
    with another_source(recruiter.sandbox, mapping=own) as source:
        snapshot = source.recipients(mailing_list)
    assert [row.person.uid for row in snapshot.recipients if row.opted_out] == [opted_out]


# -- refused fields ----------------------------------------------------------------------------------


def test_an_optional_field_that_is_refused_is_left_out_with_one_warning(
    recruiter: SandboxRecruiter,
) -> None:
    mailing_list = list_of(recruiter, 2)
    for path in ("Person.languageCode", "Person.infix"):
        recruiter.sandbox.faults.add(
            Fault(kind=FaultKind.REFUSED_FIELD, value=path, pattern=RECIPIENTS, times=None)
        )
    with capture_logs() as logs:
        first = read(recruiter, mailing_list)
        read(recruiter, mailing_list)
    assert first.tally.complete
    assert set(first.recipients[0].values) == {"first_name", "last_name", "name"}
    warnings = [line["fields"] for line in logs if line["log_level"] == "warning"]
    assert sorted(path for fields in warnings for path in fields.values()) == [
        "Person.infix",
        "Person.languageCode",
    ]
    assert requests(recruiter.sandbox)[RECIPIENTS] == 2 + 2


def test_fields_refused_without_saying_which_are_found_by_asking_for_one_at_a_time(
    recruiter: SandboxRecruiter,
) -> None:
    mailing_list = list_of(recruiter, 2)
    recruiter.sandbox.world.otys.switches.name_unreadable_fields = False
    for path in ("Person.languageCode", "Person.infix"):
        recruiter.sandbox.faults.add(
            Fault(kind=FaultKind.REFUSED_FIELD, value=path, pattern=RECIPIENTS, times=None)
        )
    assert set(read(recruiter, mailing_list).recipients[0].values) == {"first_name", "last_name", "name"}
    recruiter.sandbox.log.clear()
    assert read(recruiter, mailing_list).tally.complete
    assert requests(recruiter.sandbox) == {RECIPIENTS: 1}


def test_a_needed_field_refused_without_saying_which_is_an_error_all_the_same(
    recruiter: SandboxRecruiter,
) -> None:
    mailing_list = list_of(recruiter, 1)
    recruiter.sandbox.world.otys.switches.name_unreadable_fields = False
    recruiter.sandbox.faults.add(
        Fault(kind=FaultKind.REFUSED_FIELD, value="email", pattern=RECIPIENTS, times=None)
    )
    with pytest.raises(UnexpectedAnswer, match="refuses a field that nothing works without"):
        read(recruiter, mailing_list)


def test_a_refused_field_of_a_looked_up_person_is_left_out_too(recruiter: SandboxRecruiter) -> None:
    mailing_list = list_of(recruiter, 30)
    recruiter.sandbox.world.otys.switches.references_only = True
    recruiter.sandbox.faults.add(
        Fault(kind=FaultKind.REFUSED_FIELD, value="Person.languageCode", pattern="getDetail", times=None)
    )
    snapshot = read(recruiter, mailing_list)
    assert snapshot.tally.complete
    assert "language" not in snapshot.recipients[0].values
    assert requests(recruiter.sandbox)[MULTI] == 1 + 2


def test_a_field_nothing_works_without_is_an_error_with_advice(recruiter: SandboxRecruiter) -> None:
    mailing_list = list_of(recruiter, 1)
    recruiter.sandbox.faults.add(
        Fault(kind=FaultKind.REFUSED_FIELD, value="email", pattern=RECIPIENTS, times=None)
    )
    with pytest.raises(UnexpectedAnswer, match=r"MailingListRecipientService .*\(email\)") as caught:
        read(recruiter, mailing_list)
    assert "docs/mapping.md" in caught.value.advice
    assert "reconciler probe" in caught.value.advice
