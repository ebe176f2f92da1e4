"""Mails about real passes over the sandbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.config import MailedAddresses
from reconciler.model import PassResult
from reconciler.report import PassReport
from reconciler.sandbox.faults import Fault, FaultKind
from tests.mail.office import MailRoom, wish
from tests.mail.servers import Inbox
from tests.passes.agency import Agency, agency, results

MANY = [f"persoon{number}@zorg.nl" for number in range(30)]


@pytest.fixture
def office(tmp_path: Path, inbox: Inbox) -> Iterator["Office"]:
    with agency(tmp_path) as acme:
        yield Office(acme, inbox)


class Office:
    """An agency whose passes are told by mail."""

    def __init__(self, acme: Agency, inbox: Inbox) -> None:
        self.acme, self.inbox = acme, inbox
        self.room = MailRoom(acme.store, f"smtp://127.0.0.1:{inbox.port}")
        self.notify = wish("changes")

    def run(self) -> PassReport:
        self.room.now = self.acme.now
        done = self.acme.once()
        self.room.tell_and_deliver(done, self.notify)
        return done

    def subjects(self) -> list[str]:
        return [str(message["subject"]) for message in self.inbox.messages()]


def test_a_first_sync_is_told_when_it_is_done_and_only_then(office: Office) -> None:
    office.notify = wish("problems", first_sync_mail_above=29)
    office.acme.list("Verpleegkundigen", *MANY)
    office.acme.list("Klein", "jan@weg.nl")
    assert [one.first_sync for one in office.run().lists] == [True, True]
    assert [one.first_sync for one in office.run().lists] == [False, False]
    (subject,) = office.subjects()
    assert "first sync of 1 list done" in subject
    assert "“Verpleegkundigen”" in office.inbox.text()


def test_a_plan_is_no_first_sync(office: Office) -> None:
    office.acme.list("Verpleegkundigen", *MANY)
    assert [one.first_sync for one in office.acme.plan().lists] == [False]


def test_a_first_sync_that_was_cut_off_is_done_in_a_later_pass(office: Office) -> None:
    office.acme.list("Verpleegkundigen", *MANY)
    adds = r"POST /3.0/lists/\w+\b"
    office.acme.sandbox.faults.add(
        Fault(kind=FaultKind.GARBAGE, system="mailchimp", pattern=adds, times=None)
    )
    first = office.acme.once()
    office.acme.sandbox.faults.clear()
    later = office.acme.once()
    assert [one.first_sync for one in (*first.lists, *later.lists)] == [False, True]


def test_the_command_of_the_mail_releases_exactly_what_the_mail_says(office: Office) -> None:
    nurses = office.acme.list("Verpleegkundigen", *MANY)
    office.run()
    office.acme.sandbox.otys.empty_list(nurses.uid)
    assert office.run().result is PassResult.WITHHELD
    text = office.inbox.text()
    assert "remove 30 contacts" in text
    assert "Possible until 26 November 2026 13:00." in text
    (command,) = (line.strip() for line in text.splitlines() if "reconciler approve" in line)
    office.acme.store.approve(command.split()[-1], by="operator", now=office.acme.now)
    office.acme.later(minutes=5)
    assert results(office.run()) == {("remove", "applied"): 30}
    assert office.subjects()[-1] == "acme: what was wrong is over, 30 removed"
    assert "“Verpleegkundigen”: nothing is withheld any more" in office.inbox.text()


def test_a_pass_without_changes_sends_nothing(office: Office) -> None:
    office.acme.list("Verpleegkundigen", *MANY)
    office.run()
    for _ in range(3):
        office.acme.later(minutes=5)
        office.run()
    assert len(office.inbox.mails) == 1


def test_a_masked_mail_names_no_contact(office: Office) -> None:
    nurses = office.acme.list("Verpleegkundigen", *MANY, "geen adres", "jan@@weg.nl")
    office.run()
    for email in MANY[:3]:
        office.acme.sandbox.mailchimp.unsubscribe(office.acme.audience(nurses), email)
    office.acme.later(minutes=5)
    office.run()
    assert "3 said no: unsubscribed in Mailchimp" in office.inbox.text()
    for message in office.inbox.messages():
        whole = "".join(str(one.get_content()) for one in message.iter_parts())
        assert not [email for email in (*MANY, "geen adres", "jan@@weg.nl") if email in whole]


def test_a_plain_mail_names_contacts(office: Office) -> None:
    office.notify = wish("changes", addresses=MailedAddresses.PLAIN)
    nurses = office.acme.list("Verpleegkundigen", *MANY)
    office.run()
    office.acme.sandbox.mailchimp.unsubscribe(office.acme.audience(nurses), MANY[4])
    office.run()
    assert MANY[4] in office.inbox.text()


def test_a_rejected_key_is_told_once_and_again_when_it_works(office: Office) -> None:
    office.acme.list("Verpleegkundigen", *MANY)
    office.run()
    revoked = f'base_url = "{office.acme.sandbox.mailchimp_url}"\napi_key = "{"0" * 32}-us6"'
    office.acme.configure(mailchimp=revoked)
    for _ in range(3):
        office.acme.later(minutes=5)
        assert office.run().result is PassResult.FAILED
    assert "An API key was rejected." in office.inbox.text()
    office.acme.tables.pop("mailchimp")
    for _ in range(3):
        office.acme.later(minutes=5)
        office.run()
    assert office.subjects()[1:] == ["acme: the pass failed", "acme: what was wrong is over"]
