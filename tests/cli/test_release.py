import json
import re
from datetime import UTC, datetime, timedelta

from reconciler.store import open_store
from tests.cli.conftest import Run
from tests.cli.office import Office, flat

ANN, BOB = "ann@zorg.nl", "bob@zorg.nl"
BECAUSE = ("--because", "she called on 3 March")


def taken_out(run: Run, office: Office) -> None:
    """Let Ann be synced, and taken out by somebody in Mailchimp."""
    office.mailing_list("Zorg", ANN, BOB)
    assert run("once").code == 0
    office.sandbox.mailchimp.archive(office.audience_id("Zorg"), ANN)
    assert run("once").code == 0


def digest_in(text: str) -> str:
    found = re.findall(r"--approve (\w+)", text)
    assert len(found) == 1, text
    return str(found[0])


def test_a_release_is_shown_first_and_then_carried_out_exactly_so(run: Run, office: Office) -> None:
    taken_out(run, office)

    shown = run("release", "Ann@Zorg.nl", *BECAUSE)
    assert shown.code == 0
    assert "taken out by somebody in Mailchimp" in flat(shown.out)
    assert f"add {ANN}: on the list in OTYS" in flat(shown.out)
    assert office.writes_of(lambda: run("once")) == []

    done = run("release", ANN, *BECAUSE, "--approve", digest_in(shown.out), "--by", "eva")
    assert done.code == 0
    assert run("once").code == 0
    assert office.subscribed("Zorg") == {ANN, BOB}


def test_history_show_and_explain_tell_who_released_and_why(run: Run, office: Office) -> None:
    taken_out(run, office)
    because = ("--because", f"she wrote from {ANN} that it was a mistake")
    digest = digest_in(run("release", ANN, *because).out)
    run("release", ANN, *because, "--approve", digest, "--by", "eva")

    assert "by release" in run("history").out
    shown = flat(run("show").out)
    assert "released from: taken out by somebody in Mailchimp" in shown
    assert "pass 3: released an address on 1 list, in" in shown, shown
    assert "by eva: she wrote from … that it was a mistake" in shown
    assert "by eva: she wrote from" in flat(run("explain", ANN).out)


def test_a_no_that_mailchimp_still_shows_is_withheld(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", ANN)
    run("once")
    office.sandbox.mailchimp.unsubscribe(office.audience_id("Zorg"), ANN)
    run("once")

    shown = run("release", ANN, "--because", "he said so")

    assert shown.code == 3
    assert "only when the person subscribes again by their own action" in flat(shown.out)
    assert "--approve" not in shown.out


def test_another_digest_than_the_one_shown_is_stale(run: Run, office: Office) -> None:
    taken_out(run, office)

    ended = run("release", ANN, "--approve", "0123456789")

    assert ended.code == 4
    assert "without --approve" in ended.err


def test_an_address_that_nothing_is_remembered_of_needs_no_release(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", ANN)
    run("once")

    shown = run("release", ANN)

    assert shown.code == 0
    assert "there is nothing to release" in flat(shown.out)


def test_programs_get_the_same_as_json(run: Run, office: Office) -> None:
    taken_out(run, office)

    told = json.loads(run("release", ANN, *BECAUSE, "--json").out)
    assert told["clients"][0]["lists"][0]["nos"][0]["reason"] == "taken_out"
    assert told["clients"][0]["done"] is False

    digest = told["clients"][0]["digest"]
    done = json.loads(run("release", ANN, *BECAUSE, "--json", "--approve", digest).out)
    assert done["clients"][0]["done"] is True


def test_nothing_is_released_while_a_pass_runs(run: Run, office: Office) -> None:
    taken_out(run, office)
    digest = digest_in(run("release", ANN, *BECAUSE).out)

    with (
        open_store(f"sqlite:///{office.folder}/state/reconciler.db") as store,
        store.lock("acme", "the daemon", lease=timedelta(minutes=2), now=lambda: datetime.now(UTC)),
    ):
        ended = run("release", ANN, *BECAUSE, "--approve", digest)

    assert ended.code == 75
