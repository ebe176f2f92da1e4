"""What reading back finds, and in which words it is told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model import AudienceId, Change, Outcome, Result, Verb
from tests.audience_accounts import SandboxAccount, change, contacts, new_audience, sandbox_account

JAN, NEW, OWN = "jan@klant.nl", "nieuw@klant.nl", "eigen@klant.nl"


@pytest.fixture
def account() -> Iterator[SandboxAccount]:
    with sandbox_account() as found:
        yield found


@pytest.fixture
def audience(account: SandboxAccount) -> AudienceId:
    return new_audience(account)


def read_back(
    account: SandboxAccount, audience: AudienceId, wanted: Change, *, contact_id: str = ""
) -> list[Outcome]:
    """Read back a change that was acknowledged, whatever became of it since."""
    acknowledged = Outcome(change=wanted, result=Result.APPLIED, contact_id=contact_id)
    return list(account.sink.read_back(audience, [acknowledged]))


def untrue(wanted: Change, detail: str) -> list[Outcome]:
    return [Outcome(change=wanted, result=Result.NOT_TRUE, detail=detail)]


def test_an_add_that_left_nothing_is_told(account: SandboxAccount, audience: AudienceId) -> None:
    wanted = change(Verb.ADD, JAN)

    assert read_back(account, audience, wanted) == untrue(
        wanted, "add was acknowledged, and yet Mailchimp does not find it"
    )


def test_an_add_that_left_somebody_unsubscribed_is_told(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, JAN)
    account.unsubscribe(audience, JAN)
    wanted = change(Verb.ADD, JAN)

    assert read_back(account, audience, wanted) == untrue(
        wanted, "added, and yet Mailchimp shows it unsubscribed"
    )


def test_an_add_that_ended_up_at_another_address_is_told(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, OWN)
    contact_id = contacts(account, audience)[OWN].contact_id
    wanted = change(Verb.ADD, JAN)

    assert read_back(account, audience, wanted, contact_id=contact_id) == untrue(
        wanted, "add was acknowledged, and yet Mailchimp shows another address"
    )


def test_a_contact_is_found_by_its_address_when_no_contact_id_is_known(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, JAN)

    assert read_back(account, audience, change(Verb.ADD, JAN)) == []


def test_an_update_of_somebody_with_an_own_address_and_no_subscription_is_true(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, OWN, fields={"FNAME": "Jan"})
    account.unsubscribe(audience, OWN)
    contact = contacts(account, audience)[OWN]
    wanted = change(Verb.UPDATE, JAN, contact=contact, fields={"FNAME": "Jan"})

    assert read_back(account, audience, wanted, contact_id=contact.contact_id) == []


def test_a_rename_that_is_so_is_true(account: SandboxAccount, audience: AudienceId) -> None:
    account.add_contact(audience, NEW)
    contact = contacts(account, audience)[NEW]

    assert read_back(account, audience, change(Verb.RENAME, NEW, contact=contact)) == []


def test_a_rename_that_left_the_old_address_is_told(account: SandboxAccount, audience: AudienceId) -> None:
    account.add_contact(audience, JAN)
    contact = contacts(account, audience)[JAN]
    wanted = change(Verb.RENAME, NEW, contact=contact)

    assert read_back(account, audience, wanted, contact_id=contact.contact_id) == untrue(
        wanted, "rename was acknowledged, and yet Mailchimp shows another address"
    )


def test_a_rename_that_another_contact_hides_is_told(account: SandboxAccount, audience: AudienceId) -> None:
    account.add_contact(audience, JAN)
    account.add_contact(audience, NEW)
    contact = contacts(account, audience)[JAN]
    wanted = change(Verb.RENAME, NEW, contact=contact)

    assert read_back(account, audience, wanted, contact_id=contact.contact_id) == untrue(
        wanted, "renamed, and yet Mailchimp shows another contact at the new address"
    )


def test_a_rename_of_a_contact_whose_id_was_not_known_is_true(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, NEW)
    contact = replace(contacts(account, audience)[NEW], contact_id="")

    assert read_back(account, audience, change(Verb.RENAME, NEW, contact=contact)) == []


def test_an_update_whose_contact_was_replaced_by_one_with_the_same_values_is_true(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, JAN, fields={"FNAME": "Jan"})
    contact = replace(contacts(account, audience)[JAN], contact_id="another")
    wanted = change(Verb.UPDATE, JAN, contact=contact, fields={"FNAME": "Jan"})

    assert read_back(account, audience, wanted) == []


def test_every_field_that_is_not_so_is_named(account: SandboxAccount, audience: AudienceId) -> None:
    account.add_contact(audience, JAN, fields={"FNAME": "Jan", "LNAME": "Jansen"})
    contact = contacts(account, audience)[JAN]
    wanted = change(
        Verb.UPDATE, JAN, contact=contact, fields={"LNAME": "Pietersen", "FNAME": "Piet", "NOSUCH": ""}
    )

    assert read_back(account, audience, wanted) == untrue(
        wanted, "FNAME, LNAME: written, and yet Mailchimp shows something else"
    )


def test_blanks_that_mailchimp_closes_up_are_no_difference(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, JAN, fields={"FNAME": "Jan Piet"})
    wanted = change(Verb.ADD, JAN, fields={"FNAME": " Jan  Piet"})

    assert read_back(account, audience, wanted) == []


def test_a_removal_that_is_not_so_says_how_the_contact_stands(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, JAN)
    wanted = change(Verb.REMOVE, JAN, contact=contacts(account, audience)[JAN])

    assert read_back(account, audience, wanted) == untrue(
        wanted, "removed, and yet Mailchimp shows it subscribed"
    )


def test_the_newest_removals_are_proved_by_one_listing_however_many_are_older(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contacts(audience, 1_001)
    older = list(contacts(account, audience))
    for email in older:
        account.archive(audience, email)
    account.sandbox.clock.advance(timedelta(days=1))
    for number in range(10):
        account.add_contact(audience, f"weg{number}@klant.nl")
    there = [contacts(account, audience)[f"weg{number}@klant.nl"] for number in range(10)]
    for contact in there:
        account.archive(audience, contact.address)
    removed = [
        Outcome(change=change(Verb.REMOVE, one.address, contact=one), result=Result.APPLIED) for one in there
    ]
    account.sandbox.log.clear()

    assert account.sink.read_back(audience, removed) == []
    (request,) = account.requests()
    assert request.query["fields"] == "members.id,members.status,total_items"


@pytest.mark.parametrize(("count", "places"), [(1, [0]), (3, [0, 1, 2]), (4, [0, 2, 3]), (9, [0, 4, 8])])
def test_a_sample_has_the_first_the_last_and_the_middle(
    account: SandboxAccount, audience: AudienceId, count: int, places: list[int]
) -> None:
    emails = [f"p{number}@klant.nl" for number in range(count)]
    acknowledged = [Outcome(change=change(Verb.ADD, email), result=Result.APPLIED) for email in emails]

    untrue_ones = account.sink.read_back(audience, acknowledged)

    assert [one.change.address for one in untrue_ones] == [emails[place] for place in places]


@pytest.mark.parametrize("verb", [Verb.UPDATE, Verb.ADOPT])
def test_an_edit_that_wrote_nothing_is_not_read_back(
    account: SandboxAccount, audience: AudienceId, verb: Verb
) -> None:
    account.add_contact(audience, JAN)
    wanted = change(verb, JAN, contact=contacts(account, audience)[JAN])
    account.sandbox.log.clear()

    assert read_back(account, audience, wanted) == []
    assert account.requests() == []


def test_a_removal_that_was_never_seen_cannot_be_read_back(
    account: SandboxAccount, audience: AudienceId
) -> None:
    with pytest.raises(ValueError, match="remove needs the contact as it was seen"):
        read_back(account, audience, change(Verb.REMOVE, JAN))
