"""What is withheld, shown and released, over real HTTP."""

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from reconciler import lists
from reconciler.contacts import Reconciled, decide_contacts
from reconciler.errors import LockHeld, StaleApproval
from reconciler.failure import FailureKind
from reconciler.guard import Danger
from reconciler.model import PassResult
from reconciler.pairing import Pairing
from reconciler.reconcile import LEASE
from reconciler.report import PassReport
from reconciler.running import Pass
from reconciler.sandbox.faults import Fault, FaultKind
from tests.passes.agency import Agency, results

MANY = [f"persoon{number}@zorg.nl" for number in range(30)]


def dangers(report: PassReport) -> set[Danger]:
    return {objection.danger for proposal in report.proposals for objection in proposal.objections}


def test_an_emptied_list_is_withheld_until_exactly_that_is_approved(acme: Agency) -> None:
    nurses, drivers = acme.list("Verpleegkundigen", *MANY), acme.list("Chauffeurs", "jan@weg.nl")
    acme.once()
    acme.sandbox.otys.empty_list(nurses.uid)
    acme.join(drivers, "piet@weg.nl")
    report = acme.once()
    assert report.result is PassResult.WITHHELD
    assert dangers(report) == {Danger.EMPTY_LIST, Danger.REMOVALS}
    assert results(report) == {("remove", "withheld"): 30, ("add", "applied"): 1}
    assert acme.subscribed(nurses) == set(MANY)
    assert acme.subscribed(drivers) == {"jan@weg.nl", "piet@weg.nl"}
    (proposal,) = report.proposals
    withheld = [one.detail for one in report.lists[0].outcomes]
    assert withheld == 30 * [proposal.message]
    acme.store.approve(proposal.digest[:12], by="operator", now=acme.now)
    approved = acme.once()
    assert results(approved) == {("remove", "applied"): 30}
    with pytest.raises(StaleApproval, match=f"carried out by pass {approved.pass_id}"):
        acme.store.approve(proposal.digest, by="operator", now=acme.now)
    assert acme.subscribed(nurses) == set()
    assert acme.writes_of(acme.once) == []


def test_a_list_that_comes_back_needs_no_repair(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *MANY)
    acme.once()
    rows = dict(acme.world.otys.lists[nurses.uid].recipients)
    acme.sandbox.otys.empty_list(nurses.uid)
    digest = acme.once().proposals[0].digest
    acme.world.otys.lists[nurses.uid].recipients.update(rows)
    assert acme.once().result is PassResult.DONE
    assert acme.writes_of(acme.once) == []
    with pytest.raises(StaleApproval):
        acme.store.approve(digest, by="operator", now=acme.now)


def test_what_was_approved_goes_on_waiting_after_half_a_look(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *MANY)
    acme.once()
    acme.sandbox.otys.empty_list(nurses.uid)
    acme.store.approve(acme.once().proposals[0].digest, by="operator", now=acme.now)
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.LYING_TOTAL, system="otys", pattern="Recipient", times=None, value=5)
    )
    assert acme.once().result is PassResult.WITHHELD
    acme.sandbox.faults.clear()

    assert results(acme.once()) == {("remove", "applied"): 30}


def test_an_approval_does_not_cover_a_plan_that_changed(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *MANY, "blijft@zorg.nl")
    acme.once()
    for email in MANY[:12]:
        acme.leave(nurses, email)
    digest = acme.once().proposals[0].digest
    acme.store.approve(digest, by="operator", now=acme.now)
    acme.leave(nurses, MANY[12])
    report = acme.once()
    assert report.result is PassResult.WITHHELD
    assert acme.subscribed(nurses) == {*MANY, "blijft@zorg.nl"}


def test_a_proposal_expires(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *MANY)
    acme.once()
    acme.sandbox.otys.empty_list(nurses.uid)
    digest = acme.once().proposals[0].digest
    acme.later(hours=73)
    with pytest.raises(StaleApproval, match="expired"):
        acme.store.approve(digest, by="operator", now=acme.now)


def test_a_list_that_otys_gives_in_part_loses_nobody_and_its_adds_go_on(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *(f"p{number}@zorg.nl" for number in range(250)))
    acme.once()
    acme.join(nurses, "nieuw@zorg.nl")
    acme.leave(nurses, "p3@zorg.nl")
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.LYING_TOTAL, system="otys", pattern="Recipient", times=None, value=5)
    )
    report = acme.once()
    assert dangers(report) == {Danger.INCOMPLETE_LIST}
    assert not report.proposals[0].approvable
    assert "nieuw@zorg.nl" in acme.subscribed(nurses)
    assert "p3@zorg.nl" in acme.subscribed(nurses)
    acme.sandbox.faults.clear()
    acme.once()
    assert "p3@zorg.nl" not in acme.subscribed(nurses)


def test_an_outage_of_otys_removes_nobody(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *MANY)
    acme.once()
    for kind in (FaultKind.MISSING_RESULT, FaultKind.IN_BAND_ERROR):
        acme.sandbox.faults.add(Fault(kind=kind, system="otys", pattern="Recipient", times=None))
        report = acme.once()
        assert report.result is PassResult.FAILED
        assert acme.subscribed(nurses) == set(MANY)
        acme.sandbox.faults.clear()


def test_an_audience_that_mailchimp_shows_in_part_gets_no_second_adds(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *MANY)
    acme.once()
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SHORT_PAGE, system="mailchimp", pattern="members", times=None, value=5)
    )
    report = acme.once()
    assert dangers(report) <= {Danger.INCOMPLETE_AUDIENCE}
    acme.sandbox.faults.clear()
    assert acme.writes_of(acme.once) == []
    assert acme.subscribed(nurses) == set(MANY)


def test_one_failing_list_does_not_stop_the_others(acme: Agency) -> None:
    nurses, drivers = acme.list("Verpleegkundigen", "jan@zorg.nl"), acme.list("Chauffeurs", "piet@weg.nl")
    acme.once()
    acme.join(nurses, "anna@zorg.nl")
    acme.join(drivers, "kees@weg.nl")
    pattern = f"POST /3.0/lists/{acme.audience(nurses)}"
    acme.sandbox.faults.add(Fault(kind=FaultKind.DROP_AFTER_APPLY, system="mailchimp", pattern=pattern))
    report = acme.once()
    assert report.result is PassResult.FAILED
    assert acme.subscribed(drivers) == {"piet@weg.nl", "kees@weg.nl"}
    acme.once()
    assert acme.subscribed(nurses) == {"jan@zorg.nl", "anna@zorg.nl"}
    assert acme.writes_of(acme.once) == []


@pytest.mark.parametrize("kind", [FaultKind.DROP_AFTER_APPLY, FaultKind.SERVER_ERROR])
def test_a_creation_of_which_nobody_knows_makes_one_audience(acme: Agency, kind: FaultKind) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    fault = Fault(kind=kind, system="mailchimp", pattern=r"POST /3.0/lists\b", times=None)
    acme.sandbox.faults.add(fault)
    assert acme.once().result is PassResult.FAILED
    acme.sandbox.faults.clear()
    acme.once()
    assert len(acme.world.mailchimp.audiences) == 1
    assert acme.subscribed(nurses) == {"jan@zorg.nl"}
    assert acme.writes_of(acme.once) == []
    assert acme.store.open_intents("acme") == ()


def test_a_rejected_key_stops_the_pass_with_advice(acme: Agency) -> None:
    acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.revoke_keys()
    report = acme.once()
    assert report.result is PassResult.FAILED
    assert "valid key" in report.problems[0]


def test_switched_off_in_otys_nothing_is_read_or_written(acme: Agency) -> None:
    acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.sandbox.otys.set_setting("SE3109", "0")
    before = len(acme.sandbox.log.requests("mailchimp"))
    report = acme.once()
    assert report.result is PassResult.OFF
    assert len(acme.sandbox.log.requests("mailchimp")) == before


def test_two_passes_of_one_client_do_not_run_at_once(acme: Agency) -> None:
    acme.list("Verpleegkundigen", "jan@zorg.nl")
    with (
        acme.store.lock("acme", "somebody else", lease=LEASE, now=lambda: acme.now),
        pytest.raises(LockHeld, match="somebody else"),
    ):
        acme.once()


def test_opting_out_in_otys_is_never_withheld(acme: Agency) -> None:
    mapping = acme.folder / "mapping.toml"
    mapping.write_text('[recipients.fields]\nopted_out = { path = "Person.matchCriteria_9" }\n', "utf-8")
    acme.world.otys.switches.opt_out_field = "Person.matchCriteria_9"
    acme.mapping = mapping
    nurses = acme.list("Verpleegkundigen", *MANY)
    acme.once()
    for email in MANY[:20]:
        person = acme.sandbox.otys.people_at(email)[0]
        acme.sandbox.otys.opt_out(person.kind, person.uid)
    report = acme.once()
    assert results(report) == {("remove", "applied"): 20}
    assert acme.subscribed(nurses) == set(MANY[20:])
    assert acme.writes_of(acme.once) == []


def test_a_defect_of_the_program_costs_one_list_and_no_other(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurses, drivers = acme.list("Verpleegkundigen", "jan@zorg.nl"), acme.list("Chauffeurs", "piet@weg.nl")
    acme.once()
    acme.join(drivers, "kees@weg.nl")

    def defective(running: Pass, pairing: Pairing) -> Reconciled:
        if pairing.list_uid == nurses.uid:
            raise ZeroDivisionError
        return decide_contacts(running, pairing)

    with monkeypatch.context() as broken, capture_logs(processors=[merge_contextvars]) as logged:
        broken.setattr(lists, "decide_contacts", defective)
        report = acme.once()
    assert report.result is PassResult.FAILED
    of_nurses = report.lists[0]
    assert (of_nurses.list_uid, of_nurses.failure) == (nurses.uid, FailureKind.OTHER)
    assert of_nurses.problem.startswith("this program has a defect (ZeroDivisionError); its log says where.")
    [crash] = [line for line in logged if line["event"] == "list_crashed"]
    assert (crash["client"], crash["list"], crash["pass_id"]) == ("acme", nurses.uid, report.pass_id)
    assert crash["exc_info"]
    assert acme.subscribed(drivers) == {"piet@weg.nl", "kees@weg.nl"}
    assert acme.writes_of(acme.once) == []


def test_a_required_field_can_be_left_empty_where_the_configuration_says_so(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    fields = acme.sandbox.mailchimp.audience(acme.audience(nurses)).merge_fields
    next(field for field in fields if field.tag == "PHONE").required = True
    acme.join(nurses, "piet@zorg.nl")
    assert results(acme.once()) == {("add", "refused"): 1}
    acme.configure(mailchimp=f'base_url = "{acme.sandbox.mailchimp_url}"\nskip_merge_validation = true')
    acme.join(nurses, "kees@zorg.nl")
    acme.once()
    assert "kees@zorg.nl" in acme.subscribed(nurses)
