"""OwsClient against the sandbox's OTYS, and against a server that answers what no sandbox would."""

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from reconciler.api.http import HttpClient
from reconciler.api.ows import Call, OwsClient, WritingRefused
from reconciler.api.ows_answers import FieldRefused
from reconciler.api.rate import Allowance, RateLimiter, allowance_of
from reconciler.api.values import Json
from reconciler.errors import (
    BadRequest,
    CredentialsRejected,
    PermissionDenied,
    RemoteError,
    UnexpectedAnswer,
    Unreachable,
)
from reconciler.sandbox import Sandbox, World
from reconciler.sandbox.faults import Fault, FaultKind
from tests.scripted import HttpStep, Pauses, Script, serving
from tests.scripted_ows import KEY, LOGIN, envelope, error, result, scripted

LISTS = "Otys.Services.MailingListService.getListEx"
DETAIL = "Otys.Services.CandidateService.getDetail"
DEAD = "Access denied; please login again"


class Watch:
    """A clock that only a pause moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(world=World.empty()) as sandbox:
        yield sandbox


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def ows(sandbox: Sandbox, watch: Watch) -> Iterator[OwsClient]:
    http = HttpClient("OTYS", pause=watch.pause)
    with OwsClient(
        http, sandbox.otys_url, sandbox.world.otys_api_key, clock=watch, pause=watch.pause
    ) as client:
        yield client


def operations(sandbox: Sandbox) -> list[str]:
    return [request.operation for request in sandbox.log.requests("otys")]


# -- sessions ----------------------------------------------------------------------------------------


def test_check_says_whose_key_it_is(ows: OwsClient, sandbox: Sandbox) -> None:
    user = ows.check()
    assert (user.client_id, user.client_name) == (sandbox.world.otys.client_id, "Werkpunt Recruitment")


@pytest.mark.parametrize("user", [{"id": 12}, {"clientId": ""}, {"clientId": None}])
def test_a_check_that_names_no_client_is_an_error(user: Json) -> None:
    with scripted(LOGIN, user) as (client, _), pytest.raises(UnexpectedAnswer, match="which client"):
        client.check()


def test_workers_that_start_together_log_in_once(ows: OwsClient, sandbox: Sandbox) -> None:
    start = threading.Barrier(5)

    def work() -> None:
        start.wait(10)
        ows.page(LISTS, {"getTotalCount": 1})

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(operations(sandbox)) == [LISTS] * 5 + ["loginByUid"]


def test_a_session_is_kept_for_eight_hours_and_then_renewed(
    ows: OwsClient, sandbox: Sandbox, watch: Watch
) -> None:
    ows.check()
    watch.now = 8 * 3600 - 1
    ows.check()
    watch.now = 8 * 3600
    ows.check()
    assert operations(sandbox) == ["loginByUid", "check", "check", "loginByUid", "check"]


def test_a_session_that_died_is_replaced_once_and_the_call_repeated(ows: OwsClient, sandbox: Sandbox) -> None:
    ows.check()
    sandbox.otys.end_sessions()
    assert ows.page(LISTS, {"getTotalCount": 1}).total == 0
    assert operations(sandbox) == ["loginByUid", "check", LISTS, "loginByUid", LISTS]


def test_a_dead_session_is_noticed_by_check_too(ows: OwsClient, sandbox: Sandbox) -> None:
    ows.check()
    sandbox.otys.end_sessions()
    assert ows.check().client_name == "Werkpunt Recruitment"


@pytest.mark.parametrize("text", [DEAD, "ACCESS DENIED; Please Login First!"])
def test_a_call_logs_in_again_exactly_once_before_it_gives_up(text: str) -> None:
    with (
        scripted(LOGIN, error(text), LOGIN, error(text)) as (client, script),
        pytest.raises(CredentialsRejected),
    ):
        client.call(DETAIL, "c1", None)
    assert len(script.asked) == 5  # two logins, two calls, and the logout


def test_a_revoked_key_is_told_as_such(ows: OwsClient, sandbox: Sandbox) -> None:
    ows.check()
    sandbox.otys.revoke_key()
    with pytest.raises(CredentialsRejected, match="API key is refused"):
        ows.page(LISTS, {})


@pytest.mark.parametrize("answer", [False, "", None, 12, {}, []])
def test_a_login_without_a_session_is_refused_credentials_and_not_tried_again(answer: Json) -> None:
    with scripted(answer) as (client, script):
        with pytest.raises(CredentialsRejected):
            client.check()
        assert len(script.asked) == 1


def test_an_error_at_login_is_refused_credentials() -> None:
    with (
        scripted(error("Unknown key")) as (client, _),
        pytest.raises(CredentialsRejected, match="Unknown key"),
    ):
        client.check()


def test_closing_logs_out_only_if_logged_in(sandbox: Sandbox) -> None:
    for asks in (False, True):
        with OwsClient(HttpClient("OTYS"), sandbox.otys_url, sandbox.world.otys_api_key) as client:
            if asks:
                client.check()
    assert operations(sandbox) == ["loginByUid", "check", "logout"]


def test_a_logout_that_fails_hinders_nobody(ows: OwsClient, sandbox: Sandbox) -> None:
    ows.check()
    sandbox.faults.add(Fault(kind=FaultKind.TOO_MANY_REQUESTS, pattern="logout", times=None))
    ows.close()
    assert operations(sandbox)[-1] == "logout"


# -- failures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (error("Abstract_field: field 'phone' not found"), FieldRefused),
        (error("Access denied; no rights for Otys.Services.CandidateService"), PermissionDenied),
        (error("Candidate c1 does not exist"), BadRequest),
        (envelope({"error": "something else"}), BadRequest),
        (result({"status": "error", "message": "Internal error"}), BadRequest),
        ((404, {}, b"<html>"), UnexpectedAnswer),
        ((500, {}, b"<html>"), Unreachable),
        (envelope({"jsonrpc": "2.0", "id": 1}), UnexpectedAnswer),
        (envelope([1, 2]), UnexpectedAnswer),
    ],
)
def test_every_layer_of_failure_has_its_own_error(answer: HttpStep, expected: type[RemoteError]) -> None:
    with scripted(LOGIN, answer) as (client, _), pytest.raises(expected) as caught:
        client.call(DETAIL, "c1", None)
    assert str(caught.value).startswith("OTYS: ")


@pytest.mark.parametrize("garbage", [b"<html>busy</html>", b"", b'{"result": [', b'{"result": "\xff"}'])
def test_garbage_is_asked_again_and_then_understood(garbage: bytes) -> None:
    with scripted(LOGIN, (200, {}, garbage), {"uid": "c1"}) as (client, _):
        assert client.call(DETAIL, "c1", None) == {"uid": "c1"}


@pytest.mark.parametrize("garbage", [b"<html>busy</html>", b"", b'{"result": [', b'{"result": "\xff"}'])
def test_garbage_that_lasts_is_an_error_and_never_an_empty_answer(garbage: bytes) -> None:
    with scripted(LOGIN, (200, {}, garbage)) as (client, _), pytest.raises(UnexpectedAnswer):
        client.call(DETAIL, "c1", None)


@pytest.mark.parametrize(
    "kind",
    [FaultKind.CUT_BODY, FaultKind.DROP_AFTER_APPLY, FaultKind.SERVER_ERROR, FaultKind.MISSING_RESULT],
)
def test_trouble_that_passes_is_not_noticed(ows: OwsClient, sandbox: Sandbox, kind: FaultKind) -> None:
    sandbox.faults.add(Fault(kind=kind, pattern="getListEx"))
    assert ows.page(LISTS, {"getTotalCount": 1}).total == 0


def test_neither_key_nor_session_nor_address_is_told() -> None:
    message = f"Session 4f1d0c9e7b2a4f1d0c9e7b2a of {KEY} may not mail sanne@example.org"
    with (
        capture_logs() as logs,
        scripted(LOGIN, error(message)) as (client, _),
        pytest.raises(BadRequest) as caught,
    ):
        client.call(DETAIL, "c1", None)
    told = f"{caught.value} {caught.value.detail} {logs}"
    for secret in ("sanne", KEY, "4f1d0c9e", "session-1"):
        assert secret not in told


# -- reading only ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method",
    [
        "Otys.Services.CandidateService.update",
        "Otys.Services.CsmService.setValue",
        "Otys.Services.MailingListService.delete",
        "Otys.Services.MailingListService.getListEx.delete",
        "Otys.Services.MultiService.execute",
        "Otys.Services.EmailService.send",
        "logout",
        "login",
    ],
)
def test_what_is_not_known_to_read_is_refused_before_anything_is_sent(
    ows: OwsClient, sandbox: Sandbox, method: str
) -> None:
    with pytest.raises(WritingRefused, match="only ever read"):
        ows.call(method, "1")
    with pytest.raises(WritingRefused):
        ows.batch([Call(LISTS, ({},)), Call(method, ("1",))])
    assert operations(sandbox) == []


# -- pages and batches -------------------------------------------------------------------------------

ROWS: Json = [{"uid": "1"}, {"uid": "2"}]


@pytest.mark.parametrize(
    ("answer", "total"),
    [
        ({"listOutput": ROWS, "totalCount": 7}, 7),
        ({"listOutput": ROWS, "totalCount": "7"}, 7),
        ({"listOutput": {"0": {"uid": "1"}, "1": {"uid": "2"}}, "totalCount": 7}, 7),
        ({"listOutput": ROWS}, None),
        (ROWS, None),
    ],
)
def test_both_shapes_of_a_list_are_read(answer: Json, total: int | None) -> None:
    with scripted(LOGIN, answer) as (client, _):
        page = client.page(LISTS, {})
    assert (page.rows, page.total) == (ROWS, total)


@pytest.mark.parametrize(
    "answer",
    [
        "text",
        None,
        True,
        {},
        {"rows": ROWS},
        {"listOutput": "none", "totalCount": 0},
        {"listOutput": ["1", "2"], "totalCount": 2},
        {"listOutput": ROWS, "totalCount": "many"},
    ],
)
def test_anything_else_is_no_list_rather_than_an_empty_one(answer: Json) -> None:
    with scripted(LOGIN, answer) as (client, _), pytest.raises(UnexpectedAnswer, match="getListEx"):
        client.page(LISTS, {})


def test_a_batch_asks_at_most_25_at_a_time_and_answers_in_order(ows: OwsClient, sandbox: Sandbox) -> None:
    people = [sandbox.world.otys.add_entity("candidate", email=f"p{n}@example.org") for n in range(60)]
    what: Json = {"Person": {"emailPrimary": 1}}
    replies = ows.batch([Call(DETAIL, (person.uid, what)) for person in people])
    assert [reply.result for reply in replies] == [
        {"Person": {"emailPrimary": f"p{n}@example.org"}} for n in range(60)
    ]
    assert operations(sandbox) == ["loginByUid", *["Otys.Services.MultiService.execute"] * 3]


def test_a_call_that_fails_inside_a_batch_fails_alone(ows: OwsClient, sandbox: Sandbox) -> None:
    person = sandbox.world.otys.add_entity("candidate", email="p@example.org")
    gone, found = ows.batch([Call(DETAIL, ("nobody", {"uid": 1})), Call(DETAIL, (person.uid, {"uid": 1}))])
    assert isinstance(gone.error, BadRequest)
    assert found.result == {"uid": person.uid}


def test_a_session_that_dies_inside_a_batch_is_replaced(ows: OwsClient, sandbox: Sandbox) -> None:
    person = sandbox.world.otys.add_entity("candidate", email="p@example.org")
    ows.check()
    sandbox.otys.end_sessions()
    assert ows.batch([Call(DETAIL, (person.uid, {"uid": 1}))])[0].result == {"uid": person.uid}


@pytest.mark.parametrize("answer", [[], None, {"status": "success"}, [{"status": "success", "data": 1}] * 2])
def test_a_batch_that_is_not_answered_one_by_one_is_an_error(answer: Json) -> None:
    with scripted(LOGIN, answer) as (client, _), pytest.raises(UnexpectedAnswer):
        client.batch([Call(DETAIL, ("c1", None))])


def test_success_without_data_is_an_error() -> None:
    with scripted(LOGIN, [{"status": "success"}]) as (client, _):
        assert isinstance(client.batch([Call(DETAIL, ("c1", None))])[0].error, UnexpectedAnswer)


def test_the_same_question_is_the_same_bytes() -> None:
    with scripted(LOGIN, {"uid": "c1"}) as (client, script):
        client.call(DETAIL, "c1", {"uid": 1})
        client.call(DETAIL, "c1", {"uid": 1})
    assert script.asked[1].body == script.asked[2].body


# -- patience ----------------------------------------------------------------------------------------


def test_no_minute_sees_more_requests_than_allowed(watch: Watch) -> None:
    limiter = RateLimiter(Allowance(3), clock=watch, pause=watch.pause)
    starts = []
    for _ in range(8):
        limiter.wait_for_turn()
        starts.append(watch.now)
    assert starts == [0, 0, 0, 60, 60, 60, 120, 120]


def test_a_client_that_is_opened_anew_goes_on_where_the_last_one_with_its_key_ended(watch: Watch) -> None:
    for key in ("ours", "ours", "theirs"):
        limiter = RateLimiter(allowance_of("https://ows.example", key), clock=watch, pause=watch.pause)
        for _ in range(200):
            limiter.wait_for_turn()
    assert watch.pauses == [60.0]


def test_a_client_stays_below_its_limit(sandbox: Sandbox, watch: Watch) -> None:
    http = HttpClient("OTYS", pause=watch.pause)
    with OwsClient(
        http,
        sandbox.otys_url,
        sandbox.world.otys_api_key,
        allowance=Allowance(5),
        clock=watch,
        pause=watch.pause,
    ) as client:
        for _ in range(9):
            client.check()
    assert watch.pauses == [60.0]


def test_the_last_requests_of_a_minute_are_left_to_others(sandbox: Sandbox, watch: Watch) -> None:
    sandbox.clock.freeze()
    sandbox.world.otys.switches.requests_a_minute = 10
    http = HttpClient("OTYS", pause=watch.pause)
    with OwsClient(
        http, sandbox.otys_url, sandbox.world.otys_api_key, clock=watch, pause=watch.pause
    ) as client:
        for _ in range(5):
            client.check()
        assert watch.pauses == [61.0]  # before the sixth request: OTYS said five are left for 60 seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"X-Orl-Remaining-Timeframe": "23"}, 24.0),
        ({"Retry-After": "17", "X-Orl-Remaining-Timeframe": "23"}, 17.0),
    ],
)
def test_a_blocked_key_waits_as_long_as_it_is_told(
    watch: Watch, headers: dict[str, str], seconds: float
) -> None:
    script = Script(LOGIN, (429, headers, b"Too Many Requests"), result({"uid": "c1"}))
    with (
        serving(script) as url,
        OwsClient(HttpClient("OTYS", pause=watch.pause), url, KEY, clock=watch, pause=watch.pause) as client,
    ):
        assert client.call(DETAIL, "c1", None) == {"uid": "c1"}
    assert watch.pauses == [seconds]


def test_an_unreachable_service_is_told_by_its_host_alone() -> None:
    with serving(Script("hang up")) as url:
        closed = url
    with OwsClient(HttpClient("OTYS", pause=Pauses()), closed, KEY, pause=Pauses()) as client:
        with pytest.raises(Unreachable) as caught:
            client.check()
        with suppress(Unreachable):
            client.check()
    assert str(caught.value) == "OTYS: no connection to 127.0.0.1 could be opened"
