"""What is told of each write, whole: what became of it, why, and which contact it was."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from reconciler.errors import BadRequest, Stopping, Unreachable
from reconciler.model import (
    AudienceId,
    Change,
    Contact,
    Outcome,
    RefusalKind,
    Result,
    Standing,
    Verb,
)
from reconciler.sandbox.http import Reply, Request
from reconciler.sinks.mailchimp import MailchimpSink
from reconciler.sinks.mailchimp_contacts import ContactWriter
from reconciler.sinks.mailchimp_outcomes import changed_since, refused_by, troubled
from tests.audience_accounts import DEFAULTS, SandboxAccount, change, contacts, new_audience, sandbox_account
from tests.sinks.test_mailchimp_troubles import AUDIENCE, member, reply, scripted

JAN, NEW, OWN = "jan@klant.nl", "nieuw@klant.nl", "eigen@klant.nl"
GONE = "the contact is not where it was; the next pass looks again"


@pytest.fixture
def account() -> Iterator[SandboxAccount]:
    with sandbox_account() as found:
        yield found


@pytest.fixture
def audience(account: SandboxAccount) -> AudienceId:
    return new_audience(account)


def written(account: SandboxAccount, audience: AudienceId, wanted: Change) -> Outcome:
    ((outcome,),) = account.sink.apply(audience, [wanted])
    return outcome


def answered(wanted: Change, respond: Callable[[Request], Reply]) -> Outcome:
    with scripted(respond) as (sink, _):
        ((outcome,),) = sink.apply(AUDIENCE, [wanted])
    return outcome


def seen(account: SandboxAccount, audience: AudienceId, standing: Standing = Standing.SUBSCRIBED) -> Contact:
    account.add_contact(audience, JAN, standing)
    return contacts(account, audience)[JAN]


# -- a contact that we archived comes back -----------------------------------------------------------


def archived(account: SandboxAccount, audience: AudienceId) -> Contact:
    return seen(account, audience, Standing.ARCHIVED)


def test_whoever_came_back_and_left_again_meanwhile_is_not_subscribed(
    account: SandboxAccount, audience: AudienceId
) -> None:
    wanted = change(Verb.ADD, JAN, contact=archived(account, audience))
    account.subscribe_by_form(audience, JAN)
    account.unsubscribe(audience, JAN)

    assert written(account, audience, wanted) == Outcome(
        change=wanted,
        result=Result.REFUSED,
        detail="the contact is there and unsubscribed",
        refusal=RefusalKind.UNSUBSCRIBED,
    )
    assert contacts(account, audience)[JAN].standing is Standing.UNSUBSCRIBED


def test_an_opt_out_is_seen_of_a_contact_that_is_known_by_its_address_only(
    account: SandboxAccount, audience: AudienceId
) -> None:
    wanted = change(Verb.ADD, JAN, contact=replace(archived(account, audience), contact_id=""))
    account.subscribe_by_form(audience, JAN)
    account.unsubscribe(audience, JAN)

    assert written(account, audience, wanted).refusal is RefusalKind.UNSUBSCRIBED


def test_whoever_came_back_on_their_own_meanwhile_is_left_as_they_are(
    account: SandboxAccount, audience: AudienceId
) -> None:
    there = archived(account, audience)
    wanted = change(Verb.ADD, JAN, contact=there, fields={"FNAME": ""})
    account.subscribe_by_form(audience, JAN)

    assert written(account, audience, wanted) == Outcome(
        change=wanted,
        result=Result.ALREADY_TRUE,
        detail="the contact subscribed meanwhile",
        contact_id=there.contact_id,
    )


def test_whoever_came_back_meanwhile_with_other_fields_is_left_to_be_adopted(
    account: SandboxAccount, audience: AudienceId
) -> None:
    wanted = change(Verb.ADD, JAN, contact=archived(account, audience), fields={"FNAME": "Jan"})
    account.subscribe_by_form(audience, JAN)

    assert written(account, audience, wanted) == Outcome(
        change=wanted,
        result=Result.RETRY_LATER,
        detail="the contact subscribed meanwhile; the next pass adopts it",
    )


def test_whoever_came_back_and_took_another_address_meanwhile_is_recognised(
    account: SandboxAccount, audience: AudienceId
) -> None:
    wanted = change(Verb.ADD, JAN, contact=archived(account, audience))
    account.subscribe_by_form(audience, JAN)
    account.change_address(audience, JAN, OWN)

    assert written(account, audience, wanted).result is Result.ALREADY_TRUE
    assert set(contacts(account, audience)) == {OWN}


def test_whoever_was_deleted_meanwhile_is_looked_at_again(
    account: SandboxAccount, audience: AudienceId
) -> None:
    wanted = change(Verb.ADD, JAN, contact=archived(account, audience))

    def respond(request: Request) -> Reply:
        if request.path.endswith(f"/lists/{AUDIENCE}"):
            return reply({"id": AUDIENCE, "name": "Kandidaten"})
        return reply({"title": "Resource Not Found", "status": 404}, 404)

    assert answered(wanted, respond) == Outcome(change=wanted, result=Result.RETRY_LATER, detail=GONE)


def test_a_contact_comes_back_at_the_address_that_otys_has_now(
    account: SandboxAccount, audience: AudienceId
) -> None:
    there = archived(account, audience)
    wanted = change(Verb.ADD, NEW, contact=there)

    assert written(account, audience, wanted) == Outcome(
        change=wanted, result=Result.APPLIED, contact_id=there.contact_id
    )
    assert {one.address: one.standing for one in contacts(account, audience).values()} == {
        NEW: Standing.SUBSCRIBED
    }


def test_a_contact_that_comes_back_is_known_by_its_contact_id_from_then_on(
    account: SandboxAccount, audience: AudienceId
) -> None:
    there = archived(account, audience)
    wanted = change(Verb.ADD, JAN, contact=replace(there, contact_id=""))

    assert written(account, audience, wanted).contact_id == there.contact_id


def test_a_contact_that_stays_archived_says_so(account: SandboxAccount, audience: AudienceId) -> None:
    wanted = change(Verb.ADD, JAN, contact=archived(account, audience))

    assert answered(wanted, lambda _: reply(member(JAN, status="archived"))) == Outcome(
        change=wanted, result=Result.NOT_TRUE, detail="Mailchimp accepted it and left the contact archived"
    )


# -- a rename ----------------------------------------------------------------------------------------


TAKEN = {"title": "Member Exists", "status": 400, "detail": "nieuw@klant.nl is already a list member."}


def refused_rename(wanted: Change, *, found: object) -> Outcome:
    """What is told when Mailchimp refuses the new address and then shows this contact."""
    return answered(wanted, lambda request: reply(TAKEN, 400) if request.method == "PUT" else reply(found))


def test_a_rename_that_is_done_already_says_so(account: SandboxAccount, audience: AudienceId) -> None:
    there = seen(account, audience)
    wanted = change(Verb.RENAME, NEW, contact=there)

    assert refused_rename(wanted, found=member(NEW, contact_id=there.contact_id)) == Outcome(
        change=wanted,
        result=Result.ALREADY_TRUE,
        detail="the contact has this address already",
        contact_id=there.contact_id,
    )


@pytest.mark.parametrize("known_contact_id", ["", "c1"])
def test_an_address_that_another_contact_has_is_not_taken_for_ours(
    account: SandboxAccount, audience: AudienceId, known_contact_id: str
) -> None:
    """Where Mailchimp shows no contact id, nothing proves that it is the same one."""
    there = replace(seen(account, audience), contact_id=known_contact_id)
    wanted = change(Verb.RENAME, NEW, contact=there)

    assert refused_rename(wanted, found=member(NEW, contact_id="")) == Outcome(
        change=wanted,
        result=Result.RETRY_LATER,
        detail="another contact has this address; the next pass sees both",
    )


def test_a_rename_finds_the_contact_that_moved_on_by_its_contact_id(
    account: SandboxAccount, audience: AudienceId
) -> None:
    wanted = change(Verb.RENAME, NEW, contact=seen(account, audience))
    account.change_address(audience, JAN, NEW)

    assert written(account, audience, wanted).result is Result.ALREADY_TRUE


NOT_VALID = {"title": "Invalid Resource", "status": 400, "detail": "Please provide a valid email address."}
NOT_FOUND = {"title": "Resource Not Found", "status": 404}


def test_a_refused_address_is_remembered_of_a_contact_that_is_known_by_its_address_only(
    account: SandboxAccount, audience: AudienceId
) -> None:
    there = replace(seen(account, audience), contact_id="")
    wanted = change(Verb.RENAME, NEW, contact=there)

    def respond(request: Request) -> Reply:
        if request.method == "PUT":
            return reply(NOT_VALID, 400)
        if request.path.endswith(f"/members/{there.id}"):
            return reply({**member(JAN, contact_id=""), "id": there.id})
        if request.path.endswith(f"/lists/{AUDIENCE}"):
            return reply({"id": AUDIENCE, "name": "Kandidaten"})
        return reply(NOT_FOUND, 404)

    assert answered(wanted, respond).refusal is RefusalKind.INVALID_ADDRESS


def test_a_refusal_is_not_remembered_of_who_got_the_address_that_our_contact_left(
    account: SandboxAccount, audience: AudienceId
) -> None:
    there = seen(account, audience)
    wanted = change(Verb.RENAME, NEW, contact=there)

    def respond(request: Request) -> Reply:
        if request.method == "PUT":
            return reply(NOT_VALID, 400)
        if request.path.endswith(f"/members/{there.contact_id}"):
            return reply(member(OWN, contact_id=there.contact_id))
        return reply({**member(JAN, contact_id="a stranger's"), "id": there.id})

    assert answered(wanted, respond) == Outcome(change=wanted, result=Result.RETRY_LATER, detail=GONE)


def test_whoever_has_the_new_address_is_found_where_ours_is_not(
    account: SandboxAccount, audience: AudienceId
) -> None:
    there = seen(account, audience)
    wanted = change(Verb.RENAME, NEW, contact=there)

    def respond(request: Request) -> Reply:
        if request.method == "PUT":
            return reply(TAKEN, 400)
        lost = request.path.endswith((f"/members/{there.contact_id}", f"/members/{there.id}"))
        return reply(NOT_FOUND, 404) if lost else reply(member(NEW, contact_id="c2"))

    assert answered(wanted, respond).detail == "another contact has this address; the next pass sees both"


def test_a_rename_of_a_contact_that_is_gone_says_so(account: SandboxAccount, audience: AudienceId) -> None:
    wanted = change(Verb.RENAME, NEW, contact=seen(account, audience))
    account.delete_permanently(audience, JAN)

    assert written(account, audience, wanted) == Outcome(
        change=wanted, result=Result.RETRY_LATER, detail=GONE
    )


def stale_rename(wanted: Change, *, deleted: int) -> Outcome:
    def respond(request: Request) -> Reply:
        return Reply(deleted) if request.method == "DELETE" else reply(member(NEW, contact_id="c2"))

    return answered(wanted, respond)


@pytest.mark.parametrize(
    ("deleted", "what_of_it"), [(204, "which was archived again"), (500, "which is still there")]
)
def test_a_second_contact_is_told_of_and_is_not_ours(
    account: SandboxAccount, audience: AudienceId, deleted: int, what_of_it: str
) -> None:
    wanted = change(Verb.RENAME, NEW, contact=seen(account, audience))

    assert stale_rename(wanted, deleted=deleted) == Outcome(
        change=wanted,
        result=Result.NOT_TRUE,
        detail=f"the contact was gone and a second one appeared, {what_of_it}",
    )


def test_an_old_address_that_stayed_is_told(account: SandboxAccount, audience: AudienceId) -> None:
    there = seen(account, audience)
    wanted = change(Verb.RENAME, NEW, contact=there)

    assert answered(wanted, lambda _: reply(member(JAN, contact_id=there.contact_id))) == Outcome(
        change=wanted,
        result=Result.NOT_TRUE,
        detail="Mailchimp accepted the new address and kept the old one",
    )


# -- an edit and a removal ---------------------------------------------------------------------------


def test_an_edit_tells_which_contact_it_was(account: SandboxAccount, audience: AudienceId) -> None:
    unknown = replace(seen(account, audience), contact_id="")
    wanted = change(Verb.UPDATE, JAN, contact=unknown, fields={"FNAME": "Jan"})

    assert written(account, audience, wanted).contact_id == contacts(account, audience)[JAN].contact_id


def test_an_edit_of_a_contact_that_is_gone_says_so(account: SandboxAccount, audience: AudienceId) -> None:
    wanted = change(Verb.UPDATE, JAN, contact=seen(account, audience), fields={"FNAME": "Jan"})
    account.delete_permanently(audience, JAN)

    assert written(account, audience, wanted) == Outcome(
        change=wanted, result=Result.RETRY_LATER, detail=GONE
    )


def test_a_removal_of_what_is_gone_is_already_true(account: SandboxAccount, audience: AudienceId) -> None:
    wanted = change(Verb.REMOVE, JAN, contact=seen(account, audience))
    account.delete_permanently(audience, JAN)

    told = written(account, audience, wanted)

    assert told.change == wanted
    assert (told.result, told.detail) == (Result.ALREADY_TRUE, "the contact is not there any more")


def test_a_removal_of_what_is_archived_is_already_true(account: SandboxAccount, audience: AudienceId) -> None:
    wanted = change(Verb.REMOVE, JAN, contact=seen(account, audience))
    account.archive(audience, JAN)

    told = written(account, audience, wanted)

    assert (told.result, told.detail) == (Result.ALREADY_TRUE, "the contact is archived already")


def test_a_removal_that_is_not_allowed_of_what_is_gone_is_already_true(
    account: SandboxAccount, audience: AudienceId
) -> None:
    there = seen(account, audience)
    wanted = change(Verb.REMOVE, JAN, contact=there)

    def respond(request: Request) -> Reply:
        if request.method == "DELETE":
            return reply({"title": "Method Not Allowed", "status": 405}, 405)
        if request.path.endswith(f"/lists/{AUDIENCE}"):
            return reply({"id": AUDIENCE, "name": "Kandidaten"})
        return reply({"title": "Resource Not Found", "status": 404}, 404)

    assert answered(wanted, respond) == Outcome(
        change=wanted,
        result=Result.ALREADY_TRUE,
        detail="the contact is not there any more",
        contact_id=there.contact_id,
    )


def test_a_person_who_moved_on_is_removed_by_the_next_pass(
    account: SandboxAccount, audience: AudienceId
) -> None:
    wanted = change(Verb.REMOVE, JAN, contact=seen(account, audience))
    account.change_address(audience, JAN, OWN)

    assert written(account, audience, wanted) == Outcome(
        change=wanted,
        result=Result.RETRY_LATER,
        detail="the contact changed its address meanwhile; the next pass sees it",
    )


def test_what_cannot_be_archived_says_how_it_stands(account: SandboxAccount, audience: AudienceId) -> None:
    wanted = change(Verb.REMOVE, JAN, contact=seen(account, audience, Standing.CLEANED))

    assert written(account, audience, wanted) == Outcome(
        change=wanted,
        result=Result.REFUSED,
        detail="Mailchimp does not archive a contact that is cleaned",
        refusal=RefusalKind.CANNOT_ARCHIVE,
    )


# -- words -------------------------------------------------------------------------------------------


NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(("minutes", "changed"), [(-1, False), (0, False), (4, False), (5, False), (6, True)])
def test_a_contact_changed_since_we_archived_it_only_if_no_difference_of_clocks_explains_it(
    minutes: int,
    changed: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    ours = replace(change(Verb.ADD, JAN), left_at=NOW)

    assert changed_since(ours, NOW + timedelta(minutes=minutes)) is changed


def test_a_refusal_without_words_is_told_in_ours() -> None:
    told = refused_by(change(Verb.UPDATE, JAN), BadRequest("Mailchimp", "it was refused", status=400))

    assert "it was refused" in told.detail


def test_a_refusal_with_words_is_told_in_those() -> None:
    error = BadRequest("Mailchimp", "it was refused", status=400, title="Oops", detail="too tall")

    assert refused_by(change(Verb.UPDATE, JAN), error).detail == "too tall"


def test_what_is_not_known_says_why() -> None:
    error = Unreachable("Mailchimp", "no answer")

    assert troubled(change(Verb.UPDATE, JAN), error).detail == (
        f"it is not known whether this was applied: {error}"
    )


def test_what_was_cut_short_says_so() -> None:
    wanted = change(Verb.UPDATE, JAN)

    assert troubled(wanted, Stopping("Mailchimp", "told to stop")) == Outcome(
        change=wanted, result=Result.RETRY_LATER, detail="cut short: the program was told to stop"
    )


# -- adds --------------------------------------------------------------------------------------------


def test_an_add_says_everything_about_the_new_contact(account: SandboxAccount, audience: AudienceId) -> None:
    wanted = replace(change(Verb.ADD, JAN, fields={"FNAME": "Jan"}), extras={"language": "nl"})

    told = written(account, audience, wanted)

    there = contacts(account, audience)[JAN]
    assert told == Outcome(change=wanted, result=Result.APPLIED, contact_id=there.contact_id)


def test_a_row_without_an_answer_says_so() -> None:
    wanted = change(Verb.ADD, JAN)

    assert answered(wanted, lambda _: reply({"new_members": [], "errors": []})) == Outcome(
        change=wanted, result=Result.NOT_TRUE, detail="Mailchimp's answer does not mention this contact"
    )


def test_a_row_that_stayed_unsubscribed_says_so() -> None:
    wanted = change(Verb.ADD, JAN)

    assert answered(wanted, lambda _: reply({"updated_members": [member(JAN, status="cleaned")]})) == Outcome(
        change=wanted, result=Result.NOT_TRUE, detail="Mailchimp accepted it and left the contact cleaned"
    )


EXISTS = {
    "email_address": JAN,
    "error": "jan@klant.nl is already a list member.",
    "error_code": "ERROR_CONTACT_EXISTS",
}


def test_a_contact_that_exists_and_is_not_found_is_looked_at_again() -> None:
    wanted = change(Verb.ADD, JAN)

    def respond(request: Request) -> Reply:
        if request.method == "POST":
            return reply({"new_members": [], "errors": [EXISTS]})
        if request.path.endswith(f"/lists/{AUDIENCE}"):
            return reply({"id": AUDIENCE, "name": "Kandidaten"})
        return reply({"title": "Resource Not Found", "status": 404}, 404)

    assert answered(wanted, respond) == Outcome(
        change=wanted,
        result=Result.RETRY_LATER,
        detail="Mailchimp says the contact exists and does not find it",
    )


def test_one_refused_row_that_is_refused_alone_tells_the_refusal() -> None:
    wanted = change(Verb.ADD, JAN)
    refusal = {"title": "Invalid Resource", "status": 400, "detail": "Please provide a valid email address."}

    assert answered(wanted, lambda _: reply(refusal, 400)) == Outcome(
        change=wanted,
        result=Result.REFUSED,
        detail="Please provide a valid email address.",
        refusal=RefusalKind.INVALID_ADDRESS,
    )


def test_a_request_that_is_wrong_as_such_is_not_halved() -> None:
    refusal = {"title": "JSON Parse Error", "status": 400, "detail": "We encountered an error."}
    asked = []

    def respond(request: Request) -> Reply:
        asked.append(request.method)
        return reply(refusal, 400)

    wanted = [change(Verb.ADD, JAN), change(Verb.ADD, NEW)]
    with scripted(respond) as (sink, _), pytest.raises(BadRequest):
        list(sink.apply(AUDIENCE, wanted))

    assert asked == ["POST"]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"error": "Wrong.", "error_code": "ERROR_GENERIC", "field": "CITY"}, RefusalKind.MERGE_FIELDS),
        ({"error": "Wrong.", "error_code": "ERROR_GENERIC", "field": "email"}, RefusalKind.INVALID_ADDRESS),
        (
            {"error": "Wrong.", "error_code": "", "field_message": "It was permanently deleted."},
            RefusalKind.FORGOTTEN,
        ),
        ({"error": "is already a list member", "error_code": "ERROR_GENERIC"}, None),
        ({"error": "Wrong.", "error_code": "ERROR_CONTACT_EXISTS"}, None),
    ],
)
def test_a_refused_row_is_classed_by_everything_that_it_says(
    row: dict[str, str], kind: RefusalKind | None
) -> None:
    """A member who is there is no refusal, by whatever it is told: the contact is looked at."""
    wanted = change(Verb.ADD, JAN)

    def respond(request: Request) -> Reply:
        if request.method == "POST":
            return reply({"new_members": [], "errors": [{"email_address": JAN, **row}]})
        return reply(member(JAN))

    assert answered(wanted, respond).refusal is kind


def test_a_row_that_exists_and_cannot_be_looked_at_is_not_known() -> None:
    wanted = change(Verb.ADD, JAN)

    def respond(request: Request) -> Reply:
        return reply({"new_members": [], "errors": [EXISTS]}) if request.method == "POST" else Reply(500)

    told = answered(wanted, respond)

    assert told.result is Result.RETRY_LATER
    assert told.detail.startswith("it is not known whether this was applied: Mailchimp")


@pytest.mark.parametrize("known", [1, 2])
def test_trouble_in_the_middle_of_a_halved_request_leaves_every_row_one_outcome(known: int) -> None:
    """Four rows are refused as a whole; their first ones are added alone, then the service fails."""
    wanted = [change(Verb.ADD, f"p{number}@klant.nl") for number in range(4)]
    refusal = {"title": "Invalid Resource", "status": 400, "detail": "no"}

    def respond(request: Request) -> Reply:
        rows = msgspec.json.decode(request.body, type=dict[str, list[dict[str, object]]])["members"]
        addresses = [str(row["email_address"]) for row in rows]
        if len(addresses) > 1:
            return reply(refusal, 400)
        if addresses[0] in [one.address for one in wanted[:known]]:
            return reply({"new_members": [member(addresses[0])]})
        return Reply(500)

    with scripted(respond) as (sink, _):
        told = [outcome for group in sink.apply(AUDIENCE, wanted) for outcome in group]

    assert [one.change for one in told] == wanted
    assert [one.result for one in told] == [Result.APPLIED] * known + [Result.RETRY_LATER] * (4 - known)
    assert all(one.detail.startswith("it is not known") for one in told[known:])


@pytest.mark.parametrize("verb", [Verb.ADD, Verb.UPDATE])
def test_a_write_that_got_no_answer_says_that_it_is_not_known(
    account: SandboxAccount, audience: AudienceId, verb: Verb
) -> None:
    there = None if verb is Verb.ADD else seen(account, audience)

    told = answered(change(verb, JAN, contact=there, fields={"FNAME": "Jan"}), lambda _: Reply(500))

    assert told.result is Result.RETRY_LATER
    assert told.detail.startswith("it is not known whether this was applied: Mailchimp")


# -- what a defect of ours would ask for -------------------------------------------------------------


def test_what_was_never_seen_is_not_written(account: SandboxAccount, audience: AudienceId) -> None:
    with pytest.raises(ValueError, match="remove needs the contact as it was seen"):
        written(account, audience, change(Verb.REMOVE, JAN))


def test_what_is_only_remembered_is_no_write(account: SandboxAccount, audience: AudienceId) -> None:
    with pytest.raises(ValueError, match="hold is nothing that is written to Mailchimp"):
        written(account, audience, change(Verb.HOLD, JAN))


def test_an_adoption_that_writes_nothing_needs_no_word(account: SandboxAccount, audience: AudienceId) -> None:
    there = seen(account, audience)
    wanted = change(Verb.ADOPT, JAN, contact=there)

    assert written(account, audience, wanted) == Outcome(
        change=wanted, result=Result.ALREADY_TRUE, contact_id=there.contact_id
    )


@pytest.mark.parametrize("verb", [Verb.RENAME, Verb.ADD])
def test_a_required_field_is_no_hindrance_to_a_put_where_the_configuration_says_so(
    account: SandboxAccount, audience: AudienceId, verb: Verb
) -> None:
    there = seen(account, audience, Standing.ARCHIVED if verb is Verb.ADD else Standing.SUBSCRIBED)
    field = {"tag": "MUST", "name": "MUST", "type": "text", "required": True}
    account.client.write("POST", f"/lists/{audience}/merge-fields", field, dict)
    wanted = change(verb, NEW, contact=there, fields={"FNAME": "Jan"})

    assert written(account, audience, wanted).refusal is RefusalKind.MERGE_FIELDS

    account.sink = MailchimpSink(account.client, DEFAULTS, skip_merge_validation=True)

    assert written(account, audience, wanted).result is Result.APPLIED


def test_a_rename_tells_which_contact_it_was(account: SandboxAccount, audience: AudienceId) -> None:
    there = seen(account, audience)
    wanted = change(Verb.RENAME, NEW, contact=replace(there, contact_id=""))

    assert written(account, audience, wanted).contact_id == there.contact_id


def test_what_was_not_tried_any_more_says_so(account: SandboxAccount, audience: AudienceId) -> None:
    there = seen(account, audience)
    edit = change(Verb.UPDATE, JAN, contact=there, fields={"FNAME": "Jan"})
    removal = change(Verb.REMOVE, JAN, contact=there)

    with scripted(lambda _: Reply(500)) as (sink, _):
        told = [outcome for group in sink.apply(AUDIENCE, [edit, removal]) for outcome in group]

    assert told[1] == Outcome(
        change=removal,
        result=Result.RETRY_LATER,
        detail="not tried: an earlier write was not finished",
    )


def test_a_contact_id_that_nobody_tells_stays_unknown() -> None:
    told = answered(change(Verb.ADD, JAN), lambda _: reply({"new_members": [member(JAN, contact_id="")]}))

    assert (told.result, told.contact_id) == (Result.APPLIED, "")


def test_a_rename_without_fields_sends_the_address_and_nothing_else(
    account: SandboxAccount, audience: AudienceId
) -> None:
    wanted = change(Verb.RENAME, NEW, contact=seen(account, audience))
    account.sandbox.log.clear()

    written(account, audience, wanted)

    (request,) = account.requests("PUT")
    assert msgspec.json.decode(request.body) == {"email_address": NEW}


def test_a_writer_of_single_contacts_refuses_what_it_cannot_write(
    account: SandboxAccount, audience: AudienceId
) -> None:
    there = seen(account, audience)
    writer = ContactWriter(account.client, audience, {})

    with pytest.raises(ValueError, match="update needs the contact as it was seen"):
        writer.write(change(Verb.UPDATE, JAN))
    with pytest.raises(ValueError, match="hold is nothing that is written to Mailchimp"):
        writer.write(change(Verb.HOLD, JAN, contact=there))
