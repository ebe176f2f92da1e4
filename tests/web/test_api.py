import pytest
from flask.testing import FlaskClient

from reconciler.errors import StoreError
from reconciler.list_view import ListView
from reconciler.model import PassId, PassResult
from tests.web.fake import ADDRESS, CLIENT, NOW, WITH_TOKEN, FakeDaemon, FakeLists, row, worked_on

DIGEST = "0123456789abcdef" * 4


def told(answer: object) -> dict[str, object]:
    assert isinstance(answer, dict)
    return answer


# -- ask for a pass ------------------------------------------------------------------------------------


def test_asking_for_nothing_in_particular_asks_for_every_client(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str]
) -> None:
    daemon.text += CLIENT.format(name="zeta")

    answer = port.post("/api/v1/reconcile", headers=bearer)

    assert answer.status_code == 202
    assert answer.json == {
        "passes": [
            {"client": "acme", "pass_id": 1, "href": "/api/v1/passes/1"},
            {"client": "zeta", "pass_id": 2, "href": "/api/v1/passes/2"},
        ]
    }
    assert daemon.asked == [(None, None, "api")]


def test_one_client_and_one_list_can_be_asked_for(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str]
) -> None:
    port.post("/api/v1/reconcile", headers=bearer, json={"client": "acme", "list": "12"})
    port.post("/api/v1/reconcile", headers=bearer, json={"list": "13"})

    assert daemon.asked == [("acme", "12", "api"), ("acme", "13", "api")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"client": "nobody"}, 404),
        ({"list": "12"}, 422),
        ({"client": 7}, 400),
        ({"client": ""}, 400),
        ({"klant": "acme"}, 400),
        ({"client": "acme", "list": "1\n"}, 400),
        (["acme"], 400),
    ],
)
def test_an_unclear_wish_is_refused_in_words(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str], body: object, status: int
) -> None:
    daemon.text += CLIENT.format(name="zeta")

    answer = port.post("/api/v1/reconcile", headers=bearer, json=body)

    assert answer.status_code == status
    assert told(answer.json)["detail"]
    assert daemon.asked == []


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"client": "\xff"}', b'{"client": "\\ud800"}'])
def test_what_is_no_json_is_refused(port: FlaskClient, bearer: dict[str, str], body: bytes) -> None:
    as_json = {**bearer, "Content-Type": "application/json"}

    assert port.post("/api/v1/reconcile", headers=as_json, data=body).status_code == 400
    assert port.post("/api/v1/reconcile", headers=bearer, data=body).status_code == 415


def test_what_the_store_says_is_passed_on(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str]
) -> None:
    daemon.broken = StoreError("The disk is full.", advice="Make room.")

    answer = port.post("/api/v1/reconcile", headers=bearer)

    assert answer.status_code == 503
    assert (told(answer.json)["detail"], told(answer.json)["advice"]) == ("The disk is full.", "Make room.")


# -- follow a pass -------------------------------------------------------------------------------------


def test_a_pass_is_followed_from_waiting_to_its_end(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str]
) -> None:
    port.post("/api/v1/reconcile", headers=bearer)
    daemon.states[1] = ["waiting", "running", "ended"]

    seen = [told(port.get("/api/v1/passes/1", headers=bearer).json) for _ in range(2)]
    daemon.end_pass(PassId(1), worked_on("Kandidaten", "12", "applied"))
    seen.append(told(port.get("/api/v1/passes/1", headers=bearer).json))

    assert [one["state"] for one in seen] == ["waiting", "running", "ended"]
    assert [one["result"] for one in seen] == [None, None, "done"]
    assert seen[0]["document"] is None
    document = told(seen[2]["document"])
    assert [told(change)["email"] for change in document["changes"]] == [ADDRESS]  # type: ignore[attr-defined]


def test_a_pass_whose_end_is_just_being_recorded_has_no_result_yet(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str]
) -> None:
    daemon.end_pass(daemon.begin_pass())
    daemon.states[1] = ["running"]

    answer = told(port.get("/api/v1/passes/1", headers=bearer).json)

    assert (answer["state"], answer["result"], answer["ended_at"]) == ("running", None, None)


def test_each_list_of_a_pass_is_told_in_a_line(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str]
) -> None:
    daemon.end_pass(
        daemon.begin_pass(),
        worked_on("Kandidaten", "12", "applied", "already_true", "refused"),
        worked_on("Relaties", "13", "applied", "retry_later"),
        worked_on("Oud", "14", "withheld"),
        worked_on("Weg", "15", problem="Mailchimp: no usable answer"),
        result=PassResult.FAILED,
    )

    lists = told(port.get("/api/v1/passes/1", headers=bearer).json)["lists"]

    assert isinstance(lists, list)
    assert [(one["list_name"], one["result"], one["told"], one["problem"]) for one in lists] == [
        ("Kandidaten", "done", ["added 2", "refused 1"], ""),
        ("Relaties", "failed", ["added 1", "put off 1"], ""),
        ("Oud", "withheld", [], ""),
        ("Weg", "failed", [], "Mailchimp: no usable answer"),
    ]


def test_addresses_are_never_told_where_nobody_can_show_a_token(
    port: FlaskClient, daemon: FakeDaemon
) -> None:
    daemon.text = CLIENT.format(name="acme")
    daemon.end_pass(daemon.begin_pass(), worked_on("Kandidaten", "12", "applied"))

    answer = port.get("/api/v1/passes/1")

    assert told(answer.json)["document"] is None
    assert told(answer.json)["lists"] != []
    assert ADDRESS not in answer.text


def test_a_pass_that_the_daemon_forgot_is_read_from_the_store(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str]
) -> None:
    daemon.end_pass(daemon.begin_pass(), result=PassResult.FAILED, problems=["the key is refused"])
    daemon.documents.clear()

    answer = told(port.get("/api/v1/passes/1", headers=bearer).json)

    assert answer["state"] == "ended"
    assert told(answer["document"])["problems"] == ["the key is refused"]


@pytest.mark.parametrize("number", ["7", "0", str(2**31), str(2**63), "9" * 400])
def test_a_pass_that_never_was_is_not_found(port: FlaskClient, bearer: dict[str, str], number: str) -> None:
    assert port.get(f"/api/v1/passes/{number}", headers=bearer).status_code == 404


# -- look around ---------------------------------------------------------------------------------------


def test_clients_tell_how_they_stand(port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str]) -> None:
    daemon.text += CLIENT.format(name="zeta")
    daemon.late = {"zeta": "no good pass yet"}
    daemon.withhold(DIGEST)

    clients = told(port.get("/api/v1/clients", headers=bearer).json)["clients"]

    assert isinstance(clients, list)
    assert [(one["client"], one["ready"], one["why"]) for one in clients] == [
        ("acme", True, ""),
        ("zeta", False, "no good pass yet"),
    ]
    assert clients[0]["status"]["last_pass"]["result"] == "withheld"
    assert clients[0]["status"]["withheld"][0]["digest"] == DIGEST


def test_lists_are_those_of_every_client_or_of_one(
    port: FlaskClient, daemon: FakeDaemon, lists: FakeLists, bearer: dict[str, str]
) -> None:
    daemon.text += CLIENT.format(name="zeta")
    lists.views["acme"] = ListView(client="acme", lists=[row("Kandidaten", "12")])

    every = told(port.get("/api/v1/lists", headers=bearer).json)["clients"]
    one = told(port.get("/api/v1/lists?client=acme", headers=bearer).json)["clients"]

    assert isinstance(every, list)
    assert isinstance(one, list)
    assert [view["client"] for view in every] == ["acme", "zeta"]
    assert [(shown["name"], shown["mailchimp"]) for shown in one[0]["lists"]] == [("Kandidaten", "linked")]
    assert port.get("/api/v1/lists?client=nobody", headers=bearer).status_code == 404


# -- approve -------------------------------------------------------------------------------------------


def test_what_waits_is_told_with_the_digest_that_releases_it(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str]
) -> None:
    daemon.withhold(DIGEST)

    plans = told(port.get("/api/v1/plans", headers=bearer).json)["plans"]

    assert isinstance(plans, list)
    [waiting] = plans
    assert (waiting["client"], waiting["list_name"], waiting["verb"], waiting["count"]) == (
        "acme",
        "Kandidaten",
        "remove",
        20,
    )
    assert (waiting["digest"], waiting["approved_at"]) == (DIGEST, None)
    assert told(port.get("/api/v1/plans?client=acme", headers=bearer).json)["plans"] == plans


def test_an_approval_names_who_gave_it(port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str]) -> None:
    daemon.withhold(DIGEST)

    answer = port.post(f"/api/v1/plans/{DIGEST}/approve", headers=bearer, json={"by": "ann"})

    assert answer.status_code == 200
    assert daemon.store.approvals("acme", NOW) == {DIGEST}
    [stored] = daemon.store.proposals(now=NOW)
    assert stored.approved_by == "ann"
    approved = told(answer.json)["approved"]
    assert isinstance(approved, list)
    assert approved[0]["approved_by"] == "ann"


@pytest.mark.parametrize("digest", ["f" * 63 + "e", "abc", "%27%3B--", "0123456789abcdee"])
def test_an_approval_of_what_does_not_wait_is_stale(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str], digest: str
) -> None:
    daemon.withhold(DIGEST)

    answer = port.post(f"/api/v1/plans/{digest}/approve", headers=bearer)

    assert answer.status_code == 409
    assert answer.mimetype == "application/problem+json"
    assert daemon.store.approvals("acme", NOW) == frozenset()


def test_nothing_is_approved_without_a_configured_token(port: FlaskClient, daemon: FakeDaemon) -> None:
    daemon.withhold(DIGEST)
    daemon.text = daemon.text.removeprefix(WITH_TOKEN)

    assert port.post(f"/api/v1/plans/{DIGEST}/approve").status_code == 403
    assert daemon.store.approvals("acme", NOW) == frozenset()
