import json
import re

import pytest

from tests.cli.conftest import Run
from tests.cli.office import Office, flat


def digest_in(text: str) -> str:
    found = re.findall(r"undo \d+ --approve (\w+)", text)
    assert len(found) == 1, text
    return str(found[0])


def test_a_pass_is_shown_turned_around_and_then_undone_by_its_digest(
    run: Run, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.effort.WORTH_TELLING", 2)
    office.mailing_list("Zorg", "ann@zorg.nl", "bob@zorg.nl")
    run("once")

    shown = run("undo", "1")

    assert shown.code == 0, shown.err
    assert "Writing it takes about 4 requests to Mailchimp" in flat(shown.out)
    assert "would remove 2; nothing was written" in flat(shown.out)
    assert "create 1: an undo deletes no audience" in flat(shown.out)
    assert office.subscribed("Zorg") == {"ann@zorg.nl", "bob@zorg.nl"}

    undone = run("undo", "1", "--approve", digest_in(shown.out), "--by", "Ada Bos")

    assert undone.code == 0, undone.err
    assert "undo of pass 1: removed 2" in flat(undone.out)
    assert office.subscribed("Zorg") == set()

    assert office.writes_of(lambda: run("once")) == []
    assert "Left as an undo left it: 2 contacts; `reconciler plan --all` names them." in flat(run("once").out)
    explained = flat(run("explain", "ann@zorg.nl").out)
    assert "A pass would add it, but that was undone by Ada Bos on" in explained
    assert run("plan").code == 0
    assert "undone: undone by Ada Bos on" in flat(run("plan", "--all").out)


def test_what_cannot_be_undone_is_named_with_its_reason(run: Run, office: Office) -> None:
    zorg = office.mailing_list("Zorg", "ann@zorg.nl", "bob@zorg.nl")
    run("once")
    office.sandbox.otys.remove_recipient(zorg.uid, "ann@zorg.nl")
    run("once")
    office.sandbox.mailchimp.unsubscribe(office.audience_id("Zorg"), "ann@zorg.nl")

    told = json.loads(run("undo", "2", "--json").out)

    assert told["changes"] == []
    (impossible,) = told["impossible"]
    assert (impossible["verb"], impossible["email"]) == ("remove", "ann@zorg.nl")
    assert impossible["reason"] == "it is unsubscribed in Mailchimp by now"


def test_what_changed_since_it_was_shown_is_stale(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ann@zorg.nl", "bob@zorg.nl")
    run("once")
    digest = digest_in(run("undo", "1").out)
    office.sandbox.mailchimp.unsubscribe(office.audience_id("Zorg"), "ann@zorg.nl")

    stale = run("undo", "1", "--approve", digest)

    assert stale.code == 4
    assert "Run `reconciler undo 1` again" in flat(stale.err)
    assert office.subscribed("Zorg") == {"bob@zorg.nl"}


def test_what_a_guard_would_withhold_is_told_and_released_by_the_digest(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", *(f"p{number}@zorg.nl" for number in range(12)))
    run("once")

    shown = run("undo", "1")

    assert shown.code == 3
    assert "12 of 12 would be removed" in flat(shown.out)
    assert run("undo", "1", "--approve", digest_in(shown.out)).code == 0
    assert office.subscribed("Zorg") == set()


def test_only_a_pass_that_wrote_can_be_undone(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ann@zorg.nl")
    run("plan")

    assert run("undo", "1").code == 2
    assert "was only a plan" in flat(run("undo", "1").err)
    assert "there is no pass 77" in flat(run("undo", "77").err)


def test_a_client_in_plan_mode_is_not_written_to(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ann@zorg.nl")
    run("once")
    digest = digest_in(run("undo", "1").out)
    office.configure("acme", mode="plan")

    refused = run("undo", "1", "--approve", digest)

    assert refused.code == 2
    assert "clients.acme.mode" in refused.err
    assert office.subscribed("Zorg") == {"ann@zorg.nl"}
