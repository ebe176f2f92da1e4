import json

from tests.cli.conftest import Run
from tests.cli.office import Office, flat


def test_history_lists_the_passes_newest_first_with_what_they_did(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")
    run("plan")
    run("once")
    run("once", "--list", "1001")

    told = run("history").out

    assert [line.partition(",")[0] for line in told.splitlines() if line.startswith("pass")] == [
        "pass 3",
        "pass 2",
        "pass 1",
    ]
    assert "apply mode, by once --list 1001" in flat(told)
    assert "by once, " in told
    assert "\n    created 1 audience, added 1\n" in told
    assert "\n    would create 1 audience, add 1\n" in told


def test_history_can_be_of_one_client_and_short(run: Run, office: Office) -> None:
    office.configure("bravo", mode="plan")
    run("once")
    run("once")

    of_bravo = json.loads(run("history", "--client", "bravo", "--json").out)["passes"]
    latest = json.loads(run("history", "--limit", "1", "--json").out)["passes"]

    assert [(one["client"], one["mode"], one["trigger"]) for one in of_bravo] == [
        ("bravo", "plan", "once")
    ] * 2
    assert [one["pass_id"] for one in latest] == [4]


def test_history_as_json_has_every_number(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")
    run("once")

    (one,) = json.loads(run("history", "--json").out)["passes"]

    assert one["result"] == "done"
    assert one["counts"]["add.applied"] == 1
    assert one["problems"] == []
    assert one["started_at"] <= one["ended_at"]
    assert one["seconds"] >= 0


def test_history_tells_what_failed(run: Run, office: Office) -> None:
    office.configure("acme", key="wrong")
    run("once")

    told = run("history").out

    assert ": failed" in told
    assert "OTYS: " in told


def test_history_before_the_first_pass_and_of_nobody(run: Run, office: Office) -> None:
    assert office.folder.is_dir()
    assert run("history").out == "No pass was run yet.\n"
    assert run("history").code == 0
    assert json.loads(run("history", "--json").out) == {"passes": []}

    unknown = run("history", "--client", "nobody")
    assert unknown.code == 2
    assert "there is no client 'nobody'; known: acme" in unknown.err
