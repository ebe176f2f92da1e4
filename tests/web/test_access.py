import base64
import io

import pytest
from flask.testing import FlaskClient

from tests.web.fake import CLIENT, TOKEN, FakeDaemon

READING = ("/api/v1/clients", "/api/v1/lists", "/api/v1/plans", "/api/v1/passes/1", "/")
CHANGING = ("/api/v1/reconcile", "/api/v1/plans/0123456789/approve", "/approve")


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"ann:{password}".encode()).decode()}


@pytest.mark.parametrize("path", READING)
@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer \xe9\xff"]
)
def test_without_the_right_token_nothing_is_shown(port: FlaskClient, path: str, shown: str) -> None:
    answer = port.get(path, headers={"Authorization": shown} if shown else {})

    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert "Bearer" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", CHANGING)
def test_without_the_right_token_nothing_is_changed(port: FlaskClient, daemon: FakeDaemon, path: str) -> None:
    assert port.post(path).status_code == 401
    assert port.post(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert daemon.asked == []


@pytest.mark.parametrize("path", CHANGING)
def test_where_no_token_is_configured_nobody_changes_anything(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str], path: str
) -> None:
    daemon.text = CLIENT.format(name="acme")

    answer = port.post(path, headers=bearer)

    assert answer.status_code == 403
    assert answer.mimetype == "application/problem+json"
    assert "http.token" in answer.text
    assert daemon.asked == []


def test_where_no_token_is_configured_this_machine_may_look(port: FlaskClient, daemon: FakeDaemon) -> None:
    daemon.text = CLIENT.format(name="acme")

    assert [port.get(path).status_code for path in READING if "passes" not in path] == [200] * 4
    assert port.get("/", base_url="http://[::1]:8080").status_code == 200


@pytest.mark.parametrize("path", READING)
def test_a_strangers_page_cannot_read_along_under_a_name_of_its_own(
    port: FlaskClient, daemon: FakeDaemon, path: str
) -> None:
    daemon.text = CLIENT.format(name="acme")

    assert port.get(path, base_url="http://rebound.example:8080").status_code == 421


def test_with_a_token_the_daemon_may_have_any_name(port: FlaskClient, bearer: dict[str, str]) -> None:
    answer = port.get("/api/v1/clients", headers=bearer, base_url="https://sync.agency.example")

    assert answer.status_code == 200


def test_a_browser_shows_the_token_as_a_password_but_only_to_the_page(port: FlaskClient) -> None:
    assert "Basic" in port.get("/").headers["WWW-Authenticate"]
    assert port.get("/", headers=basic(TOKEN)).status_code == 200
    assert port.get("/", headers=basic("wrong")).status_code == 401
    assert port.post("/api/v1/reconcile", headers=basic(TOKEN)).status_code == 401


def test_a_token_that_was_renewed_in_its_file_counts_at_once(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str]
) -> None:
    secret = daemon.folder / "token"
    secret.write_text(TOKEN)
    daemon.text = f'[http]\ntoken = {{ file = "{secret}" }}\n' + CLIENT.format(name="acme")
    assert port.get("/api/v1/clients", headers=bearer).status_code == 200

    secret.write_text("another")

    assert port.get("/api/v1/clients", headers=bearer).status_code == 401


def test_a_token_that_cannot_be_read_lets_nobody_in(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str]
) -> None:
    secret = daemon.folder / "token"
    secret.write_text(TOKEN)
    daemon.text = f'[http]\ntoken = {{ file = "{secret}" }}\n' + CLIENT.format(name="acme")
    daemon.config()
    secret.unlink()

    assert port.get("/api/v1/clients", headers=bearer).status_code == 503
    assert port.get("/livez").status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/", "/nothing", "/static/page.css"])
def test_every_answer_forbids_what_a_browser_need_not_do(port: FlaskClient, path: str) -> None:
    with port.get(path) as answer:
        headers = answer.headers

    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "//api/v1/clients", 404),
        ("GET", "/api/v1/clients/", 404),
        ("GET", "/api/v1/passes/x", 404),
        ("DELETE", "/api/v1/clients", 405),
        ("OPTIONS", "/api/v1/clients", 405),
        ("GET", "/hooks/otys/secret", 405),
    ],
)
def test_what_is_not_there_is_refused_with_a_problem_document(
    port: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = port.open(path, method=method)

    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert ("Allow" in answer.headers) == (status == 405)


def test_a_body_above_64_kib_is_refused_everywhere(port: FlaskClient, bearer: dict[str, str]) -> None:
    for path in ("/api/v1/reconcile", "/hooks/otys/x", "/livez"):
        answer = port.post(path, headers=bearer, data=b"x" * (64 * 1024 + 1))
        assert answer.status_code == 413
        assert answer.mimetype == "application/problem+json"


@pytest.mark.logs_private_things
def test_a_mistake_in_the_program_is_logged_without_the_path_and_told_without_details(
    port: FlaskClient, daemon: FakeDaemon, bearer: dict[str, str], logged: io.StringIO
) -> None:
    daemon.broken = ZeroDivisionError("about ann@mailhuis.nl")

    answer = port.post("/api/v1/reconcile", headers=bearer)

    assert answer.status_code == 500
    assert answer.mimetype == "application/problem+json"
    assert "mailhuis" not in answer.text
    assert "ZeroDivisionError" in logged.getvalue()
    assert "mailhuis" not in logged.getvalue()
