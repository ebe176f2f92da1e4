import json

import pytest

from reconciler.sandbox.faults import Fault, FaultKind
from tests.cli.conftest import Run
from tests.cli.office import Office, flat

PEOPLE = tuple(f"p{number:02}@zorg.nl" for number in range(12))


def test_a_plan_writes_nothing_whatever_the_mode(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")

    writes = office.writes_of(lambda: run("plan"))
    ended = run("plan")

    assert writes == []
    assert ended.code == 0
    assert "audience create: flagged in GE203" in ended.out
    assert "would create 1 audience, add 1; nothing was written" in flat(ended.out)
    assert office.world.mailchimp.audiences == {}


def test_a_plan_of_a_world_in_step_is_one_line(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")
    run("once")

    ended = run("plan")

    assert ended.code == 0
    assert "nothing would change, 1 list in step" in ended.out
    assert flat(ended.out).startswith("acme, plan ")
    assert ended.out.count("\n") <= 2


def test_each_kind_of_change_is_told_with_what_an_operator_needs(run: Run, office: Office) -> None:
    zorg = office.mailing_list("Zorg", *PEOPLE, "test@example.com")
    run("once")
    audience = office.audience_id("Zorg")
    office.sandbox.mailchimp.unsubscribe(audience, "p01@zorg.nl")
    office.sandbox.mailchimp.bounce(audience, "p02@zorg.nl")
    office.edit("p03@zorg.nl", infix="de", last_name="Jong")
    office.edit("p04@zorg.nl", email="nieuw@zorg.nl")
    office.edit("p05@zorg.nl", email="p05 zorg.nl")
    office.sandbox.otys.remove_recipient(zorg.uid, "p06@zorg.nl")
    office.sandbox.otys.edit_reminder(zorg.uid, "Omdat je bij ons staat.")
    (said_no,) = office.sandbox.otys.people_at("p01@zorg.nl")

    told = flat(run("plan").out)

    for sentence in (
        "audience update-settings: changed in OTYS permission_reminder: '",
        "→ 'Omdat je bij ons staat.'",
        "update 1: changed in OTYS p03@zorg.nl: LNAME: 'Jansen' → 'de Jong'",
        "rename 1: the address changed in OTYS p04@zorg.nl → nieuw@zorg.nl",
        "remove 1: no longer on the list in OTYS p06@zorg.nl",
        f"suppress 1: unsubscribed in Mailchimp p01@zorg.nl (candidate:{said_no.uid})",
        "suppress 1: bounced in Mailchimp p02@zorg.nl",
        "hold 1: still on the list, but its address in OTYS is not valid",
        "refused 1: not tried again until the data changes; fake_address: (address) looks fake",
        "test@example.com (add)",
        "invalid 1 recipient without a usable address",
        "'p05 zorg.nl': ",
    ):
        assert sentence in told


def test_a_deleted_list_waits_and_is_not_counted_as_deleted(run: Run, office: Office) -> None:
    zorg = office.mailing_list("Zorg", "ada@zorg.nl")
    run("once")
    office.sandbox.otys.delete_list(zorg.uid)

    told = flat(run("plan").out)

    assert "audience delete: deleted in OTYS waits grace period: seen deleted in 1 of 3" in told
    assert "would wait to delete 1 audience; nothing was written" in told


def test_what_takes_long_to_write_is_told_before_it_is_begun(
    run: Run, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.effort.WORTH_TELLING", 10)
    office.mailing_list("Zorg", *PEOPLE)
    run("once")
    for email in PEOPLE[:11]:
        office.edit(email, last_name="Anders")
    told = "Writing it takes about 14 requests to Mailchimp, some 1 min."

    plan = run("plan")
    planned = json.loads(run("plan", "--json").out)
    recorded = run("show")
    done = run("once")

    assert told in flat(plan.out)
    assert told in flat(recorded.out)
    assert planned["passes"][0]["writing"] == {"requests": 14, "seconds": 2.1}
    assert "Writing it takes" not in done.out


def test_what_is_withheld_takes_its_time_too(
    run: Run, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.effort.WORTH_TELLING", 10)
    zorg = office.mailing_list("Zorg", *PEOPLE)
    run("once")
    for email in PEOPLE[:11]:
        office.sandbox.otys.remove_recipient(zorg.uid, email)

    told = run("plan")
    (withheld,) = json.loads(run("plan", "--json").out)["withheld"]

    assert told.code == 3
    assert "Writing it takes about 12 requests to Mailchimp, some 1 min. reconciler approve" in flat(told.out)
    assert withheld["writing"] == {"requests": 12, "seconds": 1.3}


def test_what_is_withheld_is_loud_and_comes_with_the_command_that_releases_it(
    run: Run, office: Office
) -> None:
    zorg = office.mailing_list("Zorg", *PEOPLE)
    run("once")
    office.sandbox.otys.empty_list(zorg.uid)

    ended = run("plan")
    digest = json.loads(run("plan", "--json").out)["withheld"][0]["digest"]

    assert ended.code == 3
    assert "remove   12: no longer on the list in OTYS; WITHHELD\n" in ended.out
    assert "WITHHELD: 12 changes of acme\n  Zorg (list 1001): remove 12\n" in ended.out
    assert "the list is suddenly empty in OTYS; 12 were on it" in flat(ended.out)
    assert f"\n    reconciler approve {digest[:12]}\n" in ended.out
    assert "remove 12, withheld 12; nothing was written" in flat(ended.out)


def test_the_command_to_copy_names_the_configuration_that_was_named(run: Run, office: Office) -> None:
    zorg = office.mailing_list("Zorg", *PEOPLE)
    run("once")
    office.sandbox.otys.empty_list(zorg.uid)
    (office.folder / "config" / "reconciler.toml").rename(office.folder / "my own.toml")

    ended = run("plan", "--config", "my own.toml")

    assert "\n    reconciler --config 'my own.toml' approve " in ended.out


def test_several_withheld_parts_can_be_released_together(run: Run, office: Office) -> None:
    lists = [office.mailing_list(name, *PEOPLE) for name in ("Zorg", "Bouw")]
    run("once")
    for one in lists:
        office.sandbox.otys.empty_list(one.uid)

    told = run("plan").out
    digest = json.loads(run("plan", "--json").out)["passes"][0]["digest"]

    assert f"  To release all of them:\n    reconciler approve {digest[:12]}\n" in told
    assert run("approve", digest[:12]).code == 0
    assert run("plan").code == 0


def test_what_was_not_read_completely_cannot_be_released(run: Run, office: Office) -> None:
    zorg = office.mailing_list("Zorg", *PEOPLE)
    run("once")
    office.sandbox.otys.remove_recipient(zorg.uid, "p01@zorg.nl")
    _lie_about_the_total(office)

    ended = run("plan")

    assert ended.code == 3
    assert "the list was not read completely from OTYS" in flat(ended.out)
    assert "Nobody can release what was not read" in flat(ended.out)
    assert "approve" not in ended.out


def test_a_few_addresses_stand_for_many_unless_all_are_asked_for(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", *PEOPLE)

    few, everything = run("plan").out, run("plan", "--all").out

    assert "p04@zorg.nl and 7 more" in flat(few)
    assert PEOPLE[-1] not in few
    assert all(f"           {email}\n" in everything for email in PEOPLE)


def test_a_plan_fits_in_80_columns_and_needs_no_colour(run: Run, office: Office) -> None:
    office.mailing_list("Zorg " * 60, *PEOPLE, "test@example.com", "a" * 80, "")

    told = run("plan").out

    assert max(map(len, told.splitlines())) <= 80
    assert "\x1b" not in told
    assert not [line for line in told.splitlines() if line != line.rstrip()]


def test_json_has_what_programs_are_promised(run: Run, office: Office) -> None:
    made = office.mailing_list("Zorg", "ada@zorg.nl", "geen adres")

    ended = run("plan", "--json")

    told = json.loads(ended.out)
    assert ended.code == 0
    assert set(told) == {"passes", "changes", "withheld", "errors"}
    assert len(told["changes"]) == 2
    for change in told["changes"]:
        promised = {"list", "audience", "verb", "email", "reason", "before", "after", "result"}
        assert promised <= set(change)
        assert change["result"] is None
        assert change["list"] == made.uid
        assert change["client"] == "acme"
    (one,) = told["passes"][0]["lists"]
    assert [invalid["email"] for invalid in one["invalid"]] == ["geen adres"]
    assert told["passes"][0]["counts"]["planned.add"] == 1


def test_the_same_plan_has_the_same_digest_and_another_one_has_another(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")

    first, second = _digest(run), _digest(run)
    office.mailing_list("Bouw", "bob@bouw.nl")

    assert first == second != _digest(run)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_key_that_is_refused_ends_with_1_and_a_sentence(
    run: Run, office: Office, form: tuple[str, ...]
) -> None:
    office.configure("acme", key="wrong")

    ended = run("plan", *form)

    assert ended.code == 1
    assert "OTYS: " in ended.out
    assert "Traceback" not in ended.out + ended.err
    assert "wrong" not in ended.out + ended.err


def _digest(run: Run) -> str:
    return str(json.loads(run("plan", "--json").out)["passes"][0]["digest"])


def _lie_about_the_total(office: Office) -> None:
    fault = Fault(kind=FaultKind.LYING_TOTAL, system="otys", pattern="getListEx", value=3, times=None)
    office.sandbox.faults.add(fault)
