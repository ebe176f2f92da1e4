from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from reconciler.sandbox import Sandbox, World
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.logsummary import most_in_a_minute, operation_of
from reconciler.sandbox.requestlog import LoggedRequest

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Remote:
    """A sandbox as a program in another language would steer it."""

    def __init__(self, sandbox: Sandbox, http: requests.Session) -> None:
        self.sandbox = sandbox
        self._http = http

    def call(self, method: str, path: str, body: object = None, *, status: int = 200) -> dict[str, object]:
        reply = self._http.request(method, f"{self.sandbox.control_url}/{path}", json=body, timeout=5)
        assert reply.status_code == status, reply.text
        answer = reply.json()
        assert isinstance(answer, dict)
        return answer

    def otys(self, method: str, *params: object) -> dict[str, object]:
        call = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}
        reply = self._http.post(self.sandbox.otys_url, json=call, timeout=5)
        answer = reply.json()
        assert isinstance(answer, dict)
        return answer

    def mailchimp(self, path: str) -> requests.Response:
        key = self.sandbox.world.mailchimp_api_key
        return self._http.get(f"{self.sandbox.mailchimp_url}/{path}", auth=("any", key), timeout=5)


@pytest.fixture
def remote() -> Iterator[Remote]:
    with Sandbox.start(world=World.small()) as sandbox, requests.Session() as http:
        yield Remote(sandbox, http)


def test_both_services_answer_on_loopback(remote: Remote) -> None:
    session = remote.otys("loginByUid", remote.sandbox.world.otys_api_key)["result"]
    lists = remote.otys("Otys.Services.MailingListService.getList", session, {"what": {"name": 1}})["result"]

    assert isinstance(lists, list)
    assert len(lists) == 6
    assert remote.mailchimp("ping").json() == {"health_status": "Everything's Chimpy!"}


def test_the_index_names_every_route_and_both_ports_answer(remote: Remote) -> None:
    index = remote.call("GET", "")

    assert "POST /_sandbox/faults" in str(index["routes"])
    mailchimp_port = remote.sandbox.mailchimp_url.removesuffix("/3.0")
    assert requests.get(f"{mailchimp_port}/_sandbox/", timeout=5).json() == index


def test_the_state_counts_lists_and_contacts_and_names_no_key(remote: Remote) -> None:
    audience = remote.sandbox.mailchimp.add_audience("Zorg")
    remote.sandbox.mailchimp.add_contact(audience, "jan@mailhuis.nl")

    state = remote.call("GET", "state")

    assert state["audiences"] == [{"id": audience, "name": "Zorg", "contacts": {"subscribed": 1}}]
    assert isinstance(state["lists"], list)
    assert {"name": "Kandidaten zorg", "recipients": 60, "flagged": True}.items() <= state["lists"][0].items()
    assert remote.sandbox.world.otys_api_key not in str(state)


def test_people_act_by_name_with_json_arguments(remote: Remote) -> None:
    uid = remote.call("POST", "otys/create_list", {"name": "Nieuw", "recipients": ["a@mailhuis.nl"]})[
        "result"
    ]
    audience = remote.call("POST", "mailchimp/add_audience", {"name": "Nieuw"})["result"]
    remote.call("POST", "mailchimp/add_contact", {"list_id": audience, "email": "a@mailhuis.nl"})
    remote.call("POST", "mailchimp/unsubscribe", {"list_id": audience, "email": "a@mailhuis.nl"})
    remote.call(
        "POST", "mailchimp/edit_fields", {"list_id": audience, "email": "a@mailhuis.nl", "FNAME": "Ada"}
    )

    assert remote.sandbox.world.otys.lists[str(uid)].name == "Nieuw"
    contact = remote.sandbox.mailchimp.contact(str(audience), "a@mailhuis.nl")
    assert contact is not None
    assert (contact.status, contact.merge_fields["FNAME"]) == ("unsubscribed", "Ada")


def test_the_actions_are_listed_with_their_arguments(remote: Remote) -> None:
    actions = remote.call("GET", "actions")

    assert "list_uid: str" in str(actions["otys"])
    assert "unsubscribe" in str(actions["mailchimp"])


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("otys/fly", {}, "there is no action 'fly'"),
        ("otys/_entity", {}, "there is no action '_entity'"),
        ("otys/create_list", {}, "missing a required argument: 'name'"),
        ("otys/create_list", {"name": 5}, "Expected `str`, got `int`"),
        ("otys/rename_list", {"list_uid": "0", "name": "x"}, "no mailing list with uid 0"),
        ("otys/create_list", [], "Expected `object`"),
        ("mailchimp/unsubscribe", {"list_id": "0", "email": "x@mailhuis.nl"}, "no audience 0"),
        ("faults", {"kind": "nonsense"}, "nonsense"),
        ("faults", {"kind": "latency", "pattern": "("}, "no regular expression"),
        ("clock", {"freeze": "noon"}, "freeze"),
        ("clock", {"advance": 5}, "advance"),
        ("switches", {"otys": {"colour": 1}}, "no such switch: colour"),
        ("switches", {"otys": {"max_rows": "many"}}, "max_rows"),
        ("reset", {"world": "large"}, "there is no world 'large'"),
        ("save", None, "without a folder"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    remote: Remote, path: str, body: object, reason: str
) -> None:
    assert reason in str(remote.call("POST", path, body, status=400)["error"])


def test_an_unknown_route_points_to_the_index(remote: Remote) -> None:
    assert "GET /_sandbox/ names what there is" in str(remote.call("GET", "weather", status=404)["error"])


def test_a_fault_is_armed_shown_and_disarmed(remote: Remote) -> None:
    first = remote.call("POST", "faults", {"kind": "in_band_error", "system": "otys", "times": None})["id"]
    remote.call("POST", "faults", {"kind": "server_error", "value": 502})
    assert len(remote.sandbox.faults.armed()) == 2

    assert remote.call("DELETE", f"faults/{first}")["faults"] == {
        "2": {
            "kind": "server_error",
            "system": "",
            "pattern": "",
            "times": 1,
            "skip": 0,
            "probability": 1.0,
            "seed": 0,
            "value": 502,
        }
    }
    assert remote.mailchimp("ping").status_code == 502
    assert remote.mailchimp("ping").status_code == 200

    remote.call("POST", "faults", {"kind": "garbage"})
    assert remote.call("DELETE", "faults") == {"faults": {}}


def test_the_clock_is_frozen_moved_and_set_running(remote: Remote) -> None:
    remote.call("POST", "clock", {"freeze": "2026-03-02T12:00:00Z", "advance_seconds": 86_400})

    assert remote.sandbox.clock.now() == NOON + timedelta(days=1)
    assert remote.call("GET", "clock") == {"now": "2026-03-03T12:00:00Z", "frozen": True}
    assert remote.call("POST", "clock", {"run": True})["frozen"] is False


def test_switches_are_set_one_by_one(remote: Remote) -> None:
    remote.call("POST", "switches", {"otys": {"max_rows": 5}, "mailchimp": {"may_write": False}})

    assert remote.sandbox.world.otys.switches.max_rows == 5
    assert remote.sandbox.world.otys.switches.requests_a_minute == 350
    assert remote.sandbox.world.mailchimp.switches.may_write is False


def test_the_log_shows_what_was_asked_and_can_be_read_on(remote: Remote) -> None:
    remote.otys("loginByUid", "wrong")
    remote.mailchimp("lists")

    rows = remote.call("GET", "log")["requests"]
    assert isinstance(rows, list)
    assert [(row["system"], row["operation"] or row["path"]) for row in rows] == [
        ("otys", "loginByUid"),
        ("mailchimp", "/3.0/lists"),
    ]
    assert '"wrong"' in rows[0]["body"]
    assert remote.call("GET", "log?system=mailchimp")["requests"] == rows[1:]
    assert remote.call("GET", "log?after=1")["requests"] == rows[1:]
    assert remote.call("DELETE", "log")["requests"] == []


def test_the_summary_counts_operations_and_writes(remote: Remote) -> None:
    audience = remote.sandbox.mailchimp.add_audience("Zorg")
    remote.otys("loginByUid", "wrong")
    remote.otys("check", "")
    remote.otys("check", "")
    remote.mailchimp(f"lists/{audience}/members")

    assert remote.call("GET", "log/summary") == {
        "requests": 4,
        "by_operation": {
            "otys": {"check": 2, "loginByUid": 1},
            "mailchimp": {"GET /3.0/lists/{id}/members": 1},
        },
        "by_status": {"otys": {"200": 3}, "mailchimp": {"200": 1}},
        "writes": 0,
        "most_open_requests": {"otys": 1, "mailchimp": 1},
        "most_otys_requests_a_minute": 3,
        "last_number": 4,
    }
    assert remote.sandbox.log_summary(after=4).requests == 0


def test_a_reset_starts_another_world_on_the_same_ports(remote: Remote) -> None:
    remote.sandbox.faults.add(Fault(kind=FaultKind.GARBAGE))
    url = remote.sandbox.otys_url

    remote.call("POST", "reset", {"world": "empty", "seed": 3})

    assert remote.sandbox.otys_url == url
    assert remote.sandbox.world == World.empty(3)
    assert remote.sandbox.faults.armed() == {}
    session = remote.otys("loginByUid", remote.sandbox.world.otys_api_key)["result"]
    assert remote.otys("Otys.Services.MailingListService.getList", session, {})["result"] == []


def test_the_documentation_names_every_route_action_switch_and_fault(remote: Remote) -> None:
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    index, actions = remote.call("GET", ""), remote.call("GET", "actions")
    switches = remote.call("GET", "switches")["otys"]
    assert isinstance(index["routes"], list)
    assert isinstance(actions["otys"], dict)
    assert isinstance(actions["mailchimp"], dict)
    assert isinstance(switches, dict)
    names = [*actions["otys"], *actions["mailchimp"], *switches, *FaultKind]

    assert [route for route in index["routes"] if route not in text] == []
    assert [name for name in names if f"`{name}`" not in text] == []


def test_a_stopped_sandbox_refuses_connections() -> None:
    with Sandbox.start(world=World.empty()) as sandbox:
        url = sandbox.otys_url

    with pytest.raises(requests.ConnectionError):
        requests.post(url, timeout=5)


def logged(*, seconds: float = 0, path: str = "/3.0/ping", operation: str = "") -> LoggedRequest:
    return LoggedRequest(
        at=NOON + timedelta(seconds=seconds),
        system="otys",
        method="GET",
        path=path,
        query={},
        body=b"",
        operation=operation,
        status=200,
        open_requests=1,
        applied=True,
        fault="",
    )


def test_the_busiest_minute_is_any_sixty_seconds() -> None:
    assert most_in_a_minute([logged(seconds=at) for at in (0, 50, 59, 60, 109, 120, 200)]) == 4
    assert most_in_a_minute([]) == 0


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/3.0/lists/ab12cd34ef", "GET /3.0/lists/{id}"),
        (
            "/3.0/lists/ab12cd34ef/members/0123456789abcdef0123456789abcdef/tags",
            "GET /3.0/lists/{id}/members/{id}/tags",
        ),
        ("/3.0/lists/ab12cd34ef/members/jan@mailhuis.nl", "GET /3.0/lists/{id}/members/{id}"),
        ("/3.0/search-members", "GET /3.0/search-members"),
        ("/3.0/lists/ab12cd34ef/merge-fields/4", "GET /3.0/lists/{id}/merge-fields/{id}"),
    ],
)
def test_ids_are_left_out_of_the_names_of_operations(path: str, operation: str) -> None:
    assert operation_of(logged(path=path)) == operation
