import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.store import open_store
from tests.cli.conftest import Run
from tests.cli.office import Office, flat


def test_a_pass_brings_the_audience_in_step_and_the_next_one_writes_nothing(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl", "bob@zorg.nl")

    first = run("once")

    assert first.code == 0, first.err
    assert "Zorg\nlist 1001, audience " in first.out
    assert "  add      2: on the list in OTYS\n           ada@zorg.nl, bob@zorg.nl\n" in first.out
    assert "acme, pass 1: created 1 audience, added 2, in " in first.out
    assert office.subscribed("Zorg") == {"ada@zorg.nl", "bob@zorg.nl"}

    assert office.writes_of(lambda: run("once")) == []
    again = run("once")
    assert again.code == 0
    assert again.out.startswith("acme, pass 3: nothing to do, 1 list in step, in ")
    assert again.out.count("\n") <= 2


def test_as_json_every_change_comes_with_what_became_of_it(run: Run, office: Office) -> None:
    made = office.mailing_list("Zorg", "ada@zorg.nl", "test@example.com")

    told = json.loads(run("once", "--json").out)

    assert [(one["client"], one["result"], one["mode"]) for one in told["passes"]] == [
        ("acme", "done", "apply")
    ]
    changes = {(change["verb"], change["email"]): change for change in told["changes"]}
    assert {key: change["result"] for key, change in changes.items()} == {
        ("create", None): "applied",
        ("add", "ada@zorg.nl"): "applied",
        ("add", "test@example.com"): "refused",
    }
    added = changes["add", "ada@zorg.nl"]
    assert (added["client"], added["list"], added["audience"]) == (
        "acme",
        made.uid,
        office.audience_id("Zorg"),
    )
    assert added["reason"] == "on the list in OTYS"
    assert added["before"] == {}
    assert added["after"]["LNAME"] == "Jansen"
    assert "looks fake" in changes["add", "test@example.com"]["detail"]
    assert told["withheld"] == told["errors"] == []


def test_a_refused_address_is_told_once_and_then_only_counted(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "test@example.com", "geen adres", "")

    first, second = run("once"), run("once")

    assert "refused by Mailchimp: (address) looks fake" in flat(first.out)
    assert "test@example.com" not in second.out
    assert (
        "Not mailed: 2 recipients without a usable address, 1 that Mailchimp refused before; "
        "`reconciler plan --all` names them." in flat(second.out)
    )
    assert "nothing to do" in second.out


def test_a_merge_field_that_has_to_be_made_is_told_as_made(run: Run, office: Office) -> None:
    office.configure("acme", tables='[fields]\nFNAME = "{first_name}"\nSOORT = "{kind}"\n')
    office.mailing_list("Zorg", "ada@zorg.nl")

    told = run("once").out

    assert "merge_field: '' → 'SOORT'" in told
    assert "edited 1 audience setting" in flat(told)
    assert "put off" not in told


def test_a_client_that_fails_does_not_stop_another(run: Run, office: Office) -> None:
    office.configure("acme", key="wrong")
    office.configure("bravo")
    office.mailing_list("Zorg", "ada@zorg.nl")

    ended = run("once")

    assert ended.code == 1
    assert "FAILED OTYS: " in flat(ended.out)
    assert "acme, pass 1: FAILED" in flat(ended.out)
    assert "bravo, pass 2: created 1 audience, added 1" in flat(ended.out)
    assert office.subscribed("Zorg") == {"ada@zorg.nl"}


def test_a_list_that_fails_is_told_and_does_not_stop_another(run: Run, office: Office) -> None:
    zorg = office.mailing_list("Zorg", "ada@zorg.nl")
    bouw = office.mailing_list("Bouw", "bob@bouw.nl")
    run("once")
    office.sandbox.faults.add(
        Fault(
            kind=FaultKind.GARBAGE,
            system="mailchimp",
            pattern=f"GET .*/lists/{office.audience_id('Zorg')}/members",
            times=None,
        )
    )
    for one in (zorg, bouw):
        office.sandbox.otys.add_recipient(one.uid, email="nieuw@mailhuis.nl")

    ended = run("once")

    assert ended.code == 1
    assert "Zorg list 1001, audience" in flat(ended.out)
    assert "FAILED Mailchimp: " in flat(ended.out)
    assert "acme, pass 2: FAILED; added 1" in flat(ended.out)
    assert office.subscribed("Bouw") == {"bob@bouw.nl", "nieuw@mailhuis.nl"}


def test_another_pass_of_the_only_client_ends_with_75(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")
    run("plan")
    with _locked(office):
        ended = run("once")

    assert ended.code == 75
    assert "Another pass works on acme: the daemon" in ended.err
    assert ended.out == ""


def test_a_locked_client_does_not_stop_another_and_is_reported(run: Run, office: Office) -> None:
    office.configure("bravo")
    office.mailing_list("Zorg", "ada@zorg.nl")
    run("plan")
    with _locked(office):
        ended = run("once", "--json")

    told = json.loads(ended.out)
    assert ended.code == 75
    assert [(one["client"], one["result"]) for one in told["passes"]] == [("bravo", "done")]
    assert [one["client"] for one in told["errors"]] == ["acme"]
    assert "Another pass works on acme" in told["errors"][0]["message"]


def test_only_the_named_list_is_worked_on(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")
    bouw = office.mailing_list("Bouw", "bob@bouw.nl")

    ended = run("once", "--list", bouw.uid)

    assert ended.code == 0
    assert "created 1 audience, added 1" in flat(ended.out)
    assert office.subscribed("Bouw") == {"bob@bouw.nl"}


def test_a_list_that_is_not_there_fails_with_a_sentence(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")

    ended = run("once", "--list", "987")

    assert ended.code == 1
    assert "list 987 is neither flagged in GE203 nor linked" in flat(ended.out)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--client", "acmee"), "there is no client 'acmee'; known: acme, bravo"),
        (("--list", "1001"), "say whose list it is with --client"),
    ],
)
def test_a_command_line_that_names_nothing_ends_with_2(
    run: Run, office: Office, arguments: tuple[str, ...], sentence: str
) -> None:
    office.configure("bravo")

    ended = run("once", *arguments)

    assert ended.code == 2
    assert sentence in ended.err


def test_a_client_in_plan_mode_is_only_looked_at(run: Run, office: Office) -> None:
    office.configure("acme", mode="plan")
    office.mailing_list("Zorg", "ada@zorg.nl")

    writes = office.writes_of(lambda: run("once"))
    ended = run("once", "--json")

    assert writes == []
    assert ended.code == 0
    assert {change["result"] for change in json.loads(ended.out)["changes"]} == {"planned"}


def test_an_integration_that_is_switched_off_is_told_and_is_no_failure(run: Run, office: Office) -> None:
    office.mailing_list("Zorg", "ada@zorg.nl")
    office.sandbox.otys.set_setting("SE3109", "0")

    ended = run("once")

    assert ended.code == 0
    assert "switched off in OTYS (setting 3109): nothing was read or written" in flat(ended.out)
    assert "acme, pass 1: switched off" in ended.out


def test_names_from_otys_steer_neither_the_terminal_nor_the_layout(run: Run, office: Office) -> None:
    office.mailing_list("[bold]Zorg[/] \x1b[2J\nfoo 🎄", "ada@zorg.nl")

    ended = run("once")

    assert r"[bold]Zorg[/] \x1b[2J\nfoo 🎄" in ended.out
    assert "\x1b" not in ended.out


@contextmanager
def _locked(office: Office) -> Iterator[None]:
    """Let the daemon hold acme's lock."""
    with (
        open_store(f"sqlite:///{office.folder}/state/reconciler.db") as store,
        store.lock("acme", "the daemon", lease=timedelta(minutes=2), now=lambda: datetime.now(UTC)),
    ):
        yield
