import io
from datetime import UTC, datetime

import structlog
from rich.console import Console
from structlog.testing import capture_logs

from reconciler.cli.progress import LogWatcher, watching
from reconciler.daemon.watch import PassLog
from reconciler.model import ListUid, PassResult
from reconciler.report import ListReport, PassReport
from tests.cli.conftest import Run
from tests.cli.office import Office

ZORG = ListReport(list_uid=ListUid("1"), list_name="Zorg", audience_id=None)
MOMENT = datetime(2026, 3, 2, 12, tzinfo=UTC)
OVER = PassReport(client="acme", mode="apply", started_at=MOMENT, ended_at=MOMENT, result=PassResult.DONE)


def test_a_terminal_shows_lists_and_contacts_and_is_clean_afterwards() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=100)

    with watching(terminal) as watcher:
        watcher.began("acme", 2)
        watcher.wrote("acme", ListUid("1"), 1500)
        watcher.finished_list("acme", ZORG)

    assert isinstance(terminal.file, io.StringIO)
    drawn = terminal.file.getvalue()
    assert "acme" in drawn
    assert "1/2" in drawn
    assert "1,500 contacts written" in drawn
    assert drawn.endswith("\x1b[1A\x1b[2K")


def test_where_nobody_watches_one_line_a_minute_is_enough() -> None:
    seconds = [0.0]
    watcher = LogWatcher(clock=lambda: seconds[0])
    structlog.reset_defaults()

    with capture_logs() as lines:
        watcher.began("acme", 200)
        for number in range(200):
            seconds[0] = number
            watcher.wrote("acme", ListUid("1"), 500)
            watcher.finished_list("acme", ZORG)
        watcher.finished(OVER)

    assert [line["event"] for line in lines] == ["pass began", *["pass goes on"] * 3, "pass ended"]
    assert (lines[1]["done"], lines[1]["contacts_written"]) == (60, 61 * 500)
    assert lines[-1]["result"] == "done"


def test_while_contacts_are_written_the_bar_is_about_them() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=100)

    with watching(terminal) as watcher:
        watcher.began("acme", 2)
        watcher.to_write("acme", 50_000)
        watcher.wrote("acme", ListUid("1"), 12_000)
        watcher.finished_list("acme", ZORG)

    assert isinstance(terminal.file, io.StringIO)
    assert "12000/50000" in terminal.file.getvalue()


def test_a_line_of_the_log_tells_how_many_contacts_are_to_be_written() -> None:
    seconds = [0.0]
    watcher = LogWatcher(clock=lambda: seconds[0])
    structlog.reset_defaults()

    with capture_logs() as lines:
        watcher.began("acme", 1)
        watcher.to_write("acme", 50_000)
        seconds[0] = 61
        watcher.wrote("acme", ListUid("1"), 500)

    assert (lines[-1]["contacts_written"], lines[-1]["contacts_to_write"]) == (500, 50_000)


def test_the_log_of_the_daemon_tells_once_a_minute_how_far_a_long_pass_is() -> None:
    seconds = [0.0]
    log = PassLog(str, clock=lambda: seconds[0])
    structlog.reset_defaults()

    with capture_logs() as lines:
        log.to_write("acme", 50_000)
        for number in range(130):
            seconds[0] = number
            log.wrote("acme", ListUid("1"), 40)

    told = [line for line in lines if line["event"] == "pass_goes_on"]
    assert [(line["contacts_written"], line["contacts_to_write"]) for line in told] == [
        (61 * 40, 50_000),
        (121 * 40, 50_000),
    ]


def test_a_pass_under_cron_says_nothing_on_standard_error(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")

    assert run("once").err == ""


def test_verbose_tells_how_the_pass_goes_without_an_address(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")

    told = run("once", "--verbose").err

    assert '"event": "pass began"' in told
    assert '"event": "pass ended"' in told
    assert "ada@zorg.nl" not in told
