"""Our contact was deleted for good, and somebody subscribed its address anew: that contact is not ours."""

import pytest

from reconciler.model import ListUid
from reconciler.sandbox.otys.state import MailingList
from tests.passes.agency import Agency, verbs
from tests.passes.deleted import AT_ONCE

JAN, ANN = "jan@zorg.nl", "anna@zorg.nl"
OPT_OUT = "Person.matchCriteria_9"


@pytest.fixture
def nurses(acme: Agency) -> MailingList:
    """Between two passes a marketer deleted Anna for good, and she subscribed by a form."""
    mapping = acme.folder / "mapping.toml"
    mapping.write_text(f'[recipients.fields]\nopted_out = {{ path = "{OPT_OUT}" }}\n', "utf-8")
    acme.world.otys.switches.opt_out_field, acme.mapping = OPT_OUT, mapping
    nurses = acme.list("Verpleegkundigen", JAN, ANN)
    acme.once()
    acme.sandbox.mailchimp.delete_permanently(acme.audience(nurses), ANN)
    acme.sandbox.mailchimp.subscribe_by_form(acme.audience(nurses), ANN)
    return nurses


def ours(acme: Agency, nurses: MailingList) -> set[str]:
    return {str(address) for address in acme.store.base("acme", ListUid(nurses.uid)).rows}


def test_who_left_the_list_meanwhile_is_a_stranger_and_stays(acme: Agency, nurses: MailingList) -> None:
    acme.leave(nurses, ANN)

    assert acme.writes_of(acme.once) == []

    assert acme.subscribed(nurses) == {JAN, ANN}
    assert ours(acme, nurses) == {JAN}


def test_who_opted_out_in_otys_meanwhile_is_left_to_a_person(acme: Agency, nurses: MailingList) -> None:
    person = acme.sandbox.otys.people_at(ANN)[0]
    acme.sandbox.otys.opt_out(person.kind, person.uid)

    assert acme.writes_of(acme.once) == []

    assert acme.subscribed(nurses) == {JAN, ANN}


def test_who_is_still_listed_is_adopted_and_from_then_on_removed(acme: Agency, nurses: MailingList) -> None:
    assert verbs(acme.once()) == {"adopt": 1}
    assert ours(acme, nurses) == {JAN, ANN}

    acme.leave(nurses, ANN)
    acme.once()
    assert acme.status(nurses, ANN) == "archived"


def test_ours_that_moved_is_removed_and_not_who_has_its_old_address(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", JAN, ANN)
    acme.once()
    acme.sandbox.mailchimp.change_address(acme.audience(nurses), ANN, "anna@elders.nl")
    acme.sandbox.mailchimp.subscribe_by_form(acme.audience(nurses), ANN)
    acme.leave(nurses, ANN)

    acme.once()

    assert acme.subscribed(nurses) == {JAN, ANN}
    assert acme.status(nurses, "anna@elders.nl") == "archived"


def test_its_list_being_deleted_the_audience_is_not(acme: Agency, nurses: MailingList) -> None:
    acme.configure(limits=AT_ONCE)
    audience = acme.audience(nurses)
    acme.sandbox.otys.delete_list(nurses.uid)

    acme.once()

    assert audience in acme.world.mailchimp.audiences
