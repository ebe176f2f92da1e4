"""`reconciler now` against a real HTTP port, behind which nothing but the passes is made up."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.config import Listen
from reconciler.document import ListDocument
from reconciler.list_view import Linked, ListView
from reconciler.model import PassResult
from reconciler.store import open_store
from reconciler.web.server import Server, bound
from tests.cli.conftest import Run
from tests.cli.office import flat
from tests.web.fake import CLIENT, TOKEN, WITH_TOKEN, FakeDaemon, FakeLists, row, worked_on

NOTIFY = '[clients.acme.notify]\nto = "ann@agency.nl"\n'
MAIL = '[mail]\nsmtp_url = "smtp://127.0.0.1:25"\nfrom = "sync@agency.nl"\n'


@pytest.fixture
def daemon(folder: Path) -> Iterator[FakeDaemon]:
    """Yield a daemon that is configured as the command is."""
    with open_store(f"sqlite:///{folder}/state/reconciler.db") as store:
        yield FakeDaemon(store, folder)


@pytest.fixture
def lists() -> FakeLists:
    return FakeLists(
        {"acme": ListView(client="acme", lists=[row("Kandidaten", "12"), row("Relaties", "13")])}
    )


@pytest.fixture
def listening(daemon: FakeDaemon, folder: Path, lists: FakeLists) -> Iterator[Server]:
    """Yield the daemon's HTTP port, with the configuration that leads to it."""
    with Server(daemon, bound(Listen("127.0.0.1", 0)), read=lists) as server:
        configure(folder, server.listen)
        yield server


def configure(folder: Path, listen: Listen, *, tables: str = "", token: str = TOKEN) -> None:
    path = folder / "config" / "reconciler.toml"
    path.parent.mkdir(exist_ok=True)
    http = f'[http]\nlisten = "{listen}"\n' + (f'token = "{token}"\n' if token else "")
    path.write_text(http + CLIENT.format(name="acme") + tables, "utf-8")


@pytest.fixture
def ends(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what lets the next pass that is asked for end in some way at once."""

    def end(
        *lists: ListDocument, result: PassResult = PassResult.DONE, problems: tuple[str, ...] = ()
    ) -> None:
        ask = daemon.ask

        def ask_and_end(**wanted: object) -> object:
            asked = ask(**wanted)  # type: ignore[arg-type]  # passed on as it came
            for pass_id in asked.values():
                daemon.end_pass(pass_id, *lists, result=result, problems=problems)
            return asked

        monkeypatch.setattr(daemon, "ask", ask_and_end)

    return end


pytestmark = pytest.mark.usefixtures("listening")


def test_the_daemon_is_asked_and_the_pass_is_named(run: Run, daemon: FakeDaemon) -> None:
    ended = run("now")

    assert ended.code == 0
    assert "acme: pass 1 runs as soon as it can; `reconciler show 1`" in flat(ended.out)
    assert daemon.asked == [(None, None, "api")]


def test_one_list_of_one_client_can_be_asked_for(run: Run, daemon: FakeDaemon) -> None:
    ended = run("now", "--client", "acme", "--list", "12", "--json")

    assert json.loads(ended.out) == {"passes": [{"client": "acme", "pass_id": 1, "href": "/api/v1/passes/1"}]}
    assert daemon.asked == [("acme", "12", "api")]


def test_a_full_pass_can_be_asked_for(run: Run, daemon: FakeDaemon) -> None:
    run("now", "--full")

    assert daemon.asked == [(None, None, "api, full")]


def test_when_waited_for_each_list_is_green_or_red(run: Run, ends: Callable[..., None]) -> None:
    ends(
        worked_on("Kandidaten", "12", "applied"),
        worked_on("Oud", "14", "applied", "retry_later"),
        result=PassResult.FAILED,
    )

    ended = run("now", "--wait")

    assert ended.code == 1
    assert "✓ Kandidaten (list 12): added 1" in ended.out
    assert "✗ Oud (list 14): failed: added 1, put off 1" in ended.out
    assert "✓ Relaties (list 13): in step" in ended.out


def test_a_pass_is_waited_for_until_it_has_ended(
    run: Run, daemon: FakeDaemon, ends: Callable[..., None]
) -> None:
    ends()
    daemon.states[1] = ["waiting", "running", "ended"]

    ended = run("now", "--wait")

    assert ended.code == 0
    assert "acme, pass 1: done" in ended.out
    assert "✓ Kandidaten (list 12): in step" in ended.out
    assert daemon.states[1] == ["ended"]


def test_only_the_list_that_was_asked_for_is_told(run: Run, ends: Callable[..., None]) -> None:
    ends()

    ended = run("now", "--wait", "--list", "13")

    assert "✓ Relaties (list 13): in step" in ended.out
    assert "Kandidaten" not in ended.out


def test_what_is_withheld_is_red_and_has_an_exit_code_of_its_own(run: Run, ends: Callable[..., None]) -> None:
    ends(worked_on("Kandidaten", "12", "withheld"), result=PassResult.WITHHELD)

    ended = run("now", "--wait")

    assert ended.code == 3
    assert "✗ Kandidaten (list 12): withheld" in ended.out


def test_when_the_pass_came_to_no_list_none_is_green(run: Run, ends: Callable[..., None]) -> None:
    ends(result=PassResult.FAILED, problems=("OTYS: the API key is refused",))

    ended = run("now", "--wait")

    assert ended.code == 1
    assert "OTYS: the API key is refused" in ended.out
    assert "✗ Kandidaten (list 12): not looked at" in ended.out
    assert "✓" not in ended.out


def test_a_pass_that_was_cut_off_is_a_failure(run: Run) -> None:
    ended = run("now", "--wait")

    assert ended.code == 1
    assert "acme, pass 1: cut off" in ended.out
    assert "✓" not in ended.out


class TestALongFirstSync:
    @pytest.fixture(autouse=True)
    def long_list(self, lists: FakeLists, listening: Server, folder: Path) -> None:
        new = row("Iedereen", "15", recipients=15_000, contacts=0, mailchimp=Linked.SELECTED)
        lists.views["acme"] = ListView(client="acme", lists=[row("Kandidaten", "12"), new])
        configure(folder, listening.listen, tables=NOTIFY + MAIL)

    def test_is_not_waited_for_because_a_mail_follows(self, run: Run, daemon: FakeDaemon) -> None:
        daemon.states[1] = ["running"]

        ended = run("now", "--wait", "--list", "15")

        assert ended.code == 0
        assert "Iedereen (list 15): 15,000 recipients; a mail follows when it is done" in flat(ended.out)

    def test_is_waited_for_when_nobody_gets_mail(
        self, run: Run, folder: Path, listening: Server, ends: Callable[..., None]
    ) -> None:
        configure(folder, listening.listen)
        ends(worked_on("Iedereen", "15", "applied"))

        ended = run("now", "--wait", "--list", "15")

        assert "a mail follows" not in ended.out
        assert "✓ Iedereen (list 15): added 1" in ended.out

    def test_does_not_hide_how_the_other_lists_came_off(self, run: Run, ends: Callable[..., None]) -> None:
        ends(worked_on("Kandidaten", "12", "applied"))

        ended = run("now", "--wait")

        assert "a mail follows" in ended.out
        assert "✓ Kandidaten (list 12): added 1" in ended.out


def test_json_holds_the_whole_pass(run: Run, ends: Callable[..., None]) -> None:
    ends(worked_on("Kandidaten", "12", "applied"))

    [answer] = json.loads(run("now", "--wait", "--json").out)["passes"]

    assert (answer["state"], answer["result"]) == ("ended", "done")
    assert answer["document"]["changes"][0]["verb"] == "add"


# -- what keeps it from asking -------------------------------------------------------------------------


def test_no_daemon_is_told_with_what_to_do(run: Run, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        unused = Listen("127.0.0.1", taken.getsockname()[1])
    configure(folder, unused)

    ended = run("now")

    assert ended.code == 1
    assert f"No daemon answers at http://{unused}" in flat(ended.err)
    assert "reconciler run" in ended.err
    assert "reconciler once" in ended.err


def test_without_a_token_the_configuration_is_to_blame(run: Run, folder: Path, listening: Server) -> None:
    configure(folder, listening.listen, token="")

    ended = run("now")

    assert ended.code == 2
    assert "http.token" in ended.err


def test_a_daemon_with_another_token_says_so(run: Run, folder: Path, listening: Server) -> None:
    configure(folder, listening.listen, token="another")

    ended = run("now")

    assert ended.code == 1
    assert "token is missing or wrong" in flat(ended.err)
    assert "SIGHUP" in ended.err
    assert "another" not in ended.out


def test_an_unknown_client_is_told_before_the_daemon_is_asked(run: Run, daemon: FakeDaemon) -> None:
    ended = run("now", "--client", "nobody")

    assert ended.code == 2
    assert "there is no client 'nobody'" in flat(ended.err)
    assert daemon.asked == []


def test_a_client_that_the_daemon_does_not_know_yet_is_told(
    run: Run, daemon: FakeDaemon, folder: Path, listening: Server
) -> None:
    daemon.text = WITH_TOKEN + CLIENT.format(name="zeta")
    configure(folder, listening.listen)

    ended = run("now", "--client", "acme")

    assert ended.code == 1
    assert "There is no client 'acme'" in flat(ended.err)
