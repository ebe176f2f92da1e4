"""The daemon as a real process: what each signal does, also at the worst moment."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from reconciler.model import PassResult
from reconciler.sandbox.faults import Fault, FaultKind
from tests.daemon.house import PATIENCE, House, Process


class Letterbox:
    """Keeps the mails that arrive."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(envelope)
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[tuple[str, list[Envelope]]]:
    """Yield the URL of a mail server and the mails that it got."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    box = Letterbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{port}", box.mails
    finally:
        controller.stop()


def test_the_first_pass_runs_at_once_and_a_signal_stops_the_daemon(house: House) -> None:
    daemon = house.started()
    assert house.office.subscribed("Nieuws") == {"anna@vacature.nl", "bert@vacature.nl"}

    daemon.send(signal.SIGTERM)

    assert daemon.ended() == 0
    assert daemon.events()[-1] == "daemon_stopped"


def test_ctrl_c_stops_it_as_well(house: House) -> None:
    daemon = house.started()
    daemon.send(signal.SIGINT)
    assert daemon.ended() == 0


def test_sigusr1_brings_a_pass_now(house: House) -> None:
    daemon = house.started()
    house.office.world.otys.add_recipient(
        next(iter(house.office.world.otys.lists)), house.office.person("carla@vacature.nl")
    )

    daemon.send(signal.SIGUSR1)
    daemon.wait_for("pass_ended", pass_id=2)

    assert "carla@vacature.nl" in house.office.subscribed("Nieuws")
    with house.store() as store:
        assert [one.trigger for one in store.passes("acme")] == ["SIGUSR1", "schedule"]


def test_sigusr1_during_a_pass_brings_exactly_one_more_after_it(house: House) -> None:
    daemon = house.started()
    with house.office.sandbox.lock:  # neither service answers
        daemon.send(signal.SIGUSR1)
        assert house.office.sandbox._otys_server.wait_for_open_requests(1, seconds=PATIENCE)
        for count in (2, 3, 4):
            daemon.send(signal.SIGUSR1)
            daemon.wait_for("signal", count)
    daemon.wait_for("pass_ended", pass_id=3)

    daemon.send(signal.SIGTERM)

    assert daemon.ended() == 0
    with house.store() as store:
        assert [one.result for one in store.passes("acme")] == [PassResult.DONE] * 3


def test_sighup_follows_the_configuration(house: House) -> None:
    daemon = house.started()
    house.configure("beta", mode="plan")
    daemon.send(signal.SIGHUP)
    assert daemon.wait_for("reloaded")["came"] == ["beta"]
    daemon.wait_for("pass_ended", client="beta", result="planned")

    house.remove("acme")
    daemon.send(signal.SIGHUP)
    assert daemon.wait_for("reloaded", 2)["went"] == ["acme"]
    daemon.send(signal.SIGUSR1)
    daemon.wait_for("pass_ended", 2, client="beta")
    daemon.send(signal.SIGTERM)

    assert daemon.ended() == 0
    with house.store() as store:
        assert len(store.passes("acme")) == 1


def test_sighup_picks_up_a_client_that_came_as_a_file_of_its_own(house: House) -> None:
    daemon = house.started()
    folder = house.path.parent / "clients.d"
    folder.mkdir()
    (folder / "beta.toml").write_text(house.office.tables_of("beta"), "utf-8")

    daemon.send(signal.SIGHUP)

    assert daemon.wait_for("reloaded")["came"] == ["beta"]
    daemon.wait_for("pass_ended", client="beta")
    (folder / "beta.toml").write_text("[clients.beta", "utf-8")
    daemon.send(signal.SIGHUP)
    assert "clients.d" in daemon.wait_for("configuration_refused")["where"]
    (folder / "beta.toml").unlink()
    daemon.send(signal.SIGHUP)
    assert daemon.wait_for("reloaded", 2)["went"] == ["beta"]


def test_sighup_with_a_broken_file_keeps_the_old_settings_and_says_what_is_wrong(house: House) -> None:
    daemon = house.started()
    house.break_config()

    daemon.send(signal.SIGHUP)

    assert daemon.wait_for("configuration_refused")["where"] == "deamon"
    daemon.wait_for("reload_failed")
    daemon.send(signal.SIGUSR1)
    daemon.wait_for("pass_ended", pass_id=2, result="done")


def test_a_second_daemon_on_the_same_state_is_refused_and_told_who_has_it(house: House) -> None:
    daemon = house.started()

    code, said = house.run("run")

    assert code == 75
    assert f"process {daemon.pid} on " in said
    assert house.run("once")[0] == 0, "an operator's command works beside it"


def test_the_state_of_a_killed_daemon_is_free_at_once(house: House) -> None:
    first = house.started()
    first.send(signal.SIGKILL)
    assert first.ended() == -signal.SIGKILL

    second = house.start()

    assert second.wait_for("pass_ended", client="acme")["result"] == "done"


def test_a_stop_during_a_first_sync_records_what_was_done_and_the_next_pass_goes_on(house: House) -> None:
    office = house.office
    people = [f"person{number}@vacature.nl" for number in range(1200)]
    office.mailing_list("Groot", *people)
    office.sandbox.faults.add(
        Fault(kind=FaultKind.LATENCY, system="mailchimp", pattern="^POST /3.0/lists/", value=0.5, times=None)
    )
    daemon = house.start()
    house.wait_for_request(lambda one: one.method == "POST" and one.path.startswith("/3.0/lists/"))

    daemon.send(signal.SIGTERM)

    assert daemon.ended() == 0
    with house.store() as store:
        (cut,) = store.passes("acme")
        assert cut.result is PassResult.FAILED
        assert "stopped" in " ".join(cut.problems)
        remembered = {
            row.address
            for uid, counts in store.counts("acme").items()
            if counts.state
            for row in store.base("acme", uid).rows.values()
        }
    written = {
        one.email_address
        for audience in office.world.mailchimp.audiences.values()
        for one in audience.contacts.values()
    }
    assert remembered == written, "what reached Mailchimp is remembered"
    assert len(written) < 1202, "the pass was cut off"
    office.sandbox.faults.clear()

    assert house.run("once")[0] == 0

    assert office.subscribed("Groot") == set(people)
    assert len(office.world.mailchimp.audiences) == 2
    assert office.writes_of(lambda: house.run("once")) == []


def hang(house: House, system: str, pattern: str) -> Process:
    """Given which requests are carried out and never answered, return a daemon that waits for one."""
    house.office.sandbox.faults.add(
        Fault(kind=FaultKind.TIMEOUT_AFTER_APPLY, system=system, pattern=pattern, value=120, times=None)
    )
    daemon = house.start()
    house.wait_for_request(lambda one: bool(one.fault))
    return daemon


@pytest.mark.parametrize(
    ("system", "pattern"), [("otys", "loginByUid"), ("otys", "get"), ("mailchimp", "^GET")]
)
def test_a_read_that_hangs_holds_up_no_stop(house: House, system: str, pattern: str) -> None:
    daemon = hang(house, system, pattern)

    daemon.send(signal.SIGTERM)

    assert daemon.ended() == 0, "well within the grace time, which is shorter than any time-out"
    with house.store() as store:
        assert [one.result for one in store.passes("acme")] == [PassResult.FAILED]
        assert "stopping" in " ".join(store.passes("acme")[0].problems)


def test_a_second_sigterm_ends_it_at_once(house: House) -> None:
    daemon = hang(house, "mailchimp", "^POST")
    daemon.send(signal.SIGTERM)
    daemon.wait_for("daemon_stopping")

    daemon.send(signal.SIGTERM)

    assert daemon.ended() == 128 + signal.SIGTERM
    house.office.sandbox.faults.clear()
    assert house.run("once")[0] == 0, "and the state is as good as ever"


def test_a_write_that_outlasts_the_grace_time_does_not_hold_up_the_end(house: House) -> None:
    house.daemon_table += "\nshutdown_grace = 1"
    house.configure()
    daemon = hang(house, "mailchimp", "^POST")

    daemon.send(signal.SIGTERM)

    assert daemon.ended() == 1
    assert daemon.events()[-1] == "stop_took_too_long"


def test_whoever_pauses_is_not_waited_for(house: House) -> None:
    house.office.sandbox.faults.add(
        Fault(kind=FaultKind.TOO_MANY_REQUESTS_BARE, system="mailchimp", times=None)
    )
    daemon = house.start()
    house.wait_for_request(lambda one: bool(one.fault))

    daemon.send(signal.SIGTERM)

    assert daemon.ended() == 0
    with house.store() as store:
        assert [one.result for one in store.passes("acme")] == [PassResult.FAILED]


def test_no_line_of_the_log_names_a_person_or_holds_a_key(house: House) -> None:
    office = house.office
    office.mailing_list("Refused", "no-reply@vacature.nl", "x@vacature.nl", "broken address")
    daemon = house.started()
    daemon.send(signal.SIGUSR1)
    daemon.wait_for("pass_ended", pass_id=2)
    daemon.send(signal.SIGTERM)
    daemon.ended()

    said = repr(daemon.lines) + repr(daemon.plain)
    assert os.path.sep in said
    assert "@" not in said
    assert office.world.otys_api_key not in said
    assert office.world.mailchimp_api_key not in said


def test_metrics_health_and_readiness_are_served_and_a_summary_is_mailed(house: House) -> None:
    with mail_server() as (url, mails):
        house.daemon_table += f'\n[mail]\nsmtp_url = "{url}"\nfrom = "daemon@vacature.nl"'
        house.configure(tables='[notify]\nto = "marketing@vacature.nl"\non = "always"\n')
        daemon = house.started()
        base = f"http://{daemon.wait_for('daemon_started')['listen']}"

        assert requests.get(f"{base}/livez", timeout=PATIENCE).status_code == 200
        assert requests.get(f"{base}/readyz", timeout=PATIENCE).status_code == 200
        metrics = requests.get(f"{base}/metrics", timeout=PATIENCE).text
        assert 'reconciler_passes_total{client="acme",result="done"} 1.0' in metrics
        daemon.wait_for("mail_sent")
        daemon.send(signal.SIGTERM)
        assert daemon.ended() == 0
    assert [mail.rcpt_tos for mail in mails] == [["marketing@vacature.nl"]]
