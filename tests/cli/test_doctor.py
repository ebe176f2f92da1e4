import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.model import ListUid
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.store import IntentKind, open_store
from tests.cli.conftest import Run
from tests.cli.office import Office, flat

KEY = "fedcba9876543210fedcba9876543210-us6"


def findings(run: Run, *arguments: str, code: int) -> Sequence[Mapping[str, str]]:
    ended = run("doctor", "--json", *arguments)
    assert ended.code == code, ended.out
    return list(json.loads(ended.out)["findings"])


def told(found: Sequence[Mapping[str, str]], check: str, verdict: str) -> str:
    """Return the message of the one finding of that kind."""
    messages = [one["message"] for one in found if (one["check"], one["verdict"]) == (check, verdict)]
    assert len(messages) == 1, found
    return messages[0]


def bad(found: Sequence[Mapping[str, str]]) -> set[tuple[str, str]]:
    """Return what is not well, without the warning every unconfirmed mapping gets."""
    return {
        (one["check"], one["verdict"])
        for one in found
        if one["verdict"] != "ok" and one["check"] != "mapping"
    }


def configure(office: Office, text: str) -> None:
    (office.folder / "config" / "reconciler.toml").write_text(text, "utf-8")


def test_a_healthy_client_has_one_warning_the_unverified_mapping(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten", "jan@mailhuis.nl")
    run("once")

    ended = run("doctor")

    assert ended.code == 0
    assert "PROBLEM" not in ended.out
    assert "logged in at Werkpunt Recruitment" in flat(ended.out)
    assert "logged in at Sandbox, which has 1 subscribed contact" in flat(ended.out)
    assert "3109, 3110 and 3121 are active" in flat(ended.out)
    assert "1 audience there and 0 to be made; 100 are allowed" in flat(ended.out)
    assert "FNAME, LNAME: there in 1 linked audience" in flat(ended.out)
    assert ended.out.count("WARNING") == 1
    assert "UNVERIFIED" in ended.out
    assert ended.out.splitlines()[-1] == "1 warning"


def test_doctor_changes_nothing_anywhere(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten", "jan@mailhuis.nl")

    assert office.writes_of(lambda: run("doctor")) == []
    assert not (office.folder / "state").exists()


def test_a_wrong_otys_key_skips_what_needs_it_and_goes_on_with_the_next_client(
    run: Run, office: Office
) -> None:
    office.configure("acme", key="wrong")
    office.configure("zeta")

    found = findings(run, code=1)

    assert "the API key is refused" in told(found, "otys_login", "problem")
    acme = [one for one in found if one["client"] == "acme"]
    assert {one["check"] for one in acme if one["verdict"] == "skipped"} == {
        "otys_settings",
        "mailchimp_login",
    }
    assert told([one for one in found if one["client"] == "zeta"], "mailchimp_login", "ok")


def test_a_wrong_mailchimp_key_is_told_and_otys_is_examined_all_the_same(run: Run, office: Office) -> None:
    office.sandbox.otys.set_setting("SE3111", KEY)

    found = findings(run, code=1)

    assert "the API key is not accepted" in told(found, "mailchimp_login", "problem")
    assert told(found, "otys_login", "ok")
    assert KEY not in json.dumps(found)


def test_a_key_of_another_data_centre_is_told(run: Run, office: Office) -> None:
    office.sandbox.otys.set_setting("SE3111", KEY.replace("us6", "us99"))

    ended = run("doctor")

    assert ended.code == 1
    assert "PROBLEM Mailchimp login" in flat(ended.out)


def test_a_missing_mailchimp_key_says_where_to_put_one(run: Run, office: Office) -> None:
    office.sandbox.otys.set_setting("SE3111", None)

    ended = run("doctor")

    assert ended.code == 1
    assert "there is no API key" in flat(ended.out)
    assert "client setting 3111" in flat(ended.out)


def test_the_switched_off_integration_is_named(run: Run, office: Office) -> None:
    office.sandbox.otys.set_setting("SE3109", "0")

    found = findings(run, code=1)

    assert told(found, "otys_settings", "problem") == "setting 3109 is not active: the integration is off"


@pytest.mark.parametrize("code", ["3110", "3121"])
def test_a_setting_that_should_be_active_is_named(run: Run, office: Office, code: str) -> None:
    office.mailing_list("Kandidaten")
    office.sandbox.otys.set_setting(f"SE{code}", "")

    found = findings(run, code=0)

    assert told(found, "otys_settings", "warning").startswith(f"setting {code} is not active")


def test_a_key_pasted_into_3121_is_recognised_and_not_shown(run: Run, office: Office) -> None:
    office.sandbox.otys.set_setting("SE3121", KEY)

    found = findings(run, code=1)

    message = told(found, "otys_settings", "problem")
    assert "setting 3121: this holds a Mailchimp API key instead of a permission reminder" in message
    assert "put the key into 3111" in message
    assert KEY not in json.dumps(found)


def test_an_empty_ge203_means_that_nothing_is_synchronised(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten", flagged=False)

    found = findings(run, code=0)

    assert "GE203 names no list" in told(found, "selected_lists", "warning")


def test_a_list_that_ge203_names_and_otys_does_not_have_is_told(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten")
    office.world.otys.flag("9999")

    found = findings(run, code=0)

    assert told(found, "selected_lists", "warning") == (
        "setting GE203 names 1 list that OTYS does not have: 9999"
    )


def test_a_service_the_key_has_no_right_to_is_named(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten", "jan@mailhuis.nl")
    office.sandbox.otys.deny_service("MailingListRecipientService")

    found = findings(run, code=1)

    assert "MailingListRecipientService" in told(found, "otys_recipients", "problem")


def test_a_mapped_field_that_the_tenant_refuses_is_named(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten", "jan@mailhuis.nl")
    office.sandbox.faults.add(Fault(kind=FaultKind.REFUSED_FIELD, value="Person.infix", times=None))

    found = findings(run, code=0)

    refused = [one["message"] for one in found if "refuses" in one["message"]]
    assert any("MailingListRecipientService refuses infix (Person.infix)" in one for one in refused)


def test_a_mapping_file_that_is_wrong_is_a_problem_of_the_configuration(run: Run, office: Office) -> None:
    (office.folder / "mapping.toml").write_text("[lists]\nservise = 'X'\n", "utf-8")
    office.configure("acme")
    path = office.folder / "config" / "reconciler.toml"
    configure(
        office,
        path.read_text("utf-8").replace(
            "[clients.acme.otys]", '[clients.acme.otys]\nmapping = "mapping.toml"'
        ),
    )

    found = findings(run, code=2)

    assert "lists.servise" in told(found, "configuration", "problem")


def test_a_key_whose_user_may_only_look_cannot_apply(run: Run, office: Office) -> None:
    office.world.mailchimp.switches.may_write = False

    assert "may not write contacts" in told(findings(run, code=1), "mailchimp_rights", "problem")

    office.configure("acme", mode="plan")
    assert "may not write contacts" in told(findings(run, code=0), "mailchimp_rights", "warning")


def test_audiences_that_must_be_made_need_the_senders_details(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten")
    path = office.folder / "config" / "reconciler.toml"
    configure(office, path.read_text("utf-8").partition("[clients.acme.mailchimp.audience_defaults]")[0])

    found = findings(run, code=1)

    assert "1 audience must be made" in told(found, "audience_defaults", "problem")


def test_a_plan_that_allows_no_further_audience_names_the_lists_that_get_none(
    run: Run, office: Office
) -> None:
    made = office.mailing_list("Kandidaten")
    office.world.mailchimp.max_audiences = 0

    found = findings(run, code=0)

    assert f"Kandidaten (list {made.uid}): the Mailchimp plan allows 0 audiences" in told(
        found, "audiences", "warning"
    )


def test_a_merge_field_that_a_linked_audience_lacks_is_named(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten")
    run("once")
    office.configure("acme", tables='[fields]\nFNAME = "{first_name}"\nTAAL = "{language}"\n')

    found = findings(run, code=0)

    assert told(found, "merge_fields", "warning") == "the audience Kandidaten has no merge field TAAL"


def test_a_merge_field_that_is_required_and_never_filled_is_named(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten")
    run("once")
    audience = office.world.mailchimp.audiences[office.audience_id("Kandidaten")]
    for one in audience.merge_fields:
        one.required = one.tag in ("LNAME", "PHONE")

    found = findings(run, code=0)

    assert "the audience Kandidaten requires PHONE, which is never filled" in told(
        found, "merge_fields", "warning"
    )


def test_a_clock_that_is_wrong_is_told_by_how_much(run: Run, office: Office) -> None:
    office.sandbox.clock.freeze(datetime.now(UTC) - timedelta(hours=1))

    found = findings(run, code=0)

    message = told(found, "clock", "warning")
    assert message.startswith("this computer's clock is 3,6")
    assert "seconds ahead of" in message


def test_what_a_killed_pass_left_behind_is_told(run: Run, office: Office) -> None:
    made = office.mailing_list("Kandidaten")
    run("once")
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with open_store("sqlite:///state/reconciler.db") as store:
        cut_off = store.begin_pass("acme", mode="apply", trigger="once", now=long_ago)
        store.intend(
            "acme", ListUid(made.uid), IntentKind.CREATE_AUDIENCE, {"existing": ""}, cut_off, long_ago
        )
        dead = store.lock("acme", "a daemon", lease=timedelta(minutes=2), now=lambda: long_ago)
        with dead:
            found = findings(run, code=0)

    assert f"pass {cut_off} was cut off while creating the audience of list {made.uid}" in told(
        found, "open_intents", "warning"
    )
    assert "a pass was killed and left its lock: a daemon" in told(found, "lock", "warning")


def test_a_database_that_is_none_stops_no_other_examination(run: Run, office: Office) -> None:
    (office.folder / "state").mkdir()
    (office.folder / "state" / "reconciler.db").write_text("no database at all, " * 50, "utf-8")

    found = findings(run, code=1)

    assert "is not a database of this program" in told(found, "database", "problem")
    assert told(found, "mailchimp_login", "ok")


def test_a_state_folder_that_cannot_be_made_is_told(run: Run, office: Office) -> None:
    (office.folder / "state").write_text("a file in its place", "utf-8")

    found = findings(run, code=1)

    assert "is not a folder" in told(found, "database", "problem")
    assert "is not a folder" in told(found, "backups", "problem")


def test_a_missing_secret_is_a_problem_of_the_configuration_and_stops_no_other_client(
    run: Run, office: Office
) -> None:
    path = office.folder / "config" / "reconciler.toml"
    configure(
        office,
        '[clients.aaa]\nmode = "plan"\n[clients.aaa.otys]\napi_key = { env = "NOT_SET" }\n'
        + path.read_text("utf-8"),
    )

    found = findings(run, code=2)

    assert "environment variable NOT_SET is not set" in told(found, "configuration", "problem")
    assert told([one for one in found if one["client"] == "acme"], "otys_login", "ok")


def test_a_configuration_that_cannot_be_read_exits_with_2(run: Run, folder: Path) -> None:
    (folder / "config").mkdir()
    (folder / "config" / "reconciler.toml").write_text("[clients.acme]\nmode = 'aply'\n", "utf-8")

    text, found = run("doctor"), findings(run, code=2)

    assert text.code == 2
    assert 'did you mean "apply"?' in text.err
    assert any("clients.acme.mode" in one["message"] for one in found)


def test_a_folder_of_lists_is_examined_in_the_place_of_otys(run: Run, office: Office) -> None:
    lists = office.folder / "lists"
    lists.mkdir()
    (lists / "lists.csv").write_text("uid,name\n1,Kandidaten\n2,Relaties\n", "utf-8")
    (lists / "1.csv").write_text("email\njan@mailhuis.nl\n", "utf-8")
    configure(
        office,
        '[clients.acme]\nmode = "plan"\ncsv = { folder = "lists" }\n'
        f'mailchimp = {{ api_key = "{office.world.mailchimp_api_key}", '
        f'base_url = "{office.sandbox.mailchimp_url}" }}\n',
    )

    found = findings(run, code=1)

    assert "2.csv" in told(found, "csv_lists", "problem")
    assert told(found, "selected_lists", "ok") == "2 lists of 2 selected (GE203)"


def test_unreachable_services_are_told_one_by_one(run: Run, office: Office) -> None:
    office.sandbox.stop()
    configure(
        office,
        (office.folder / "config" / "reconciler.toml").read_text("utf-8"),
    )

    ended = run("doctor")

    assert ended.code == 1
    assert "no connection to 127.0.0.1 could be opened" in flat(ended.out)


def test_text_from_the_services_cannot_steer_the_terminal(run: Run, office: Office) -> None:
    office.world.mailchimp.account_name = "[red]A\x1b[31m"

    ended = run("doctor")

    assert "\x1b" not in ended.out
    assert "[red]A\\x1b[31m" in flat(ended.out)
