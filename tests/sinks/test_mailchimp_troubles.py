"""What becomes of writes when answers get lost, and of answers nobody expects."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from reconciler.api.mailchimp import Mailchimp
from reconciler.model import AudienceId, Outcome, RefusalKind, Result, Standing, Verb
from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.faults import Fault, FaultKind, Faults
from reconciler.sandbox.http import LoopbackServer, Reply, Request
from reconciler.sandbox.requestlog import RequestLog
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

PASSING = [
    FaultKind.TOO_MANY_REQUESTS,
    FaultKind.TOO_MANY_REQUESTS_BARE,
    FaultKind.FORBIDDEN_BARE,
    FaultKind.FORBIDDEN_HTML,
]
LOST = [FaultKind.DROP_AFTER_APPLY, FaultKind.CUT_BODY]
AUDIENCE = AudienceId("a")


@pytest.fixture
def account() -> Iterator[SandboxAccount]:
    with sandbox_account() as found:
        yield found


@pytest.fixture
def audience(account: SandboxAccount) -> AudienceId:
    return new_audience(account)


def strike(
    account: SandboxAccount, kind: FaultKind, pattern: str, *, times: int | None = 1, skip: int = 0
) -> None:
    account.sandbox.faults.add(
        Fault(kind=kind, system="mailchimp", pattern=pattern, times=times, skip=skip, value=503)
    )


# -- a service in trouble ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PASSING)
def test_a_throttled_add_is_applied_once(
    account: SandboxAccount, audience: AudienceId, kind: FaultKind
) -> None:
    strike(account, kind, "POST", times=2)

    outcome = apply(account, audience, change(Verb.ADD, "jan@klant.nl"))["jan@klant.nl"]

    applied = [request for request in account.requests("POST") if request.applied]
    assert outcome.result is Result.APPLIED
    assert len(contacts(account, audience)) == 1
    assert len(applied) == 2, "one made the audience, one added"


@pytest.mark.parametrize("kind", [*LOST, FaultKind.GARBAGE, FaultKind.EMPTY_BODY])
def test_adds_whose_answer_got_lost_are_not_sent_again_in_this_pass(
    account: SandboxAccount, audience: AudienceId, kind: FaultKind
) -> None:
    strike(account, kind, f"POST .*/{audience}")

    outcomes = apply(account, audience, *(change(Verb.ADD, f"p{number}@klant.nl") for number in range(600)))

    sent = [request for request in account.requests("POST") if request.path.endswith(audience)]
    assert len(sent) == 1
    assert {outcome.result for outcome in outcomes.values()} == {Result.RETRY_LATER}
    assert "not known" in outcomes["p0@klant.nl"].detail
    assert "not tried" in outcomes["p599@klant.nl"].detail
    assert len(contacts(account, audience)) == 500, "the next pass sees that these were added"


@pytest.mark.parametrize("kind", [*LOST, FaultKind.SERVER_ERROR])
def test_an_update_or_a_removal_gets_over_one_lost_answer(
    account: SandboxAccount, audience: AudienceId, kind: FaultKind
) -> None:
    for address in ("jan@klant.nl", "weg@klant.nl"):
        account.add_contact(audience, address)
    seen = contacts(account, audience)
    strike(account, kind, "PATCH")
    strike(account, kind, "DELETE")

    outcomes = apply(
        account,
        audience,
        change(Verb.UPDATE, "jan@klant.nl", contact=seen["jan@klant.nl"], fields={"FNAME": "Jan"}),
        change(Verb.REMOVE, "weg@klant.nl", contact=seen["weg@klant.nl"]),
    )

    after = contacts(account, audience)
    assert all(outcome.result.moves_base for outcome in outcomes.values())
    assert after["jan@klant.nl"].fields["FNAME"] == "Jan"
    assert after["weg@klant.nl"].standing is Standing.ARCHIVED


@pytest.mark.parametrize("kind", LOST)
def test_a_rename_whose_answer_got_lost_is_recognised_as_done(
    account: SandboxAccount, audience: AudienceId, kind: FaultKind
) -> None:
    account.add_contact(audience, "oud@klant.nl")
    seen = contacts(account, audience)["oud@klant.nl"]
    strike(account, kind, "PUT")

    outcome = apply(account, audience, change(Verb.RENAME, "nieuw@klant.nl", contact=seen))["nieuw@klant.nl"]

    assert (outcome.result, outcome.contact_id) == (Result.ALREADY_TRUE, seen.contact_id)
    assert set(contacts(account, audience)) == {"nieuw@klant.nl"}


def test_a_service_that_stops_answering_leaves_the_rest_untried(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contacts(audience, 120)
    seen = contacts(account, audience).values()
    account.sandbox.log.clear()
    strike(account, FaultKind.SERVER_ERROR, "DELETE", times=None, skip=60)

    outcomes = apply(
        account, audience, *(change(Verb.REMOVE, contact.address, contact=contact) for contact in seen)
    )

    results = [outcome.result for outcome in outcomes.values()]
    assert len(results) == 120
    assert results.count(Result.APPLIED) == 60
    assert results.count(Result.RETRY_LATER) == 60
    assert len(account.requests("DELETE")) <= 60 + 5 * 4, "five threads, four attempts each"


def test_single_writes_are_known_before_all_are_written(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contacts(audience, 120)
    seen = contacts(account, audience).values()

    groups = account.sink.apply(
        audience, [change(Verb.REMOVE, contact.address, contact=contact) for contact in seen]
    )
    first = next(groups)

    archived = [one for one in contacts(account, audience).values() if one.standing is Standing.ARCHIVED]
    assert 1 <= len(first) <= 50
    assert len(archived) == len(first)


def test_who_says_no_while_many_are_archived_is_left_alone(
    account: SandboxAccount, audience: AudienceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.sinks.mailchimp_apply.MANY_REMOVALS", 5)
    monkeypatch.setattr("reconciler.sinks.mailchimp_apply.REMOVALS_BETWEEN_LOOKS", 4)
    account.add_contacts(audience, 10)
    account.add_contact(audience, "zei-het-eerder@klant.nl", Standing.UNSUBSCRIBED)
    seen = contacts(account, audience)
    archiving = account.sink.apply(
        audience, [change(Verb.REMOVE, email, contact=contact) for email, contact in seen.items()]
    )

    outcomes = list(next(archiving))
    account.unsubscribe(audience, "subscribed-8@klant.nl")
    outcomes += [outcome for group in archiving for outcome in group]

    after = {email: contact.standing for email, contact in contacts(account, audience).items()}
    assert after.pop("subscribed-8@klant.nl") is Standing.UNSUBSCRIBED
    assert set(after.values()) == {Standing.ARCHIVED}
    assert len(outcomes) == len(seen)
    (late,) = [one for one in outcomes if one.result is not Result.APPLIED]
    assert (late.result, late.change.address) == (Result.RETRY_LATER, "subscribed-8@klant.nl")
    assert "unsubscribed meanwhile" in late.detail


def test_nobody_is_archived_unless_it_is_known_who_said_no_meanwhile(
    account: SandboxAccount, audience: AudienceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.sinks.mailchimp_apply.MANY_REMOVALS", 5)
    account.add_contacts(audience, 6)
    seen = contacts(account, audience).values()
    strike(account, FaultKind.SERVER_ERROR, "GET .*/members", times=None)

    outcomes = apply(
        account, audience, *(change(Verb.REMOVE, contact.address, contact=contact) for contact in seen)
    )

    assert {outcome.result for outcome in outcomes.values()} == {Result.RETRY_LATER}
    assert account.requests("DELETE") == []


def test_never_more_than_five_connections_are_open(account: SandboxAccount, audience: AudienceId) -> None:
    account.add_contacts(audience, 60)
    seen = contacts(account, audience).values()
    for _ in range(2):
        strike(account, FaultKind.TOO_MANY_REQUESTS_BARE, "DELETE", times=5)

    outcomes = apply(
        account, audience, *(change(Verb.REMOVE, contact.address, contact=contact) for contact in seen)
    )

    assert {outcome.result for outcome in outcomes.values()} == {Result.APPLIED}
    assert max(request.open_requests for request in account.requests()) <= 5


def test_what_became_of_the_other_rows_survives_a_lost_look_at_one(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.subscribe_by_form(audience, "er-al@klant.nl")
    strike(account, FaultKind.SERVER_ERROR, "GET .*/members/", times=None)

    outcomes = apply(account, audience, change(Verb.ADD, "er-al@klant.nl"), change(Verb.ADD, "bij@klant.nl"))

    assert outcomes["bij@klant.nl"].result is Result.APPLIED
    assert outcomes["er-al@klant.nl"].result is Result.RETRY_LATER


# -- answers nobody expects -------------------------------------------------------------------------


class Scripted:
    """A service that answers as the test says; what the sandbox would never do."""

    name = "mailchimp"
    simultaneous_requests: int | None = None

    def __init__(self, respond: Callable[[Request], Reply]) -> None:
        self.answer = respond

    def too_many_requests(self) -> Reply:
        return Reply(429)

    def operation(self, request: Request) -> str:
        del request
        return ""


@contextmanager
def scripted(respond: Callable[[Request], Reply]) -> Iterator[tuple[MailchimpSink, RequestLog]]:
    log = RequestLog()
    with (
        LoopbackServer(
            Scripted(respond), lock=threading.RLock(), clock=SandboxClock(), faults=Faults(), log=log
        ) as server,
        Mailchimp("any-us6", base_url=f"{server.url}/3.0", pause=lambda _: None) as client,
    ):
        yield MailchimpSink(client, DEFAULTS), log


def member(address: str, *, contact_id: str = "c1", status: str = "subscribed") -> dict[str, object]:
    return {
        "id": f"id-{address.partition('@')[0]}",
        "email_address": address,
        "status": status,
        "contact_id": contact_id,
    }


def reply(value: object, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(value))


def outcomes_of(sink: MailchimpSink, *addresses: str) -> list[Outcome]:
    groups = sink.apply(AUDIENCE, [change(Verb.ADD, address) for address in addresses])
    return [outcome for group in groups for outcome in group]


def seen_as(address: str, account: SandboxAccount, audience: AudienceId) -> Outcome:
    account.add_contact(audience, address)
    contact = contacts(account, audience)[address]
    return Outcome(change=change(Verb.RENAME, "nieuw@klant.nl", contact=contact), result=Result.APPLIED)


def test_a_second_contact_made_by_a_stale_rename_is_archived_again(
    account: SandboxAccount, audience: AudienceId
) -> None:
    wanted = seen_as("oud@klant.nl", account, audience).change

    def respond(request: Request) -> Reply:
        return Reply(204) if request.method == "DELETE" else reply(member("nieuw@klant.nl", contact_id="c2"))

    with scripted(respond) as (sink, log):
        (outcome,) = next(sink.apply(AUDIENCE, [wanted]))

    assert outcome.result is Result.NOT_TRUE
    assert "archived again" in outcome.detail
    assert [(request.method, request.path.rpartition("/")[2]) for request in log.requests()] == [
        ("PUT", wanted.contact.id if wanted.contact else ""),
        ("DELETE", "id-nieuw"),
    ]


def test_a_second_contact_that_cannot_be_archived_again_is_told(
    account: SandboxAccount, audience: AudienceId
) -> None:
    wanted = seen_as("oud@klant.nl", account, audience).change

    def respond(request: Request) -> Reply:
        return Reply(500) if request.method == "DELETE" else reply(member("nieuw@klant.nl", contact_id="c2"))

    with scripted(respond) as (sink, _):
        (outcome,) = next(sink.apply(AUDIENCE, [wanted]))

    assert (outcome.result, "still there" in outcome.detail) == (Result.NOT_TRUE, True)


def test_a_rename_that_was_accepted_without_effect_is_not_true(
    account: SandboxAccount, audience: AudienceId
) -> None:
    wanted = seen_as("oud@klant.nl", account, audience).change
    same_id = wanted.contact.contact_id if wanted.contact else ""

    with scripted(lambda _: reply(member("oud@klant.nl", contact_id=same_id))) as (sink, _):
        (outcome,) = next(sink.apply(AUDIENCE, [wanted]))

    assert outcome.result is Result.NOT_TRUE


def test_a_row_that_the_answer_does_not_mention_is_not_taken_for_added() -> None:
    with scripted(lambda _: reply({"new_members": [member("a@klant.nl")], "errors": []})) as (sink, _):
        found = outcomes_of(sink, "a@klant.nl", "b@klant.nl")

    assert [outcome.result for outcome in found] == [Result.APPLIED, Result.NOT_TRUE]


def test_a_row_that_was_accepted_but_not_subscribed_is_not_true() -> None:
    unchanged = member("a@klant.nl", status="unsubscribed")

    with scripted(lambda _: reply({"updated_members": [unchanged]})) as (sink, _):
        (outcome,) = outcomes_of(sink, "a@klant.nl")

    assert outcome.result is Result.NOT_TRUE
    assert "unsubscribed" in outcome.detail


def test_a_contact_that_was_accepted_back_but_stays_archived_is_not_true(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, "jan@klant.nl", Standing.ARCHIVED)
    archived = contacts(account, audience)["jan@klant.nl"]

    with scripted(lambda _: reply(member("jan@klant.nl", status="archived"))) as (sink, _):
        (outcome,) = next(sink.apply(AUDIENCE, [change(Verb.ADD, "jan@klant.nl", contact=archived)]))

    assert outcome.result is Result.NOT_TRUE


def test_a_request_refused_as_a_whole_for_one_row_costs_only_that_row() -> None:
    def respond(request: Request) -> Reply:
        rows = msgspec.json.decode(request.body, type=dict[str, list[dict[str, object]]])["members"]
        addresses = [str(row["email_address"]) for row in rows]
        if "p5@klant.nl" in addresses:
            detail = "Please provide a valid email address."
            return reply({"title": "Invalid Resource", "status": 400, "detail": detail}, 400)
        return reply({"new_members": [member(address) for address in addresses]})

    with scripted(respond) as (sink, log):
        found = outcomes_of(sink, *(f"p{number}@klant.nl" for number in range(16)))

    refused = [outcome for outcome in found if outcome.result is not Result.APPLIED]
    assert [(outcome.change.address, outcome.refusal) for outcome in refused] == [
        ("p5@klant.nl", RefusalKind.INVALID_ADDRESS)
    ]
    assert len(found) == 16
    assert len(log.requests()) == 9


def test_words_never_seen_before_are_a_refusal_not_a_success() -> None:
    row = {"email_address": "A@klant.nl", "error": "A@klant.nl is too tall.", "error_code": "ERROR_GENERIC"}

    with scripted(lambda _: reply({"new_members": [], "errors": [row]})) as (sink, _):
        (outcome,) = outcomes_of(sink, "a@klant.nl")

    assert (outcome.result, outcome.refusal) == (Result.REFUSED, RefusalKind.UNKNOWN)
    assert outcome.detail == "(address) is too tall."


def test_a_refused_row_says_which_field_is_to_blame() -> None:
    row = {
        "email_address": "a@klant.nl",
        "error": "Your merge fields were invalid.",
        "error_code": "ERROR_GENERIC",
        "field": "CITY",
        "field_message": "This value should not be blank.",
    }

    with scripted(lambda _: reply({"new_members": [], "errors": [row]})) as (sink, _):
        (outcome,) = outcomes_of(sink, "a@klant.nl")

    assert outcome.detail == "Your merge fields were invalid. CITY: This value should not be blank."
