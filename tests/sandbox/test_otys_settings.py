import pytest

from tests.sandbox.otys_client import SERVICES, Tenant

GET = "CsmService.getValue"


@pytest.fixture
def tenant() -> Tenant:
    tenant = Tenant()
    tenant.state.settings = {"SE3109": "1", "GE203": "101,102", "SE3110": None}
    return tenant


def test_the_list_form_answers_each_code_with_a_text(tenant: Tenant) -> None:
    assert tenant.ask(GET, ["SE3109", "GE203"], tenant.state.client_id) == {
        "SE3109": {"value": "1"},
        "GE203": {"value": "101,102"},
    }


def test_the_scalar_form_answers_with_the_value_alone(tenant: Tenant) -> None:
    assert tenant.ask(GET, "SE3109", tenant.state.client_id, 0, 0) == {"value": "1"}


@pytest.mark.parametrize("code", ["SE9999", "SE3110"])
def test_a_missing_code_is_absent_unless_the_tenant_does_otherwise(tenant: Tenant, code: str) -> None:
    assert tenant.ask(GET, ["SE3109", code], tenant.state.client_id) == {"SE3109": {"value": "1"}}
    assert tenant.ask(GET, code, tenant.state.client_id, 0, 0) == []

    tenant.state.switches.missing_setting = "null"
    assert tenant.ask(GET, ["SE3109", code], tenant.state.client_id) == {
        "SE3109": {"value": "1"},
        code: {"value": None},
    }
    assert tenant.ask(GET, code, tenant.state.client_id, 0, 0) == {"value": None}

    tenant.state.switches.missing_setting = "error"
    assert tenant.refusal(GET, ["SE3109", code], tenant.state.client_id) == f"Setting {code} does not exist"
    assert tenant.refusal(GET, code, tenant.state.client_id, 0, 0) == f"Setting {code} does not exist"


def test_only_missing_codes_give_the_empty_array_of_php(tenant: Tenant) -> None:
    assert tenant.ask(GET, ["SE9999"], tenant.state.client_id) == []


def test_settings_of_another_client_are_refused(tenant: Tenant) -> None:
    assert tenant.refusal(GET, ["SE3109"], 1) == "No rights for client 1"


def test_codes_of_a_wrong_form_are_refused(tenant: Tenant) -> None:
    assert "Invalid arguments" in tenant.refusal(GET, 3109, tenant.state.client_id)


def test_a_webhook_is_registered_changed_listed_and_deleted(tenant: Tenant) -> None:
    hook = {"serviceCall": "CandidateService.update", "webhookUrl": "https://hook.nl/x", "klantGlobal": True}
    uid = tenant.ask("WebhooksService.add", hook)
    tenant.ask("WebhooksService.update", uid, {"webhookUrl": "https://hook.nl/y"})

    (row,) = as_rows(tenant.ask("WebhooksService.getList"))
    assert set(row) == {
        "uid",
        "serviceCall",
        "webhookUrl",
        "registered",
        "klantGlobal",
        "klantid",
        "userid",
    }
    assert (row["uid"], row["webhookUrl"], row["klantGlobal"]) == (uid, "https://hook.nl/y", "1")

    assert tenant.ask("WebhooksService.delete", uid) is True
    assert tenant.ask("WebhooksService.getList") == []
    assert "does not exist" in tenant.refusal("WebhooksService.delete", uid)


def test_the_log_of_webhooks_is_nested_one_level(tenant: Tenant) -> None:
    assert tenant.ask("WebhooksService.getLogs", 10) == [[]]


def test_webhooks_need_a_session(tenant: Tenant) -> None:
    assert tenant.error(f"{SERVICES}WebhooksService.getList", "") == "Access denied; please login first"


def as_rows(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return [row for row in value if isinstance(row, dict)]
