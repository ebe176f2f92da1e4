"""The daemon's service in this process, over both services in a sandbox; its loop is the test's own."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from reconciler.client import Unwatched
from reconciler.config import Config, load_config
from reconciler.daemon.hints import QUIET
from reconciler.daemon.service import STILL, Daemon
from reconciler.daemon.work import Surroundings
from reconciler.errors import ConfigurationError, ReconcilerError
from reconciler.model import ListUid, PassResult
from reconciler.report import PassReport
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.store import Store, open_store
from reconciler.web.ports import Service, UnknownClient
from tests.cli.office import Office, open_office
from tests.daemon.moments import Moments

PATIENCE = 60.0


@dataclass
class Seat:
    """What a test has of a daemon."""

    office: Office
    store: Store
    time: Moments = field(default_factory=Moments)
    reports: list[PassReport] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    _daemon: Daemon | None = None

    @property
    def daemon(self) -> Daemon:
        if self._daemon is None:
            self._daemon = Daemon(
                self.config(),
                self.store,
                CollectorRegistry(),
                self._around,
                now=self.time.now,
                clock=self.time.monotonic,
            )
        return self._daemon

    def config(self) -> Config:
        return load_config(Path("config/reconciler.toml"), {})

    def passed(self) -> list[PassReport]:
        """Return what became of every pass, once none runs."""
        assert self.daemon.wait_until_idle(PATIENCE)
        return self.reports

    def tick(self, *clients: str) -> None:
        for client in clients:
            self.daemon.tick(client)
        self.passed()

    def close(self) -> None:
        if self._daemon is not None:
            self._daemon.stop()
            assert self._daemon.wait_until_idle(PATIENCE)
            self._daemon.close()

    def _around(self, daemon: Daemon) -> Surroundings:
        def on_report(report: PassReport) -> None:
            self.reports.append(report)
            daemon.note(report)

        return Surroundings(
            store=self.store,
            watcher=Unwatched(),
            now=self.time.now,
            on_report=on_report,
            on_gone=self.gone.append,
        )


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seat]:
    monkeypatch.chdir(tmp_path)
    with open_office(tmp_path) as office, open_store("sqlite:///state/reconciler.db") as store:
        office.mailing_list("Nieuws", "anna@vacature.nl")
        taken = Seat(office, store)
        try:
            yield taken
        finally:
            taken.close()


def test_it_is_what_the_http_port_wants(seat: Seat) -> None:
    service: Service = seat.daemon
    assert set(service.config().clients) == {"acme"}


def test_a_pass_that_was_asked_for_can_be_followed_to_its_end(seat: Seat) -> None:
    with seat.office.sandbox.lock:
        first = seat.daemon.ask(client=None, only=None, trigger="api")["acme"]
        second = seat.daemon.ask(client="acme", only=None, trigger="api")["acme"]
        third = seat.daemon.ask(client="acme", only=ListUid("1"), trigger="api")["acme"]
        assert seat.daemon.state_of(first) == "running"
        assert seat.daemon.state_of(second) == "waiting"
        assert second == third

    assert [report.pass_id for report in seat.passed()] == [first, second]
    assert seat.daemon.state_of(second) == "ended"
    document = seat.daemon.document(second)
    assert document is not None
    assert document.client == "acme"
    recorded = seat.store.pass_record(first)
    assert recorded is not None
    assert (recorded.trigger, recorded.result) == ("api", PassResult.DONE)


def test_a_client_or_list_that_is_not_clear_is_refused(seat: Seat) -> None:
    seat.office.configure("beta")
    with pytest.raises(UnknownClient, match="gamma"):
        seat.daemon.ask(client="gamma", only=None, trigger="api")
    with pytest.raises(UnknownClient, match="gamma"):
        seat.daemon.hint("gamma", "otys")
    with pytest.raises(ConfigurationError):
        seat.daemon.ask(client=None, only=ListUid("1"), trigger="api")
    assert seat.passed() == []


def test_hints_lead_to_one_pass_once_they_are_quiet(seat: Seat) -> None:
    for _ in range(3):
        seat.daemon.hint("acme", "mailchimp")
        seat.daemon.step()
    assert seat.passed() == []

    seat.time.later(seconds=QUIET.total_seconds())
    seat.daemon.step()
    seat.daemon.step()

    assert len(seat.passed()) == 1
    assert seat.store.passes("acme")[0].trigger == "hint from mailchimp"


def test_a_client_is_ready_for_two_intervals_after_a_good_pass(seat: Seat) -> None:
    assert seat.daemon.unready() == {"acme": "no good pass yet"}

    seat.tick("acme")
    assert seat.daemon.unready() == {}
    seat.time.later(minutes=9, seconds=59)
    assert seat.daemon.unready() == {}
    seat.time.later(minutes=1)
    assert "the last good pass ended at 2026-11-23 12:00:00 UTC" in seat.daemon.unready()["acme"]

    seat.tick("acme")
    assert seat.daemon.unready() == {}


def test_a_failed_pass_or_one_of_a_single_list_makes_nobody_ready(seat: Seat) -> None:
    uid = next(iter(seat.office.world.otys.lists))
    seat.daemon.ask(client="acme", only=ListUid(uid), trigger="api")
    assert seat.passed()[-1].result is PassResult.DONE
    assert "acme" in seat.daemon.unready()
    seat.office.sandbox.otys.revoke_key()

    seat.tick("acme")

    assert seat.reports[-1].result is PassResult.FAILED
    assert "acme" in seat.daemon.unready()


def test_a_good_pass_of_another_process_makes_a_client_ready(seat: Seat) -> None:
    pass_id = seat.store.begin_pass("acme", mode="apply", trigger="once", now=seat.time.at)
    seat.store.end_pass(pass_id, result=PassResult.WITHHELD, counts={}, problems=(), now=seat.time.at)

    assert seat.daemon.unready() == {}


def test_a_loop_that_hangs_is_told(seat: Seat) -> None:
    seat.daemon.step()
    assert seat.daemon.trouble() == ""
    seat.time.later(seconds=STILL + 1)
    assert "31 seconds" in seat.daemon.trouble()


def test_a_session_is_kept_between_passes(seat: Seat) -> None:
    for _ in range(3):
        seat.tick("acme")

    logins = [one for one in seat.office.sandbox.log.requests() if one.operation == "loginByUid"]
    assert len(seat.reports) == 3
    assert len(logins) == 1


def test_a_client_that_cannot_be_opened_is_reported_and_the_others_go_on(seat: Seat) -> None:
    mapping = seat.office.folder / "mapping.toml"
    mapping.write_text("this is no mapping", "utf-8")
    seat.office.configure("broken")
    path = Path("config/reconciler.toml")
    text = path.read_text("utf-8").replace(
        "[clients.broken.otys]", f'[clients.broken.otys]\nmapping = "{mapping}"'
    )
    path.write_text(text, "utf-8")

    seat.tick("acme", "broken")

    results = {report.client: report.result for report in seat.reports}
    assert results == {"acme": PassResult.DONE, "broken": PassResult.FAILED}
    (recorded,) = seat.store.passes("broken")
    assert recorded.result is PassResult.FAILED
    assert str(mapping.name) in " ".join(recorded.problems)

    mapping.unlink()
    path.write_text(text.replace(f'mapping = "{mapping}"', ""), "utf-8")
    seat.daemon.follow(seat.config())
    seat.daemon.ask(client="broken", only=None, trigger="api")
    assert seat.passed()[-1].result is PassResult.DONE


def test_a_failing_client_rests_while_the_others_keep_their_times(seat: Seat) -> None:
    seat.office.configure("locked-out", key="wrong")
    for _ in range(10):
        seat.tick("acme", "locked-out")
        seat.time.later(minutes=5)

    clients = [report.client for report in seat.reports]
    assert clients.count("acme") == 10
    assert 3 <= clients.count("locked-out") <= 6


def test_a_pass_that_is_stopped_tells_it_and_loses_nothing(seat: Seat) -> None:
    seat.office.sandbox.faults.add(
        Fault(kind=FaultKind.TOO_MANY_REQUESTS_BARE, system="mailchimp", times=None)
    )
    asked = seat.daemon.ask(client="acme", only=None, trigger="api")["acme"]
    number = 0
    while not any(one.fault for one in seat.office.sandbox.log.requests()):
        number += 1
        assert seat.office.sandbox.log.wait_for(number, seconds=PATIENCE)
    later = seat.daemon.ask(client="acme", only=None, trigger="api")["acme"]

    seat.daemon.stop()

    (report,) = seat.passed()
    assert report.pass_id == asked
    assert report.result is PassResult.FAILED
    for pass_id in (asked, later):
        recorded = seat.store.pass_record(pass_id)
        assert recorded is not None
        assert recorded.result is PassResult.FAILED
        assert "stop" in " ".join(recorded.problems)
    with pytest.raises(ReconcilerError, match="stopping"):
        seat.daemon.ask(client="acme", only=None, trigger="api")


def test_a_client_that_left_is_forgotten_after_its_last_pass(seat: Seat) -> None:
    seat.office.configure("beta")
    with seat.office.sandbox.lock:
        seat.daemon.tick("acme")
        del seat.office.clients["acme"]
        seat.office.configure("beta")
        assert seat.daemon.follow(seat.config()) == (frozenset(), frozenset({"acme"}))
        seat.daemon.step()
        assert seat.gone == []
        assert set(seat.daemon.unready()) == {"beta"}
    assert [report.client for report in seat.passed()] == ["acme"]

    seat.daemon.step()
    seat.daemon.tick("acme")

    assert seat.gone == ["acme"]
    assert len(seat.passed()) == 1


def test_an_operators_pass_in_another_process_is_waited_for(seat: Seat) -> None:
    with seat.store.lock("acme", "an operator", lease=timedelta(minutes=2), now=seat.time.now):
        asked = seat.daemon.ask(client="acme", only=None, trigger="api")["acme"]
        assert seat.passed() == []
        assert seat.daemon.state_of(asked) == "waiting"
    seat.time.later(seconds=6)
    seat.daemon.step()

    (report,) = seat.passed()
    assert (report.pass_id, report.result) == (asked, PassResult.DONE)
