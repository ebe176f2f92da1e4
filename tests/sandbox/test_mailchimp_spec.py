"""Every answer of the sandbox has the form Mailchimp's own specification gives it.

The specification stays outside the repository. Where it is not found, what this file knows of it by heart is
checked alone; where it is found, both are.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.sandbox.mailchimp_account import NEW_AUDIENCE, Account, Json

JAN = "jan@bureau.example"
BESIDE_THE_REPOSITORY = Path(__file__).parents[3] / "shared" / "mailchimp-openapi" / "lists-subset.json"
STATUSES = ["subscribed", "unsubscribed", "cleaned", "pending", "transactional", "archived"]
TEXT, WHOLE_NUMBER, TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}


def _object(required: str, **properties: Json) -> Json:
    return {"type": "object", "required": required.split(), "properties": properties}


def _rows(name: str, row: Json) -> Json:
    return _object(f"{name} total_items", total_items=WHOLE_NUMBER, **{name: {"type": "array", "items": row}})


def _answers(schema: Json) -> Json:
    return {"responses": {"200": {"schema": schema}}}


MEMBER = _object(
    "id email_address unique_email_id contact_id web_id status merge_fields last_changed tags list_id _links",
    id={"type": "string", "pattern": "^[0-9a-f]{32}$"},
    email_address=TEXT,
    unique_email_id=TEXT,
    contact_id=TEXT,
    web_id=WHOLE_NUMBER,
    status={"type": "string", "enum": STATUSES},
    merge_fields={"type": "object"},
    last_changed={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$"},
    vip=TRUTH,
    tags_count=WHOLE_NUMBER,
    tags={"type": "array", "items": _object("id name", id=WHOLE_NUMBER, name=TEXT)},
    list_id=TEXT,
    _links={"type": "array", "minItems": 5},
)
LIST = _object(
    "id web_id name contact permission_reminder campaign_defaults date_created email_type_option stats",
    id=TEXT,
    web_id=WHOLE_NUMBER,
    name=TEXT,
    permission_reminder=TEXT,
    email_type_option=TRUTH,
    stats=_object("member_count unsubscribe_count cleaned_count merge_field_count"),
)
CONSTRAINTS = _object("may_create max_instances", may_create=TRUTH, max_instances=WHOLE_NUMBER)
BY_HEART: Json = {
    "paths": {
        "/lists": {
            "get": _answers(
                {"allOf": [_rows("lists", LIST), _object("constraints", constraints=CONSTRAINTS)]}
            ),
            "post": _answers(LIST),
        },
        "/lists/{list_id}": {
            "get": _answers(LIST),
            "patch": _answers(LIST),
            "post": _answers(_object("new_members updated_members errors total_created error_count")),
        },
        "/lists/{list_id}/members": {"get": _answers(_rows("members", MEMBER)), "post": _answers(MEMBER)},
        "/lists/{list_id}/members/{subscriber_hash}": {
            method: _answers(MEMBER) for method in ("get", "put", "patch")
        },
    }
}


def _specifications() -> Iterator[Any]:
    yield pytest.param(BY_HEART, id="by heart")
    path = Path(os.environ.get("MAILCHIMP_OPENAPI") or BESIDE_THE_REPOSITORY)
    if path.is_file():
        yield pytest.param(json.loads(path.read_text(encoding="utf-8")), id="published")


class Checked:
    """Calls the sandbox and holds every request and answer against a specification."""

    def __init__(self, account: Account, specification: Json) -> None:
        self.account = account
        self.by_heart = specification is BY_HEART
        self.checked = 0
        self._operations = {
            (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path))): operation
            for path, operations in specification["paths"].items()
            for method, operation in operations.items()
            if method != "parameters"
        }

    def schema(self, method: str, path: str) -> Json:
        [operation] = [
            operation
            for (known_method, pattern), operation in self._operations.items()
            if known_method == method and pattern.fullmatch(path)
        ]
        schema: Json = operation["responses"]["200"]["schema"]
        return schema

    def call(self, method: str, path: str, body: Json | None = None, **query: object) -> Json:
        answer = self.account.ok(method, path, body, **query)
        whole_path = path.replace("LIST", f"/lists/{self.account.list_id}", 1)
        for (known_method, pattern), operation in self._operations.items():
            if known_method == method and pattern.fullmatch(whole_path):
                self._check(operation, body, answer)
        return answer

    def _check(self, operation: Json, body: Json | None, answer: Json) -> None:
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "body" and body is not None:
                jsonschema.validate(body, parameter["schema"], jsonschema.Draft4Validator)
        schema = operation["responses"].get("200", {}).get("schema")
        if schema is not None:
            jsonschema.validate(answer, schema, jsonschema.Draft4Validator)
            self.checked += 1


@pytest.fixture(params=_specifications())
def checked(account: Account, request: pytest.FixtureRequest) -> Checked:
    return Checked(account, request.param)


def test_audiences_have_the_specified_form(checked: Checked) -> None:
    made = checked.call("POST", "/lists", NEW_AUDIENCE)
    checked.call("GET", "/lists", count=100)
    checked.call("GET", "LIST")
    whole = {**NEW_AUDIENCE, "contact": {**NEW_AUDIENCE["contact"], "state": "NH", "zip": "1012"}}
    checked.call("PATCH", f"/lists/{made['id']}", whole)
    assert checked.checked >= 4


def test_contacts_have_the_specified_form(checked: Checked) -> None:
    checked.call("POST", "LIST/members", {"email_address": JAN, "status": "subscribed", "tags": ["vip"]})
    path = checked.account.member(JAN)
    checked.call("PUT", path, {"email_address": JAN, "status_if_new": "subscribed"})
    checked.call("PATCH", path, {"merge_fields": {"FNAME": "Jan"}})
    checked.call("GET", path)
    checked.call("DELETE", path)
    checked.call("GET", "LIST/members", status="archived")
    rows = [{"email_address": address, "status": "subscribed"} for address in (JAN, "piet@bureau.example")]
    checked.call("POST", "LIST", {"members": rows})
    checked.call("POST", "LIST", {"members": rows, "update_existing": True})
    assert checked.checked >= 7


def test_what_hangs_on_an_audience_has_the_specified_form(checked: Checked) -> None:
    account = checked.account
    account.add(JAN, tags=["vip"])
    field = checked.call("POST", "LIST/merge-fields", {"name": "Stad", "type": "text"})
    checked.call("PATCH", f"LIST/merge-fields/{field['merge_id']}", {"name": "Plaats"})
    checked.call("GET", "LIST/merge-fields")
    segment = checked.call("POST", "LIST/segments", {"name": "Oud", "static_segment": [JAN]})
    checked.call("POST", f"LIST/segments/{segment['id']}", {"members_to_remove": [JAN]})
    checked.call("GET", "LIST/segments")
    checked.call("GET", "LIST/tag-search", name="vip")
    checked.call("GET", f"{account.member(JAN)}/tags")
    checked.call("POST", "LIST/webhooks", {"url": "https://daemon.example/hook", "events": {"cleaned": True}})
    checked.call("GET", "LIST/webhooks")
    checked.call("GET", "LIST/activity")
    members = checked.call("GET", "LIST/members")
    assert members["total_items"] == 1


def test_the_account_has_the_specified_form(checked: Checked) -> None:
    checked.call("GET", "/")
    checked.call("GET", "/ping")
    checked.call("GET", "/search-members", query=JAN)
    batch = checked.call("POST", "/batches", {"operations": [{"method": "GET", "path": "/ping"}]})
    stages = [checked.call("GET", f"/batches/{batch['id']}")["status"] for _ in range(4)]
    assert stages[-1] == checked.call("GET", "/batches")["batches"][0]["status"] == "finished"


def test_an_answer_says_nothing_the_specification_does_not_know(checked: Checked) -> None:
    checked.account.add(JAN)
    answered = {"/lists/a": checked.account.ok("GET", "LIST"), "/lists/a/members/b": checked.account.get(JAN)}
    for path, answer in answered.items():
        known = set(checked.schema("GET", path)["properties"])
        # By heart only the required names are known: they must be there, and more may be.
        assert set(answer) >= known if checked.by_heart else set(answer) <= known


def test_a_form_that_does_not_fit_is_noticed(checked: Checked) -> None:
    operation = _answers(MEMBER)
    with pytest.raises(jsonschema.ValidationError):
        checked._check(operation, None, {"id": "not an md5"})
