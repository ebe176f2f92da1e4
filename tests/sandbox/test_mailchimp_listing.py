"""Scenarios 1 and 2 of facts/mailchimp.md, section 8, and what a listing shows and hides."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.sandbox.faults import Fault, FaultKind
from tests.sandbox.mailchimp_account import Account, problem, running_account

CONTACTS = 2345


@pytest.fixture(scope="module")
def big() -> Iterator[Account]:
    """An account that the tests of this module only read."""
    with running_account() as account:
        account.fill(CONTACTS)
        yield account


def _ids(account: Account, **query: object) -> list[str]:
    page = account.ok("GET", "LIST/members", fields="members.id", **query)
    return [member["id"] for member in page["members"]]


def test_a_page_has_ten_rows_unless_asked_otherwise(big: Account) -> None:
    page = big.ok("GET", "LIST/members", fields="members.id,total_items")
    assert (len(page["members"]), page["total_items"]) == (10, CONTACTS)


def test_three_pages_of_a_thousand_hold_everybody_once(big: Account) -> None:
    pages = [_ids(big, count=1000, offset=offset) for offset in (0, 1000, 2000)]
    assert [len(page) for page in pages] == [1000, 1000, 345]
    assert len({identity for page in pages for identity in page}) == CONTACTS


def test_past_the_end_is_empty_with_the_right_total(big: Account) -> None:
    page = big.ok("GET", "LIST/members", count=1000, offset=3000)
    assert (page["members"], page["total_items"]) == ([], CONTACTS)


def test_more_than_a_thousand_is_refused_or_capped(account: Account) -> None:
    account.fill(1001)
    assert problem(account.call("GET", "LIST/members", count=1001)) == (400, "Invalid Resource")
    account.state.switches.refuse_count_above_1000 = False
    assert len(_ids(account, count=1001)) == 1000


@pytest.mark.parametrize("query", [{"count": "many"}, {"offset": "-1"}])
def test_a_page_that_is_no_number_is_refused(big: Account, query: dict[str, object]) -> None:
    assert problem(big.call("GET", "LIST/members", **query)) == (400, "Invalid Resource")


def test_fields_need_the_prefix_of_their_collection(big: Account) -> None:
    wanted = big.ok("GET", "LIST/members", fields="members.email_address,members.stats.avg_open_rate,list_id")
    assert set(wanted) == {"members", "list_id"}
    assert set(wanted["members"][0]) == {"email_address", "stats"}
    assert set(wanted["members"][0]["stats"]) == {"avg_open_rate"}
    assert big.ok("GET", "LIST/members", fields="email_address,total_items") == {"total_items": CONTACTS}


def test_excluded_fields_need_the_prefix_too(big: Account) -> None:
    whole = big.ok("GET", "LIST/members", exclude_fields="merge_fields,_links")
    assert "merge_fields" in whole["members"][0]
    assert "_links" not in whole
    slim = big.ok("GET", "LIST/members", exclude_fields="members._links,members.stats.avg_open_rate")
    assert "_links" not in slim["members"][0]
    assert set(slim["members"][0]["stats"]) == {"avg_click_rate"}


def test_a_whole_contact_is_about_three_kilobytes(big: Account) -> None:
    size = len(big.call("GET", "LIST/members", count=100).content) / 100
    assert 2500 < size < 4500
    slim = len(big.call("GET", "LIST/members", count=100, fields="members.email_address").content) / 100
    assert slim < 100


def test_contacts_that_vanish_between_pages_shift_the_rest(account: Account) -> None:
    account.fill(30)
    first = _ids(account, count=10)
    for n in range(3):
        account.human.delete_permanently(account.list_id, f"kandidaat{n}@bureau.example")
    account.add("nieuw@bureau.example")
    rest = _ids(account, count=10, offset=10) + _ids(account, count=10, offset=20)
    everybody = account.ok("GET", "LIST/members", count=1000)
    assert everybody["total_items"] == 28
    assert len({member["id"] for member in everybody["members"]} - set(first) - set(rest)) == 3


def test_a_page_can_shift_or_fall_short_and_a_total_can_lie_by_order(account: Account) -> None:
    account.fill(20)
    account.faults.add(Fault(kind=FaultKind.SHIFT_BETWEEN_PAGES, value=2, times=1))
    assert _ids(account, offset=10) == _ids(account, offset=12)
    account.faults.add(Fault(kind=FaultKind.SHORT_PAGE, value=4))
    assert [len(_ids(account)), len(_ids(account))] == [6, 10]
    account.faults.add(Fault(kind=FaultKind.LYING_TOTAL, value=5))
    assert account.ok("GET", "LIST/members")["total_items"] == 25


def test_archived_contacts_are_left_out_unless_switched_otherwise(account: Account) -> None:
    account.fill(3)
    account.call("DELETE", account.member("kandidaat1@bureau.example"))
    assert account.ok("GET", "LIST/members")["total_items"] == 2
    account.state.switches.listing_hides_archived = False
    assert account.ok("GET", "LIST/members")["total_items"] == 3


def test_a_listing_can_be_of_one_status(account: Account) -> None:
    account.add("a@bureau.example", "pending")
    account.add("b@bureau.example", "unsubscribed")
    found = account.ok("GET", "LIST/members", status="pending")["members"]
    assert [member["email_address"] for member in found] == ["a@bureau.example"]
    assert problem(account.call("GET", "LIST/members", status="sleeping")) == (400, "Invalid Resource")


def test_changes_since_a_second_leave_that_second_out(account: Account) -> None:
    start = datetime(2026, 3, 1, 12, 0, 44, tzinfo=UTC)
    account.clock.freeze(start)
    account.add("a@bureau.example")
    account.clock.advance(timedelta(milliseconds=900))
    account.add("b@bureau.example")
    account.clock.advance(timedelta(milliseconds=100))
    account.add("c@bureau.example")

    def addresses(**query: object) -> list[str]:
        rows = account.ok("GET", "LIST/members", **query)["members"]
        return [str(row["email_address"])[0] for row in rows]

    assert addresses(since_last_changed="2026-03-01T12:00:43+00:00") == ["a", "b", "c"]
    assert addresses(since_last_changed="2026-03-01T12:00:44Z") == ["c"]
    assert addresses(since_last_changed="2026-03-01T12:00:44.999+00:00") == ["c"]
    assert addresses(before_last_changed="2026-03-01T12:00:45+00:00") == ["a", "b"]
    assert addresses(sort_field="last_changed", sort_dir="DESC") == ["c", "b", "a"]
    assert account.call("GET", "LIST/members", since_last_changed="yesterday").status_code == 400
    assert account.call("GET", "LIST/members", since_last_changed="1970-01-01T00:00:00Z").status_code == 504


def test_a_listing_can_be_sorted_by_opt_in(account: Account) -> None:
    account.clock.freeze(datetime(2026, 3, 1, tzinfo=UTC))
    account.add("a@bureau.example", "unsubscribed")
    account.add("b@bureau.example")
    account.clock.advance(timedelta(hours=1))
    account.add("c@bureau.example")
    rows = account.ok("GET", "LIST/members", sort_field="timestamp_opt", sort_dir="DESC")["members"]
    assert [row["email_address"][0] for row in rows] == ["c", "b", "a"]
    assert account.call("GET", "LIST/members", sort_field="vip").status_code == 400


def test_a_contact_can_be_asked_for_by_its_unique_email_id(account: Account) -> None:
    account.fill(3)
    wanted = account.get("kandidaat1@bureau.example")
    found = account.ok("GET", "LIST/members", unique_email_id=wanted["unique_email_id"])["members"]
    assert found == [wanted]


def test_a_contact_can_be_found_by_address_or_name_in_every_audience(account: Account) -> None:
    account.add("jan@bureau.example", merge_fields={"FNAME": "Jan", "LNAME": "Smit"})
    account.add("jan@bureau.example.com.example")
    found = account.ok("GET", "/search-members", query="jan@bureau.example")
    assert [m["email_address"] for m in found["exact_matches"]["members"]] == ["jan@bureau.example"]
    assert found["full_search"]["total_items"] == 1
    assert account.ok("GET", "/search-members", query="smit")["full_search"]["total_items"] == 1


def _addresses(account: Account, **query: object) -> list[str]:
    page = account.ok("GET", "LIST/members", **query)
    assert page["total_items"] == len(page["members"])
    return [member["email_address"] for member in page["members"]]


def test_a_listing_can_be_narrowed_to_some_contacts(account: Account) -> None:
    account.clock.freeze(datetime(2026, 3, 1, tzinfo=UTC))
    account.add("oud@bureau.example", email_type="text")
    account.add("weg@bureau.example")
    account.clock.advance(timedelta(days=2))
    account.add("nieuw@bureau.example", vip=True)
    account.human.unsubscribe(account.list_id, "weg@bureau.example")
    day_between = "2026-03-02T00:00:00Z"
    assert _addresses(account, email_type="text") == ["oud@bureau.example"]
    assert _addresses(account, vip_only=True) == ["nieuw@bureau.example"]
    assert _addresses(account, since_timestamp_opt=day_between) == ["nieuw@bureau.example"]
    assert _addresses(account, before_timestamp_opt=day_between, status="subscribed") == [
        "oud@bureau.example"
    ]
    assert _addresses(account, unsubscribed_since=day_between) == ["weg@bureau.example"]
    assert _addresses(account, unsubscribed_since="2026-03-04T00:00:00Z") == []


@pytest.mark.parametrize(("inclusive", "shown"), [(False, []), (True, ["jan@bureau.example"])])
def test_whether_since_shows_the_same_second_depends_on_the_switch(
    account: Account, *, inclusive: bool, shown: list[str]
) -> None:
    account.state.switches.since_includes_equal = inclusive
    account.clock.freeze(datetime(2026, 3, 1, tzinfo=UTC))
    account.add("jan@bureau.example")
    assert _addresses(account, since_last_changed="2026-03-01T00:00:00+00:00") == shown


@pytest.mark.parametrize("query", [{"sort_field": "web_id"}, {"sort_dir": "UP"}, {"status": "gone"}])
def test_a_value_that_a_listing_does_not_know_is_refused(big: Account, query: dict[str, object]) -> None:
    reply = big.call("GET", "LIST/members", **query)
    assert problem(reply) == (400, "Invalid Resource")
    assert reply.json()["errors"][0]["message"].startswith("Data presented is not one of the accepted values")
