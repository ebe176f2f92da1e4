import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from reconciler.sandbox.otys import Kind, OtysHuman
from tests.sandbox.otys_client import Tenant, condition, person


class Office:
    """A tenant, a recruiter in it, and what the daemon would read."""

    def __init__(self) -> None:
        self.tenant = Tenant()
        self.recruiter = OtysHuman(self.tenant.state, self.tenant.clock, threading.RLock())
        self.uid = self.recruiter.create_list("Zorg", recipients=["een@mailhuis.nl"])

    def addresses(self) -> list[object]:
        rows = self.tenant.rows(
            "MailingListRecipientService",
            what={"email": 1},
            condition=condition("mailingListUid", "EQ", self.uid),
        )
        return [row.get("email") for row in rows]

    def column(self, name: str) -> object:
        return self.tenant.rows("MailingListService", what={name: 1})[0][name]


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_new_list_is_selected_unless_told_otherwise(office: Office) -> None:
    other = office.recruiter.create_list("Niet", flagged=False)

    assert office.tenant.state.settings["GE203"] == office.uid
    office.recruiter.select_list(other)
    office.recruiter.select_list(other)
    assert office.tenant.state.settings["GE203"] == f"{office.uid},{other}"
    office.recruiter.unselect_list(office.uid)
    assert office.tenant.state.settings["GE203"] == other


def test_a_recipient_is_added_by_hand_as_a_new_person_or_as_one_that_exists(office: Office) -> None:
    candidate = person(office.tenant.state, 5)
    office.recruiter.add_recipient(office.uid, email="hand@mailhuis.nl")
    office.recruiter.add_recipient(office.uid, "leverancier", email="nieuw@mailhuis.nl", first_name="Nieuw")
    office.recruiter.add_recipient(office.uid, Kind.CANDIDATE, candidate.uid)

    assert office.addresses() == [
        "een@mailhuis.nl",
        "hand@mailhuis.nl",
        "nieuw@mailhuis.nl",
        "p5@mailhuis.nl",
    ]


def test_a_recipient_is_removed_by_its_address_or_its_row(office: Office) -> None:
    row = office.recruiter.add_recipient(office.uid, email="twee@mailhuis.nl")
    office.recruiter.remove_recipient(office.uid, " EEN@mailhuis.nl")
    assert office.addresses() == ["twee@mailhuis.nl"]

    office.recruiter.remove_recipient(office.uid, row)
    assert office.addresses() == []


def test_a_procedure_is_found_by_the_address_of_its_candidate(office: Office) -> None:
    candidate = person(office.tenant.state, 5)
    office.recruiter.add_recipient(office.uid, Kind.PROCEDURE, candidate_uid=candidate.uid)
    assert office.addresses() == ["een@mailhuis.nl", None]

    office.recruiter.remove_recipient(office.uid, "p5@mailhuis.nl")

    assert office.addresses() == ["een@mailhuis.nl"]


def test_an_edited_person_changes_on_every_list(office: Office) -> None:
    candidate = person(office.tenant.state, 5)
    office.recruiter.add_recipient(office.uid, Kind.CANDIDATE, candidate.uid)

    office.recruiter.edit_person(Kind.CANDIDATE, candidate.uid, email="anders@mailhuis.nl")

    assert office.addresses() == ["een@mailhuis.nl", "anders@mailhuis.nl"]


def test_everybody_who_shares_an_address_is_found_by_it(office: Office) -> None:
    one, other = person(office.tenant.state, 5), person(office.tenant.state, 5, Kind.CONTACT)
    other.email = " P5@mailhuis.nl "

    assert office.recruiter.people_at("p5@MAILHUIS.nl") == [one, other]


def test_an_anonymised_person_keeps_its_row_without_an_address(office: Office) -> None:
    candidate = person(office.tenant.state, 5)
    office.recruiter.add_recipient(office.uid, Kind.CANDIDATE, candidate.uid)

    office.recruiter.anonymise(Kind.CANDIDATE, candidate.uid)

    assert office.addresses() == ["een@mailhuis.nl", None]


def test_a_typed_row_can_be_edited(office: Office) -> None:
    office.recruiter.edit_manual(office.uid, "een@mailhuis.nl", email="1@mailhuis.nl")

    assert office.addresses() == ["1@mailhuis.nl"]


def test_a_list_is_renamed_reminded_emptied_and_deleted(office: Office) -> None:
    office.tenant.clock.advance(timedelta(hours=1))
    office.recruiter.rename_list(office.uid, "Nieuwe naam")
    office.recruiter.edit_reminder(office.uid, "Omdat het kan")

    assert office.column("name") == "Nieuwe naam"
    assert office.column("permissionReminder") == "Omdat het kan"
    assert office.column("lastModified") == "2026-03-02 10:00:00"
    assert office.column("entryDateTime") == "2026-03-02 09:00:00"

    assert office.recruiter.empty_list(office.uid) == 1
    assert office.addresses() == []

    office.recruiter.delete_list(office.uid)
    assert office.tenant.rows("MailingListService") == []
    assert office.tenant.state.settings["GE203"] == office.uid


def test_a_setting_can_be_changed_and_taken_away(office: Office) -> None:
    office.recruiter.set_setting("SE3109", "0")
    assert office.tenant.ask("CsmService.getValue", "SE3109", 4711, 0, 0) == {"value": "0"}

    office.recruiter.set_setting("SE3109", None)
    assert office.tenant.ask("CsmService.getValue", "SE3109", 4711, 0, 0) == []


def test_a_key_is_given_back_and_a_service_denied_and_allowed(office: Office) -> None:
    office.recruiter.revoke_key()
    assert office.tenant.result("loginByUid", office.tenant.state.api_key) is False
    office.recruiter.restore_key()
    assert office.tenant.session

    office.recruiter.deny_service("UserService")
    assert "no rights" in office.tenant.refusal("UserService.getList", {})
    office.recruiter.allow_service("UserService")
    assert office.tenant.ask("UserService.getList", {}) == []


def test_sessions_end_at_once(office: Office) -> None:
    assert office.tenant.session
    office.recruiter.end_sessions()

    assert office.tenant.refusal("UserService.getList", {}) == "Access denied; please login again"


def test_opting_out_needs_a_tenant_with_such_a_field(office: Office) -> None:
    candidate = person(office.tenant.state, 5)
    with pytest.raises(ValueError, match="opt_out_field"):
        office.recruiter.opt_out(Kind.CANDIDATE, candidate.uid)

    office.tenant.state.switches.opt_out_field = "Person.matchCriteria_9"
    office.recruiter.opt_out(Kind.CANDIDATE, candidate.uid)
    assert office.tenant.rows("CandidateService", what={"Person": {"matchCriteria_9": 1}}) == [
        {"Person": {"matchCriteria_9": "1"}}
    ]


@pytest.mark.parametrize(
    "action",
    [
        lambda office: office.recruiter.rename_list("0", "x"),
        lambda office: office.recruiter.remove_recipient(office.uid, "nobody@mailhuis.nl"),
        lambda office: office.recruiter.edit_person(Kind.CANDIDATE, "0", email="x@mailhuis.nl"),
        lambda office: office.recruiter.add_recipient("0", email="x@mailhuis.nl"),
    ],
)
def test_an_action_on_what_does_not_exist_says_so(office: Office, action: Callable[[Office], object]) -> None:
    with pytest.raises(LookupError):
        action(office)


def test_a_person_has_no_other_members_than_the_known_ones(office: Office) -> None:
    candidate = person(office.tenant.state, 5)

    with pytest.raises(ValueError, match="uid"):
        office.recruiter.edit_person(Kind.CANDIDATE, candidate.uid, uid="other")
