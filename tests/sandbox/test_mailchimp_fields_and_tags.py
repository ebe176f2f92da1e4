"""Scenarios 13 and 14 of facts/mailchimp.md, section 8: merge fields, tags and segments."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.mailchimp_account import Account, Json, problem

JAN = "jan@bureau.example"
WHOLE = {"addr1": "Dam 1", "city": "Amsterdam", "state": "NH", "zip": "1012", "country": "NL"}


def _field(account: Account, tag: str, kind: str, **more: object) -> Json:
    return account.ok("POST", "LIST/merge-fields", {"name": tag, "tag": tag, "type": kind, **more})


def _put(account: Account, skip: bool = False, **values: object) -> Json:  # noqa: FBT001, FBT002  # a test's switch
    body = {"email_address": JAN, "status_if_new": "subscribed", "merge_fields": values}
    fields: Json = account.ok("PUT", account.member(JAN), body, skip_merge_validation=skip)["merge_fields"]
    return fields


def _refused(account: Account, **values: object) -> list[tuple[str, str]]:
    body = {"email_address": JAN, "status_if_new": "subscribed", "merge_fields": values}
    reply = account.call("PUT", account.member(JAN), body)
    assert problem(reply) == (400, "Invalid Resource")
    assert reply.json()["detail"] == "Your merge fields were invalid."
    return [(error["field"], error["message"]) for error in reply.json()["errors"]]


def test_a_new_audience_has_four_fields_listed_by_tag_and_reads_blank_as_text(account: Account) -> None:
    listed = account.ok("GET", "LIST/merge-fields")
    assert [field["tag"] for field in listed["merge_fields"]] == ["ADDRESS", "FNAME", "LNAME", "PHONE"]
    assert _put(account) == {"FNAME": "", "LNAME": "", "ADDRESS": "", "PHONE": ""}


def test_an_unknown_tag_is_dropped_in_silence(account: Account) -> None:
    assert "NICK" not in _put(account, NICK="jantje", FNAME="Jan")
    assert account.get(JAN)["merge_fields"]["FNAME"] == "Jan"


def test_blank_erases_and_absent_keeps(account: Account) -> None:
    _put(account, FNAME="Jan", LNAME="Smit")
    assert _put(account, FNAME="")["LNAME"] == "Smit"
    assert account.get(JAN)["merge_fields"]["FNAME"] == ""
    assert account.get(JAN)["full_name"] == "Smit"


def test_a_blank_sent_for_a_new_field_is_no_change(account: Account) -> None:
    account.clock.freeze(datetime(2026, 3, 1, tzinfo=UTC))
    _put(account, FNAME="Jan")
    _field(account, "CITY", "text")
    account.clock.advance(timedelta(hours=1))
    assert _put(account, FNAME="Jan", CITY="")["CITY"] == ""
    assert account.get(JAN)["last_changed"] == "2026-03-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("number", "12", 12),
        ("number", 1.5, 1.5),
        ("date", "03/09/2026", "2026-03-09"),
        ("date", "2026-03-09", "2026-03-09"),
        ("birthday", "03/09", "03/09"),
        ("url", "https://bureau.example/x", "https://bureau.example/x"),
        ("zip", "10120", "10120"),
        ("dropdown", "b", "b"),
        ("text", True, "true"),
        ("text", None, ""),
    ],
)
def test_values_are_read_in_mailchimps_form(account: Account, kind: str, value: object, read: object) -> None:
    _field(account, "X", kind, options={"choices": ["a", "b"]})
    assert _put(account, X=value)["X"] == read


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("number", "abc", "Please enter a number"),
        ("date", "morgen", "Please enter a valid date"),
        ("birthday", "2026-03-09", "Please enter a month (01-12) and a day (01-31)"),
        ("url", "bureau", "Please enter a valid URL"),
        ("zip", "1012 AB", "Please enter a zip code (5 digits)"),
        ("radio", "c", "Value must be one of: a, b"),
        ("address", "Dam 1", "Please enter a complete address"),
        ("address", {"addr1": "Dam 1"}, "Please enter a complete address"),
    ],
)
def test_values_that_do_not_fit_are_named(account: Account, kind: str, value: object, message: str) -> None:
    _field(account, "X", kind, options={"choices": ["a", "b"]})
    assert _refused(account, X=value) == [("X", message)]


def test_an_address_without_a_country_is_american(account: Account) -> None:
    read = _put(account, ADDRESS={name: WHOLE[name] for name in WHOLE if name != "country"})
    assert read["ADDRESS"] == {**WHOLE, "addr2": "", "country": "US"}


def test_a_half_address_blocks_every_later_update(account: Account) -> None:
    _put(account, skip=True, ADDRESS={"addr1": "Dam 1"})
    assert _refused(account, FNAME="Jan") == [("ADDRESS", "Please enter a complete address")]
    assert _put(account, skip=True, FNAME="Jan")["FNAME"] == "Jan"
    assert _put(account, ADDRESS=WHOLE)["ADDRESS"]["city"] == "Amsterdam"


def test_a_required_field_must_be_filled(account: Account) -> None:
    _field(account, "CITY", "text", required=True)
    assert _refused(account) == [("CITY", "This value should not be blank.")]
    assert _put(account, CITY="Utrecht")["CITY"] == "Utrecht"


def test_the_31st_field_is_refused(account: Account) -> None:
    for number in range(26):
        _field(account, f"F{number}", "text")
    extra = {"name": "one too many", "type": "text"}
    assert account.call("POST", "LIST/merge-fields", extra).status_code == 400
    assert account.ok("GET", "LIST/merge-fields")["total_items"] == 30


@pytest.mark.parametrize("tag", ["MUCH_TOO_LONG", "NO-DASH", "EMAIL", "FNAME"])
def test_a_tag_that_cannot_be_is_refused(account: Account, tag: str) -> None:
    body = {"name": "x", "type": "text", "tag": tag}
    assert account.call("POST", "LIST/merge-fields", body).status_code == 400


def test_a_field_can_be_renamed_but_keeps_its_type(account: Account) -> None:
    field = _field(account, "CITY", "text")
    _put(account, CITY="Utrecht")
    path = f"LIST/merge-fields/{field['merge_id']}"
    assert account.ok("PATCH", path, {"name": "Plaats", "tag": "PLAATS"})["name"] == "Plaats"
    assert account.get(JAN)["merge_fields"]["PLAATS"] == "Utrecht"
    assert account.call("PATCH", path, {"type": "number"}).status_code == 400
    assert account.call("DELETE", path).status_code == 204
    assert "PLAATS" not in account.get(JAN)["merge_fields"]
    assert account.call("GET", path).status_code == 404


def _tag(account: Account, name: str, status: str = "active") -> None:
    body = {"tags": [{"name": name, "status": status}]}
    assert account.call("POST", f"{account.member(JAN)}/tags", body).status_code == 204


def _tags(account: Account) -> list[str]:
    return [tag["name"] for tag in account.ok("GET", f"{account.member(JAN)}/tags", count=100)["tags"]]


def test_tags_come_and_go(account: Account) -> None:
    account.add(JAN)
    _tag(account, "vip")
    _tag(account, "VIP")
    _tag(account, "oud")
    _tag(account, "oud", "inactive")
    assert _tags(account) == ["vip"]
    assert account.get(JAN)["tags_count"] == 1


def test_tags_that_are_not_wrapped_change_nothing(account: Account) -> None:
    account.add(JAN)
    for body in ([{"name": "vip", "status": "active"}], {"name": "vip", "status": "active"}):
        assert account.call("POST", f"{account.member(JAN)}/tags", body).status_code == 204
    assert _tags(account) == []


def test_an_archived_contact_can_be_tagged_an_unknown_one_cannot(account: Account) -> None:
    body = {"tags": [{"name": "vip", "status": "active"}]}
    assert account.call("POST", f"{account.member(JAN)}/tags", body).status_code == 404
    account.add(JAN)
    account.call("DELETE", account.member(JAN))
    _tag(account, "vip")
    assert _tags(account) == ["vip"]


def test_a_contact_shows_fifty_of_its_tags(account: Account) -> None:
    account.add(JAN, tags=[f"tag{number}" for number in range(60)])
    [listed] = account.ok("GET", "LIST/members")["members"]
    assert (len(listed["tags"]), listed["tags_count"]) == (50, 60)
    assert len(_tags(account)) == 60


def test_put_cannot_tag(account: Account) -> None:
    account.add(JAN)
    account.ok("PUT", account.member(JAN), {"email_address": JAN, "tags": ["vip"]})
    assert _tags(account) == []


def test_tags_are_static_segments_and_can_be_searched(account: Account) -> None:
    account.add(JAN, tags=["Kandidaat", "Relatie"])
    listed = account.ok("GET", "LIST/segments", type="static")
    assert [(row["name"], row["member_count"]) for row in listed["segments"]] == [
        ("Kandidaat", 1),
        ("Relatie", 1),
    ]
    assert account.ok("GET", "LIST/segments", type="saved")["total_items"] == 0
    assert [tag["name"] for tag in account.ok("GET", "LIST/tag-search", name="kan")["tags"]] == ["Kandidaat"]


def test_a_segment_takes_and_drops_many_at_once(account: Account) -> None:
    account.add(JAN)
    made = account.ok("POST", "LIST/segments", {"name": "vip", "static_segment": []})
    path = f"LIST/segments/{made['id']}"
    added = account.ok("POST", path, {"members_to_add": [JAN, "wie@bureau.example"]})
    assert (added["total_added"], added["error_count"]) == (1, 1)
    assert added["errors"][0]["email_addresses"] == ["wie@bureau.example"]
    assert account.ok("POST", path, {"members_to_remove": [JAN]})["total_removed"] == 1
    assert _tags(account) == []
    many = {"members_to_add": [f"a{n}@bureau.example" for n in range(501)]}
    assert account.call("POST", path, many).status_code == 400
    assert account.call("POST", "LIST/segments", {"name": "VIP"}).status_code == 400
    assert account.call("POST", "LIST/segments/9999", {}).status_code == 404
