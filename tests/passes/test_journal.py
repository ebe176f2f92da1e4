"""History knows of every change that reached Mailchimp, even when its answer never came back."""

from reconciler.journal import FOUND_DONE
from reconciler.model import PassId, Result
from reconciler.report import PassReport
from reconciler.sandbox.faults import Fault, FaultKind
from tests.passes.agency import Agency

PEOPLE = [f"p{number}@zorg.nl" for number in range(6)]


def once_without_answers(acme: Agency, pattern: str) -> PassReport:
    """Run a pass in which no request of a pattern gets its answer, however often it is repeated."""
    fault = Fault(kind=FaultKind.DROP_AFTER_APPLY, system="mailchimp", pattern=pattern, times=None)
    acme.sandbox.faults.add(fault)
    report = acme.once()
    acme.sandbox.faults.clear()
    return report


def told(acme: Agency, pass_id: PassId | None, verb: str) -> list[tuple[str, str]]:
    """Return the last word of a pass's history on each change of a verb: its result and its detail."""
    assert pass_id is not None
    latest = {
        one.address_key: (one.result.value, one.detail)
        for one in acme.store.outcomes(pass_id)
        if one.verb == verb
    }
    return list(latest.values())


def test_adds_whose_answer_got_lost_are_in_the_history_of_their_pass(acme: Agency) -> None:
    acme.list("Verpleegkundigen", *PEOPLE)

    first = once_without_answers(acme, r"POST /3\.0/lists/\w+$")
    assert {result for result, _ in told(acme, first.pass_id, "add")} == {Result.RETRY_LATER}
    second = acme.once()

    assert told(acme, first.pass_id, "add") == [(Result.APPLIED, FOUND_DONE)] * len(PEOPLE)
    assert told(acme, second.pass_id, "add") == []
    assert acme.store.open_intents("acme") == ()
    assert acme.writes_of(acme.once) == []


def test_an_edit_whose_answer_got_lost_is_in_the_history_of_its_pass(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *PEOPLE)
    acme.once()
    acme.edit(acme.sandbox.otys.people_at(PEOPLE[0])[0], last_name="Anders")

    first = once_without_answers(acme, r"PATCH .*/members/")
    acme.once()

    assert told(acme, first.pass_id, "update") == [(Result.APPLIED, FOUND_DONE)]
    contact = acme.contact(nurses, PEOPLE[0])
    assert contact is not None
    assert contact.merge_fields["LNAME"] == "Anders"
    assert acme.writes_of(acme.once) == []


def test_an_audience_renamed_with_its_answer_lost_is_in_the_history_of_its_pass(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *PEOPLE)
    acme.once()
    acme.sandbox.otys.rename_list(nurses.uid, "Verpleging")

    first = once_without_answers(acme, r"PATCH /3\.0/lists/\w+$")
    acme.once()

    assert told(acme, first.pass_id, "rename-audience") == [(Result.APPLIED, FOUND_DONE)]
    assert acme.writes_of(acme.once) == []


def test_an_audience_created_with_its_answer_lost_is_in_the_history_of_its_pass(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *PEOPLE)

    first = once_without_answers(acme, r"POST /3\.0/lists$")
    acme.once()

    assert told(acme, first.pass_id, "create") == [(Result.APPLIED, FOUND_DONE)]
    assert acme.subscribed(nurses) == set(PEOPLE)
    assert len(acme.world.mailchimp.audiences) == 1


def test_a_removal_whose_answer_got_lost_is_ours_and_the_person_may_come_back(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *PEOPLE)
    acme.once()
    person = acme.sandbox.otys.people_at(PEOPLE[0])[0]
    acme.leave(nurses, PEOPLE[0])

    first = once_without_answers(acme, r"DELETE .*/members/")
    acme.once()
    assert told(acme, first.pass_id, "remove") == [(Result.APPLIED, FOUND_DONE)]

    acme.join(nurses, person)
    acme.once()
    assert acme.status(nurses, PEOPLE[0]) == "subscribed"
    assert acme.writes_of(acme.once) == []


def test_what_never_reached_mailchimp_is_not_called_applied(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *PEOPLE)
    acme.once()
    acme.leave(nurses, PEOPLE[0])
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern="DELETE", times=None, value=503)
    )

    first = acme.once()
    acme.sandbox.faults.clear()
    second = acme.once()

    assert [result for result, _ in told(acme, first.pass_id, "remove")] == [Result.RETRY_LATER]
    assert told(acme, second.pass_id, "remove") == [(Result.APPLIED, "")]
