from collections.abc import Iterator

import pytest

from reconciler.audience_record import MergeFieldRecord
from reconciler.errors import NotFound
from reconciler.model import Address, AudienceId, Standing, Verb
from tests.audience_accounts import (
    Account,
    MemoryAccount,
    apply,
    change,
    contacts,
    new_audience,
    sandbox_account,
)


@pytest.fixture(params=["mailchimp", "memory"])
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    if request.param == "memory":
        yield MemoryAccount()
        return
    with sandbox_account() as found:
        yield found


def test_an_account_without_audiences_is_complete_and_empty(account: Account) -> None:
    catalogue = account.source.audiences()

    assert catalogue.audiences == ()
    assert catalogue.tally.complete


def test_audiences_are_listed_with_their_name_and_reminder(account: Account) -> None:
    wanted = new_audience(account, "Kandidaten ✨")

    found = account.source.audiences().audiences

    assert [(audience.id, audience.name, audience.permission_reminder) for audience in found] == [
        (wanted, "Kandidaten ✨", "U staat op onze lijst.")
    ]


def test_constraints_tell_whether_another_audience_may_be_made(account: Account) -> None:
    new_audience(account)
    account.limit_audiences(2)
    room = account.source.audiences().constraints
    account.limit_audiences(1)
    full = account.source.audiences().constraints

    assert (room.may_create, room.maximum, room.current) == (True, 2, 1)
    assert (full.may_create, full.maximum) == (False, 1)


def test_contacts_of_every_standing_are_read_archived_ones_too(account: Account) -> None:
    audience = new_audience(account)
    for standing in (Standing.SUBSCRIBED, Standing.PENDING, Standing.CLEANED, Standing.ARCHIVED):
        account.add_contact(audience, f"{standing}@klant.nl", standing)
    account.add_contact(audience, "unsubscribed@klant.nl")
    account.unsubscribe(audience, "unsubscribed@klant.nl")

    snapshot = account.source.contacts(audience)

    assert snapshot.tally.complete
    assert snapshot.tally.rows == 5
    assert {contact.address: contact.standing for contact in snapshot.contacts} == {
        "subscribed@klant.nl": Standing.SUBSCRIBED,
        "pending@klant.nl": Standing.PENDING,
        "cleaned@klant.nl": Standing.CLEANED,
        "archived@klant.nl": Standing.ARCHIVED,
        "unsubscribed@klant.nl": Standing.UNSUBSCRIBED,
    }


def test_an_address_is_read_in_its_one_spelling(account: Account) -> None:
    audience = new_audience(account)
    account.add_contact(audience, "Jan.Jansen@Klant.NL")

    assert list(contacts(account, audience)) == ["jan.jansen@klant.nl"]


def test_an_empty_merge_field_is_an_empty_text(account: Account) -> None:
    audience = new_audience(account)
    account.add_contact(audience, "jan@klant.nl", fields={"FNAME": "Jan"})

    fields = contacts(account, audience)["jan@klant.nl"].fields

    assert fields["FNAME"] == "Jan"
    assert fields["LNAME"] == ""


def test_a_contact_keeps_its_contact_id_when_the_person_changes_the_address(account: Account) -> None:
    audience = new_audience(account)
    account.add_contact(audience, "oud@klant.nl")
    before = contacts(account, audience)["oud@klant.nl"]
    account.change_address(audience, "oud@klant.nl", "nieuw@klant.nl")

    after = contacts(account, audience)

    assert set(after) == {"nieuw@klant.nl"}
    assert after["nieuw@klant.nl"].contact_id == before.contact_id != ""
    assert after["nieuw@klant.nl"].id != before.id


def test_an_archived_contact_that_returns_is_one_contact(account: Account) -> None:
    audience = new_audience(account)
    account.add_contact(audience, "jan@klant.nl")
    account.archive(audience, "jan@klant.nl")
    archived = contacts(account, audience)["jan@klant.nl"]
    apply(account, audience, change(Verb.ADD, "jan@klant.nl", contact=archived))

    snapshot = account.source.contacts(audience)

    assert [contact.standing for contact in snapshot.contacts] == [Standing.SUBSCRIBED]
    assert snapshot.tally.rows == 1


def test_the_contacts_of_an_audience_that_is_gone_are_not_an_empty_list(account: Account) -> None:
    with pytest.raises(NotFound):
        account.source.contacts(AudienceId("gone"))


def test_merge_field_tags_name_those_made_later_too(account: Account) -> None:
    audience = new_audience(account)
    account.sink.create_merge_field(audience, "BRANCH")

    assert {"FNAME", "LNAME", "BRANCH"} <= account.source.merge_field_tags(audience)


def test_a_record_holds_every_contact_with_its_tags_and_the_merge_fields(account: Account) -> None:
    audience = new_audience(account, "Kandidaten")
    field = MergeFieldRecord(tag="KEUZE", name="Keuze", type="radio", options={"choices": ["ja", "nee"]})
    account.sink.create_merge_field(audience, "KEUZE", like=field)
    account.add_contact(audience, "jan@klant.nl", fields={"FNAME": "Jan"})
    account.add_contact(audience, "weg@klant.nl", Standing.ARCHIVED)
    account.sink.tag(audience, "Nacht", [Address("jan@klant.nl")])
    account.sink.tag(audience, "Nacht", [Address("jan@klant.nl")])

    record = account.source.record(audience)

    assert record.tally.complete
    assert (record.audience.name, record.campaign_last_sent) == ("Kandidaten", None)
    found = {contact.address: contact for contact in record.contacts}
    assert {address: contact.standing for address, contact in found.items()} == {
        "jan@klant.nl": Standing.SUBSCRIBED,
        "weg@klant.nl": Standing.ARCHIVED,
    }
    assert found[Address("jan@klant.nl")].tag_names == {"Nacht"}
    assert found[Address("jan@klant.nl")].fields == {"FNAME": "Jan"}
    (kept,) = [one for one in record.merge_fields if one.tag == "KEUZE"]
    assert (kept.name, kept.type, kept.options) == ("Keuze", "radio", {"choices": ["ja", "nee"]})


def test_the_record_of_an_audience_that_is_gone_is_not_an_empty_one(account: Account) -> None:
    with pytest.raises(NotFound):
        account.source.record(AudienceId("gone"))
