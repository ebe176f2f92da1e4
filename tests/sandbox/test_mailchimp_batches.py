"""Scenario 19 of facts/mailchimp.md, section 8: batches, their stages and their results."""

import io
import json
import tarfile
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.sandbox.mailchimp_account import Account, Json, problem

JAN = "jan@bureau.example"


def _batch(account: Account) -> str:
    members = f"/lists/{account.list_id}/members"
    jan = json.dumps({"email_address": JAN, "status": "subscribed"})
    operations = [
        {"method": "POST", "path": members, "body": jan, "operation_id": "add"},
        {"method": "POST", "path": members, "body": jan, "operation_id": "again"},
        {"method": "DELETE", "path": f"{members}/{JAN}", "operation_id": "archive"},
        {"method": "GET", "path": members, "params": {"status": "archived"}, "operation_id": "read"},
    ]
    return str(account.ok("POST", "/batches", {"operations": operations})["id"])


def _poll(account: Account, batch_id: str, times: int) -> Json:
    *_, last = (account.ok("GET", f"/batches/{batch_id}") for _ in range(times))
    return last


def _download(url: str) -> requests.Response:
    with requests.get(url, timeout=5) as reply:
        return reply


def _results(archive: bytes) -> tuple[list[str], dict[str, Any]]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        names = files.getnames()
        contents = [file.read() for member in files if (file := files.extractfile(member))]
    return names, {row["operation_id"]: row for content in contents for row in json.loads(content)}


def test_a_batch_moves_a_stage_a_poll(account: Account) -> None:
    batch_id = _batch(account)
    seen = [account.ok("GET", "/batches")["batches"][0]["status"]]
    seen += [account.ok("GET", f"/batches/{batch_id}")["status"] for _ in range(4)]
    assert seen == ["pending", "preprocessing", "started", "finalizing", "finished"]
    finished = _poll(account, batch_id, 1)
    assert (finished["total_operations"], finished["finished_operations"]) == (4, 4)
    assert finished["errored_operations"] == 1
    assert finished["completed_at"]


def test_nothing_is_applied_before_the_batch_starts(account: Account) -> None:
    batch_id = _batch(account)
    assert account.call("GET", account.member(JAN)).status_code == 404
    _poll(account, batch_id, 2)
    assert account.get(JAN)["status"] == "archived"


def test_results_are_packed_in_several_files_beside_a_folder(account: Account) -> None:
    finished = _poll(account, _batch(account), 4)
    names, results = _results(_download(finished["response_body_url"]).content)
    assert names[0] == "."
    assert len(names) == 3
    assert {name: row["status_code"] for name, row in results.items()} == {
        "add": 200,
        "again": 400,
        "archive": 204,
        "read": 200,
    }
    assert json.loads(results["again"]["response"])["title"] == "Member Exists"
    assert results["archive"]["response"] == ""
    assert json.loads(results["read"]["response"])["total_items"] == 1


def test_the_link_expires_and_a_new_look_gives_a_new_one(account: Account) -> None:
    batch_id = _batch(account)
    link = _poll(account, batch_id, 4)["response_body_url"]
    account.clock.advance(timedelta(minutes=11))
    assert _download(link).status_code == 403
    assert _download(_poll(account, batch_id, 1)["response_body_url"]).status_code == 200
    assert _download(link.replace("Signature=", "Signature=x")).status_code == 404


def test_a_batch_is_gone_after_days(account: Account) -> None:
    batch_id = _batch(account)
    account.clock.advance(timedelta(days=8))
    assert problem(account.call("GET", f"/batches/{batch_id}")) == (404, "Resource Not Found")
    assert account.ok("GET", "/batches")["total_items"] == 0


def test_a_stopped_batch_is_lost(account: Account) -> None:
    batch_id = _batch(account)
    assert account.call("DELETE", f"/batches/{batch_id}").status_code == 204
    assert account.call("GET", f"/batches/{batch_id}").status_code == 404


def test_the_501st_pending_batch_is_one_too_many(account: Account) -> None:
    ping = {"operations": [{"method": "GET", "path": "/ping"}]}
    batch_ids = [account.ok("POST", "/batches", ping)["id"] for _ in range(500)]
    assert problem(account.call("POST", "/batches", ping)) == (429, "Too Many Requests")
    _poll(account, batch_ids[0], 4)
    assert account.call("POST", "/batches", ping).status_code == 200


@pytest.mark.parametrize("body", [{}, {"operations": []}])
def test_a_batch_without_operations_is_refused(account: Account, body: Json) -> None:
    assert problem(account.call("POST", "/batches", body)) == (400, "Invalid Resource")
