"""Scenario 12 of facts/mailchimp.md, section 8: many contacts at once, refused row by row."""

from typing import Any

import pytest

from reconciler.sandbox.mailchimp import MailchimpState, Switches
from tests.sandbox.mailchimp_account import Account, Json, problem, running_account

JAN = "jan@bureau.example"


def _subscribe(account: Account, *rows: Json, update_existing: bool = False, **query: object) -> Json:
    body = {"members": list(rows), "update_existing": update_existing}
    return account.ok("POST", "LIST", body, **query)


def _row(address: str, **more: object) -> Json:
    return {"email_address": address, "status": "subscribed", **more}


def _error(answer: Json) -> Any:  # noqa: ANN401  # the texts of a row error
    [error] = answer["errors"]
    return error


def test_good_rows_are_applied_and_bad_ones_named(account: Account) -> None:
    account.ok("POST", "LIST/merge-fields", {"name": "Age", "type": "number", "tag": "AGE"})
    held = ["kandidaat0@bureau.example", "kandidaat1@bureau.example"]
    for address in held:
        account.add(address)
    rows = [_row(f"kandidaat{n}@bureau.example") for n in range(496)]
    rows += [_row(f"nep{n}@example.com") for n in range(3)]
    rows += [_row("oud@bureau.example", merge_fields={"AGE": "abc"})]
    answer = _subscribe(account, *rows)
    assert (answer["total_created"], answer["total_updated"], answer["error_count"]) == (494, 0, 6)
    assert len(answer["new_members"]) == 494
    assert [error["error_code"] for error in answer["errors"]] == [
        "ERROR_CONTACT_EXISTS",
        "ERROR_CONTACT_EXISTS",
        *["ERROR_GENERIC"] * 4,
    ]
    assert answer["errors"][0] == {
        "email_address": held[0],
        "error": f"{held[0]} is already a list member, do you want to update? "
        "please provide update_existing:true in the request body",
        "error_code": "ERROR_CONTACT_EXISTS",
    }
    assert answer["errors"][2]["error"].endswith("looks fake or invalid, please enter a real email address.")
    number = answer["errors"][5]
    assert (number["error"], number["field"], number["field_message"]) == (
        "Your merge fields were invalid.",
        "AGE",
        "Please enter a number",
    )
    assert account.ok("GET", "LIST/members")["total_items"] == 496


def test_more_than_500_rows_are_refused_and_none_is_applied(account: Account) -> None:
    rows = [_row(f"kandidaat{n}@bureau.example") for n in range(501)]
    reply = account.call("POST", "LIST", {"members": rows})
    assert reply.status_code == 400
    assert reply.json()["detail"].startswith(
        "Maximum allowed member items exceeded, please provide at most 500"
    )
    assert account.ok("GET", "LIST/members")["total_items"] == 0


def test_new_contacts_come_back_whole(account: Account) -> None:
    [created] = _subscribe(account, _row(JAN, merge_fields={"FNAME": "Jan"}))["new_members"]
    assert created == account.get(JAN)


def test_an_existing_contact_is_updated_only_if_told_so(account: Account) -> None:
    account.add(JAN)
    answer = _subscribe(account, _row(JAN, merge_fields={"FNAME": "Jan"}), update_existing=True)
    assert (answer["total_created"], answer["total_updated"], answer["error_count"]) == (0, 1, 0)
    assert account.get(JAN)["merge_fields"]["FNAME"] == "Jan"


def test_a_remembered_no_refuses_the_row(account: Account) -> None:
    account.add(JAN)
    account.human.unsubscribe(account.list_id, JAN)
    error = _error(_subscribe(account, _row(JAN), update_existing=True))
    assert error["error"] == f"{JAN} has previously unsubscribed from this list and must opt in again."
    account.human.bounce(account.list_id, JAN)
    assert 'status is "cleaned."' in _error(_subscribe(account, _row(JAN), update_existing=True))["error"]
    account.human.put_in_compliance(account.list_id, JAN)
    error = _error(_subscribe(account, _row(JAN), update_existing=True))
    assert "in a compliance state" in error["error"]
    account.human.delete_permanently(account.list_id, JAN)
    error = _error(_subscribe(account, _row(JAN)))
    assert error["error"].endswith("they'll need to sign up using a Mailchimp form.")


def test_a_contact_a_program_unsubscribed_is_left_alone_in_silence(account: Account) -> None:
    account.add(JAN, "unsubscribed")
    answer = _subscribe(account, _row(JAN), update_existing=True)
    assert (answer["total_updated"], answer["error_count"]) == (1, 0)
    assert account.get(JAN)["status"] == "unsubscribed"


def test_the_lenient_service_lets_it_come_back() -> None:
    with running_account(MailchimpState(switches=Switches.lenient())) as account:
        account.add(JAN, "unsubscribed")
        _subscribe(account, _row(JAN), update_existing=True)
        assert account.get(JAN)["status"] == "subscribed"


@pytest.mark.parametrize(("switch", "status"), [(False, "archived"), (True, "subscribed")])
def test_an_archived_contact_comes_back_only_if_switched_so(
    account: Account, *, switch: bool, status: str
) -> None:
    account.state.switches.batch_revives_archived = switch
    account.add(JAN)
    account.call("DELETE", account.member(JAN))
    answer = _subscribe(account, _row(JAN))
    assert answer["error_count"] == int(not switch)
    assert account.get(JAN)["status"] == status


@pytest.mark.parametrize(("switch", "names"), [(False, []), (True, ["vip"])])
def test_tags_in_a_row_count_only_if_switched_so(account: Account, *, switch: bool, names: list[str]) -> None:
    account.state.switches.batch_honours_tags = switch
    _subscribe(account, _row(JAN, tags=["vip"]))
    assert [tag["name"] for tag in account.get(JAN)["tags"]] == names


def test_of_a_repeated_address_the_first_row_can_be_kept(account: Account) -> None:
    rows = [_row(JAN, merge_fields={"FNAME": name}) for name in ("Eerste", "Tweede")]
    answer = _subscribe(account, *rows, skip_duplicate_check=True)
    assert (answer["total_created"], answer["error_count"]) == (1, 0)
    assert account.get(JAN)["merge_fields"]["FNAME"] == "Eerste"


def test_a_repeated_address_exists_the_second_time(account: Account) -> None:
    answer = _subscribe(account, _row(JAN), _row(JAN))
    assert (answer["total_created"], _error(answer)["error_code"]) == (1, "ERROR_CONTACT_EXISTS")


def test_a_required_field_can_be_left_out_if_the_check_is_skipped(account: Account) -> None:
    account.ok("POST", "LIST/merge-fields", {"name": "Stad", "type": "text", "tag": "CITY", "required": True})
    assert _error(_subscribe(account, _row(JAN)))["field_message"] == "This value should not be blank."
    assert _subscribe(account, _row(JAN), skip_merge_validation=True)["total_created"] == 1


def test_a_body_that_is_no_json_is_named_so(account: Account) -> None:
    reply = account.session.post(f"{account.base_url}/lists/{account.list_id}", data=b"{", timeout=5)
    assert problem(reply) == (400, "JSONParseError")
    reply = account.call("POST", "LIST", {"members": [{"email_address": 5}]})
    assert problem(reply) == (400, "Invalid Resource")
    assert reply.json()["errors"][0]["field"] == "members[0].email_address"
