import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.store import open_store
from tests.cli.conftest import Run
from tests.cli.office import Office, flat

LEASE = timedelta(minutes=2)


def unsubscribe(office: Office, *emails: str) -> None:
    for email in emails:
        office.sandbox.mailchimp.unsubscribe(office.audience_id("Zorg"), email)


@pytest.fixture
def zorg(run: Run, office: Office) -> Office:
    """An office with one list in step, of which Ada unsubscribed."""
    office.mailing_list("Zorg", "ada@zorg.nl", "bo@zorg.nl", "cas@zorg.nl")
    run("once")
    unsubscribe(office, "ada@zorg.nl")
    run("once")
    return office


def digest_in(text: str) -> str:
    [found] = re.findall(r"--mark-entered (\w+)", text)
    return str(found)


def emails(run: Run, *options: str) -> list[str]:
    return [one["email"] for one in json.loads(run("optouts", "--json", *options).out)["opt_outs"]]


def test_who_opted_out_is_named_with_who_it_is_in_otys_without_asking_a_service(
    run: Run, zorg: Office
) -> None:
    [ada] = zorg.sandbox.otys.people_at("ada@zorg.nl")
    asked = zorg.sandbox.log.last_number()

    ended = run("optouts", "--client", "acme")

    assert ended.code == 0
    assert "acme: OTYS does not know of 1 opt-out" in ended.out
    assert f"ada@zorg.nl (candidate:{ada.uid}): unsubscribed" in flat(ended.out)
    assert "bo@zorg.nl" not in ended.out
    assert "reconciler optouts --client acme --mark-entered" in ended.out
    assert zorg.sandbox.log.last_number() == asked


def test_who_is_marked_as_entered_leaves_the_list_but_not_who_opted_out_since(run: Run, zorg: Office) -> None:
    unsubscribe(zorg, "bo@zorg.nl")
    run("once")
    digest = digest_in(run("optouts").out)
    unsubscribe(zorg, "cas@zorg.nl")
    run("once")

    marked = run("optouts", "--mark-entered", digest)

    assert marked.code == 0
    assert "Marked as known to OTYS: 2 opt-outs." in marked.out
    assert emails(run) == ["cas@zorg.nl"]
    assert emails(run, "--all") == ["ada@zorg.nl", "bo@zorg.nl", "cas@zorg.nl"]
    assert "OTYS knows since" in flat(run("optouts", "--all").out)
    assert digest_in(run("optouts", "--all").out) == digest_in(run("optouts").out)


def test_a_digest_of_something_else_marks_nothing(run: Run, zorg: Office) -> None:
    digest = digest_in(run("optouts").out)
    zorg.sandbox.mailchimp.subscribe_by_form(zorg.audience_id("Zorg"), "ada@zorg.nl")
    unsubscribe(zorg, "bo@zorg.nl")
    run("once")

    for given in (digest, digest[:5], "ffffffffffff", ""):
        ended = run("optouts", "--mark-entered", given)
        assert ended.code == 4
        assert "run `reconciler optouts` again" in flat(ended.err)
    assert emails(run) == ["bo@zorg.nl"]


def test_nothing_is_marked_while_a_pass_runs(run: Run, zorg: Office) -> None:
    digest = digest_in(run("optouts").out)
    with (
        open_store("sqlite:///state/reconciler.db") as store,
        store.lock("acme", "the daemon", lease=LEASE, now=lambda: datetime.now(UTC)),
    ):
        ended = run("optouts", "--mark-entered", digest)
    assert ended.code == 75
    assert emails(run) == ["ada@zorg.nl"]
    assert zorg.sandbox.log.requests()


def test_a_day_can_be_chosen_and_its_digest_is_about_that_choice(run: Run, zorg: Office) -> None:
    tomorrow = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    yesterday = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"

    assert emails(run, "--since", tomorrow) == []
    assert "OTYS knows of every opt-out." in run("optouts", "--since", tomorrow).out
    assert f"optouts --since {yesterday} --mark-entered" in run("optouts", "--since", yesterday).out
    assert run("optouts", "--since", "gisteren").code == 2
    assert zorg.folder.is_dir()


def test_csv_opens_in_a_spreadsheet_and_carries_nothing_out(run: Run, office: Office) -> None:
    formula = '=HYPERLINK("http://x"), "é"'
    office.mailing_list("Zorg", "-ada@zorg.nl", "bo@zorg.nl")
    run("once")
    [audience] = office.world.mailchimp.audiences
    for email in ("-ada@zorg.nl", "bo@zorg.nl"):
        office.sandbox.mailchimp.unsubscribe(audience, email)
    [uid] = office.world.otys.lists
    office.sandbox.otys.rename_list(uid, formula)
    run("once")

    ended = run("optouts", "--csv")

    assert ended.code == 0
    assert ended.out.startswith("\ufeffclient,list,list_name,kind,person,email,reason,since,told\r\n")
    rows = list(csv.DictReader(io.StringIO(ended.out.removeprefix("\ufeff"), newline="")))
    assert [row["list_name"] for row in rows] == [f"'{formula}"] * 2
    assert sorted(row["email"] for row in rows) == ["'-ada@zorg.nl", "bo@zorg.nl"]
    assert {(row["client"], row["kind"], row["reason"], row["told"]) for row in rows} == {
        ("acme", "candidate", "unsubscribed", "")
    }
    assert "--mark-entered" in ended.err
    assert run("optouts", "--csv", "--json").code == 2
