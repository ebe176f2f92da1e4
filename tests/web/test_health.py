from flask.testing import FlaskClient

from tests.web.fake import FakeDaemon


def test_a_daemon_whose_loop_ticks_and_whose_clients_are_in_step_is_alive_and_ready(
    port: FlaskClient,
) -> None:
    assert port.get("/livez").status_code == 200
    assert port.get("/readyz").status_code == 200


def test_a_hanging_loop_is_told(port: FlaskClient, daemon: FakeDaemon) -> None:
    daemon.hangs = "the loop has not ticked for 40 seconds"

    answer = port.get("/livez")

    assert answer.status_code == 503
    assert answer.mimetype == "application/problem+json"
    assert answer.json
    assert answer.json["detail"] == "the loop has not ticked for 40 seconds"


def test_readyz_says_which_client_is_late_and_why(port: FlaskClient, daemon: FakeDaemon) -> None:
    daemon.late = {"acme": "no good pass yet"}

    answer = port.get("/readyz")

    assert answer.status_code == 503
    assert answer.json
    assert answer.json["clients"] == {"acme": "no good pass yet"}
    assert port.get("/livez").status_code == 200


def test_metrics_are_text_and_openmetrics_for_whoever_asks_for_it(port: FlaskClient) -> None:
    plain = port.get("/metrics")
    modern = port.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert plain.mimetype == "text/plain"
    assert "reconciler_lists 3.0" in plain.text
    assert modern.mimetype == "application/openmetrics-text"
    assert modern.text.endswith("# EOF\n")
