"""A write whose answer got lost, and people who act before the next pass: it was ours all the same."""

from reconciler.model import ListUid
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys.state import MailingList
from tests.passes.agency import Agency


def add_and_lose_the_answer(acme: Agency) -> MailingList:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    acme.join(nurses, acme.person("anna@zorg.nl"))
    pattern = f"POST /3.0/lists/{acme.audience(nurses)}"
    acme.sandbox.faults.add(Fault(kind=FaultKind.CUT_BODY, system="mailchimp", pattern=pattern))
    acme.once()
    assert acme.status(nurses, "anna@zorg.nl") == "subscribed"
    return nurses


def applied(acme: Agency) -> list[str]:
    outcomes = acme.store.history("acme", limit=100)
    anna = acme.store.key_address("anna@zorg.nl")
    return [one.verb for one in outcomes if one.address_key == anna and one.result == "applied"]


def test_who_left_the_list_since_is_removed(acme: Agency) -> None:
    nurses = add_and_lose_the_answer(acme)
    acme.leave(nurses, "anna@zorg.nl")
    acme.once()
    assert acme.status(nurses, "anna@zorg.nl") == "archived"
    assert applied(acme) == ["remove", "add"]


def test_who_was_taken_out_since_stays_out_at_another_address_too(acme: Agency) -> None:
    nurses = add_and_lose_the_answer(acme)
    acme.sandbox.mailchimp.archive(acme.audience(nurses), "anna@zorg.nl")
    acme.once()
    assert [no.address for no in acme.store.base("acme", ListUid(nurses.uid)).nos] == ["anna@zorg.nl"]
    acme.edit(acme.sandbox.otys.people_at("anna@zorg.nl")[0], email="anna@nieuw.nl")
    assert acme.writes_of(acme.once) == []


def test_who_unsubscribed_since_was_added_all_the_same(acme: Agency) -> None:
    nurses = add_and_lose_the_answer(acme)
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), "anna@zorg.nl")
    acme.once()
    assert applied(acme) == ["suppress", "add"]
