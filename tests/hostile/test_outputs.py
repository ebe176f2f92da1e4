"""Every output of a world in which each text that a stranger can set is meant to do harm."""

import base64
import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.policy import default
from itertools import zip_longest

import msgspec
import pytest

from reconciler.config import MailedAddresses
from reconciler.list_view import view_lists
from reconciler.sandbox.otys.state import MailingList
from reconciler.sandbox.service import Reply, Request
from reconciler.web import build_app
from reconciler.web.list_views import ListViews
from tests.bad_input.desk import Desk
from tests.cli.conftest import Run, folder, run
from tests.hostile.tampering import Tampering
from tests.mail.office import MailRoom, wish
from tests.passes.agency import Agency, agency
from tests.web.fake import TOKEN, FakeDaemon

__all__ = ["folder", "run"]

FAKED = "FAKED: all is well"
NASTY = (
    f"regel\r\n{FAKED}",
    f"regel\n{FAKED}",
    f"regel\u2028{FAKED}",
    f"kop\r\nBcc: dief@weg.nl\r\n\r\n{FAKED}",
    "=cmd|'/C calc'!A0",
    "+31612345678",
    "@SUM(1+1)",
    "\t=1+1",
    "Zorg;=1+1",
    "\x1b[2J\x1b]0;titel\x07\x9b31m",
    "\u202egnp.exe\u2066",
    "on\u200bzicht\ufeffbaar",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    '"} 1\nreconciler_lists{client="x\\',
    "{{ 7 * 7 }}{% raw %}${7*7}%s{0}",
    "[red]rood[/red][/]",
    "lang " * 2000,
)
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
FORMULA = re.compile(r"(?:^|[;\t\r\n])\s*[=+\-@]")
BROWSER = {"Authorization": "Basic " + base64.b64encode(f"ann:{TOKEN}".encode()).decode()}
HEADERS = {
    "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"
}  # fmt: skip
GONE = 3
COMMANDS = (
    "plan --all", "status", "lists --all", "history", "show 1", "optouts",
    "explain test@example.com", "undo 2", "release test@example.com", "erase jan1@zorg.nl", "plan --at 1",
    "doctor", "probe", "plan --json", "show 1 --json", "optouts --json",
)  # fmt: skip


class Harsh(Tampering):
    """A Mailchimp that says why it refuses a contact in somebody else's words."""

    def answer(self, request: Request) -> Reply:
        reply = super().answer(request)
        if b'"error_code"' not in reply.body:
            return reply
        said = msgspec.json.decode(reply.body)
        for number, error in enumerate(said["errors"]):
            error["error"] = f"is a fake address {NASTY[number % len(NASTY)]}"
        return replace(reply, body=msgspec.json.encode(said))


NAMES = tuple(f"{one} {other}" for one, other in zip_longest(NASTY[::2], NASTY[1::2], fillvalue=""))


@dataclass(frozen=True)
class Scene:
    """Lists of those names, with people called so, some who said no, some who are refused."""

    agency: Agency
    mails: tuple[bytes, ...]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with agency(tmp_path_factory.mktemp("agency")) as acme:
        room = MailRoom(acme.store, "smtp://127.0.0.1:1")
        server = acme.sandbox._mailchimp_server
        real, server.service = server.service, Harsh(server.service)
        made = [_list(acme, number, name) for number, name in enumerate(NAMES)]
        for number, nasty in enumerate(NASTY):
            acme.join(made[number % len(made)], acme.person(f"jan{number}@zorg.nl", nasty, nasty))
        _pass(acme, room)
        for number, one in enumerate(made):
            acme.sandbox.mailchimp.unsubscribe(acme.audience(one), f"uit{number}@zorg.nl")
        for one in made[:GONE]:
            acme.sandbox.mailchimp.edit_reminder(acme.audience(one), one.name)
            acme.sandbox.otys.delete_list(one.uid)
        _pass(acme, room)
        yield Scene(acme, tuple(mail.message for mail in acme.store.waiting_mails()))
        server.service = real


def _list(acme: Agency, number: int, name: str) -> MailingList:
    made = acme.list(name, f"uit{number}@zorg.nl", "test@example.com")
    for column in ("category", "description", "subject", "owner", "last_modified_by"):
        setattr(made, column, name)
    acme.join(made, f"{name[:300]} geen adres")
    return made


def _pass(acme: Agency, room: MailRoom) -> None:
    room.tell(acme.once(), wish("always", addresses=MailedAddresses.PLAIN))


def lines_of(text: str) -> list[str]:
    return [line.strip(" │") for line in text.splitlines()]


def test_no_text_of_a_stranger_steers_a_terminal_a_log_or_whoever_reads_json(scene: Scene, run: Run) -> None:
    desk = Desk(scene.agency, run)
    for command in COMMANDS:
        ended = desk.type(*command.split(), COLUMNS="400")
        assert ended.code in (0, 1, 3), (command, ended)
        for shown in (ended.out, ended.err):
            assert not STEERING.findall(shown), (command, shown)
            assert FAKED not in lines_of(shown), (command, shown)
        assert "  49" not in ended.out, "a template was carried out"
        if "--json" in command:
            json.loads(ended.out)


def test_no_name_is_a_formula_to_a_spreadsheet_whatever_it_takes_for_a_separator(
    scene: Scene, run: Run
) -> None:
    shown = Desk(scene.agency, run).type("optouts", "--csv").out
    rows = list(csv.reader(io.StringIO(shown.removeprefix("\ufeff"), newline="")))
    assert len(rows) == 1 + len(NAMES) - GONE
    assert not [cell for row in rows for cell in row if FORMULA.search(cell)]


def test_no_name_adds_to_the_page_or_to_the_metrics(scene: Scene) -> None:
    acme = scene.agency
    with acme.client(plan_only=True) as client:
        views = ListViews(lambda _client: view_lists(client))
        port = build_app(FakeDaemon(acme.store, acme.folder), views=views).test_client()
        page = port.get("/?all", headers=BROWSER)
        views.close()
    assert page.status_code == 200
    assert "Zorg;=1+1" in page.text
    assert not re.search(r"<(script|img)|\b49\b", page.text)
    assert not STEERING.findall(page.text)


def test_no_name_adds_a_header_or_an_element_to_a_mail(scene: Scene) -> None:
    mails = [message_from_bytes(one, policy=default) for one in scene.mails]
    assert len(mails) == 2
    for mail in mails:
        assert set(mail.keys()) == HEADERS
        text, page = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
        assert not STEERING.findall(text + page)
        assert FAKED not in lines_of(text)
        assert not re.search(r"<(script|img)|\b49\b", page)
        assert "Zorg;=1+1" in text
