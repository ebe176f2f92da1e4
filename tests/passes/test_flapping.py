"""A contact that is added and removed again and again: another writer is at work."""

from reconciler.model import Verb
from tests.passes.agency import Agency, reasons, results, verbs

STAYS, FLAPS = "blijft@zorg.nl", "wisselt@zorg.nl"


def test_somebody_who_comes_and_goes_too_often_is_held_and_reported(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", STAYS, FLAPS)
    person = acme.sandbox.otys.people_at(FLAPS)[0]
    acme.once()
    acme.leave(nurses, FLAPS)
    acme.once()
    acme.join(nurses, person)
    acme.once()
    acme.leave(nurses, FLAPS)

    report = acme.once()

    assert verbs(report) == {"hold": 1}
    assert results(report) == {("hold", "withheld"): 1}
    assert "another writer is at work" in reasons(report, Verb.HOLD)[0]
    assert acme.status(nurses, FLAPS) == "subscribed"
    assert acme.writes_of(acme.once) == []


def test_once_it_rests_it_is_brought_in_step(acme: Agency) -> None:
    test_somebody_who_comes_and_goes_too_often_is_held_and_reported(acme)
    acme.later(hours=25)
    assert verbs(acme.once()) == {"remove": 1}
    assert acme.writes_of(acme.once) == []


def test_a_writer_that_archives_what_we_restore_is_not_fought_for_ever(acme: Agency) -> None:
    acme.configure(policy='removed_in_mailchimp = "restore"')
    nurses = acme.list("Verpleegkundigen", STAYS, FLAPS)
    acme.once()
    fights = 0
    for _ in range(5):
        acme.sandbox.mailchimp.archive(acme.audience(nurses), FLAPS)
        fights += verbs(acme.once()).get("add", 0)
        if acme.status(nurses, FLAPS) == "archived":
            break
    assert fights == 1
    assert verbs(acme.once()) == {"hold": 1}


def test_no_number_of_turns_holds_back_somebody_who_says_no(acme: Agency) -> None:
    mapping = acme.folder / "mapping.toml"
    mapping.write_text('[recipients.fields]\nopted_out = { path = "Person.matchCriteria_9" }\n', "utf-8")
    acme.world.otys.switches.opt_out_field = "Person.matchCriteria_9"
    acme.mapping = mapping
    acme.configure(limits="flap_turns = 0")
    nurses = acme.list("Verpleegkundigen", STAYS, FLAPS)
    acme.once()
    person = acme.sandbox.otys.people_at(FLAPS)[0]
    acme.sandbox.otys.opt_out(person.kind, person.uid)
    acme.once()
    assert acme.status(nurses, FLAPS) == "archived"
