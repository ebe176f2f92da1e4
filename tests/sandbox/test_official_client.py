"""Mailchimp's own Python client, pointed at the sandbox as a probe, facts/mailchimp.md, 3."""

import json

import pytest
from mailchimp_marketing import Client
from mailchimp_marketing.api_client import ApiClientError

from reconciler.sandbox.mailchimp import DEFAULT_API_KEY
from reconciler.sandbox.mailchimp.state import subscriber_hash
from tests.sandbox.mailchimp_account import NEW_AUDIENCE, Account

JAN = "jan@bureau.example"
HASH = subscriber_hash(JAN)


@pytest.fixture
def client(account: Account) -> Client:
    client = Client({"api_key": DEFAULT_API_KEY})
    client.api_client.host = account.base_url  # set after construction: the configuration has no effect
    return client


def test_ping_and_root(client: Client) -> None:
    assert client.ping.get()["health_status"] == "Everything's Chimpy!"
    assert client.root.get_root()["account_name"] == "Sandbox"


def test_audiences(client: Client, account: Account) -> None:
    made = client.lists.create_list(NEW_AUDIENCE)
    listed = client.lists.get_all_lists(count=100, fields=["lists.id", "total_items"])
    assert listed["total_items"] == 2
    assert {"id": account.list_id} in listed["lists"]
    assert client.lists.update_list(made["id"], {"name": "Anders"})["name"] == "Anders"
    assert client.lists.delete_list(made["id"]).status_code == 204
    with pytest.raises(ApiClientError) as gone:
        client.lists.get_list(made["id"])
    assert json.loads(gone.value.text)["title"] == "Resource Not Found"


def test_a_contact_comes_changes_and_goes(client: Client, account: Account) -> None:
    put = {"email_address": JAN, "status_if_new": "subscribed", "merge_fields": {"FNAME": "Jan"}}
    assert client.lists.set_list_member(account.list_id, HASH, put)["id"] == HASH
    read = client.lists.get_list_member(account.list_id, HASH, fields=["merge_fields.FNAME", "status"])
    assert read == {"merge_fields": {"FNAME": "Jan"}, "status": "subscribed"}
    tagged = client.lists.update_list_member_tags(
        account.list_id, HASH, {"tags": [{"name": "vip", "status": "active"}]}
    )
    assert tagged.status_code == 204
    assert client.lists.get_list_member_tags(account.list_id, HASH)["tags"][0]["name"] == "vip"
    assert client.lists.delete_list_member(account.list_id, HASH).status_code == 204
    archived = client.lists.get_list_members_info(account.list_id, status="archived", count=1000)
    assert [member["email_address"] for member in archived["members"]] == [JAN]


def test_many_at_once(client: Client, account: Account) -> None:
    rows = [{"email_address": f"kandidaat{n}@bureau.example", "status": "subscribed"} for n in range(500)]
    rows[7]["email_address"] = "nep@example.com"
    answer = client.lists.batch_list_members(account.list_id, {"members": rows}, skip_merge_validation=True)
    assert (answer["total_created"], answer["error_count"]) == (499, 1)


def test_merge_fields_and_batches(client: Client, account: Account) -> None:
    field = client.lists.add_list_merge_field(account.list_id, {"name": "Stad", "type": "text"})
    assert field["tag"].startswith("MMERGE")
    batch = client.batches.start({"operations": [{"method": "GET", "path": "/ping"}]})
    assert client.batches.status(batch["id"])["status"] == "preprocessing"


def test_a_refusal_reaches_the_client_as_text(client: Client, account: Account) -> None:
    account.human.add_contact(account.list_id, JAN)
    with pytest.raises(ApiClientError) as refused:
        client.lists.add_list_member(account.list_id, {"email_address": JAN, "status": "subscribed"})
    assert refused.value.status_code == 400
    assert json.loads(refused.value.text)["title"] == "Member Exists"
