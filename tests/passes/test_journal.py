"""History knows of every change that reached Mailchimp, even when its answer never came back."""

import pytest

from reconciler import lists
from reconciler.journal import FOUND_DONE
from reconciler.model import Address, ListUid, PassId, Result, Verb
from reconciler.report import PassReport
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.store import Store
from tests.passes.agency import Agency, verbs
from tests.passes.executioner import Killed

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


def test_a_removal_that_was_withheld_and_then_lost_its_answer_is_in_the_history_of_its_pass(
    acme: Agency,
) -> None:
    acme.mapping = acme.folder / "mapping.toml"
    acme.mapping.write_text('[recipients.fields]\nopted_out = { path = "Person.matchCriteria_9" }\n', "utf-8")
    acme.world.otys.switches.opt_out_field = "Person.matchCriteria_9"
    nurses = acme.list("Verpleegkundigen", PEOPLE[0])
    acme.once()
    acme.sandbox.otys.empty_list(nurses.uid)
    assert acme.once().proposals
    silent = acme.person(PEOPLE[1])
    acme.sandbox.otys.opt_out(silent.kind, silent.uid)
    acme.join(nurses, silent)  # nothing to do about them, but the list is not empty any more

    first = once_without_answers(acme, r"DELETE .*/members/")
    acme.once()

    assert told(acme, first.pass_id, "remove") == [(Result.APPLIED, FOUND_DONE)]


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


def test_whoever_never_came_back_though_asked_to_is_not_called_added(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *PEOPLE[:2])
    acme.once()
    person = acme.sandbox.otys.people_at(PEOPLE[0])[0]
    acme.leave(nurses, PEOPLE[0])
    acme.once()
    acme.join(nurses, person)
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern="(POST|PUT|PATCH) ", times=None)
    )

    first = acme.once()
    acme.sandbox.faults.clear()
    acme.once()

    assert [result for result, _ in told(acme, first.pass_id, "add")] == [Result.RETRY_LATER]
    assert acme.subscribed(nurses) == set(PEOPLE[:2])


def test_an_add_that_is_found_done_is_remembered_like_any_other(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", PEOPLE[0])
    once_without_answers(acme, r"POST /3\.0/lists/\w+$")
    acme.once()

    row = acme.store.base("acme", ListUid(nurses.uid)).rows[Address(PEOPLE[0])]
    contact = acme.contact(nurses, PEOPLE[0])
    assert contact is not None
    [person] = acme.sandbox.otys.people_at(PEOPLE[0])
    assert [(str(one.kind), one.uid) for one in row.persons] == [(person.kind, person.uid)]
    assert row.contact_id == contact.contact_id
    assert row.fields == {"FNAME": "P0", "LNAME": "Jansen"}


def test_an_edit_made_in_mailchimp_before_the_add_is_found_done_stays(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", PEOPLE[0])
    once_without_answers(acme, r"POST /3\.0/lists/\w+$")
    acme.sandbox.mailchimp.edit_fields(acme.audience(nurses), PEOPLE[0], FNAME="Pietje")

    assert acme.writes_of(acme.once) == []

    contact = acme.contact(nurses, PEOPLE[0])
    assert contact is not None
    assert contact.merge_fields["FNAME"] == "Pietje"


def test_a_person_who_moved_before_the_add_is_found_done_is_renamed(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", PEOPLE[0])
    once_without_answers(acme, r"POST /3\.0/lists/\w+$")
    acme.edit(acme.sandbox.otys.people_at(PEOPLE[0])[0], email=PEOPLE[1])

    assert verbs(acme.once()) == {"rename": 1}
    assert acme.subscribed(nurses) == {PEOPLE[1]}


def test_what_was_cut_off_in_an_audience_that_is_gone_does_not_stop_the_new_one(acme: Agency) -> None:
    acme.configure(policy='audience_gone = "recreate"')
    nurses = acme.list("Verpleegkundigen", PEOPLE[0])
    acme.once()
    acme.join(nurses, PEOPLE[1])
    once_without_answers(acme, r"POST /3\.0/lists/\w+$")
    acme.sandbox.mailchimp.delete_audience(acme.audience(nurses))

    acme.once()
    assert acme.subscribed(nurses) == set(PEOPLE[:2])
    assert acme.writes_of(acme.once) == []
    assert acme.store.open_intents("acme") == ()


def test_a_no_and_an_add_of_one_pass_that_was_cut_off_are_each_told_once(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", PEOPLE[0])
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), PEOPLE[0])
    acme.join(nurses, PEOPLE[1])

    first = once_without_answers(acme, r"POST /3\.0/lists/\w+$")
    acme.once()

    assert told(acme, first.pass_id, "add") == [(Result.APPLIED, FOUND_DONE)]
    assert told(acme, first.pass_id, "suppress") == [(Result.APPLIED, "")]


def test_an_opt_out_whose_removal_is_found_done_leaves_the_no_alone(acme: Agency) -> None:
    acme.mapping = acme.folder / "mapping.toml"
    acme.mapping.write_text('[recipients.fields]\nopted_out = { path = "Person.matchCriteria_9" }\n', "utf-8")
    acme.world.otys.switches.opt_out_field = "Person.matchCriteria_9"
    nurses = acme.list("Verpleegkundigen", *PEOPLE[:2])
    acme.once()
    person = acme.sandbox.otys.people_at(PEOPLE[0])[0]
    acme.sandbox.otys.opt_out(person.kind, person.uid)

    once_without_answers(acme, r"DELETE .*/members/")
    acme.leave(nurses, PEOPLE[0])
    acme.once()

    base = acme.store.base("acme", ListUid(nurses.uid))
    assert [no.address for no in base.nos] == [PEOPLE[0]]
    assert set(base.rows) == {PEOPLE[1]}


def test_whoever_left_before_the_add_is_found_done_is_removed_at_whatever_address(acme: Agency) -> None:
    acme.configure(limits="removals_free = 0\nremovals_percent = 0")
    nurses = acme.list("Verpleegkundigen", *PEOPLE[:2])
    once_without_answers(acme, r"POST /3\.0/lists/\w+$")
    acme.leave(nurses, PEOPLE[0])
    [proposal] = acme.once().proposals
    acme.sandbox.mailchimp.change_address(acme.audience(nurses), PEOPLE[0], "thuis@zorg.nl")
    acme.configure(limits="")
    acme.once()

    assert proposal.verb is Verb.REMOVE
    assert acme.subscribed(nurses) == {PEOPLE[1]}


def test_an_edit_is_found_done_at_the_address_that_the_contact_chose(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", PEOPLE[0])
    acme.once()
    acme.sandbox.mailchimp.change_address(acme.audience(nurses), PEOPLE[0], "thuis@zorg.nl")
    acme.edit(acme.sandbox.otys.people_at(PEOPLE[0])[0], last_name="Anders")

    first = once_without_answers(acme, r"(PATCH|PUT) .*/members/")
    acme.once()

    assert told(acme, first.pass_id, "update") == [(Result.APPLIED, FOUND_DONE)]


def test_an_audience_whose_rename_is_recorded_is_not_told_to_be_renamed_twice(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", PEOPLE[0])
    acme.once()
    acme.sandbox.otys.rename_list(nurses.uid, "Verpleging")
    acme.join(nurses, acme.person(PEOPLE[1]))

    first = once_without_answers(acme, r"POST /3\.0/lists/\w+$")
    acme.once()

    assert first.pass_id is not None
    assert told(acme, first.pass_id, "add") == [(Result.APPLIED, FOUND_DONE)]
    renames = [one.detail for one in acme.store.outcomes(first.pass_id) if one.verb == "rename-audience"]
    assert renames == [""]


def test_a_look_at_the_plan_records_nothing_of_a_pass_that_was_cut_off(acme: Agency) -> None:
    acme.list("Verpleegkundigen", PEOPLE[0])
    first = once_without_answers(acme, r"POST /3\.0/lists/\w+$")
    acme.plan()

    assert [result for result, _ in told(acme, first.pass_id, "add")] == [Result.RETRY_LATER]
    assert len(acme.store.open_intents("acme")) == 1

    acme.once()
    assert told(acme, first.pass_id, "add") == [(Result.APPLIED, FOUND_DONE)]


def test_what_was_withheld_is_not_found_done_when_somebody_else_did_it(acme: Agency) -> None:
    acme.configure(limits="removals_free = 0\nremovals_percent = 0")
    nurses = acme.list("Verpleegkundigen", *PEOPLE[:3])
    acme.once()
    acme.leave(nurses, PEOPLE[0])
    acme.join(nurses, acme.person(PEOPLE[3]))

    first = once_without_answers(acme, r"POST /3\.0/lists/\w+$")
    assert first.proposals
    acme.sandbox.mailchimp.archive(acme.audience(nurses), PEOPLE[0])
    acme.once()

    assert told(acme, first.pass_id, "add") == [(Result.APPLIED, FOUND_DONE)]
    assert Result.APPLIED not in [result for result, _ in told(acme, first.pass_id, "remove")]


def test_of_two_new_fields_history_tells_each_once_though_one_answer_got_lost(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", PEOPLE[0])
    acme.once()
    acme.fields += '\nAANHEF = "{first_name}"\nROEPNAAM = "{first_name}"'
    acme.sandbox.faults.add(
        Fault(
            kind=FaultKind.DROP_AFTER_APPLY,
            system="mailchimp",
            pattern="POST .*/merge-fields$",
            skip=1,
            times=None,
        )
    )
    first = acme.once()
    acme.sandbox.faults.clear()
    acme.once()

    assert first.pass_id is not None
    made = [one.detail for one in acme.store.outcomes(first.pass_id) if one.verb == "update-settings"]
    assert made == ["", FOUND_DONE]
    assert acme.subscribed(nurses) == {PEOPLE[0]}


def test_what_a_cut_off_pass_recorded_is_not_recorded_again(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.list("Verpleegkundigen", *PEOPLE)

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(lists, "end_writing", killed)
        with pytest.raises(Killed):
            acme.once()
    acme.once()

    added = [one.detail for one in acme.store.outcomes(PassId(1)) if one.verb == "add"]
    assert added == [""] * len(PEOPLE)
    assert acme.store.open_intents("acme") == ()


def test_a_creation_that_is_recorded_is_not_recorded_again(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.list("Verpleegkundigen", *PEOPLE)

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(Store, "forget_rows", killed)
        with pytest.raises(Killed):
            acme.once()
    acme.once()

    assert [one.verb for one in acme.store.history("acme", limit=100)].count("create") == 1
    assert acme.store.open_intents("acme") == ()


def test_an_add_is_looked_up_where_the_audience_is_shown_in_part(acme: Agency) -> None:
    acme.list("Verpleegkundigen", *PEOPLE)
    first = once_without_answers(acme, r"POST /3\.0/lists/\w+$")
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SHORT_PAGE, system="mailchimp", pattern="GET .*/members", times=None, value=2)
    )
    acme.once()

    assert told(acme, first.pass_id, "add") == [(Result.APPLIED, FOUND_DONE)] * len(PEOPLE)


def test_a_removal_is_found_done_at_the_address_that_the_contact_chose(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *PEOPLE[:2])
    acme.once()
    acme.sandbox.mailchimp.change_address(acme.audience(nurses), PEOPLE[0], "thuis@zorg.nl")
    acme.once()
    acme.leave(nurses, PEOPLE[0])

    first = once_without_answers(acme, "DELETE .*/members/")
    acme.once()

    assert told(acme, first.pass_id, "remove") == [(Result.APPLIED, FOUND_DONE)]


def test_a_move_is_not_found_done_when_somebody_else_came_to_the_new_address(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *PEOPLE[:2])
    acme.once()
    acme.edit(acme.sandbox.otys.people_at(PEOPLE[0])[0], email="nieuw@zorg.nl")
    acme.sandbox.faults.add(
        Fault(
            kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern="PUT .*/members/", times=None, value=503
        )
    )
    first = acme.once()
    acme.sandbox.faults.clear()
    acme.sandbox.mailchimp.add_contact(acme.audience(nurses), "nieuw@zorg.nl")
    acme.once()

    assert [result for result, _ in told(acme, first.pass_id, "rename")] == [Result.RETRY_LATER]
