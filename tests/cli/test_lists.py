import json

import pytest

from reconciler.sandbox.faults import Fault, FaultKind
from tests.cli.conftest import Run
from tests.cli.office import Office, flat


def test_lists_shows_selected_lists_and_counts_the_rest(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten", "jan@mailhuis.nl")
    office.mailing_list("Archief", flagged=False)
    run("once")

    ended = run("lists")

    assert ended.code == 0
    assert "Kandidaten" in ended.out
    assert "linked" in ended.out
    assert "Archief" not in ended.out
    assert "1 other list not selected for Mailchimp; --all shows them." in flat(ended.out)
    assert "Archief" in run("lists", "--all").out


def test_as_json_every_list_has_every_column_of_the_manual(run: Run, office: Office) -> None:
    made = office.mailing_list("Kandidaten", "jan@mailhuis.nl")
    made.owner, made.category, made.subject, made.published = "Sofie", "Zorg", "Nieuws", True
    run("once")

    [acme] = json.loads(run("lists", "--json").out)["clients"]
    [row] = acme["lists"]

    assert {name: row[name] for name in ("name", "uid", "owner", "category", "subject", "published")} == {
        "name": "Kandidaten",
        "uid": made.uid,
        "owner": "Sofie",
        "category": "Zorg",
        "subject": "Nieuws",
        "published": True,
    }
    assert (row["recipients"], row["contacts"], row["nos"]) == (1, 1, 0)
    assert (row["mailchimp"], row["audience"]) == ("linked", office.audience_id("Kandidaten"))
    columns = {"description", "created", "is_global", "last_modified", "last_modified_by", "temporary"}
    assert columns <= row.keys()


def test_the_column_mailchimp_tells_where_each_list_stands(run: Run, office: Office) -> None:
    made = {name: office.mailing_list(name).uid for name in ("gebleven", "afgevinkt", "verwijderd")}
    run("once")
    made["nieuw"] = office.mailing_list("nieuw").uid
    office.sandbox.otys.unselect_list(made["afgevinkt"])
    office.sandbox.otys.delete_list(made["verwijderd"])
    office.world.otys.flag("9999")

    [acme] = json.loads(run("lists", "--json").out)["clients"]

    assert {row["uid"]: row["mailchimp"] for row in acme["lists"]} == {
        made["gebleven"]: "linked",
        made["afgevinkt"]: "linked, not selected",
        made["verwijderd"]: "linked, not in OTYS",
        made["nieuw"]: "selected, not linked",
        "9999": "selected, not in OTYS",
    }


@pytest.mark.parametrize(("width", "there"), [("60", False), ("240", True)])
def test_a_narrow_terminal_loses_columns_and_says_which(
    run: Run,
    office: Office,
    width: str,
    there: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    made = office.mailing_list("Kandidaten die een lange naam op hun lijst hebben", "jan@mailhuis.nl")
    made.owner = "Sofie"

    ended = run("lists", COLUMNS=width)

    assert max(len(line) for line in ended.out.splitlines()) <= int(width)
    assert ("Sofie" in ended.out) is there
    assert ("Not shown for lack of room" in ended.out) is not there
    assert made.uid in ended.out


def test_lists_that_were_not_read_completely_are_told(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten")
    office.sandbox.faults.add(
        Fault(kind=FaultKind.LYING_TOTAL, pattern="MailingListService.getListEx", times=None, value=1)
    )

    ended = run("lists")

    assert ended.code == 1
    assert "the lists were not read completely: 1 of 2 rows were read" in flat(ended.out)


def test_a_switched_off_integration_is_told_and_the_lists_are_still_shown(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten")
    office.sandbox.otys.set_setting("SE3109", "0")

    ended = run("lists", "--all")

    assert ended.code == 0
    assert "the integration is switched off in OTYS (setting 3109)" in flat(ended.out)
    assert "Kandidaten" in ended.out


def test_one_client_whose_key_is_wrong_hides_no_other(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten")
    office.configure("zeta", key="wrong")

    ended = run("lists")

    assert ended.code == 1
    assert "the API key is refused" in flat(ended.out)
    assert "Kandidaten" in ended.out


def test_names_from_otys_cannot_steer_the_terminal(run: Run, office: Office) -> None:
    office.mailing_list("[red]x\x1b[2J\ny")

    ended = run("lists")

    assert "[red]x\\x1b[2J\\ny" in ended.out
    assert "\x1b" not in ended.out
