import json
from datetime import UTC, datetime, timedelta

from reconciler.model import ListUid
from reconciler.store import open_store
from reconciler.trust import Evidence, Trust
from tests.cli.conftest import Run
from tests.cli.office import Office, flat

LEASE = timedelta(minutes=2)


def addresses(count: int) -> list[str]:
    return [f"kandidaat{number}@mailhuis.nl" for number in range(count)]


def test_before_the_first_pass_status_names_the_command_that_shows_what_it_would_do(
    run: Run, office: Office
) -> None:
    ended = run("status")

    assert ended.code == 0
    assert "acme (apply mode)" in ended.out
    assert "none yet" in ended.out
    assert "reconciler plan --client acme" in ended.out
    assert office.sandbox.log.requests() == []


def test_status_tells_what_the_last_pass_did_without_asking_a_service(run: Run, office: Office) -> None:
    office.mailing_list("Kandidaten", *addresses(3))
    run("once")
    asked = office.sandbox.log.last_number()

    ended = run("status")

    assert ended.code == 0
    assert "by once: done" in flat(ended.out)
    assert "created 1 audience, added 3" in flat(ended.out)
    assert "1 list, 3 contacts, 0 nos, 0 refusals" in flat(ended.out)
    assert "nothing: all is in step" in ended.out
    assert office.sandbox.log.last_number() == asked


def test_status_shows_what_is_withheld_with_the_command_that_releases_it(run: Run, office: Office) -> None:
    emptied = office.mailing_list("Kandidaten", *addresses(20))
    run("once")
    office.sandbox.otys.empty_list(emptied.uid)
    run("once")

    text, [acme] = run("status"), json.loads(run("status", "--json").out)["clients"]

    [held] = acme["withheld"]
    assert text.code == 0
    assert f"reconciler approve {held['digest'][:12]}" in text.out
    assert "WITHHELD" in text.out
    assert "suddenly empty" in flat(text.out)
    assert (held["list"], held["list_name"], held["verb"], held["count"]) == (
        emptied.uid,
        "Kandidaten",
        "remove",
        20,
    )
    assert acme["last_pass"]["result"] == "withheld"

    run("approve", held["digest"])
    approved = run("status")
    assert "approved by" in approved.out
    assert "the next pass carries out what was approved" in flat(approved.out)


def test_status_tells_when_a_pass_failed_and_when_the_last_good_one_was(run: Run, office: Office) -> None:
    run("once")
    office.sandbox.otys.revoke_key()
    run("once")

    ended = run("status")

    assert ended.code == 0
    assert "by once: failed" in flat(ended.out)
    assert "the API key is refused" in flat(ended.out)
    assert "Last success 1," in flat(ended.out)
    assert "reconciler doctor --client acme" in ended.out


def test_a_pass_that_runs_and_one_that_was_killed_are_told_apart(run: Run, office: Office) -> None:
    run("once")
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with open_store("sqlite:///state/reconciler.db") as store:
        store.begin_pass("acme", mode="apply", trigger="daemon", now=datetime.now(UTC))
        with store.lock("acme", "the daemon", lease=LEASE, now=lambda: datetime.now(UTC)):
            running = run("status")
        with store.lock("acme", "the daemon", lease=LEASE, now=lambda: long_ago):
            killed = run("status")

    assert "Running the daemon, since" in flat(running.out)
    assert "a pass is running: wait for it" in flat(running.out)
    assert "Left behind the daemon, since" in flat(killed.out)
    assert "the last pass was cut off: the next one goes on from there" in flat(killed.out)
    assert office.sandbox.log.requests()


def test_an_old_database_tells_what_it_took_up_from_its_log_of_nos(run: Run, office: Office) -> None:
    database = office.folder / "state" / "reconciler.db"
    office.mailing_list("Rood", *addresses(2))
    run("once")
    old = database.read_bytes()
    (audience,) = office.sandbox.world.mailchimp.audiences.values()
    office.sandbox.mailchimp.unsubscribe(audience.id, next(iter(audience.contacts.values())).email_address)
    run("once")
    assert "Taken up" not in run("status").out
    for beside in ("-wal", "-shm"):
        database.with_name(database.name + beside).unlink(missing_ok=True)
    database.write_bytes(old)

    ended = run("status")

    assert "Taken up the database was older than its log of nos, from which it took up 1 no on" in flat(
        ended.out
    )
    assert "1 no," in flat(ended.out)


def test_names_from_otys_cannot_steer_the_terminal(run: Run, office: Office) -> None:
    emptied = office.mailing_list("[bold]Rood\x1b[31m\nregel", *addresses(20))
    run("once")
    office.sandbox.otys.empty_list(emptied.uid)
    run("once")

    ended = run("status")

    assert "[bold]Rood\\x1b[31m\\nregel" in flat(ended.out)
    assert "\x1b" not in ended.out


def test_each_client_is_told_and_one_can_be_chosen(run: Run, office: Office) -> None:
    office.configure("zeta", mode="plan")

    both, one = run("status"), run("status", "--client", "zeta")

    assert "acme (apply mode)" in both.out
    assert "zeta (plan mode)" in both.out
    assert "acme" not in one.out


def test_what_is_known_of_the_catalogue_of_otys_is_told_by_status_and_doctor(
    run: Run, office: Office
) -> None:
    run("once")
    assert "Catalogue" not in run("status").out, "it is being learnt"
    lied = Trust(evidence=Evidence(lied_about=ListUid("1001")), lied_at=datetime(2026, 11, 23, tzinfo=UTC))
    with open_store(f"sqlite:///{office.folder}/state/reconciler.db") as store:
        store.keep_catalogue_trust("acme", lied)

    words = "list 1001 changed in OTYS on 2026-11-23 00:00 UTC and its Last modified did not move"
    assert words in flat(run("status").out)
    found = {one["check"]: one for one in json.loads(run("doctor", "--json").out)["findings"]}
    assert found["catalogue"]["verdict"] == "warning"
    assert words in found["catalogue"]["message"]


def test_a_database_that_is_none_is_told(run: Run, office: Office) -> None:
    state = office.folder / "state"
    state.mkdir()
    (state / "reconciler.db").write_text("no database at all, " * 50, "utf-8")

    ended = run("status")

    assert ended.code == 1
    assert "is not a database of this program" in flat(ended.err)
