"""What the sink sends, and what becomes of it where memory has no opinion (facts/mailchimp.md, section 8)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec
import pytest

from reconciler.errors import BadRequest, CredentialsRejected, NotFound, PermissionDenied
from reconciler.model import AudienceId, Change, Outcome, RefusalKind, Result, Standing, Verb
from reconciler.ports import NewAudience
from reconciler.sandbox.requestlog import LoggedRequest
from reconciler.sinks.mailchimp import MailchimpSink
from tests.audience_accounts import (
    DEFAULTS,
    SandboxAccount,
    apply,
    change,
    contacts,
    new_audience,
    sandbox_account,
)


@pytest.fixture
def account() -> Iterator[SandboxAccount]:
    with sandbox_account() as found:
        yield found


@pytest.fixture
def audience(account: SandboxAccount) -> AudienceId:
    found = new_audience(account)
    account.sandbox.log.clear()
    return found


def body(request: LoggedRequest) -> Mapping[str, object]:
    return msgspec.json.decode(request.body, type=dict[str, object])


def add_number_field(account: SandboxAccount, audience: AudienceId) -> None:
    field = {"tag": "AGE", "name": "AGE", "type": "number"}
    account.client.write("POST", f"/lists/{audience}/merge-fields", field, dict)


def removals(account: SandboxAccount, audience: AudienceId) -> list[Change]:
    seen = contacts(account, audience).values()
    return [change(Verb.REMOVE, contact.address, contact=contact) for contact in seen]


# -- audiences --------------------------------------------------------------------------------------


def test_a_new_audience_says_what_the_law_wants(account: SandboxAccount) -> None:
    account.sink.create(NewAudience(name="n" * 300, permission_reminder="U vroeg erom. 🎉"))

    (request,) = account.requests("POST")
    assert body(request) == {
        "name": "n" * 300,
        "permission_reminder": "U vroeg erom. 🎉",
        "email_type_option": True,
        "contact": {"company": "Bureau", "address1": "Straat 1", "city": "Utrecht", "country": "NL"},
        "campaign_defaults": {
            "from_name": "Bureau",
            "from_email": "post@bureau.nl",
            "subject": "Nieuws",
            "language": "nl",
        },
    }


def test_the_vague_403_of_one_audience_too_many_is_told_as_the_limit(account: SandboxAccount) -> None:
    account.sandbox.world.mailchimp.switches.claim_may_create = True
    account.limit_audiences(0)

    with pytest.raises(PermissionDenied, match="limit of audiences") as caught:
        new_audience(account)

    assert "larger plan" in caught.value.advice
    assert account.source.audiences().constraints.may_create


def test_a_missing_part_of_the_agencys_address_is_named(account: SandboxAccount) -> None:
    sink = MailchimpSink(account.client, replace(DEFAULTS, city=""))

    with pytest.raises(BadRequest, match=r"contact\.city"):
        sink.create(NewAudience(name="Lijst", permission_reminder="Omdat."))


def test_without_the_agencys_address_nothing_is_asked(account: SandboxAccount) -> None:
    with pytest.raises(PermissionDenied) as caught:
        MailchimpSink(account.client, None).create(NewAudience(name="Lijst", permission_reminder="Omdat."))

    assert "audience_defaults" in caught.value.advice
    assert account.requests() == []


def test_a_deletion_that_mailchimp_will_not_do_is_an_error(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.sandbox.world.mailchimp.switches.may_delete_audiences = False

    with pytest.raises(PermissionDenied) as caught:
        account.sink.delete(audience)

    assert "week after a campaign" in caught.value.advice

    assert [found.id for found in account.source.audiences().audiences] == [audience]


def test_a_merge_field_too_many_is_refused_and_no_other_is_lost(
    account: SandboxAccount, audience: AudienceId
) -> None:
    room = 30 - len(account.source.merge_field_tags(audience))
    for number in range(room):
        account.sink.create_merge_field(audience, f"FIELD{number}")

    with pytest.raises(BadRequest):
        account.sink.create_merge_field(audience, "ONEMORE")

    tags = account.source.merge_field_tags(audience)
    assert len(tags) == 30
    assert "ONEMORE" not in tags


# -- what is sent -----------------------------------------------------------------------------------


def test_adds_go_five_hundred_to_a_request(account: SandboxAccount, audience: AudienceId) -> None:
    adds = [change(Verb.ADD, f"p{number}@klant.nl", fields={"FNAME": "P"}) for number in range(1201)]

    groups = list(account.sink.apply(audience, adds))

    requests = account.requests("POST")
    rows = [msgspec.convert(body(request)["members"], list[dict[str, object]]) for request in requests]
    assert [len(group) for group in groups] == [len(found) for found in rows] == [500, 500, 201]
    assert len(contacts(account, audience)) == 1201
    assert rows[0][0] == {
        "email_address": "p0@klant.nl",
        "status": "subscribed",
        "merge_fields": {"FNAME": "P"},
    }
    assert all(set(body(request)) == {"members"} for request in requests), "update_existing is never sent"


def test_updates_and_renames_never_carry_a_status(account: SandboxAccount, audience: AudienceId) -> None:
    for address in ("jan@klant.nl", "oud@klant.nl"):
        account.add_contact(audience, address)
    seen = contacts(account, audience)
    account.sandbox.log.clear()

    apply(
        account,
        audience,
        change(Verb.UPDATE, "jan@klant.nl", contact=seen["jan@klant.nl"], fields={"FNAME": "Jan"}),
        change(Verb.RENAME, "nieuw@klant.nl", contact=seen["oud@klant.nl"], fields={"FNAME": "Piet"}),
    )

    assert sorted((request.method, sorted(body(request))) for request in account.requests()) == [
        ("PATCH", ["merge_fields"]),
        ("PUT", ["email_address", "merge_fields"]),
    ]


def test_a_rename_is_one_request_on_the_old_contact(account: SandboxAccount, audience: AudienceId) -> None:
    account.add_contact(audience, "oud@klant.nl")
    account.sandbox.mailchimp.tag(audience, "oud@klant.nl", "VIP")
    seen = contacts(account, audience)["oud@klant.nl"]
    account.sandbox.log.clear()

    apply(account, audience, change(Verb.RENAME, "nieuw@klant.nl", contact=seen))

    held = account.sandbox.mailchimp.contact(audience, "nieuw@klant.nl")
    assert [(request.method, request.path) for request in account.requests()] == [
        ("PUT", f"/3.0/lists/{audience}/members/{seen.id}")
    ]
    assert held is not None
    assert (held.contact_id, len(held.tags)) == (seen.contact_id, 1)


def test_a_rename_onto_a_taken_address_removes_nobody(account: SandboxAccount, audience: AudienceId) -> None:
    for address in ("oud@klant.nl", "nieuw@klant.nl"):
        account.add_contact(audience, address)
    seen = contacts(account, audience)["oud@klant.nl"]
    account.sandbox.log.clear()

    apply(account, audience, change(Verb.RENAME, "nieuw@klant.nl", contact=seen))

    assert {request.method for request in account.requests()} == {"PUT", "GET"}


def test_a_contact_that_comes_back_keeps_its_tags(account: SandboxAccount, audience: AudienceId) -> None:
    account.add_contact(audience, "jan@klant.nl")
    account.sandbox.mailchimp.tag(audience, "jan@klant.nl", "VIP")
    account.archive(audience, "jan@klant.nl")
    archived = contacts(account, audience)["jan@klant.nl"]

    apply(account, audience, change(Verb.ADD, "jan@klant.nl", contact=archived))

    held = account.sandbox.mailchimp.contact(audience, "jan@klant.nl")
    assert held is not None
    assert (held.status.value, held.contact_id, len(held.tags)) == ("subscribed", archived.contact_id, 1)


def test_an_id_that_is_no_digest_of_the_address_is_trusted(
    account: SandboxAccount, audience: AudienceId
) -> None:
    for address in ("jan@klant.nl", "oud@klant.nl", "weg@klant.nl"):
        account.add_contact(audience, address)
        account.sandbox.mailchimp.make_id_odd(audience, address)
    seen = contacts(account, audience)

    outcomes = apply(
        account,
        audience,
        change(Verb.UPDATE, "jan@klant.nl", contact=seen["jan@klant.nl"], fields={"FNAME": "Jan"}),
        change(Verb.RENAME, "nieuw@klant.nl", contact=seen["oud@klant.nl"]),
        change(Verb.REMOVE, "weg@klant.nl", contact=seen["weg@klant.nl"]),
    )

    assert {outcome.result for outcome in outcomes.values()} == {Result.APPLIED}
    assert account.sink.read_back(audience, list(outcomes.values())) == []


def test_a_removal_archives_and_is_one_request(account: SandboxAccount, audience: AudienceId) -> None:
    account.add_contact(audience, "jan@klant.nl")
    wanted = removals(account, audience)
    account.sandbox.log.clear()

    apply(account, audience, *wanted)

    assert [request.method for request in account.requests()] == ["DELETE"]
    assert not account.sandbox.mailchimp.audience(audience).forgotten


def test_adopting_without_fields_asks_nothing(account: SandboxAccount, audience: AudienceId) -> None:
    account.add_contact(audience, "jan@klant.nl")
    seen = contacts(account, audience)["jan@klant.nl"]
    account.sandbox.log.clear()

    apply(account, audience, change(Verb.ADOPT, "jan@klant.nl", contact=seen))

    assert account.requests() == []


def test_nothing_to_do_asks_nothing(account: SandboxAccount, audience: AudienceId) -> None:
    assert list(account.sink.apply(audience, [])) == []
    assert account.sink.read_back(audience, []) == []
    assert account.requests() == []


@pytest.mark.parametrize("verb", [Verb.SUPPRESS, Verb.FORGET, Verb.HOLD])
def test_what_is_only_remembered_is_never_written(
    account: SandboxAccount, audience: AudienceId, verb: Verb
) -> None:
    with pytest.raises(ValueError, match=verb):
        apply(account, audience, change(Verb.ADD, "bij@klant.nl"), change(verb, "jan@klant.nl"))

    assert account.requests() == []


# -- what is refused --------------------------------------------------------------------------------


def test_of_five_hundred_each_refused_row_has_its_cause(
    account: SandboxAccount, audience: AudienceId
) -> None:
    add_number_field(account, audience)
    account.add_contact(audience, "er-al@klant.nl")
    account.add_contact(audience, "nee@klant.nl")
    account.unsubscribe(audience, "nee@klant.nl")
    bad = {
        "nep1@example.com": (Result.REFUSED, RefusalKind.FAKE_ADDRESS),
        "nep2@example.com": (Result.REFUSED, RefusalKind.FAKE_ADDRESS),
        "nep3@example.com": (Result.REFUSED, RefusalKind.FAKE_ADDRESS),
        "er-al@klant.nl": (Result.ALREADY_TRUE, None),
        "nee@klant.nl": (Result.REFUSED, RefusalKind.UNSUBSCRIBED),
    }
    good = [change(Verb.ADD, f"p{number}@klant.nl") for number in range(494)]
    number = change(Verb.ADD, "getal@klant.nl", fields={"AGE": "abc"})

    outcomes = apply(account, audience, *good, number, *(change(Verb.ADD, address) for address in bad))

    assert sum(outcome.result is Result.APPLIED for outcome in outcomes.values()) == 494
    found = {address: (outcomes[address].result, outcomes[address].refusal) for address in bad}
    assert found == bad
    assert outcomes["getal@klant.nl"].refusal is RefusalKind.MERGE_FIELDS
    assert len(contacts(account, audience)) == 496


def test_too_many_sign_ups_of_one_person_is_tried_again_later(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.sandbox.world.mailchimp.oversubscribed.add("jan@klant.nl")

    outcome = apply(account, audience, change(Verb.ADD, "jan@klant.nl"))["jan@klant.nl"]

    assert (outcome.result, outcome.refusal) == (Result.RETRY_LATER, RefusalKind.TOO_MANY_SIGNUPS)


@pytest.mark.parametrize("verb", [Verb.UPDATE, Verb.ADD])
def test_a_required_field_that_is_missing_refuses_that_contact_unless_skipped(
    account: SandboxAccount, audience: AudienceId, verb: Verb
) -> None:
    account.add_contact(audience, "jan@klant.nl")
    seen = contacts(account, audience)["jan@klant.nl"]
    field = {"tag": "MUST", "name": "MUST", "type": "text", "required": True}
    account.client.write("POST", f"/lists/{audience}/merge-fields", field, dict)
    wanted = (
        change(Verb.UPDATE, "jan@klant.nl", contact=seen, fields={"FNAME": "Jan"})
        if verb is Verb.UPDATE
        else change(Verb.ADD, "bij@klant.nl")
    )

    strict = apply(account, audience, wanted)[wanted.address]
    account.sink = MailchimpSink(account.client, DEFAULTS, skip_merge_validation=True)
    skipping = apply(account, audience, wanted)[wanted.address]

    assert (strict.result, strict.refusal) == (Result.REFUSED, RefusalKind.MERGE_FIELDS)
    assert skipping.result is Result.APPLIED


def test_an_archived_contact_that_nobody_knew_of_is_refused_as_archived(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, "jan@klant.nl", Standing.ARCHIVED)

    outcome = apply(account, audience, change(Verb.ADD, "jan@klant.nl"))["jan@klant.nl"]

    assert (outcome.result, outcome.refusal) == (Result.REFUSED, RefusalKind.ARCHIVED)


@pytest.mark.parametrize("strict", [True, False])
def test_an_unsubscribe_by_a_marketer_is_never_undone_by_an_add(
    account: SandboxAccount, audience: AudienceId, *, strict: bool
) -> None:
    account.sandbox.world.mailchimp.switches.refuse_resubscribing_after_api = strict
    account.add_contact(audience, "jan@klant.nl")
    account.sandbox.mailchimp.unsubscribe_by_admin(audience, "jan@klant.nl")

    outcome = apply(account, audience, change(Verb.ADD, "jan@klant.nl"))["jan@klant.nl"]

    assert (outcome.result, outcome.refusal) == (Result.REFUSED, RefusalKind.UNSUBSCRIBED)
    assert contacts(account, audience)["jan@klant.nl"].standing is Standing.UNSUBSCRIBED


def test_a_bounced_contact_may_get_the_address_that_works(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, "stuk@klant.nl")
    account.bounce(audience, "stuk@klant.nl")
    seen = contacts(account, audience)["stuk@klant.nl"]

    outcome = apply(account, audience, change(Verb.RENAME, "heel@klant.nl", contact=seen))["heel@klant.nl"]

    assert outcome.result is Result.APPLIED
    assert contacts(account, audience)["heel@klant.nl"].standing is Standing.CLEANED


def test_a_subscriber_with_other_fields_is_left_to_be_adopted(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, "jan@klant.nl", fields={"FNAME": "Johannes"})

    outcome = apply(account, audience, change(Verb.ADD, "jan@klant.nl", fields={"FNAME": "Jan"}))

    assert outcome["jan@klant.nl"].result is Result.RETRY_LATER
    assert contacts(account, audience)["jan@klant.nl"].fields["FNAME"] == "Johannes"


def test_a_rename_onto_a_forgotten_address_is_refused_as_forgotten(
    account: SandboxAccount, audience: AudienceId
) -> None:
    for address in ("oud@klant.nl", "weg@klant.nl"):
        account.add_contact(audience, address)
    account.delete_permanently(audience, "weg@klant.nl")
    seen = contacts(account, audience)["oud@klant.nl"]

    outcome = apply(account, audience, change(Verb.RENAME, "weg@klant.nl", contact=seen))["weg@klant.nl"]

    assert (outcome.result, outcome.refusal) == (Result.REFUSED, RefusalKind.FORGOTTEN)


# -- errors about everything ------------------------------------------------------------------------


def test_a_key_revoked_on_the_way_is_raised_after_what_is_known(
    account: SandboxAccount, audience: AudienceId
) -> None:
    adds = [change(Verb.ADD, f"p{number}@klant.nl") for number in range(600)]
    groups = account.sink.apply(audience, adds)
    known = list(next(groups))
    account.sandbox.mailchimp.revoke_keys()

    with pytest.raises(CredentialsRejected):
        known.extend(outcome for group in groups for outcome in group)

    assert [outcome.result for outcome in known] == [Result.APPLIED] * 500
    assert len(account.sandbox.mailchimp.audience(audience).contacts) == 500


def test_a_key_that_may_only_read_is_told_before_anything_is_written(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.sandbox.world.mailchimp.switches.may_write = False

    with pytest.raises(PermissionDenied):
        apply(account, audience, change(Verb.ADD, "jan@klant.nl"))

    assert contacts(account, audience) == {}


def test_an_audience_deleted_on_the_way_stops_its_removals(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contacts(audience, 100)
    groups = account.sink.apply(audience, removals(account, audience))
    known = list(next(groups))
    account.sandbox.mailchimp.delete_audience(audience)

    with pytest.raises(NotFound):
        known.extend(outcome for group in groups for outcome in group)

    assert 0 < len(known) < 100
    assert {outcome.result for outcome in known} == {Result.APPLIED}


# -- reading back -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "requests"), [(1, 1), (9, 9), (10, 1), (300, 1), (1001, 2)])
def test_many_removals_are_read_back_by_pages(
    account: SandboxAccount, audience: AudienceId, count: int, requests: int
) -> None:
    account.add_contacts(audience, count)
    outcomes = [Outcome(change=one, result=Result.APPLIED) for one in removals(account, audience)]
    for outcome in outcomes:
        account.archive(audience, outcome.change.address)
    account.sandbox.log.clear()

    assert account.sink.read_back(audience, outcomes) == []
    assert len(account.requests()) == requests


def test_the_one_removal_of_many_that_is_not_so_is_found(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contacts(audience, 30)
    outcomes = apply(account, audience, *removals(account, audience))
    account.subscribe_by_form(audience, "subscribed-7@klant.nl")

    found = account.sink.read_back(audience, list(outcomes.values()))

    assert [(outcome.change.address, outcome.result) for outcome in found] == [
        ("subscribed-7@klant.nl", Result.NOT_TRUE)
    ]


def test_three_of_many_adds_are_read_back(account: SandboxAccount, audience: AudienceId) -> None:
    adds = [change(Verb.ADD, f"p{number}@klant.nl") for number in range(200)]
    outcomes = apply(account, audience, *adds)
    account.sandbox.log.clear()

    assert account.sink.read_back(audience, list(outcomes.values())) == []
    assert len(account.requests()) == 3


def test_what_was_refused_is_not_read_back(account: SandboxAccount, audience: AudienceId) -> None:
    outcomes = apply(account, audience, change(Verb.ADD, "nep@example.com"))
    account.sandbox.log.clear()

    assert account.sink.read_back(audience, list(outcomes.values())) == []
    assert account.requests() == []


def test_a_number_in_mailchimps_spelling_is_the_same_number(
    account: SandboxAccount, audience: AudienceId
) -> None:
    add_number_field(account, audience)
    outcomes = apply(account, audience, change(Verb.ADD, "jan@klant.nl", fields={"AGE": "41.50"}))

    assert outcomes["jan@klant.nl"].result is Result.APPLIED
    assert account.sink.read_back(audience, list(outcomes.values())) == []
