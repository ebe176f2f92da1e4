"""`plan --at` tells what today's rules would have decided, beside what was decided then."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.cli.conftest import Run
from tests.cli.office import Office, flat

PEOPLE = tuple(f"p{number:02}@zorg.nl" for number in range(20))
STRICT = "[limits]\nremovals_free = 0\nremovals_percent = 0\n"


@pytest.fixture
def removal(run: Run, office: Office) -> int:
    """Return the pass that removed two of twenty people."""
    zorg = office.mailing_list("Zorg", *PEOPLE)
    run("once")
    for email in PEOPLE[:2]:
        office.sandbox.otys.remove_recipient(zorg.uid, email)
    (done,) = json.loads(run("once", "--json").out)["passes"]
    return int(done["pass_id"])


def test_a_pass_is_told_as_today_s_rules_would_have_it_beside_what_it_did(
    run: Run, office: Office, removal: int
) -> None:
    office.configure("acme", tables=STRICT)

    ended = run("plan", "--at", str(removal))

    told = flat(ended.out)
    assert ended.code == 0
    assert f"pass {removal}, acme, " in told
    assert "became of it: removed 2" in told
    assert "remove 2: no longer on the list in OTYS; WITHHELD p00@zorg.nl, p01@zorg.nl" in told
    assert "then remove 2 now remove 2 withheld withheld remove: 2 of 20 would be removed" in told
    assert "Today's rules decide otherwise about 1 of 1 list; nothing was asked or written." in told


def test_with_the_rules_as_they_were_nothing_is_otherwise(run: Run, removal: int) -> None:
    told = flat(run("plan", "--at", str(removal)).out)
    assert "then remove 2 now remove 2 " in told
    assert "Today's rules decide otherwise about no list" in told


def test_it_needs_neither_service_and_writes_nothing(run: Run, office: Office, removal: int) -> None:
    before = office.sandbox.log.last_number()
    passes = run("history", "--json").out
    office.configure("acme", key="refused", tables=STRICT)

    assert run("plan", "--at", str(removal)).code == 0
    assert run("plan", "--at", "30d").code == 0

    assert office.sandbox.log.last_number() == before
    assert run("history", "--json").out == passes


def test_every_decision_of_the_last_weeks_that_would_be_otherwise_is_one_line(
    run: Run, office: Office, removal: int
) -> None:
    office.configure("acme", tables=STRICT)

    lines = run("plan", "--at", "4w").out.splitlines()

    assert len(lines) == 2
    assert lines[0].startswith(f"pass {removal}, ")
    assert lines[0].endswith("Zorg (list 1001): then remove 2; now remove 2 withheld")
    assert lines[1].startswith("acme: 2 decisions kept since ")
    assert "today's rules make 1 of them otherwise" in lines[1]


def test_programs_get_the_same_as_json(run: Run, office: Office, removal: int) -> None:
    office.configure("acme", tables=STRICT)

    one = json.loads(run("plan", "--at", str(removal), "--json").out)
    since = json.loads(run("plan", "--at", "12h", "--client", "acme", "--json").out)

    (of_list,) = one["lists"]
    assert (one["client"], one["pass_id"], one["counts"]["remove.applied"]) == ("acme", removal, 2)
    assert (of_list["list_name"], of_list["differs"]) == ("Zorg", True)
    assert (of_list["then"]["allowed"], of_list["now"]["withheld"]) == ({"remove": 2}, {"remove": 2})
    assert [change["email"] for change in of_list["changes"]] == list(PEOPLE[:2])
    assert [proposal["verb"] for proposal in of_list["withheld"]] == ["remove"]
    (client,) = since["clients"]
    assert [(other["decided_in"], other["list"]) for other in client["otherwise"]] == [
        (removal, of_list["list"])
    ]


@dataclass(frozen=True)
class Wrong:
    arguments: tuple[str, ...]
    told: str


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong(("--at", "999"), "there is no pass 999; `reconciler history` lists them"),
        Wrong(("--at", "March"), "'March' is neither the number of a pass nor a length of time such as 30d"),
        Wrong(("--at", "1", "--client", "bouw"), "pass 1 is one of acme"),
    ],
    ids=lambda wrong: " ".join(wrong.arguments),
)
def test_what_cannot_be_meant_is_said(run: Run, office: Office, removal: int, wrong: Wrong) -> None:
    assert removal
    office.configure("bouw")

    ended = run("plan", *wrong.arguments)

    assert ended.code == 2
    assert wrong.told in flat(ended.err.replace("│", " "))


def test_a_pass_of_which_nothing_is_kept_is_said_with_what_to_do(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", *PEOPLE[:2])
    run("plan")

    ended = run("plan", "--at", "1")

    assert ended.code == 1
    assert "It is not kept what pass 1 was decided from." in flat(ended.err)
    assert "`reconciler plan --at 30d` goes through all that is kept" in flat(ended.err)


def test_a_list_that_the_pass_did_not_see_is_named(run: Run, removal: int) -> None:
    ended = run("plan", "--at", str(removal), "--list", "nobody")
    assert ended.code == 1
    assert f"It is not kept what list nobody in pass {removal} was decided from" in flat(ended.err)


def test_what_another_version_kept_is_said_with_what_to_do(run: Run, office: Office, removal: int) -> None:
    with closing(sqlite3.connect(office.folder / "state" / "reconciler.db")) as database:
        database.execute("UPDATE snapshots SET body = x'63'")
        database.commit()

    ended = run("plan", "--at", str(removal))

    assert ended.code == 1
    assert "is from another version of the program. Replay it with that version" in flat(ended.err)
