from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.errors import NotFound, PermissionDenied
from reconciler.model import AudienceId, RefusalKind, Result, Standing, Verb
from reconciler.ports import NewAudience
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


@pytest.fixture
def audience(account: Account) -> AudienceId:
    return new_audience(account)


# -- audiences --------------------------------------------------------------------------------------


def test_one_audience_more_than_the_plan_allows_is_refused(account: Account) -> None:
    account.limit_audiences(1)
    new_audience(account)

    with pytest.raises(PermissionDenied, match="limit"):
        account.sink.create(NewAudience(name="Tweede", permission_reminder="Omdat."))

    assert len(account.source.audiences().audiences) == 1


def test_a_name_changes_without_the_reminder(account: Account, audience: AudienceId) -> None:
    edited = account.sink.edit(audience, name="Relaties")

    assert (edited.name, edited.permission_reminder) == ("Relaties", "U staat op onze lijst.")
    assert account.source.audiences().audiences == (edited,)


def test_a_reminder_changes_without_the_name(account: Account, audience: AudienceId) -> None:
    edited = account.sink.edit(audience, permission_reminder="U vroeg erom.")

    assert (edited.name, edited.permission_reminder) == ("Kandidaten", "U vroeg erom.")


def test_an_audience_that_is_gone_cannot_be_edited(account: Account) -> None:
    with pytest.raises(NotFound):
        account.sink.edit(AudienceId("gone"), name="Relaties")


def test_deleting_an_audience_twice_is_fine(account: Account, audience: AudienceId) -> None:
    account.sink.delete(audience)
    account.sink.delete(audience)

    assert account.source.audiences().audiences == ()


# -- adding -----------------------------------------------------------------------------------------


def test_an_added_contact_is_subscribed_with_its_fields(account: Account, audience: AudienceId) -> None:
    outcome = apply(account, audience, change(Verb.ADD, "jan@klant.nl", fields={"FNAME": "Jan"}))

    seen = contacts(account, audience)["jan@klant.nl"]
    assert outcome["jan@klant.nl"].result is Result.APPLIED
    assert outcome["jan@klant.nl"].contact_id == seen.contact_id != ""
    assert (seen.standing, seen.fields["FNAME"]) == (Standing.SUBSCRIBED, "Jan")


def test_adding_a_contact_that_just_subscribed_is_already_true(
    account: Account, audience: AudienceId
) -> None:
    account.subscribe_by_form(audience, "jan@klant.nl")

    outcome = apply(account, audience, change(Verb.ADD, "jan@klant.nl"))["jan@klant.nl"]

    assert outcome.result is Result.ALREADY_TRUE
    assert outcome.contact_id == contacts(account, audience)["jan@klant.nl"].contact_id


def test_adding_a_contact_that_just_unsubscribed_is_refused_and_changes_nothing(
    account: Account, audience: AudienceId
) -> None:
    account.add_contact(audience, "jan@klant.nl")
    account.unsubscribe(audience, "jan@klant.nl")

    outcome = apply(account, audience, change(Verb.ADD, "jan@klant.nl"))["jan@klant.nl"]

    assert (outcome.result, outcome.refusal) == (Result.REFUSED, RefusalKind.UNSUBSCRIBED)
    assert contacts(account, audience)["jan@klant.nl"].standing is Standing.UNSUBSCRIBED


def test_adding_a_bounced_contact_is_refused(account: Account, audience: AudienceId) -> None:
    account.add_contact(audience, "jan@klant.nl", Standing.CLEANED)

    outcome = apply(account, audience, change(Verb.ADD, "jan@klant.nl"))["jan@klant.nl"]

    assert (outcome.result, outcome.refusal) == (Result.REFUSED, RefusalKind.BOUNCED)


def test_a_forgotten_contact_is_refused_as_such(account: Account, audience: AudienceId) -> None:
    account.add_contact(audience, "jan@klant.nl")
    account.delete_permanently(audience, "jan@klant.nl")

    outcome = apply(account, audience, change(Verb.ADD, "jan@klant.nl"))["jan@klant.nl"]

    assert (outcome.result, outcome.refusal) == (Result.REFUSED, RefusalKind.FORGOTTEN)
    assert contacts(account, audience) == {}


def test_one_refused_contact_never_stops_another(account: Account, audience: AudienceId) -> None:
    account.add_contact(audience, "nee@klant.nl")
    account.delete_permanently(audience, "nee@klant.nl")

    outcomes = apply(
        account,
        audience,
        change(Verb.ADD, "a@klant.nl"),
        change(Verb.ADD, "nee@klant.nl"),
        change(Verb.ADD, "b@klant.nl"),
    )

    assert {address: outcome.result for address, outcome in outcomes.items()} == {
        "a@klant.nl": Result.APPLIED,
        "nee@klant.nl": Result.REFUSED,
        "b@klant.nl": Result.APPLIED,
    }


def test_no_outcome_names_an_address_in_its_detail(account: Account, audience: AudienceId) -> None:
    for person in ("weg@klant.nl", "uit@klant.nl"):
        account.add_contact(audience, person)
    account.delete_permanently(audience, "weg@klant.nl")
    account.unsubscribe(audience, "uit@klant.nl")

    outcomes = apply(account, audience, change(Verb.ADD, "weg@klant.nl"), change(Verb.ADD, "uit@klant.nl"))

    assert all(outcome.detail and "@klant.nl" not in outcome.detail for outcome in outcomes.values())


def test_a_contact_we_archived_comes_back_as_the_same_one(account: Account, audience: AudienceId) -> None:
    account.add_contact(audience, "jan@klant.nl", fields={"FNAME": "Jan"})
    seen = contacts(account, audience)["jan@klant.nl"]
    apply(account, audience, change(Verb.REMOVE, "jan@klant.nl", contact=seen))
    archived = contacts(account, audience)["jan@klant.nl"]

    outcome = apply(
        account, audience, change(Verb.ADD, "jan@klant.nl", contact=archived, fields={"FNAME": "J."})
    )

    after = contacts(account, audience)["jan@klant.nl"]
    assert outcome["jan@klant.nl"].result is Result.APPLIED
    assert (after.standing, after.contact_id) == (Standing.SUBSCRIBED, seen.contact_id)
    assert after.fields["FNAME"] == "J."


def test_a_contact_that_changed_since_we_archived_it_is_not_subscribed_again(
    account: Account, audience: AudienceId
) -> None:
    account.add_contact(audience, "jan@klant.nl", Standing.ARCHIVED)
    archived = contacts(account, audience)["jan@klant.nl"]
    coming_back = change(Verb.ADD, "jan@klant.nl", contact=archived)
    long_ago = replace(coming_back, left_at=datetime(2020, 1, 1, tzinfo=UTC))

    outcome = apply(account, audience, long_ago)["jan@klant.nl"]

    assert (outcome.result, outcome.refusal) == (Result.REFUSED, RefusalKind.ARCHIVED)
    assert "may have said no" in outcome.detail
    assert contacts(account, audience)["jan@klant.nl"].standing is Standing.ARCHIVED


def test_an_opt_out_that_was_archived_is_not_subscribed_again(account: Account, audience: AudienceId) -> None:
    account.add_contact(audience, "jan@klant.nl")
    account.unsubscribe(audience, "jan@klant.nl")
    account.archive(audience, "jan@klant.nl")
    archived = contacts(account, audience)["jan@klant.nl"]

    outcome = apply(account, audience, change(Verb.ADD, "jan@klant.nl", contact=archived))["jan@klant.nl"]

    assert (outcome.result, outcome.refusal) == (Result.REFUSED, RefusalKind.COMPLIANCE)
    assert contacts(account, audience)["jan@klant.nl"].standing is Standing.ARCHIVED


# -- updating and adopting --------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [Verb.UPDATE, Verb.ADOPT])
def test_writing_fields_changes_those_and_no_other(
    account: Account, audience: AudienceId, verb: Verb
) -> None:
    account.add_contact(audience, "jan@klant.nl", fields={"FNAME": "Jan", "LNAME": "Jansen"})
    seen = contacts(account, audience)["jan@klant.nl"]

    outcome = apply(
        account, audience, change(verb, "jan@klant.nl", contact=seen, fields={"LNAME": "de Vries"})
    )

    after = contacts(account, audience)["jan@klant.nl"]
    assert outcome["jan@klant.nl"].result is Result.APPLIED
    assert (after.fields["FNAME"], after.fields["LNAME"]) == ("Jan", "de Vries")


@pytest.mark.parametrize("standing", [Standing.PENDING, Standing.UNSUBSCRIBED, Standing.CLEANED])
def test_writing_fields_never_changes_the_standing(
    account: Account, audience: AudienceId, standing: Standing
) -> None:
    account.add_contact(audience, "jan@klant.nl", standing)
    seen = contacts(account, audience)["jan@klant.nl"]

    apply(account, audience, change(Verb.UPDATE, "jan@klant.nl", contact=seen, fields={"FNAME": "Jan"}))

    after = contacts(account, audience)["jan@klant.nl"]
    assert (after.standing, after.fields["FNAME"]) == (standing, "Jan")


def test_adopting_without_fields_is_already_true(account: Account, audience: AudienceId) -> None:
    account.add_contact(audience, "jan@klant.nl")
    seen = contacts(account, audience)["jan@klant.nl"]

    outcome = apply(account, audience, change(Verb.ADOPT, "jan@klant.nl", contact=seen))["jan@klant.nl"]

    assert (outcome.result, outcome.contact_id) == (Result.ALREADY_TRUE, seen.contact_id)


def test_a_contact_that_vanished_is_looked_at_again_later(account: Account, audience: AudienceId) -> None:
    account.add_contact(audience, "jan@klant.nl")
    seen = contacts(account, audience)["jan@klant.nl"]
    account.delete_permanently(audience, "jan@klant.nl")

    outcomes = apply(
        account, audience, change(Verb.UPDATE, "jan@klant.nl", contact=seen, fields={"FNAME": "Jan"})
    )

    assert outcomes["jan@klant.nl"].result is Result.RETRY_LATER
    assert contacts(account, audience) == {}


# -- renaming ---------------------------------------------------------------------------------------


def test_a_rename_keeps_the_contact_and_its_standing(account: Account, audience: AudienceId) -> None:
    account.add_contact(audience, "oud@klant.nl", fields={"FNAME": "Jan"})
    account.unsubscribe(audience, "oud@klant.nl")
    seen = contacts(account, audience)["oud@klant.nl"]

    outcome = apply(
        account, audience, change(Verb.RENAME, "nieuw@klant.nl", contact=seen, fields={"LNAME": "Jansen"})
    )["nieuw@klant.nl"]

    after = contacts(account, audience)
    assert outcome.result is Result.APPLIED
    assert set(after) == {"nieuw@klant.nl"}
    assert after["nieuw@klant.nl"].contact_id == seen.contact_id == outcome.contact_id
    assert after["nieuw@klant.nl"].standing is Standing.UNSUBSCRIBED
    assert (after["nieuw@klant.nl"].fields["FNAME"], after["nieuw@klant.nl"].fields["LNAME"]) == (
        "Jan",
        "Jansen",
    )


@pytest.mark.parametrize("standing", [Standing.SUBSCRIBED, Standing.UNSUBSCRIBED, Standing.ARCHIVED])
def test_a_rename_onto_a_taken_address_is_left_to_the_next_pass(
    account: Account, audience: AudienceId, standing: Standing
) -> None:
    account.add_contact(audience, "oud@klant.nl")
    account.add_contact(audience, "nieuw@klant.nl", standing)
    before = contacts(account, audience)

    outcome = apply(account, audience, change(Verb.RENAME, "nieuw@klant.nl", contact=before["oud@klant.nl"]))[
        "nieuw@klant.nl"
    ]

    assert (outcome.result, outcome.refusal) == (Result.RETRY_LATER, None)
    assert contacts(account, audience) == before


def test_a_rename_of_a_contact_that_vanished_makes_no_second_one(
    account: Account, audience: AudienceId
) -> None:
    account.add_contact(audience, "oud@klant.nl")
    seen = contacts(account, audience)["oud@klant.nl"]
    account.delete_permanently(audience, "oud@klant.nl")

    outcome = apply(account, audience, change(Verb.RENAME, "nieuw@klant.nl", contact=seen))["nieuw@klant.nl"]

    assert outcome.result is Result.RETRY_LATER
    assert contacts(account, audience) == {}


def test_a_rename_of_a_person_who_took_another_address_meanwhile_waits(
    account: Account, audience: AudienceId
) -> None:
    account.add_contact(audience, "oud@klant.nl")
    seen = contacts(account, audience)["oud@klant.nl"]
    account.change_address(audience, "oud@klant.nl", "eigen@klant.nl")

    outcome = apply(account, audience, change(Verb.RENAME, "nieuw@klant.nl", contact=seen))["nieuw@klant.nl"]

    assert outcome.result is Result.RETRY_LATER
    assert set(contacts(account, audience)) == {"eigen@klant.nl"}


# -- removing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("standing", [Standing.SUBSCRIBED, Standing.UNSUBSCRIBED])
def test_a_removed_contact_is_archived(account: Account, audience: AudienceId, standing: Standing) -> None:
    account.add_contact(audience, "jan@klant.nl", standing)
    seen = contacts(account, audience)["jan@klant.nl"]

    outcome = apply(account, audience, change(Verb.REMOVE, "jan@klant.nl", contact=seen))["jan@klant.nl"]

    after = contacts(account, audience)["jan@klant.nl"]
    assert outcome.result is Result.APPLIED
    assert (after.standing, after.contact_id) == (Standing.ARCHIVED, seen.contact_id)


def test_removing_what_somebody_archived_meanwhile_is_already_true(
    account: Account, audience: AudienceId
) -> None:
    account.add_contact(audience, "jan@klant.nl")
    seen = contacts(account, audience)["jan@klant.nl"]
    account.archive(audience, "jan@klant.nl")

    outcome = apply(account, audience, change(Verb.REMOVE, "jan@klant.nl", contact=seen))["jan@klant.nl"]

    assert outcome.result is Result.ALREADY_TRUE


@pytest.mark.parametrize("standing", [Standing.PENDING, Standing.CLEANED])
def test_what_cannot_be_archived_is_refused_and_stays(
    account: Account, audience: AudienceId, standing: Standing
) -> None:
    account.add_contact(audience, "jan@klant.nl", standing)
    seen = contacts(account, audience)["jan@klant.nl"]

    outcome = apply(account, audience, change(Verb.REMOVE, "jan@klant.nl", contact=seen))["jan@klant.nl"]

    assert (outcome.result, outcome.refusal) == (Result.REFUSED, RefusalKind.CANNOT_ARCHIVE)
    assert contacts(account, audience)["jan@klant.nl"].standing is standing


def test_removing_a_contact_that_vanished_is_already_true(account: Account, audience: AudienceId) -> None:
    account.add_contact(audience, "jan@klant.nl")
    seen = contacts(account, audience)["jan@klant.nl"]
    account.delete_permanently(audience, "jan@klant.nl")

    outcome = apply(account, audience, change(Verb.REMOVE, "jan@klant.nl", contact=seen))["jan@klant.nl"]

    assert outcome.result is Result.ALREADY_TRUE


def test_a_person_who_changed_the_address_meanwhile_is_not_taken_for_gone(
    account: Account, audience: AudienceId
) -> None:
    account.add_contact(audience, "oud@klant.nl")
    seen = contacts(account, audience)["oud@klant.nl"]
    account.change_address(audience, "oud@klant.nl", "nieuw@klant.nl")

    outcome = apply(account, audience, change(Verb.REMOVE, "oud@klant.nl", contact=seen))["oud@klant.nl"]

    assert outcome.result is Result.RETRY_LATER
    assert contacts(account, audience)["nieuw@klant.nl"].standing is Standing.SUBSCRIBED


# -- order, the whole audience, reading back --------------------------------------------------------


def test_renames_come_first_and_removals_last(account: Account, audience: AudienceId) -> None:
    for person in ("weg@klant.nl", "oud@klant.nl", "jan@klant.nl"):
        account.add_contact(audience, person)
    seen = contacts(account, audience)

    groups = account.sink.apply(
        audience,
        [
            change(Verb.REMOVE, "weg@klant.nl", contact=seen["weg@klant.nl"]),
            change(Verb.UPDATE, "jan@klant.nl", contact=seen["jan@klant.nl"], fields={"FNAME": "Jan"}),
            change(Verb.ADD, "bij@klant.nl"),
            change(Verb.RENAME, "nieuw@klant.nl", contact=seen["oud@klant.nl"]),
        ],
    )

    assert [outcome.change.verb for group in groups for outcome in group] == [
        Verb.RENAME,
        Verb.ADD,
        Verb.UPDATE,
        Verb.REMOVE,
    ]


def test_an_audience_that_is_gone_is_an_error_and_no_outcome(account: Account) -> None:
    with pytest.raises(NotFound):
        apply(account, AudienceId("gone"), change(Verb.ADD, "jan@klant.nl"))


def test_a_contact_of_an_audience_that_is_gone_is_not_taken_for_removed(
    account: Account, audience: AudienceId
) -> None:
    account.add_contact(audience, "jan@klant.nl")
    seen = contacts(account, audience)["jan@klant.nl"]
    account.sink.delete(audience)

    with pytest.raises(NotFound):
        apply(account, audience, change(Verb.REMOVE, "jan@klant.nl", contact=seen))


def test_reading_back_what_is_true_finds_nothing(account: Account, audience: AudienceId) -> None:
    account.add_contact(audience, "weg@klant.nl")
    seen = contacts(account, audience)["weg@klant.nl"]
    outcomes = apply(
        account,
        audience,
        change(Verb.ADD, "bij@klant.nl", fields={"FNAME": "Bij"}),
        change(Verb.REMOVE, "weg@klant.nl", contact=seen),
    )

    assert account.sink.read_back(audience, list(outcomes.values())) == []


def test_reading_back_finds_the_removal_that_is_not_so(account: Account, audience: AudienceId) -> None:
    account.add_contact(audience, "weg@klant.nl")
    seen = contacts(account, audience)["weg@klant.nl"]
    outcomes = apply(account, audience, change(Verb.REMOVE, "weg@klant.nl", contact=seen))
    account.subscribe_by_form(audience, "weg@klant.nl")

    found = account.sink.read_back(audience, list(outcomes.values()))

    assert [(outcome.change.address, outcome.result) for outcome in found] == [
        ("weg@klant.nl", Result.NOT_TRUE)
    ]


def test_reading_back_finds_the_field_that_was_dropped(account: Account, audience: AudienceId) -> None:
    outcomes = apply(account, audience, change(Verb.ADD, "jan@klant.nl", fields={"NOSUCH": "x"}))

    found = account.sink.read_back(audience, list(outcomes.values()))

    assert [outcome.result for outcome in found] == [Result.NOT_TRUE]


# -- erasing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("standing", [Standing.SUBSCRIBED, Standing.ARCHIVED, Standing.CLEANED])
def test_an_erased_contact_is_gone_for_good(
    account: Account, audience: AudienceId, standing: Standing
) -> None:
    account.add_contact(audience, "an@klant.nl", standing)
    (an,) = contacts(account, audience).values()

    account.sink.erase(audience, an)

    assert account.source.contact(audience, "an@klant.nl") is None
    outcome = apply(account, audience, change(Verb.ADD, "an@klant.nl"))["an@klant.nl"]
    assert outcome.refusal is RefusalKind.FORGOTTEN


def test_erasing_twice_is_fine(account: Account, audience: AudienceId) -> None:
    account.add_contact(audience, "an@klant.nl")
    (an,) = contacts(account, audience).values()
    account.sink.erase(audience, an)

    account.sink.erase(audience, an)

    assert contacts(account, audience) == {}
