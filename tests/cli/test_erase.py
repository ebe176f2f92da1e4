import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.office import Office, flat

ANN, BOB = "ann.unique@zorg.nl", "bob@zorg.nl"


def synced(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", ANN, BOB)
    assert run("once").code == 0


def digest_in(text: str) -> str:
    found = re.findall(r"--approve (\w+)", text)
    assert len(found) == 1, text
    return str(found[0])


def test_what_is_known_is_shown_first_then_erased_and_certified(run: Run, office: Office) -> None:
    synced(run, office)

    shown = run("erase", ANN, "--permanently")
    assert shown.code == 0
    assert "deleted for good" in flat(shown.out)
    assert "last synced: 1" in flat(shown.out)
    assert office.subscribed("Zorg") == {ANN, BOB}

    done = run("erase", ANN, "--permanently", "--approve", digest_in(shown.out), "--by", "eva")
    assert done.code == 0
    assert "CERTIFICATE OF ERASURE" in done.out
    assert "eva" in done.out
    assert "take them off there" in flat(done.out)
    assert ANN not in done.out
    assert office.subscribed("Zorg") == {BOB}

    assert run("once").code == 0
    assert office.subscribed("Zorg") == {BOB}


def test_a_second_erasure_says_when_the_first_one_was(run: Run, office: Office) -> None:
    synced(run, office)
    run("erase", ANN, "--approve", digest_in(run("erase", ANN).out))

    again = run("erase", ANN)

    assert again.code == 0
    assert "It was erased on" in again.out
    assert "Nothing is left of it to erase." in flat(again.out)


def test_nothing_of_them_is_left_beside_the_hash(run: Run, office: Office, folder: Path) -> None:
    synced(run, office)

    run("erase", ANN, "--permanently", "--approve", digest_in(run("erase", ANN, "--permanently").out))
    run("once")

    state = [path.read_bytes() for path in (folder / "state").rglob("*") if path.is_file()]
    assert state
    assert not any(ANN.encode() in content for content in state)


def test_explain_plan_and_show_tell_what_became_of_them(run: Run, office: Office) -> None:
    synced(run, office)
    run("erase", ANN, "--permanently", "--approve", digest_in(run("erase", ANN, "--permanently").out))

    explained = run("explain", ANN)
    assert explained.code == 0
    assert "It was erased on request" in flat(explained.out)
    assert "take them off the list in OTYS" in flat(explained.out)
    assert "take them off the list in OTYS" in flat(run("plan", "--all").out)
    shown = flat(run("show", passes(run)[1]).out)
    assert "in Mailchimp: deleted for good" in shown
    assert ": erased 1 person, in" in shown
    assert "by erase by" in flat(run("history").out)


def passes(run: Run) -> list[str]:
    return [str(one["pass_id"]) for one in json.loads(run("history", "--json").out)["passes"]]


def test_what_can_only_be_deleted_for_good_ends_with_3(run: Run, office: Office) -> None:
    synced(run, office)
    office.sandbox.mailchimp.bounce(office.audience_id("Zorg"), ANN)

    shown = run("erase", ANN)
    assert shown.code == 3
    assert "--permanently" in flat(shown.out)
    assert run("erase", ANN, "--approve", digest_in(shown.out)).code == 3


def test_nobody_known_needs_no_erasure(run: Run, office: Office) -> None:
    synced(run, office)

    shown = run("erase", "nobody@zorg.nl")

    assert shown.code == 0
    assert "Nothing is left of it to erase." in flat(shown.out)


@pytest.mark.parametrize("digest", ["0123456789", "abc"])
def test_another_digest_is_stale(run: Run, office: Office, digest: str) -> None:
    synced(run, office)

    assert run("erase", ANN, "--approve", digest).code == 4
    assert office.subscribed("Zorg") == {ANN, BOB}


def test_programs_get_the_same_as_json_without_the_address(run: Run, office: Office) -> None:
    synced(run, office)

    shown = json.loads(run("erase", ANN, "--json").out)
    (one,) = shown["clients"]
    assert [(of["list_name"], of["fate"]) for of in one["contacts"]] == [("Zorg", "archived")]

    done = run("erase", ANN, "--json", "--approve", one["digest"])
    assert ANN not in done.out
    assert json.loads(done.out)["contacts"] == one["contacts"]


def test_nothing_is_erased_while_a_side_cannot_be_read(run: Run, office: Office) -> None:
    synced(run, office)
    office.sandbox.mailchimp.revoke_keys()

    assert run("erase", ANN, "--permanently").code == 1
