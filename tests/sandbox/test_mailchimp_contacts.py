"""Scenarios 3 to 10 of facts/mailchimp.md, section 8: how a contact comes, changes and goes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.sandbox.mailchimp.problems import Problem
from reconciler.sandbox.mailchimp.state import subscriber_hash
from tests.sandbox.mailchimp_account import Account, problem

JAN = "jan@bureau.example"
PIET = "piet@bureau.example"
KEPT = ("contact_id", "web_id", "unique_email_id")


def test_an_archived_contact_leaves_the_listing_and_comes_back_with_its_history(account: Account) -> None:
    added = account.add(JAN, tags=["vip"], merge_fields={"FNAME": "Jan"})
    assert account.call("DELETE", account.member(JAN)).status_code == 204
    assert account.get(JAN)["status"] == "archived"
    assert account.ok("GET", "LIST/members")["members"] == []
    [archived] = account.ok("GET", "LIST/members", status="archived")["members"]
    assert archived["id"] == subscriber_hash(JAN)

    unchanged = account.ok("PUT", account.member(JAN), {"email_address": JAN, "status_if_new": "subscribed"})
    assert unchanged["status"] == "archived"
    revived = account.ok("PUT", account.member(JAN), {"email_address": JAN, "status": "subscribed"})
    assert revived["status"] == "subscribed"
    assert [revived[name] for name in KEPT] == [added[name] for name in KEPT]
    assert [tag["name"] for tag in revived["tags"]] == ["vip"]
    assert revived["merge_fields"]["FNAME"] == "Jan"
    assert revived["timestamp_opt"] == added["timestamp_opt"]


def test_adding_an_archived_contact_revives_it_and_moves_its_opt_in(account: Account) -> None:
    account.clock.freeze(datetime(2026, 3, 1, 12, tzinfo=UTC))
    added = account.add(JAN, merge_fields={"FNAME": "Jan"})
    account.call("DELETE", account.member(JAN))
    account.clock.advance(timedelta(hours=1))
    revived = account.add(JAN, merge_fields={"LNAME": "Smit"})
    assert [revived[name] for name in KEPT] == [added[name] for name in KEPT]
    assert revived["merge_fields"]["FNAME"] == "Jan"
    assert revived["merge_fields"]["LNAME"] == "Smit"
    assert revived["timestamp_opt"] == "2026-03-01T13:00:00+00:00"


def _archive(account: Account) -> None:
    account.call("DELETE", account.member(JAN))


def _bounce(account: Account) -> None:
    account.human.bounce(account.list_id, JAN)


def _ask_to_confirm(account: Account) -> None:
    account.ok("PUT", account.member(JAN), {"status": "pending"})


@pytest.mark.parametrize("before", [_archive, _bounce, _ask_to_confirm])
def test_what_cannot_be_archived_is_refused_with_405(
    account: Account, before: Callable[[Account], None]
) -> None:
    account.add(JAN)
    before(account)
    reply = account.call("DELETE", account.member(JAN))
    assert problem(reply) == (405, "Method Not Allowed")
    assert reply.json()["detail"] == (
        "This list member cannot be removed. Can not archive a contact that is bounced, pending or archived"
    )
    assert reply.headers["Allow"] == "GET, PUT"


def test_removing_somebody_unknown_is_a_404(account: Account) -> None:
    assert problem(account.call("DELETE", account.member(JAN))) == (404, "Resource Not Found")


@pytest.mark.parametrize("status", ["subscribed", "pending"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_permanently_deleted_address_is_forgotten_for_programs(
    account: Account, status: str, method: str
) -> None:
    account.add(JAN)
    deletion = account.call("POST", f"{account.member(JAN)}/actions/delete-permanent")
    assert deletion.status_code == 204
    assert problem(account.call("GET", account.member(JAN))) == (404, "Resource Not Found")
    path = "LIST/members" if method == "POST" else account.member(JAN)
    reply = account.call(method, path, {"email_address": JAN, "status": status})
    assert problem(reply) == (400, "Forgotten Email Not Subscribed")
    assert "type" not in reply.json()


def test_only_a_form_brings_a_forgotten_address_back(account: Account) -> None:
    account.add(JAN)
    account.human.delete_permanently(account.list_id, JAN)
    account.human.subscribe_by_form(account.list_id, JAN, {"FNAME": "Jan"})
    assert account.get(JAN)["status"] == "subscribed"
    assert account.get(JAN)["merge_fields"]["FNAME"] == "Jan"


def test_who_opted_out_stays_out_and_can_still_be_given_a_name(account: Account) -> None:
    account.add(JAN)
    account.human.unsubscribe(account.list_id, JAN)
    named = account.ok("PUT", account.member(JAN), {"email_address": JAN, "merge_fields": {"FNAME": "J"}})
    assert (named["status"], named["merge_fields"]["FNAME"]) == ("unsubscribed", "J")

    refusal = account.call("PATCH", account.member(JAN), {"status": "subscribed"})
    assert problem(refusal) == (400, "Member In Compliance State")
    assert "type" not in refusal.json()
    assert account.get(JAN)["status"] == "unsubscribed"

    asked = account.ok("PUT", account.member(JAN), {"status": "pending"})
    assert asked["status"] == "pending"
    forced = account.call("PUT", account.member(JAN), {"status": "subscribed"})
    assert problem(forced) == (400, "Member In Compliance State")
    account.human.confirm(account.list_id, JAN)
    assert account.get(JAN)["status"] == "subscribed"


def test_archiving_does_not_wash_an_opt_out_away_unless_switched_so(account: Account) -> None:
    account.add(JAN)
    account.human.unsubscribe(account.list_id, JAN)
    account.call("DELETE", account.member(JAN))
    subscribe = {"email_address": JAN, "status": "subscribed"}
    assert problem(account.call("POST", "LIST/members", subscribe)) == (400, "Member In Compliance State")
    account.state.switches.archiving_keeps_refusal = False
    assert account.ok("POST", "LIST/members", subscribe)["status"] == "subscribed"


def test_subscribing_after_an_unsubscribe_by_a_program_depends_on_the_switch(account: Account) -> None:
    account.add(JAN)
    gone = account.ok("PATCH", account.member(JAN), {"status": "unsubscribed"})
    assert gone["unsubscribe_reason"] == "N/A (Unsubscribed by admin)"
    again = account.call("PUT", account.member(JAN), {"status": "subscribed"})
    assert problem(again) == (400, "Member In Compliance State")

    account.state.switches.refuse_resubscribing_after_api = False
    back = account.ok("PUT", account.member(JAN), {"status": "subscribed"})
    assert back["status"] == "subscribed"
    assert "unsubscribe_reason" not in back


@pytest.mark.parametrize("status", ["subscribed", "pending"])
def test_a_cleaned_address_stays_cleaned(account: Account, status: str) -> None:
    account.add(JAN)
    account.human.bounce(account.list_id, JAN)
    reply = account.call("PUT", account.member(JAN), {"email_address": JAN, "status": status})
    assert problem(reply) == (400, "Member In Compliance State")
    assert account.get(JAN)["status"] == "cleaned"


def test_a_contact_under_review_stays_out(account: Account) -> None:
    account.add(JAN)
    account.human.put_in_compliance(account.list_id, JAN)
    reply = account.call("PUT", account.member(JAN), {"status": "subscribed"})
    assert problem(reply) == (400, "Member In Compliance State")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_rename_on_the_old_hash_keeps_the_contact(account: Account, method: str) -> None:
    added = account.add(JAN, tags=["vip"])
    renamed = account.ok(method, account.member(JAN), {"email_address": "Jan.Smit@bureau.example"})
    assert renamed["id"] == subscriber_hash("jan.smit@bureau.example")
    assert [renamed[name] for name in ("contact_id", "web_id")] == [added["contact_id"], added["web_id"]]
    assert renamed["tags"] == added["tags"]
    assert renamed["unique_email_id"] != added["unique_email_id"]
    assert account.call("GET", account.member(JAN)).status_code == 404
    assert account.ok("GET", f"LIST/members/{added['contact_id']}")["id"] == renamed["id"]
    assert account.ok("GET", "LIST/members")["total_items"] == 1


def test_a_rename_by_the_person_is_seen_by_contact_id(account: Account) -> None:
    added = account.add(JAN)
    account.human.change_address(account.list_id, JAN, PIET)
    [renamed] = account.ok("GET", "LIST/members")["members"]
    assert (renamed["email_address"], renamed["contact_id"]) == (PIET, added["contact_id"])


@pytest.mark.parametrize("archived", [False, True])
def test_a_rename_onto_a_taken_address_is_an_invalid_resource(account: Account, *, archived: bool) -> None:
    account.add(JAN)
    account.add(PIET)
    if archived:
        account.call("DELETE", account.member(PIET))
    reply = account.call("PUT", account.member(JAN), {"email_address": PIET})
    assert problem(reply) == (400, "Invalid Resource")
    assert reply.json()["type"].startswith("https://mailchimp.com/")
    assert reply.json()["errors"] == [
        {
            "field": "email address",
            "message": f'"{PIET}" is already in this list with a status of "subscribed".',
        }
    ]
    assert account.get(JAN)["email_address"] == JAN


def test_a_put_at_an_unknown_hash_with_a_known_address_exists_already(account: Account) -> None:
    account.add(JAN)
    put = {"email_address": JAN, "status_if_new": "subscribed"}
    reply = account.call("PUT", account.member(PIET), put)
    assert problem(reply) == (400, "Member Exists")
    assert "type" not in reply.json()
    account.call("DELETE", account.member(JAN))
    assert account.ok("PUT", account.member(PIET), put)["status"] == "subscribed"


def test_a_put_at_an_unknown_hash_creates_at_the_address_of_its_body(account: Account) -> None:
    put = {"email_address": JAN, "status_if_new": "subscribed"}
    assert account.ok("PUT", account.member(PIET), put)["id"] == subscriber_hash(JAN)


def test_adding_whom_the_audience_has_is_refused_without_a_type(account: Account) -> None:
    account.add(JAN)
    reply = account.call("POST", "LIST/members", {"email_address": JAN.upper(), "status": "subscribed"})
    assert problem(reply) == (400, "Member Exists")
    assert "type" not in reply.json()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_archived_is_no_status_to_write(account: Account, method: str) -> None:
    account.add(PIET)
    path = "LIST/members" if method == "POST" else account.member(PIET)
    body = {"email_address": JAN if method == "POST" else PIET, "status": "archived"}
    assert problem(account.call(method, path, body)) == (400, "Invalid Resource")


@pytest.mark.parametrize("name", [subscriber_hash(JAN), JAN, "contact_id"])
def test_a_contact_answers_to_hash_address_and_contact_id(account: Account, name: str) -> None:
    added = account.add(JAN)
    path = f"LIST/members/{added.get(name, name)}"
    assert account.ok("GET", path)["web_id"] == added["web_id"]


@pytest.mark.parametrize(
    ("address", "detail"),
    [
        ("geen-adres", "Please provide a valid email address."),
        ("jan@bureau", "Please provide a valid email address."),
        ("jan smit@bureau.example", "Please provide a valid email address."),
        ("jan..smit@bureau.example", "Please provide a valid email address."),
        ("jan@example.com", "jan@example.com looks fake or invalid, please enter a real email address."),
        ("jan@mail.test", "jan@mail.test looks fake or invalid, please enter a real email address."),
    ],
)
def test_addresses_nobody_has_are_refused(account: Account, address: str, detail: str) -> None:
    reply = account.call("POST", "LIST/members", {"email_address": address, "status": "subscribed"})
    assert problem(reply) == (400, "Invalid Resource")
    assert reply.json()["detail"] == detail


def test_an_address_that_signed_up_everywhere_has_to_wait(account: Account) -> None:
    account.state.oversubscribed.add(JAN)
    reply = account.call("POST", "LIST/members", {"email_address": JAN, "status": "subscribed"})
    assert "has signed up to a lot of lists very recently" in reply.json()["detail"]
    account.state.oversubscribed.clear()
    assert account.add(JAN)["status"] == "subscribed"


def test_last_changed_moves_with_real_changes_only(account: Account) -> None:
    account.clock.freeze(datetime(2026, 3, 1, 12, 0, 0, 700_000, tzinfo=UTC))
    assert account.add(JAN)["last_changed"] == "2026-03-01T12:00:00+00:00"

    def after(method: str, path: str, body: object) -> str:
        account.clock.advance(timedelta(minutes=1))
        account.ok(method, path, body)
        return str(account.get(JAN)["last_changed"])[11:16]

    jan = account.member(JAN)
    assert after("PUT", jan, {"email_address": JAN, "status_if_new": "subscribed"}) == "12:00"
    assert after("POST", f"{jan}/tags", {"tags": []}) == "12:00"
    assert after("POST", f"{jan}/tags", {"tags": [{"name": "vip", "status": "active"}]}) == "12:03"
    assert after("POST", f"{jan}/tags", {"tags": [{"name": "vip", "status": "active"}]}) == "12:04"
    assert after("PUT", jan, {"merge_fields": {"FNAME": "Jan"}}) == "12:05"
    assert after("PUT", jan, {"merge_fields": {"FNAME": "Jan"}}) == "12:05"
    assert after("DELETE", jan, None) == "12:07"


def test_a_refused_update_changes_nothing(account: Account) -> None:
    before = account.add(JAN, merge_fields={"FNAME": "Jan"})
    account.human.unsubscribe(account.list_id, JAN)
    body = {"email_address": PIET, "status": "subscribed", "merge_fields": {"FNAME": "Piet"}}
    assert account.call("PUT", account.member(JAN), body).status_code == 400
    assert account.get(JAN)["merge_fields"] == before["merge_fields"]
    assert account.get(JAN)["email_address"] == JAN


def test_an_old_contact_answers_only_to_its_own_odd_id(account: Account) -> None:
    added = account.add(JAN)
    odd = account.human.make_id_odd(account.list_id, JAN)
    assert odd != added["id"]
    assert account.ok("GET", f"LIST/members/{odd}")["contact_id"] == added["contact_id"]
    assert account.call("GET", account.member(JAN)).status_code == 404
    put = {"email_address": JAN, "status_if_new": "subscribed"}
    assert problem(account.call("PUT", account.member(JAN), put)) == (400, "Member Exists")


def test_a_contact_can_have_no_address_at_all(account: Account) -> None:
    account.add(JAN)
    for number in ("+31600000001", "+31600000002"):
        account.human.add_telephone(account.list_id, number)
    listed = account.ok("GET", "LIST/members")["members"]
    assert sorted(member["email_address"] for member in listed) == ["", "", JAN]
    assert len({member["id"] for member in listed}) == 3


@pytest.mark.parametrize(("field", "value"), [("language", "nl"), ("vip", True), ("email_type", "text")])
def test_other_properties_are_kept(account: Account, field: str, value: object) -> None:
    account.add(JAN)
    account.ok("PATCH", account.member(JAN), {field: value})
    assert account.get(JAN)[field] == value


def test_nobody_is_made_transactional_by_a_patch(account: Account) -> None:
    account.add(JAN)
    reply = account.call("PATCH", account.member(JAN), {"status": "transactional"})
    assert problem(reply) == (400, "Invalid Resource")
    assert account.ok("PUT", account.member(JAN), {"status": "transactional"})["status"] == "transactional"


def test_a_marketer_archives_what_the_api_cannot_and_the_no_stays(account: Account) -> None:
    account.add(JAN)
    account.human.bounce(account.list_id, JAN)
    account.human.archive(account.list_id, JAN)
    assert account.get(JAN)["status"] == "archived"
    reply = account.call("PUT", account.member(JAN), {"status": "subscribed"})
    assert problem(reply) == (400, "Member In Compliance State")


def test_who_unsubscribed_may_come_back_by_a_form(account: Account) -> None:
    account.add(JAN)
    account.human.unsubscribe(account.list_id, JAN)
    account.human.subscribe_by_form(account.list_id, JAN)
    assert account.get(JAN)["status"] == "subscribed"
    account.call("DELETE", account.member(JAN))
    assert account.ok("PUT", account.member(JAN), {"status": "subscribed"})["status"] == "subscribed"


def test_a_marketer_edits_adds_and_tags(account: Account) -> None:
    account.human.add_contact(account.list_id, JAN, merge_fields={"FNAME": "Jan"})
    account.human.edit_fields(account.list_id, JAN, LNAME="Smit")
    account.human.tag(account.list_id, JAN, "vip")
    account.human.unsubscribe_by_admin(account.list_id, JAN)
    read = account.get(JAN)
    assert (read["full_name"], read["tags_count"], read["status"]) == ("Jan Smit", 1, "unsubscribed")
    with pytest.raises(Problem, match="Member Exists"):
        account.human.add_contact(account.list_id, JAN)
    with pytest.raises(LookupError, match="no contact"):
        account.human.unsubscribe(account.list_id, PIET)
