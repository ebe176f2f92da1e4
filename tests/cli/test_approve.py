import getpass
import json
import re

from tests.cli.conftest import Run
from tests.cli.office import Office, flat

PEOPLE = tuple(f"p{number:02}@zorg.nl" for number in range(12))


def emptied(run: Run, office: Office) -> str:
    """Let a list be emptied after its first sync; return the uid."""
    zorg = office.mailing_list("Zorg", *PEOPLE)
    assert run("once").code == 0
    office.sandbox.otys.empty_list(zorg.uid)
    return zorg.uid


def digest_in(text: str) -> str:
    found = re.findall(r"approve (\w+)", text)
    assert len(found) == 1, text
    return str(found[0])


def test_an_emptied_list_is_withheld_until_it_is_approved_and_then_done_once(
    run: Run, office: Office
) -> None:
    uid = emptied(run, office)

    withheld = run("once")
    assert withheld.code == 3
    assert "withheld 12" in flat(withheld.out)
    assert office.subscribed("Zorg") == set(PEOPLE)

    approved = run("approve", digest_in(withheld.out))
    assert approved.code == 0
    assert f"Released for acme: remove 12 on Zorg (list {uid}), approved by {getpass.getuser()}." in flat(
        approved.out
    )
    assert "`reconciler once --client acme` does so now" in approved.out
    assert office.subscribed("Zorg") == set(PEOPLE)

    carried_out = run("once")
    assert carried_out.code == 0
    assert "removed 12" in flat(carried_out.out)
    assert office.subscribed("Zorg") == set()

    assert office.writes_of(lambda: run("once")) == []


def test_looking_at_the_plan_does_not_undo_an_approval(run: Run, office: Office) -> None:
    emptied(run, office)
    run("approve", digest_in(run("plan").out))

    looked = run("plan")

    assert looked.code == 0
    assert "WITHHELD" not in looked.out
    assert run("once").code == 0
    assert office.subscribed("Zorg") == set()


def test_what_changed_after_the_approval_stays_withheld(run: Run, office: Office) -> None:
    uid = emptied(run, office)
    old = digest_in(run("once").out)
    run("approve", old)
    office.sandbox.otys.add_recipient(uid, email="p00@zorg.nl")

    changed = run("once")

    assert changed.code == 3
    assert digest_in(changed.out) != old
    assert office.subscribed("Zorg") == set(PEOPLE)


def test_the_digest_of_a_plan_that_changed_is_stale(run: Run, office: Office) -> None:
    uid = emptied(run, office)
    old = digest_in(run("plan").out)
    office.sandbox.otys.add_recipient(uid, email="p00@zorg.nl")
    run("plan")

    stale = run("approve", old)

    assert stale.code == 4
    assert "is not waiting any more: what is to be done has changed since" in flat(stale.err)
    assert "`reconciler plan`" in stale.err
    assert stale.out == ""


def test_an_approval_that_was_used_is_stale(run: Run, office: Office) -> None:
    emptied(run, office)
    digest = digest_in(run("plan").out)
    run("approve", digest)
    run("once")

    used = run("approve", digest)

    assert used.code == 4
    assert "it was carried out by pass 3" in flat(used.err)


def test_a_digest_that_names_nothing_or_too_little_is_stale(run: Run, office: Office) -> None:
    emptied(run, office)
    digest = digest_in(run("plan").out)

    assert run("approve", "feedfacecafe").code == 4
    short = run("approve", digest[:3])
    assert short.code == 4
    assert "give at least 6 characters" in flat(short.err)


def test_json_says_what_is_released_and_by_whom(run: Run, office: Office) -> None:
    uid = emptied(run, office)
    digest = digest_in(run("plan").out)

    (told,) = json.loads(run("approve", digest, "--by", "Ada Bos", "--json").out)["approved"]

    assert told["digest"].startswith(digest)
    assert (told["client"], told["list"], told["list_name"], told["verb"], told["count"]) == (
        "acme",
        uid,
        "Zorg",
        "remove",
        12,
    )
    assert told["approved_by"] == "Ada Bos"
    assert told["approved_at"] < told["expires"]


def test_for_a_client_in_plan_mode_an_approval_says_that_nothing_is_written(run: Run, office: Office) -> None:
    emptied(run, office)
    office.configure("acme", mode="plan")

    approved = run("approve", digest_in(run("plan").out))

    assert approved.code == 0
    assert 'acme is in plan mode: nothing is written until its mode is "apply"' in approved.out
