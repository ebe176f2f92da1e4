import threading
from datetime import timedelta

import msgspec
import pytest

from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys import OtysHuman
from tests.sandbox.otys_client import SERVICES, Tenant, person

AGAIN = "Access denied; please login again"
FIRST = "Access denied; please login first"


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


def test_a_key_opens_a_session_that_is_a_text(tenant: Tenant) -> None:
    session = tenant.result("loginByUid", tenant.state.api_key)

    assert isinstance(session, str)
    assert session


def test_a_wrong_key_gives_false_and_no_error(tenant: Tenant) -> None:
    assert tenant.result("loginByUid", "wrong") is False


def test_a_user_logs_in_with_a_password(tenant: Tenant) -> None:
    user, password = tenant.state.user_name, tenant.state.password

    assert isinstance(tenant.result("login", user, password, None, None, "phoenix"), str)
    assert tenant.result("login", user, "wrong") is False


def test_check_describes_the_user_and_is_false_without_a_live_session(tenant: Tenant) -> None:
    user = tenant.result("check", tenant.session)

    assert isinstance(user, dict)
    assert set(user) == {"id", "clientId", "client", "partnerId", "defaultContentLanguage", "originalUser"}
    assert user["partnerId"] == 78
    assert tenant.result("check", "nobody") is False


@pytest.mark.parametrize("session", ["", "unknown", None, 5])
def test_a_call_without_a_session_is_told_to_log_in_first(tenant: Tenant, session: str | int | None) -> None:
    assert tenant.error(f"{SERVICES}MailingListService.getListEx", session, {}) == FIRST


def test_a_call_without_any_parameter_is_told_to_log_in_first(tenant: Tenant) -> None:
    assert tenant.error(f"{SERVICES}MailingListService.getListEx") == FIRST


def test_a_session_dies_after_fourteen_hours_however_much_it_is_used(tenant: Tenant) -> None:
    tenant.page("MailingListService")
    tenant.clock.advance(timedelta(hours=13, minutes=59))
    tenant.page("MailingListService")
    tenant.clock.advance(timedelta(minutes=1))

    assert tenant.refusal("MailingListService.getListEx", {}) == AGAIN
    assert tenant.result("check", tenant.session) is False


def test_a_session_that_logged_out_is_told_to_log_in_again(tenant: Tenant) -> None:
    tenant.result("logout", tenant.session)

    assert tenant.refusal("MailingListService.getListEx", {}) == AGAIN


def test_a_revoked_key_ends_its_sessions_and_opens_no_new_one(tenant: Tenant) -> None:
    assert tenant.page("MailingListService")
    OtysHuman(tenant.state, tenant.clock, threading.RLock()).revoke_key()

    assert tenant.refusal("MailingListService.getListEx", {}) == AGAIN
    assert tenant.result("loginByUid", tenant.state.api_key) is False


def test_a_killed_session_stays_dead_and_a_new_login_works(tenant: Tenant) -> None:
    tenant.arm(Fault(kind=FaultKind.DEAD_SESSION, system="otys"))

    assert tenant.refusal("MailingListService.getListEx", {}) == AGAIN
    assert tenant.refusal("MailingListService.getListEx", {}) == AGAIN
    fresh = tenant.result("loginByUid", tenant.state.api_key)
    assert tenant.result(f"{SERVICES}MailingListService.getList", fresh, {}) == []


def test_the_language_wrapper_answers_as_the_call_inside(tenant: Tenant) -> None:
    inner: dict[str, msgspec.Raw | object] = {
        "jsonrpc": "2.0",
        "method": f"{SERVICES}MailingListService.getList",
        "params": [tenant.session, {}],
        "id": 9,
    }
    tenant.state.add_list("Zorg")
    body = {
        "jsonrpc": "2.0",
        "method": f"{SERVICES}LanguageService.wrapRequest",
        "params": ["nl", inner],
        "id": 1,
    }
    answer = msgspec.json.decode(tenant.post(msgspec.json.encode(body)).body)

    assert [row["name"] for row in answer["result"]] == ["Zorg"]
    assert answer["id"] == 1


def test_a_batch_answers_in_order_and_each_item_for_itself(tenant: Tenant) -> None:
    tenant.state.settings["GE203"] = "7"
    good = {"method": f"{SERVICES}CsmService.getValue", "args": [tenant.session, "GE203", 4711, 0, 0]}
    bad = {"method": f"{SERVICES}CandidateService.getDetail", "args": [tenant.session, "nobody", {"uid": 1}]}
    dead = {"method": f"{SERVICES}CandidateService.getList", "args": ["dead", {}]}

    answers = tenant.result(f"{SERVICES}MultiService.execute", [good, bad, dead])

    assert isinstance(answers, list)
    assert answers[0] == {"status": "success", "data": {"value": "7"}}
    assert [row["status"] for row in answers if isinstance(row, dict)] == ["success", "error", "error"]
    assert "nobody does not exist" in str(answers[1])
    assert FIRST in str(answers[2])


def test_a_batch_keyed_by_names_answers_by_those_names(tenant: Tenant) -> None:
    item = {"method": f"{SERVICES}MailingListService.getList", "args": [tenant.session, {}]}

    assert tenant.result(f"{SERVICES}MultiService.execute", {"lists": item}) == {
        "lists": {"status": "success", "data": []}
    }


@pytest.mark.parametrize(
    "method",
    ["nonsense", "Otys.Services.NewsletterService.getList", "Otys.Services.CandidateService.explode"],
)
def test_an_unknown_method_is_refused_by_name(tenant: Tenant, method: str) -> None:
    assert tenant.error(method, tenant.session, {}) == f"Method {method} does not exist"


def test_a_body_that_is_no_json_gives_an_error_with_status_200(tenant: Tenant) -> None:
    reply = tenant.post(b"<xml/>")

    assert reply.status == 200
    assert "Parse error" in reply.body.decode()


def test_only_a_post_to_jservice_is_served(tenant: Tenant) -> None:
    assert tenant.post(b"{}", path="/").status == 404
    assert tenant.post(b"{}", method="GET").status == 405


def test_a_denied_service_says_so_and_the_others_go_on(tenant: Tenant) -> None:
    tenant.state.switches.denied_services.append("MailingListService")

    assert "no rights for Otys.Services.MailingListService" in tenant.refusal(
        "MailingListService.getList", {}
    )
    assert tenant.ask("CandidateService.getList", {}) == []


def test_an_in_band_error_is_a_result_that_says_error(tenant: Tenant) -> None:
    assert tenant.session
    tenant.arm(Fault(kind=FaultKind.IN_BAND_ERROR, pattern="MailingListService"))

    answer = tenant.ask("MailingListService.getListEx", {})

    assert isinstance(answer, dict)
    assert answer["status"] == "error"
    assert tenant.ask("MailingListService.getList", {}) == []


def test_a_missing_result_leaves_neither_result_nor_error(tenant: Tenant) -> None:
    assert tenant.session
    tenant.arm(Fault(kind=FaultKind.MISSING_RESULT))

    answer = tenant.send(f"{SERVICES}MailingListService.getListEx", tenant.session, {})

    assert answer == {"jsonrpc": "2.0", "id": 1}


def test_a_refused_field_fails_each_call_that_names_it(tenant: Tenant) -> None:
    tenant.state.add_list("Zorg", recipients=[person(tenant.state, 1)])
    tenant.arm(Fault(kind=FaultKind.REFUSED_FIELD, value="Person.infix"))

    asked = {"what": {"uid": 1, "Person": {"infix": 1}}}
    assert "Abstract_field: field 'Person.infix'" in tenant.refusal(
        "MailingListRecipientService.getListEx", asked
    )
    assert "Abstract_field" in tenant.refusal("MailingListRecipientService.getListEx", asked)
    assert tenant.rows("MailingListRecipientService", what={"Person": {"firstName": 1}}) == [
        {"Person": {"firstName": "P1"}}
    ]
