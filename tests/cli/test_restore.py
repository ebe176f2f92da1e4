import json
import re
from pathlib import Path

import pytest

from reconciler.sandbox.otys.state import MailingList
from tests.cli.conftest import Run
from tests.cli.office import Office, flat

LIMITS = "[limits]\ngrace_snapshots = 1\ngrace_hours = 0"


@pytest.fixture
def zorg(run: Run, office: Office) -> MailingList:
    """Return a list that was deleted with its audience, in which one person had unsubscribed."""
    office.configure("acme", tables=LIMITS)
    made = office.mailing_list("Zorg", "ann@zorg.nl", "bob@zorg.nl", "eve@zorg.nl")
    assert run("once").code == 0
    office.sandbox.mailchimp.unsubscribe(office.audience_id("Zorg"), "eve@zorg.nl")
    office.sandbox.otys.delete_list(made.uid)
    assert run("once").code == 0
    assert office.world.mailchimp.audiences == {}
    return made


def digest_in(text: str) -> str:
    found = re.findall(r"restore \d+ --client acme --approve (\w+)", text)
    assert len(found) == 1, text
    return str(found[0])


def test_a_deleted_audience_is_shown_and_then_restored_by_its_digest(
    run: Run, office: Office, zorg: MailingList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.effort.WORTH_TELLING", 2)
    shown = run("restore", zorg.uid)

    assert shown.code == 0, shown.err
    assert "comes back: 2 contacts, into a new audience" in flat(shown.out)
    assert "left out: 1 that was unsubscribed when the audience was saved" in flat(shown.out)
    assert "Writing it takes about 3 requests to Mailchimp" in flat(shown.out)
    assert office.world.mailchimp.audiences == {}

    done = run("restore", zorg.uid, "--approve", digest_in(shown.out))

    assert done.code == 0, done.err
    assert "add applied: 2" in flat(done.out)
    assert "[clients.acme.links] in the configuration before it is selected" in flat(done.out)
    assert f'"NEW UID" = "{office.audience_id("Zorg")}"' in flat(done.out)
    assert office.subscribed("Zorg") == {"ann@zorg.nl", "bob@zorg.nl"}
    assert office.writes_of(lambda: run("once")) == []


def test_the_history_tells_of_it(run: Run, zorg: MailingList) -> None:
    run("restore", zorg.uid, "--approve", digest_in(run("restore", zorg.uid).out))

    shown = flat(run("show").out)

    assert "restored from backup acme-" in shown


def test_json_names_who_comes_back_and_who_does_not(run: Run, zorg: MailingList) -> None:
    shown = json.loads(run("restore", zorg.uid, "--json").out)

    assert shown["comes_back"] == ["ann@zorg.nl", "bob@zorg.nl"]
    assert shown["left_out"] == [
        {"email": "eve@zorg.nl", "reason": "was unsubscribed when the audience was saved"}
    ]
    assert (shown["result"], shown["hold"], shown["audience"]) == (None, "", None)

    done = json.loads(run("restore", zorg.uid, "--json", "--approve", shown["digest"]).out)

    assert done["result"] == "done"
    assert done["results"] == {"create.applied": 1, "add.applied": 2}


def test_what_stands_in_the_way_is_told_and_exits_with_3(run: Run, office: Office, zorg: MailingList) -> None:
    digest = digest_in(run("restore", zorg.uid).out)
    office.sandbox.mailchimp.add_audience("Zorg")

    shown = run("restore", zorg.uid)
    done = run("restore", zorg.uid, "--approve", digest)

    assert (shown.code, done.code) == (3, 3)
    assert "HELD: there is an audience of the same name" in flat(shown.out)
    assert office.subscribed("Zorg") == set()


def test_another_digest_is_stale(run: Run, zorg: MailingList) -> None:
    ended = run("restore", zorg.uid, "--approve", "0123456789ab")

    assert ended.code == 4
    assert "does not have the digest '0123456789ab'" in flat(ended.err)


def test_a_list_without_a_backup_is_told_which_there_are(run: Run, zorg: MailingList) -> None:
    ended = run("restore", "77")

    assert ended.code == 1
    assert "There is no backup of list 77 of acme" in flat(ended.err)
    assert f"There are backups of list {zorg.uid} (Zorg)." in flat(ended.err)


def test_a_backup_can_be_named_and_must_be_whole(run: Run, folder: Path, zorg: MailingList) -> None:
    (saved,) = (folder / "state" / "backups").glob("*.gz")

    assert run("restore", zorg.uid, "--backup", str(saved)).code == 0

    saved.write_bytes(saved.read_bytes()[:-10])
    ended = run("restore", zorg.uid, "--backup", str(saved))

    assert ended.code == 1
    assert "was cut short after it was written" in flat(ended.err)


def test_a_client_in_plan_mode_restores_nothing(run: Run, office: Office, zorg: MailingList) -> None:
    digest = digest_in(run("restore", zorg.uid).out)
    office.configure("acme", mode="plan", tables=LIMITS)

    ended = run("restore", zorg.uid, "--approve", digest)

    assert ended.code == 1
    assert "acme is in plan mode" in flat(ended.err)
    assert office.world.mailchimp.audiences == {}


def test_with_several_clients_the_client_is_to_be_named(run: Run, office: Office, zorg: MailingList) -> None:
    office.configure("bravo")

    assert run("restore", zorg.uid).code == 2
    assert run("restore", zorg.uid, "--client", "acme").code == 0
