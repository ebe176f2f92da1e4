"""The probe: what it shows of a tenant, and what it never shows."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from reconciler.api.http import HttpClient
from reconciler.api.ows import OwsClient
from reconciler.errors import CredentialsRejected
from reconciler.sandbox import Sandbox, World
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sources.mapping import load_mapping
from reconciler.sources.probe import ProbedService, ProbeReport, probe, shape_of
from tests.scripted import Pauses


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(world=World.small()) as sandbox:
        yield sandbox


@pytest.fixture
def ows(sandbox: Sandbox) -> Iterator[OwsClient]:
    http = HttpClient("OTYS", pause=Pauses())
    with OwsClient(http, sandbox.otys_url, sandbox.world.otys_api_key, pause=Pauses()) as client:
        yield client


def service(report: ProbeReport, name: str) -> ProbedService:
    return next(one for one in report.services if one.service == name)


def test_a_tenant_that_fits_the_mapping_has_no_problem(ows: OwsClient) -> None:
    report = probe(ows, load_mapping(None))
    assert (report.mapping_status, report.client, report.problems) == (
        "UNVERIFIED",
        "Werkpunt Recruitment",
        (),
    )
    lists = service(report, "MailingListService")
    assert lists.found["name"] == "name"
    assert lists.missing == {}
    recipients = service(report, "MailingListRecipientService")
    assert isinstance(recipients.shape, dict)
    assert recipients.shape["email"] == "text: an address"
    assert report.kinds["candidate"] > 0


def test_nothing_a_tenant_holds_is_shown(ows: OwsClient, sandbox: Sandbox) -> None:
    otys = sandbox.world.otys
    shown = msgspec.json.encode(probe(ows, load_mapping(None))).decode()
    secrets = {otys.settings[code] or "" for code in ("SE3110", "SE3111", "SE3121", "GE203")}
    names = {row.name for row in otys.lists.values()}
    people = [person for kind in otys.entities.values() for person in kind.values()]
    addresses = {person.email or "" for person in people}
    for secret in (secrets | names | addresses) - {""}:
        assert secret not in shown
    assert "@" not in shown


def test_a_refused_field_is_told_and_the_rest_goes_on(ows: OwsClient, sandbox: Sandbox) -> None:
    sandbox.faults.add(
        Fault(
            kind=FaultKind.REFUSED_FIELD,
            value="Person.languageCode",
            pattern="MailingListRecipientService",
            times=None,
        )
    )
    recipients = service(probe(ows, load_mapping(None)), "MailingListRecipientService")
    assert recipients.refused == {"language": "Person.languageCode"}
    assert recipients.found["infix"] == "Person.infix"


def test_a_field_that_comes_in_no_row_is_missing(ows: OwsClient, sandbox: Sandbox) -> None:
    sandbox.world.otys.switches.references_only = True
    recipients = service(probe(ows, load_mapping(None)), "MailingListRecipientService")
    assert recipients.missing["first_name"] == "Person.firstName"


def test_a_wrong_needed_field_is_a_problem_shown_beside_what_the_service_does_give(
    ows: OwsClient, tmp_path: Path
) -> None:
    own = tmp_path / "mapping.toml"
    own.write_text('[lists.fields]\nname = { path = "title" }\n')
    report = probe(ows, load_mapping(own))
    lists = service(report, "MailingListService")
    assert "title" in lists.error
    assert isinstance(lists.default_shape, dict)
    assert "name" in lists.default_shape
    assert any(problem.startswith("MailingListService.getListEx") for problem in report.problems)
    assert "no list came" in service(report, "MailingListRecipientService").error


def test_words_for_kinds_that_the_mapping_does_not_know_are_listed(ows: OwsClient, sandbox: Sandbox) -> None:
    otys = sandbox.world.otys
    for mailing_list in otys.lists.values():
        otys.add_recipient(mailing_list.uid, otys.add_entity("klant", email="k@example.org"))
        otys.add_recipient(mailing_list.uid, otys.add_entity("Jan de Vries", email="j@example.org"))
    report = probe(ows, load_mapping(None))
    assert report.unknown_kinds.keys() >= {"klant", "text"}
    assert "Jan de Vries" not in report.unknown_kinds


def test_a_denied_service_is_a_problem_and_the_rest_goes_on(ows: OwsClient, sandbox: Sandbox) -> None:
    sandbox.otys.deny_service("CsmService")
    sandbox.otys.deny_service("CandidateService")
    report = probe(ows, load_mapping(None))
    assert report.settings == ()
    assert report.problems[0].startswith("the settings cannot be read (OTYS: Access denied")
    assert any(problem.startswith("CandidateService.getDetail") for problem in report.problems)
    assert service(report, "MailingListService").error == ""


def test_a_refused_key_is_an_error(ows: OwsClient, sandbox: Sandbox) -> None:
    sandbox.otys.revoke_key()
    with pytest.raises(CredentialsRejected):
        probe(ows, load_mapping(None))


def test_shapes_show_kinds_of_values_only() -> None:
    assert shape_of(
        {
            "a": None,
            "b": True,
            "c": 3.5,
            "d": "",
            "e": "2026-01-02 10:00:00",
            "f": ["Sanne", "Mark"],
            "g": {"0": {"email": "sanne@example.org"}, "1": {}},
            "h": [],
            "i": "17",
        }
    ) == {
        "a": "null",
        "b": "true or false",
        "c": "a number",
        "d": "empty text",
        "e": "text: a date",
        "f": ["text"],
        "g": {"(index)": {"email": "text: an address"}},
        "h": [],
        "i": "text: a number",
    }
