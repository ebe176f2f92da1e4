from datetime import timedelta

import msgspec
import pytest

from reconciler.sandbox.service import Reply
from tests.sandbox.otys_client import SERVICES, Tenant


@pytest.fixture
def tenant() -> Tenant:
    tenant = Tenant()
    tenant.state.switches.requests_a_minute = 3
    return tenant


def login(tenant: Tenant, key: str = "") -> Reply:
    params = [key or tenant.state.api_key]
    return tenant.post(msgspec.json.encode({"method": "loginByUid", "params": params, "id": 1}))


def test_each_answer_tells_what_is_left_of_the_minute(tenant: Tenant) -> None:
    login(tenant)
    tenant.clock.advance(timedelta(seconds=20))

    headers = dict(login(tenant).headers)

    assert headers["X-Orl-Limit-Blocked"] == "0"
    assert headers["X-Orl-Remaining-Timeframe"] == "40"
    assert headers["X-Orl-Requests-Remaining"] == "1"


def test_an_exhausted_key_gets_429_until_its_minute_is_over(tenant: Tenant) -> None:
    assert [login(tenant).status for _ in range(5)] == [200, 200, 200, 429, 429]
    assert dict(login(tenant).headers)["X-Orl-Limit-Blocked"] == "1"

    tenant.clock.advance(timedelta(seconds=60))
    assert login(tenant).status == 200


def test_a_session_spends_the_minute_of_its_key(tenant: Tenant) -> None:
    session = tenant.session
    call = msgspec.json.encode({"method": f"{SERVICES}CandidateService.getList", "params": [session, {}]})

    assert [tenant.post(call).status for _ in range(3)] == [200, 200, 429]
    assert login(tenant).status == 429


def test_another_key_has_a_minute_of_its_own(tenant: Tenant) -> None:
    for _ in range(4):
        login(tenant)

    assert login(tenant, "another").status == 200


def test_retry_after_comes_only_where_the_tenant_sends_it(tenant: Tenant) -> None:
    for _ in range(3):
        login(tenant)
    assert "Retry-After" not in dict(login(tenant).headers)

    tenant.state.switches.retry_after_header = True
    assert dict(login(tenant).headers)["Retry-After"] == "60"


def test_a_limit_of_zero_is_no_limit(tenant: Tenant) -> None:
    tenant.state.switches.requests_a_minute = 0

    assert {login(tenant).status for _ in range(20)} == {200}


@pytest.mark.parametrize(("each", "statuses"), [(False, [200, 200]), (True, [200, 429])])
def test_a_batch_counts_once_or_for_each_of_its_calls(
    tenant: Tenant, *, each: bool, statuses: list[int]
) -> None:
    tenant.state.switches.multi_counts_each = each
    item = {"method": "check", "args": [""]}
    batch = msgspec.json.encode({"method": f"{SERVICES}MultiService.execute", "params": [[item, item]]})

    assert [tenant.post(batch).status for _ in range(2)] == statuses


def test_by_real_time_a_frozen_clock_does_not_hold_the_minute_open(tenant: Tenant) -> None:
    tenant.state.switches.rate_by_real_time = True
    login(tenant)
    tenant.clock.advance(timedelta(hours=1))

    assert dict(login(tenant).headers)["X-Orl-Requests-Remaining"] == "1"
