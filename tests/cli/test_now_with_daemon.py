"""The HTTP port of the real daemon, a process of its own over the sandbox."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from reconciler.cli.daemon import RefusedByDaemon, RunningDaemon
from reconciler.config import load_config
from tests.cli.conftest import Run
from tests.cli.office import Office, open_office
from tests.daemon.house import House
from tests.web.fake import TOKEN

PEOPLE = [f"kandidaat{number}@mailhuis.nl" for number in range(20)]


@dataclass
class Running:
    house: House
    base: str

    @property
    def office(self) -> Office:
        return self.house.office

    def get(self, path: str) -> requests.Response:
        return requests.get(self.base + path, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)

    def post(self, path: str) -> requests.Response:
        return requests.post(self.base + path, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    """Yield a daemon after its first pass of one client with one list; no other is due for hours."""
    with open_office(folder) as office:
        office.mailing_list("Kandidaten", *PEOPLE)
        house = House(office)
        house.configure(tables='[hooks]\nmailchimp = "5ecret"\n')
        text = house.path.read_text("utf-8").replace("[http]\n", f'[http]\ntoken = "{TOKEN}"\n')
        house.path.write_text(text, "utf-8")
        try:
            listen = house.started().wait_for("daemon_started")["listen"]
            # where the daemon listens is known only now, and whoever asks it reads the configuration
            house.path.write_text(text.replace("127.0.0.1:0", listen), "utf-8")
            yield Running(house, f"http://{listen}")
        finally:
            house.close()


def test_a_recipient_who_was_added_in_otys_is_in_the_audience_when_now_says_green(
    run: Run, running: Running
) -> None:
    office = running.office
    [uid] = office.world.otys.lists
    office.world.otys.add_recipient(uid, office.person("nieuw@mailhuis.nl"))

    ended = run("now", "--wait", "--list", str(uid))

    assert ended.code == 0, ended.err
    assert f"✓ Kandidaten (list {uid}): added 1" in ended.out
    assert "nieuw@mailhuis.nl" in office.subscribed("Kandidaten")


def test_the_running_daemon_is_healthy_and_shows_what_it_knows(running: Running) -> None:
    assert running.get("/livez").status_code == 200
    assert running.get("/readyz").status_code == 200
    assert 'reconciler_passes_total{client="acme",result="done"} 1.0' in running.get("/metrics").text
    [view] = running.get("/api/v1/lists").json()["clients"]
    assert [(one["name"], one["mailchimp"], one["contacts"]) for one in view["lists"]] == [
        ("Kandidaten", "linked", 20)
    ]
    assert "Kandidaten" in running.get("/").text


def test_what_is_withheld_is_released_over_http_and_carried_out(run: Run, running: Running) -> None:
    [uid] = running.office.world.otys.lists
    running.office.sandbox.otys.empty_list(uid)
    withheld = run("now", "--wait")
    [plan] = running.get("/api/v1/plans").json()["plans"]

    released = running.post(f"/api/v1/plans/{plan['digest']}/approve")
    ended = run("now", "--wait")

    assert withheld.code == 3
    assert released.status_code == 200
    assert ended.code == 0, ended.out
    assert f"✓ Kandidaten (list {uid}): removed 20" in ended.out
    assert running.office.subscribed("Kandidaten") == set()
    assert running.post(f"/api/v1/plans/{plan['digest']}/approve").status_code == 409


def test_a_hook_is_answered_at_once(running: Running) -> None:
    assert requests.get(f"{running.base}/hooks/mailchimp/5ecret", timeout=30).status_code == 200
    assert requests.post(f"{running.base}/hooks/mailchimp/5ecret", timeout=30).status_code == 204


def test_a_pass_that_was_asked_for_can_be_followed_to_its_end(running: Running) -> None:
    config = load_config(running.house.path, {})
    with RunningDaemon(config) as daemon:
        [asked] = daemon.ask(client="acme", list_uid=None, full=False)
        while (answer := daemon.one_pass(asked.pass_id)).state != "ended":
            assert answer.result is None
        with pytest.raises(RefusedByDaemon, match="There is no pass 999"):
            daemon.one_pass(999)

    assert answer.result == "done"
    assert answer.trigger == "api"
