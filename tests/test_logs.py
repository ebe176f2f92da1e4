import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from reconciler.logs import redact_text, set_up_logs

KEY = "0123456789abcdef0123456789abcdef-us6"
ADDRESS = "anna.de-vries+werk@bureau.example.nl"
pytestmark = pytest.mark.logs_private_things
PRIVATE = (KEY, ADDRESS, "anna", "hunter2")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Put logging back after each test, so that no other test writes to this one's stream."""
    root = logging.getLogger()
    handlers, level, of_urllib3 = list(root.handlers), root.level, logging.getLogger("urllib3").level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("urllib3").setLevel(of_urllib3)
    structlog.reset_defaults()


@pytest.fixture
def lines() -> io.StringIO:
    stream = io.StringIO()
    set_up_logs(logging.DEBUG, stream=stream)
    return stream


def test_a_line_is_json_where_no_terminal_is(lines: io.StringIO) -> None:
    structlog.get_logger().info("pass ended", client="acme", changes=3, seconds=0.5, mail=None)

    event = json.loads(lines.getvalue())
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "pass ended",
        "level": "info",
        "client": "acme",
        "changes": 3,
        "seconds": 0.5,
        "mail": None,
    }


def test_a_line_is_coloured_text_on_a_terminal() -> None:
    terminal = Terminal()
    set_up_logs(logging.INFO, stream=terminal)

    structlog.get_logger().warning("held", address=ADDRESS)

    assert "held" in terminal.getvalue()
    assert "\x1b[" in terminal.getvalue()
    assert ADDRESS not in terminal.getvalue()


def test_lines_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    set_up_logs(logging.WARNING, stream=stream)

    structlog.get_logger().info("quiet")
    logging.getLogger("library").info("quiet")
    structlog.get_logger().warning("loud")

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_secrets_and_addresses_never_reach_a_line(lines: io.StringIO) -> None:
    log = structlog.get_logger()
    log.info("mail to %s", ADDRESS, api_key="hunter2", headers={"Authorization": "hunter2"})
    log.info("nested", rows=[{"email": ADDRESS, "token": "hunter2"}, (KEY,)], by={ADDRESS: 1})
    log.info("url", url="postgresql+psycopg://sync:hunter2@db/sync", path="/lists/1/members/anna%40bureau.nl")
    log.info("object", error=ValueError(f"{ADDRESS} with {KEY}"))
    log.bind(smtp_password="hunter2").info("bound")

    written = lines.getvalue()
    assert len(written.splitlines()) == 5
    assert not [text for text in PRIVATE if text in written]
    assert "mail to <address>" in written


def test_a_traceback_is_redacted_too(lines: io.StringIO) -> None:
    try:
        int(f"{ADDRESS} refused {KEY}")
    except ValueError:
        structlog.get_logger().exception("bug")

    event = json.loads(lines.getvalue())
    assert "'<address> refused <key>'" in event["exception"]


def test_lines_of_libraries_are_redacted_too(lines: io.StringIO) -> None:
    logging.getLogger("library").warning("sent to %s", ADDRESS)

    assert json.loads(lines.getvalue())["event"] == "sent to <address>"


def test_setting_up_again_does_not_double_the_lines(lines: io.StringIO) -> None:
    set_up_logs(logging.INFO, stream=lines)

    structlog.get_logger().info("once")

    assert len(lines.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("josé@bücher.example", "<address>"),
        ("to=a@b.nl, c@d.nl", "to=<address>, <address>"),
        ("<a@b.nl>", "<<address>>"),
        ("3 rows at 12:00, workers@4", "3 rows at 12:00, workers@4"),
        ("smtp://me:p@ss@mail.example.nl:25", "smtp://me:********@mail.example.nl:25"),
        (f"/members/{'0' * 32}?fields=id", "/members/<contact>?fields=id"),
        ("https://us6.api.mailchimp.com/3.0/lists", "https://us6.api.mailchimp.com/3.0/lists"),
    ],
)
def test_only_what_is_private_is_taken_out(text: str, shown: str) -> None:
    assert redact_text(text) == shown
