"""What the contract cannot ask of memory: pages, requests, and a service that lies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from reconciler.api.http import RequestNote
from reconciler.api.mailchimp import Mailchimp
from reconciler.errors import CredentialsRejected, NotFound, UnexpectedAnswer, Unreachable
from reconciler.model import AudienceId, Standing
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sources.mailchimp import MailchimpSource
from tests.audience_accounts import SandboxAccount, contacts, new_audience, sandbox_account
from tests.scripted import Script, serving

MEMBERS = "GET .*/members"


@pytest.fixture
def account() -> Iterator[SandboxAccount]:
    with sandbox_account() as found:
        yield found


@pytest.fixture
def audience(account: SandboxAccount) -> AudienceId:
    return new_audience(account)


def reads(account: SandboxAccount) -> int:
    return len([request for request in account.requests("GET") if request.path.endswith("/members")])


def fault(account: SandboxAccount, kind: FaultKind, **more: int | str | None) -> None:
    account.sandbox.faults.add(
        Fault(
            kind=kind,
            system="mailchimp",
            pattern=str(more.get("pattern", MEMBERS)),
            times=None if more.get("times", 1) is None else int(more.get("times", 1) or 0),
            skip=int(more.get("skip", 0) or 0),
            value=more.get("value"),
        )
    )


@contextmanager
def meanwhile(account: SandboxAccount, action: Callable[[], None]) -> Iterator[MailchimpSource]:
    """A source, during whose first request somebody else does something."""
    left = [action]

    def note(_: RequestNote) -> None:
        if left:
            left.pop()()

    url, key = account.sandbox.mailchimp_url, account.sandbox.world.mailchimp_api_key
    with Mailchimp(key, base_url=url, pause=lambda _: None, on_request=note) as client:
        yield MailchimpSource(client)


# -- pages and requests -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("live", "archived", "requests"),
    [(0, 0, 2), (1, 0, 2), (1000, 0, 3), (1001, 0, 3), (2345, 0, 4), (10, 1001, 3), (1000, 1000, 4)],
)
def test_a_snapshot_costs_as_many_requests_as_the_page_size_dictates(
    account: SandboxAccount, audience: AudienceId, live: int, archived: int, requests: int
) -> None:
    account.add_contacts(audience, live)
    account.add_contacts(audience, archived, Standing.ARCHIVED)

    snapshot = account.source.contacts(audience)

    assert len({contact.id for contact in snapshot.contacts}) == live + archived
    assert snapshot.tally.complete
    assert (snapshot.tally.rows, snapshot.tally.duplicates) == (live + archived, 0)
    assert reads(account) == requests


def test_only_what_is_compared_is_asked_for(account: SandboxAccount, audience: AudienceId) -> None:
    account.source.contacts(audience)

    for request in account.requests("GET"):
        assert request.query["fields"].split(",") == [
            "members.id",
            "members.email_address",
            "members.status",
            "members.contact_id",
            "members.merge_fields",
            "members.last_changed",
            "total_items",
        ]


def test_the_live_listing_asks_for_no_status_and_the_archived_one_for_its_own(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.source.contacts(audience)

    assert [request.query.get("status", "") for request in account.requests("GET")] == ["", "archived"]


def test_all_audiences_are_seen_not_the_first_ten(account: SandboxAccount) -> None:
    wanted = {new_audience(account, f"Lijst {number}") for number in range(12)}

    catalogue = account.source.audiences()

    assert {audience.id for audience in catalogue.audiences} == wanted
    assert catalogue.tally.complete
    assert (catalogue.constraints.current, len(account.requests("GET"))) == (12, 1)


def test_any_number_of_audiences_is_no_maximum(account: SandboxAccount) -> None:
    account.limit_audiences(-1)

    assert account.source.audiences().constraints.maximum is None


def test_archived_contacts_may_stand_in_the_live_listing_too(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.sandbox.world.mailchimp.switches.listing_hides_archived = False
    account.add_contact(audience, "jan@klant.nl")
    account.add_contact(audience, "weg@klant.nl", Standing.ARCHIVED)

    snapshot = account.source.contacts(audience)

    assert snapshot.tally.complete
    assert sorted((contact.address, contact.standing) for contact in snapshot.contacts) == [
        ("jan@klant.nl", Standing.SUBSCRIBED),
        ("weg@klant.nl", Standing.ARCHIVED),
    ]


def test_a_contact_without_an_address_is_read_and_left_out(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, "jan@klant.nl")
    for number in ("+31600000001", "+31600000002"):
        account.sandbox.mailchimp.add_telephone(audience, number)

    snapshot = account.source.contacts(audience)

    assert [contact.address for contact in snapshot.contacts] == ["jan@klant.nl"]
    assert snapshot.tally.complete
    assert snapshot.tally.rows == 3


def test_numbers_and_addresses_in_merge_fields_are_read_as_texts(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.client.write(
        "POST",
        f"/lists/{audience}/merge-fields",
        {"tag": "AGE", "name": "AGE", "type": "number"},
        dict,
    )
    account.add_contact(audience, "jan@klant.nl", fields={"AGE": "41.0"})

    assert contacts(account, audience)["jan@klant.nl"].fields["AGE"] == "41"


# -- rows that move and totals that lie -------------------------------------------------------------


def test_a_short_page_is_made_up_for(account: SandboxAccount, audience: AudienceId) -> None:
    account.add_contacts(audience, 1500)
    fault(account, FaultKind.SHORT_PAGE, value=100)

    snapshot = account.source.contacts(audience)

    assert snapshot.tally.complete
    assert len(snapshot.contacts) == 1500


def test_rows_that_shift_once_are_read_again(account: SandboxAccount, audience: AudienceId) -> None:
    account.add_contacts(audience, 1500)
    fault(account, FaultKind.SHIFT_BETWEEN_PAGES, value=3)

    snapshot = account.source.contacts(audience)

    assert snapshot.tally.complete
    assert len(snapshot.contacts) == 1500


def test_rows_that_go_on_shifting_leave_the_snapshot_incomplete(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contacts(audience, 1500)
    fault(account, FaultKind.SHIFT_BETWEEN_PAGES, value=3, times=None)

    tally = account.source.contacts(audience).tally

    assert not tally.complete
    assert "1497 of 1500" in tally.problem


def test_a_total_that_lies_leaves_the_snapshot_incomplete(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contacts(audience, 30)
    fault(account, FaultKind.LYING_TOTAL, value=5, times=None)

    tally = account.source.contacts(audience).tally

    assert not tally.complete
    assert tally.rows == 30


def test_a_move_from_one_listing_to_the_other_is_not_hidden_by_the_sum(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contacts(audience, 30)
    account.add_contacts(audience, 30, Standing.ARCHIVED)
    fault(account, FaultKind.LYING_TOTAL, value=1, times=2)
    fault(account, FaultKind.SHORT_PAGE, value=1, times=None)

    assert not account.source.contacts(audience).tally.complete


def test_rows_that_leave_between_two_pages_are_noticed_and_read_again(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contacts(audience, 1500)

    def three_leave_and_one_comes() -> None:
        for number in range(3):
            account.archive(audience, f"subscribed-{number}@klant.nl")
        account.add_contact(audience, "nieuw@klant.nl")

    with meanwhile(account, three_leave_and_one_comes) as source:
        snapshot = source.contacts(audience)

    standings = [contact.standing for contact in snapshot.contacts]
    assert snapshot.tally.complete
    assert standings.count(Standing.SUBSCRIBED) == 1498
    assert standings.count(Standing.ARCHIVED) == 3


def test_a_contact_archived_between_the_two_listings_is_one_archived_contact(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contact(audience, "jan@klant.nl")

    with meanwhile(account, lambda: account.archive(audience, "jan@klant.nl")) as source:
        snapshot = source.contacts(audience)

    assert [contact.standing for contact in snapshot.contacts] == [Standing.ARCHIVED]


def test_an_audience_deleted_between_two_pages_is_not_found(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contacts(audience, 1500)

    with (
        meanwhile(account, lambda: account.sandbox.mailchimp.delete_audience(audience)) as source,
        pytest.raises(NotFound),
    ):
        source.contacts(audience)


def test_a_key_revoked_between_two_pages_is_told_as_such(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contacts(audience, 1500)

    with (
        meanwhile(account, account.sandbox.mailchimp.revoke_keys) as source,
        pytest.raises(CredentialsRejected),
    ):
        source.contacts(audience)


# -- a service in trouble ---------------------------------------------------------------------------


def test_pages_that_are_too_big_are_halved_until_they_arrive(
    account: SandboxAccount, audience: AudienceId
) -> None:
    account.add_contacts(audience, 600)
    fault(account, FaultKind.SERVER_ERROR, value=504, times=2)

    snapshot = account.source.contacts(audience)

    counts = [int(request.query["count"]) for request in account.requests("GET")]
    assert snapshot.tally.complete
    assert counts[:3] == [1000, 500, 250]
    assert set(counts[3:]) == {250}


def test_what_page_size_works_is_remembered_and_tried_larger_again(
    account: SandboxAccount, audience: AudienceId
) -> None:
    fault(account, FaultKind.SERVER_ERROR, value=504, times=1)
    for _ in range(12):
        account.source.contacts(audience)

    counts = [int(request.query["count"]) for request in account.requests("GET")]
    assert counts[1] == 500
    assert counts[-1] == 1000


def test_a_first_page_that_never_comes_is_an_error_not_an_empty_audience(
    account: SandboxAccount, audience: AudienceId
) -> None:
    fault(account, FaultKind.SERVER_ERROR, value=503, times=None)

    with pytest.raises(Unreachable):
        account.source.contacts(audience)


def test_a_first_page_that_is_nonsense_is_an_error(account: SandboxAccount, audience: AudienceId) -> None:
    fault(account, FaultKind.GARBAGE, times=None)

    with pytest.raises(UnexpectedAnswer):
        account.source.contacts(audience)


def test_an_audience_deleted_in_mailchimp_is_not_found(account: SandboxAccount, audience: AudienceId) -> None:
    account.sandbox.mailchimp.delete_audience(audience)

    with pytest.raises(NotFound):
        account.source.merge_field_tags(audience)


# -- another Mailchimp than the one that was described ----------------------------------------------


@contextmanager
def answering(document: object) -> Iterator[MailchimpSource]:
    script = Script((200, {"Content-Type": "application/json"}, msgspec.json.encode(document)))
    with serving(script) as url, Mailchimp("key-us6", base_url=url, pause=lambda _: None) as client:
        yield MailchimpSource(client)


@pytest.mark.parametrize(
    "odd",
    [
        {"contact_id": None},
        {"merge_fields": None},
        {"merge_fields": []},
        {"merge_fields": {"FNAME": "Ada", "ADDRESS": {"addr1": "Straat 1", "place": {"lat": 52.1}}}},
        {"merge_fields": {"FNAME": "Ada", "CHOICES": ["a", "b"], "AGE": 7.5}},
    ],
    ids=str,
)
def test_one_contact_of_an_unusual_form_does_not_keep_the_audience_from_being_read(
    odd: dict[str, object],
) -> None:
    usual = {"id": "1", "email_address": "ada@klant.nl", "status": "subscribed", "contact_id": "c1"}
    rows = [
        usual | {"merge_fields": {"FNAME": "Ada"}},
        usual | {"id": "2", "email_address": "b@klant.nl"} | odd,
    ]

    with answering({"members": rows, "total_items": 2}) as source:
        snapshot = source.contacts(AudienceId("a1"))

    assert snapshot.tally.complete
    assert {contact.address: contact.contact_id for contact in snapshot.contacts} == {
        "ada@klant.nl": "c1",
        "b@klant.nl": "" if "contact_id" in odd else "c1",
    }


def test_an_audience_without_a_name_or_a_reminder_does_not_keep_the_others_from_being_seen() -> None:
    rows = [{"id": "a1", "name": None, "permission_reminder": None}, {"id": "a2", "name": "Zorg"}]

    with answering({"lists": rows, "total_items": 2, "constraints": {"may_create": True}}) as source:
        found = source.audiences()

    assert [(one.id, one.name, one.permission_reminder) for one in found.audiences] == [
        ("a1", "", ""),
        ("a2", "Zorg", ""),
    ]
