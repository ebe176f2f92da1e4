import json
from datetime import UTC, datetime, timedelta

from reconciler.sandbox.otys.state import MailingList
from reconciler.store import open_store
from tests.cli.conftest import Run
from tests.cli.office import Office, flat

PEOPLE = tuple(f"p{number:02}@zorg.nl" for number in range(12))


def shown(run: Run, *arguments: str) -> dict[tuple[str, str | None], str]:
    """Return what became of each change of a pass, by verb and address."""
    ended = run("show", *arguments, "--json")
    assert ended.code == 0, ended.err
    return {(one["verb"], one["email"]): one["result"] for one in json.loads(ended.out)["changes"]}


def withheld(run: Run, *arguments: str) -> list[tuple[str, int]]:
    told = json.loads(run("show", *arguments, "--json").out)
    return [(one["verb"], one["count"]) for one in told["withheld"]]


def busy(run: Run, office: Office) -> MailingList:
    """Let much happen to a list after its first sync."""
    zorg = office.mailing_list("Zorg", *PEOPLE, "test@example.com")
    run("once")
    office.sandbox.mailchimp.unsubscribe(office.audience_id("Zorg"), "p01@zorg.nl")
    office.edit("p03@zorg.nl", infix="de", last_name="Jong")
    office.edit("p04@zorg.nl", email="nieuw@zorg.nl")
    office.edit("p05@zorg.nl", email="p05 zorg.nl")
    office.sandbox.otys.remove_recipient(zorg.uid, "p06@zorg.nl")
    office.sandbox.otys.edit_reminder(zorg.uid, "Omdat je bij ons staat.")
    return zorg


def test_what_a_pass_asked_for_is_told_at_once_and_later_too(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", *PEOPLE)
    before = office.sandbox.log.last_number()
    once = run("once")
    asked = office.sandbox.log.requests(after=before)
    [told] = json.loads(run("show", "--json").out)["passes"]

    sent = {"OTYS": 0, "Mailchimp": 0}
    for one in asked:
        sent["OTYS" if one.system == "otys" else "Mailchimp"] += one.operation != "logout"
    assert told["requests"] == sent
    assert all(told["bytes_read"][system] > 100 * count for system, count in sent.items())
    assert f"Mailchimp {sent['Mailchimp']} (" in flat(once.out)
    assert f"Mailchimp {sent['Mailchimp']} (" in flat(run("show").out)


def test_a_pass_is_shown_with_everything_it_did(run: Run, office: Office) -> None:
    busy(run, office)
    told = run("once")

    assert shown(run) == {
        ("update-settings", None): "applied",
        ("suppress", "p01@zorg.nl"): "applied",
        ("update", "p03@zorg.nl"): "applied",
        ("rename", "nieuw@zorg.nl"): "applied",
        ("hold", "p05@zorg.nl"): "withheld",
        ("remove", "p06@zorg.nl"): "applied",
    }
    for line in told.out.splitlines():
        if line.startswith("  "):
            assert line in run("show").out


def test_a_refusal_is_shown_in_the_pass_that_met_it_and_not_again(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl", "test@example.com")
    run("once")
    run("once")

    assert shown(run, "1")["add", "test@example.com"] == "refused"
    assert "refused by Mailchimp: (address) looks fake" in flat(run("show", "1").out)
    assert shown(run, "2") == {}


def test_a_pass_that_did_nothing_shows_nothing(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", *PEOPLE)
    run("once")
    run("once")

    ended = run("show")

    assert ended.code == 0
    assert shown(run) == {}
    assert "acme, pass 2: nothing to do, 1 list in step" in flat(ended.out)
    assert "Zorg" not in ended.out


def test_changes_have_what_programs_are_promised(run: Run, office: Office) -> None:
    busy(run, office)
    run("once")

    told = json.loads(run("show", "--json").out)

    renamed = next(one for one in told["changes"] if one["verb"] == "rename")
    assert renamed["before"]["email"] == "p04@zorg.nl"
    assert renamed["after"]["email"] == "nieuw@zorg.nl"
    assert renamed["audience"] == office.audience_id("Zorg")
    assert renamed["reason"] == "the address changed in OTYS"
    assert told["passes"][0]["pass_id"] == 2


def test_what_is_withheld_is_shown_in_every_pass_that_withheld_it(run: Run, office: Office) -> None:
    zorg = office.mailing_list("Zorg", *PEOPLE)
    run("once")
    office.sandbox.otys.empty_list(zorg.uid)
    run("once")
    run("once")

    for number in ("2", "3"):
        assert set(shown(run, number).values()) == {"withheld"}
        assert withheld(run, number) == [("remove", 12)]
        assert "reconciler approve " in run("show", number).out


def test_what_was_released_is_shown_as_done(run: Run, office: Office) -> None:
    zorg = office.mailing_list("Zorg", *PEOPLE)
    run("once")
    office.sandbox.otys.empty_list(zorg.uid)
    run("once")
    digest = json.loads(run("show", "--json").out)["withheld"][0]["digest"]
    run("approve", digest)
    run("once")

    assert shown(run, "3") == {("remove", email): "applied" for email in PEOPLE}
    assert withheld(run, "3") == []
    assert "WITHHELD" not in run("show", "3").out
    assert withheld(run, "2") == [("remove", 12)]


def test_a_plan_is_shown_as_planned(run: Run, office: Office) -> None:
    zorg = office.mailing_list("Zorg", *PEOPLE)
    run("plan")
    run("plan")
    run("once")
    office.sandbox.otys.empty_list(zorg.uid)
    run("plan")

    assert set(shown(run, "1").values()) == set(shown(run, "2").values()) == {"planned"}
    assert set(shown(run, "3").values()) == {"applied"}
    assert set(shown(run, "4").values()) == {"withheld"}


def test_a_pass_of_one_list_shows_that_list_only(run: Run, office: Office) -> None:
    zorg, bouw = office.mailing_list("Zorg", *PEOPLE), office.mailing_list("Bouw", "bob@bouw.nl")
    run("once")
    office.sandbox.otys.empty_list(zorg.uid)
    office.sandbox.otys.add_recipient(bouw.uid, email="nieuw@bouw.nl")
    run("plan")
    run("once", "--list", bouw.uid)
    run("plan", "--list", bouw.uid)

    assert shown(run, "3") == {("add", "nieuw@bouw.nl"): "applied"}
    assert shown(run, "4") == {}


def test_a_list_that_is_no_longer_flagged_is_not_shown_for_ever(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")
    double = office.mailing_list("Dubbel")
    for _ in range(2):
        office.sandbox.mailchimp.add_audience("Dubbel")
    run("once")
    assert shown(run, "1")["hold", None] == "withheld"

    office.sandbox.otys.unselect_list(double.uid)
    run("once")

    assert shown(run, "2") == {}


def test_a_deletion_that_waits_is_shown_as_waiting(run: Run, office: Office) -> None:
    zorg = office.mailing_list("Zorg", "ada@zorg.nl")
    run("once")
    office.sandbox.otys.delete_list(zorg.uid)
    run("once")
    run("once")

    assert shown(run) == {("delete", None): "planned"}
    assert "waits its grace period was not over" in flat(run("show").out)


def test_when_a_plan_is_forgotten_its_addresses_are_shown_as_hashes(run: Run, office: Office) -> None:
    zorg = office.mailing_list("Zorg", "ada@zorg.nl")
    run("once")
    office.sandbox.otys.add_recipient(zorg.uid, email="bob@zorg.nl")
    run("once")
    with open_store(f"sqlite:///{office.folder}/state/reconciler.db") as store:
        assert store.forget_plans(datetime.now(UTC) + timedelta(days=1)) > 0
        hashed = store.key_address("ada@zorg.nl")

    told = run("show", "1")

    assert shown(run, "1") == {("create", None): "applied", ("add", f"address {hashed}"): "applied"}
    assert "ada@zorg.nl" not in told.out
    assert "created 1 audience, added 1" in flat(told.out)


def test_a_pass_that_failed_says_why(run: Run, office: Office) -> None:
    office.configure("acme", key="wrong")
    run("once")

    ended = run("show")

    assert ended.code == 0
    assert "FAILED OTYS: " in flat(ended.out)


def test_a_pass_that_was_killed_shows_what_it_did(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")
    with open_store(f"sqlite:///{office.folder}/state/reconciler.db") as store:
        store.begin_pass("acme", mode="apply", trigger="once", now=datetime.now(UTC))

    ended = run("show")

    assert ended.code == 0
    assert "did not end" in ended.out


def test_without_a_pass_or_with_an_unknown_one_a_sentence_says_so(run: Run, office: Office) -> None:
    assert office.folder.is_dir()
    nothing = run("show")
    assert nothing.code == 2
    assert "no pass was run yet" in flat(nothing.err)

    run("plan")
    assert "there is no pass 99" in flat(run("show", "99").err)
    assert "'gisteren' is not the number of a pass" in flat(run("show", "gisteren").err)
