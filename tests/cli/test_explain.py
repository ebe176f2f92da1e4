import json
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys.state import MailingList
from tests.cli.conftest import Run
from tests.cli.office import Office, flat

JAN = "jan@mailhuis.nl"


@pytest.fixture
def synced(run: Run, office: Office) -> MailingList:
    """Return the list Kandidaten: Jan and 19 others are on it, and in its audience."""
    made = office.mailing_list("Kandidaten", JAN, *(f"ander{number}@mailhuis.nl" for number in range(19)))
    assert run("once").code == 0
    return made


def explained(run: Run, *arguments: str) -> Mapping[str, Any]:
    """Return the one list that knows the address, as JSON."""
    ended = run("explain", "--json", *arguments)
    assert ended.code == 0, ended.err
    [client] = json.loads(ended.out)["clients"]
    [found] = client["lists"]
    return dict(found)


def test_somebody_who_is_in_step_is_explained_from_all_three_sides(
    run: Run, office: Office, synced: MailingList
) -> None:
    text, found = run("explain", JAN), explained(run, JAN)

    assert text.code == 0
    assert "It is in the audience and in step with OTYS" in flat(text.out)
    assert (found["list"], found["audience"]) == (synced.uid, office.audience_id("Kandidaten"))
    [recipient] = found["recipients"]
    assert recipient["person"].startswith("candidate:")
    assert recipient["values"]["first_name"] == "Jan"
    assert found["contact"]["standing"] == "subscribed"
    assert found["contact"]["fields"]["FNAME"] == "Jan"
    assert found["base"]["state"] == "active"
    assert found["cell"] == {
        "base": "active",
        "otys": "listed",
        "mailchimp": "subscribed",
        "rule": "already in step",
    }
    assert found["change"] is None


def test_any_spelling_of_an_address_will_do(run: Run, synced: MailingList) -> None:
    assert explained(run, "  Jan@MAILHUIS.nl ")["list"] == synced.uid


def test_explain_writes_nothing_and_leaves_no_pass(run: Run, office: Office, synced: MailingList) -> None:
    office.sandbox.otys.remove_recipient(synced.uid, JAN)

    assert office.writes_of(lambda: run("explain", JAN)) == []

    [client] = json.loads(run("status", "--json").out)["clients"]
    assert client["last_pass"]["id"] == 1


def test_somebody_who_was_never_heard_of_is_told_plainly(run: Run, synced: MailingList) -> None:
    ended = run("explain", "niemand@mailhuis.nl")

    assert synced.uid not in ended.out
    assert ended.code == 0
    assert "No trace of it: none of the 1 list" in flat(ended.out)


def test_somebody_new_on_the_list_will_be_added(run: Run, office: Office, synced: MailingList) -> None:
    office.world.otys.add_recipient(synced.uid, office.person("nieuw@mailhuis.nl"))

    found = explained(run, "nieuw@mailhuis.nl")

    assert found["answer"] == "It is on the list in OTYS and not in the audience yet; the next pass adds it."
    assert found["change"]["verb"] == "add"
    assert found["contact"] is None


def test_before_the_first_pass_the_audience_has_to_be_made(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten", JAN)

    assert "creates the audience in Mailchimp and adds it" in explained(run, JAN)["answer"]


def test_somebody_who_left_the_list_will_be_removed(run: Run, office: Office, synced: MailingList) -> None:
    office.sandbox.otys.remove_recipient(synced.uid, JAN)

    found = explained(run, JAN)

    assert found["answer"] == (
        "It is in the audience, but no longer on the list in OTYS: the next pass removes (archives) it."
    )
    assert found["recipients"] == []
    assert found["cell"]["otys"] == "absent"


def test_what_a_guard_withholds_is_told_with_what_releases_it(
    run: Run, office: Office, synced: MailingList
) -> None:
    office.sandbox.otys.empty_list(synced.uid)
    assert "reconciler plan (proposes it for approval)" in flat(run("explain", JAN).out)
    run("once")

    text, found = run("explain", JAN), explained(run, JAN)

    assert "but a guard withholds that: the list is suddenly empty" in flat(found["answer"])
    assert found["withheld"]["approvable"] is True
    command = f"approve {found['withheld']['digest'][:12]}"
    assert f"reconciler {command}" in text.out
    assert run(*command.split()).code == 0
    assert explained(run, JAN)["withheld"] is None


def test_somebody_who_unsubscribed_is_not_mailed_before_and_after_the_pass_that_remembers_it(
    run: Run, office: Office, synced: MailingList
) -> None:
    office.sandbox.mailchimp.unsubscribe(office.audience_id("Kandidaten"), JAN)

    before = explained(run, JAN)
    assert before["answer"] == "It is not mailed (unsubscribed in Mailchimp); the next pass remembers that."

    run("once")
    after = explained(run, JAN)
    assert after["answer"].startswith("It is not mailed (unsubscribed in Mailchimp, remembered since 20")
    assert "only subscribing" not in after["answer"]
    assert after["answer"].endswith("that ends when it subscribes again by its own action.")
    [no] = after["nos"]
    assert (no["reason"], no["email"], no["ended_at"]) == ("unsubscribed", JAN, None)
    assert synced.uid == after["list"]


def test_a_no_that_ended_is_still_told(run: Run, office: Office, synced: MailingList) -> None:
    audience = office.audience_id("Kandidaten")
    office.sandbox.mailchimp.unsubscribe(audience, JAN)
    run("once")
    office.sandbox.mailchimp.subscribe_by_form(audience, JAN)
    run("once")

    found = explained(run, JAN)

    assert "in step" in found["answer"]
    [no] = found["nos"]
    assert no["reason"] == "unsubscribed"
    assert no["ended_at"] is not None
    assert ", ended 20" in run("explain", JAN).out
    assert synced.uid == found["list"]


def test_somebody_taken_out_in_mailchimp_stays_out(run: Run, office: Office, synced: MailingList) -> None:
    office.sandbox.mailchimp.archive(office.audience_id("Kandidaten"), JAN)
    run("once")

    found = explained(run, JAN)

    assert "taken out by somebody in Mailchimp" in found["answer"]
    assert "or leaves the list in OTYS" in found["answer"]
    assert found["contact"]["standing"] == "archived"
    assert synced.uid == found["list"]


def test_a_stranger_in_the_audience_is_left_alone(run: Run, office: Office, synced: MailingList) -> None:
    office.sandbox.mailchimp.add_contact(office.audience_id("Kandidaten"), "vreemd@mailhuis.nl")

    found = explained(run, "vreemd@mailhuis.nl")

    assert "Somebody else put it there, and it is left alone." in found["answer"]
    assert (found["base"], found["change"]) == (None, None)
    assert synced.uid == found["list"]


def test_a_changed_address_is_one_story_under_the_old_and_the_new_one(
    run: Run, office: Office, synced: MailingList
) -> None:
    office.edit(JAN, email="jan.jansen@mailhuis.nl")

    old, new = explained(run, JAN), explained(run, "jan.jansen@mailhuis.nl")

    assert old["answer"] == new["answer"]
    assert old["answer"] == (
        "It is in the audience as jan@mailhuis.nl, and the next pass changes the address to "
        "jan.jansen@mailhuis.nl."
    )
    assert new["change"]["verb"] == "rename"
    assert any("is on the list in OTYS as jan.jansen@mailhuis.nl" in note for note in old["notes"])
    assert synced.uid == old["list"]


def test_an_address_changed_in_mailchimp_leads_to_the_one_it_was_synced_as(
    run: Run, office: Office, synced: MailingList
) -> None:
    office.sandbox.mailchimp.change_address(office.audience_id("Kandidaten"), JAN, "prive@mailhuis.nl")

    assert "synced as jan@mailhuis.nl" in explained(run, "prive@mailhuis.nl")["answer"]
    assert explained(run, JAN)["notes"] == [
        "in Mailchimp the contact has the address prive@mailhuis.nl by now"
    ]
    assert synced.uid in run("explain", JAN).out


def test_people_who_share_an_address_are_all_named(run: Run, office: Office, synced: MailingList) -> None:
    office.world.otys.add_recipient(synced.uid, office.person(" JAN@mailhuis.nl"))

    found = explained(run, JAN)

    assert [one["gives_fields"] for one in found["recipients"]] == [True, False]
    assert any("2 people share this address" in note for note in found["notes"])
    assert "shares the address" in flat(run("explain", JAN).out)


def test_an_address_that_cannot_be_mailed_is_found_as_it_is_spelled(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten", "jan @mailhuis.nl")

    ended = run("explain", "jan @mailhuis.nl")

    assert ended.code == 0
    assert "It is on the list in OTYS, but cannot be mailed" in flat(ended.out)
    assert "This is no address that mail can be sent to" in flat(ended.out)


def test_what_mailchimp_refused_is_told_with_its_words(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten", "test@example.com")
    run("once")

    found = explained(run, "test@example.com")

    assert found["answer"].startswith("Mailchimp refused to add it (fake address")
    assert "not tried again until its data changes in OTYS" in found["answer"]
    assert found["refusals"][0]["kind"] == "fake_address"
    assert found["change"] is None


def test_somebody_who_opted_out_in_otys_is_not_added(run: Run, office: Office) -> None:
    lists = office.folder / "lists"
    lists.mkdir()
    (lists / "lists.csv").write_text("uid,name\n1,Kandidaten\n", "utf-8")
    (lists / "1.csv").write_text(f"email,opted_out\n{JAN},yes\n", "utf-8")
    (office.folder / "config" / "reconciler.toml").write_text(
        '[clients.acme]\nmode = "plan"\n'
        'csv = { folder = "lists", settings = { "3121" = "Wij kennen je." } }\n'
        f'mailchimp = {{ api_key = "{office.world.mailchimp_api_key}", '
        f'base_url = "{office.sandbox.mailchimp_url}" }}\n',
        "utf-8",
    )

    found = explained(run, JAN)

    assert found["answer"] == "It opted out in OTYS, so it is not added."
    assert found["recipients"][0]["opted_out"] is True
    assert "opted out" in run("explain", JAN).out


def test_an_incomplete_reading_is_told_beside_what_it_withholds(
    run: Run, office: Office, synced: MailingList
) -> None:
    office.sandbox.otys.remove_recipient(synced.uid, JAN)
    office.sandbox.faults.add(
        Fault(kind=FaultKind.LYING_TOTAL, pattern="MailingListRecipientService", times=None, value=1)
    )

    text, found = run("explain", JAN), explained(run, JAN)

    assert "but a guard withholds that: the list was not read completely" in found["answer"]
    assert found["withheld"]["approvable"] is False
    assert "Release nobody can; the next pass reads it again" in flat(text.out)
    assert any("19 of 20 rows were read" in note for note in found["notes"])


def test_a_list_that_is_not_selected_is_searched_only_when_it_is_named(run: Run, office: Office) -> None:
    archive = office.mailing_list("Archief", JAN, flagged=False)

    everywhere, there = run("explain", JAN), run("explain", JAN, "--list", archive.uid)

    assert "1 list of OTYS not selected for Mailchimp" in flat(everywhere.out)
    assert "Archief" not in everywhere.out
    assert "Archief" in there.out
    assert "this list is not synchronised" in flat(there.out)


def test_a_list_nobody_has_is_told(run: Run, office: Office) -> None:
    ended = run("explain", JAN, "--list", "9999")

    assert office.sandbox.log.requests()
    assert ended.code == 1
    assert "list 9999 is not in OTYS; `reconciler lists --all` shows every list" in flat(ended.out)


def test_a_held_list_says_why_nothing_happens(run: Run, office: Office, synced: MailingList) -> None:
    office.sandbox.mailchimp.delete_audience(office.audience_id("Kandidaten"))

    found = explained(run, JAN)

    assert "and the next pass leaves it so: its audience was deleted in Mailchimp" in found["answer"]
    assert (found["cell"], found["change"]) == (None, None)
    assert synced.uid == found["list"]


def test_what_is_remembered_of_a_list_that_is_not_synchronised_any_more_is_told(
    run: Run, office: Office, synced: MailingList
) -> None:
    office.mailing_list("Anders")  # an empty GE203 would be held
    office.sandbox.mailchimp.unsubscribe(office.audience_id("Kandidaten"), JAN)
    run("once")
    office.sandbox.otys.unselect_list(synced.uid)
    run("once")

    found = explained(run, JAN)

    assert "not synchronised any more" in found["answer"]
    assert [no["reason"] for no in found["nos"]] == ["unsubscribed"]


def test_a_list_that_cannot_be_read_does_not_hide_the_others(run: Run, office: Office) -> None:
    office.mailing_list("Goed", JAN)
    office.mailing_list("Kapot", JAN)
    run("once")
    office.sandbox.faults.add(
        Fault(kind=FaultKind.IN_BAND_ERROR, pattern="MailingListRecipientService", skip=1, times=None)
    )

    ended = run("explain", JAN)

    assert ended.code == 1
    assert "It is in the audience and in step" in flat(ended.out)
    assert "the list could not be read" in flat(ended.out)


def test_a_switched_off_integration_is_the_answer(run: Run, office: Office, synced: MailingList) -> None:
    office.sandbox.otys.set_setting("SE3109", "0")

    ended = run("explain", JAN)

    assert "the integration is switched off in OTYS (setting 3109)" in flat(ended.out)
    assert synced.uid in ended.out


def test_one_client_whose_key_is_wrong_hides_no_other(run: Run, office: Office, synced: MailingList) -> None:
    office.configure("zeta", key="wrong")

    ended = run("explain", JAN)

    assert ended.code == 1
    assert synced.uid in ended.out
    assert "the API key is refused" in flat(ended.out)


def test_data_cannot_steer_the_terminal(run: Run, office: Office) -> None:
    office.mailing_list("[bold]L\x1b[31m\nM", JAN)
    office.edit(JAN, last_name="[red]\x1b]0;x\x07Jansen")

    ended = run("explain", JAN)

    assert "\x1b" not in ended.out
    assert "[bold]L\\x1b[31m\\nM" in ended.out
    assert "'[red]\\x1b]0;x\\x07Jansen'" in flat(ended.out)


def test_plan_mode_is_told(run: Run, office: Office) -> None:
    office.configure("acme", mode="plan")
    office.mailing_list("Kandidaten", JAN)

    assert "This client is in plan mode" in flat(run("explain", JAN).out)
