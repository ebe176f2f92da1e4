"""What real passes over the sandbox do to the metrics."""

from datetime import timedelta
from pathlib import Path

import pytest
from tenacity import wait_none

from reconciler.api import http
from reconciler.api.http import HttpClient
from reconciler.errors import StoreError, Unreachable
from reconciler.model import ListUid
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sinks.metrics_memory import memory_of
from reconciler.trust import Evidence, Trust, TrustState
from tests.metrics.conftest import Measured
from tests.scripted import OK, Pauses, Script, serving

MANY = [f"persoon{number}@zorg.nl" for number in range(30)]


def test_a_first_pass_is_told_whole(measured: Measured) -> None:
    measured.acme.list("Verpleegkundigen", "jan@weg.nl", "piet@weg.nl", "geen adres")
    measured.once()
    assert measured.value("last_attempt_timestamp_seconds") == measured.acme.now.timestamp()
    assert measured.value("last_success_timestamp_seconds") == measured.acme.now.timestamp()
    assert measured.value("pass_duration_seconds_count") == 1
    assert measured.value("passes_total", result="done") == 1
    assert measured.value("consecutive_failures") == 0
    assert measured.value("snapshot_members", side="otys", status="listed") == 2
    assert measured.value("snapshot_members", side="otys", status="invalid") == 1
    assert measured.value("planned_changes", verb="add") == 2
    assert measured.value("changes_total", verb="add", result="applied") == 2
    assert measured.value("changes_total", verb="create", result="applied") == 1
    assert measured.value("lists", state="linked") == 1
    assert measured.value("oldest_unsynced_change_seconds") == 0


def test_the_second_pass_finds_both_sides_alike_and_plans_nothing(measured: Measured) -> None:
    measured.acme.list("Verpleegkundigen", "jan@weg.nl", "piet@weg.nl")
    measured.once()
    measured.once()
    assert measured.value("snapshot_members", side="mailchimp", status="subscribed") == 2
    assert measured.value("snapshot_members", side="base", status="active") == 2
    assert measured.value("planned_changes", verb="add") == 0
    assert measured.value("changes_total", verb="add", result="applied") == 2


def test_what_is_withheld_grows_older_until_it_is_released(measured: Measured) -> None:
    acme = measured.acme
    nurses = acme.list("Verpleegkundigen", *MANY)
    measured.once()
    acme.sandbox.otys.empty_list(nurses.uid)
    digest = measured.once().proposals[0].digest
    acme.later(hours=2)
    assert measured.value("withheld_changes", verb="remove") == 30
    assert measured.value("lists", state="withheld") == 1
    assert measured.value("passes_total", result="withheld") == 1
    assert measured.value("oldest_unsynced_change_seconds") == 2 * 3600
    measured.once()
    assert measured.value("oldest_unsynced_change_seconds") == 2 * 3600, (
        "a later pass does not make it younger"
    )
    acme.store.approve(digest, by="operator", now=acme.now)
    measured.once()
    assert measured.value("withheld_changes", verb="remove") == 0
    assert measured.value("lists", state="withheld") == 0
    assert measured.value("oldest_unsynced_change_seconds") == 0


def test_withheld_removals_are_no_undelivered_opt_outs(measured: Measured) -> None:
    acme = measured.acme
    nurses = acme.list("Verpleegkundigen", *MANY)
    measured.once()
    acme.sandbox.otys.empty_list(nurses.uid)
    measured.once()
    acme.later(hours=2)
    assert measured.value("oldest_undelivered_opt_out_seconds") == 0


def opting_out(measured: Measured, email: str) -> None:
    """Let a person opt out in OTYS, in a field that the mapping names."""
    person = measured.acme.sandbox.otys.people_at(email)[0]
    measured.acme.sandbox.otys.opt_out(person.kind, person.uid)


@pytest.fixture
def opt_outs(measured: Measured) -> Measured:
    """Return an agency whose OTYS has a field for opt-outs."""
    mapping = measured.acme.folder / "mapping.toml"
    mapping.write_text('[recipients.fields]\nopted_out = { path = "Person.matchCriteria_9" }\n', "utf-8")
    measured.acme.world.otys.switches.opt_out_field = "Person.matchCriteria_9"
    measured.acme.mapping = mapping
    return measured


def test_an_opt_out_that_mailchimp_does_not_take_grows_older_until_it_does(
    opt_outs: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BACK_OFF", wait_none())
    acme = opt_outs.acme
    acme.list("Verpleegkundigen", "jan@weg.nl", "piet@weg.nl")
    opt_outs.once()
    opting_out(opt_outs, "jan@weg.nl")
    outage = Fault(kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern="DELETE", times=None)
    acme.sandbox.faults.add(outage)
    opt_outs.once()
    acme.later(minutes=90)
    assert opt_outs.value("oldest_undelivered_opt_out_seconds") == 90 * 60
    assert opt_outs.restarted().value("oldest_undelivered_opt_out_seconds") == 90 * 60
    acme.sandbox.faults.clear()
    opt_outs.once()
    assert opt_outs.value("oldest_undelivered_opt_out_seconds") == 0
    assert opt_outs.restarted().value("oldest_undelivered_opt_out_seconds") == 0


def test_in_plan_mode_nothing_is_owed(measured: Measured) -> None:
    measured.acme.list("Verpleegkundigen", "jan@weg.nl")
    measured.plan()
    measured.acme.later(days=3)
    assert measured.value("passes_total", result="planned") == 1
    assert measured.value("planned_changes", verb="create") == 1
    assert measured.value("oldest_unsynced_change_seconds") == 0


def test_a_refused_contact_stays_in_sight(measured: Measured) -> None:
    measured.acme.list("Verpleegkundigen", "jan@weg.nl", "test@example.com")
    measured.once()
    assert measured.value("refused_contacts", reason="fake_address") == 1
    assert measured.value("changes_total", verb="add", result="refused") == 1
    measured.once()
    assert measured.value("refused_contacts", reason="fake_address") == 1
    assert measured.value("changes_total", verb="add", result="refused") == 1
    assert measured.value("oldest_unsynced_change_seconds") == 0, "it is not tried again"


def test_a_list_read_in_part_is_counted_for_its_side(measured: Measured) -> None:
    measured.acme.list("Verpleegkundigen", *MANY)
    measured.once()
    lie = Fault(kind=FaultKind.LYING_TOTAL, system="otys", pattern="Recipient", times=None, value=5)
    measured.acme.sandbox.faults.add(lie)
    measured.once()
    assert measured.value("snapshot_incomplete_total", side="otys") == 1
    assert measured.value("snapshot_incomplete_total", side="mailchimp") == 0


def test_a_rejected_key_fails_the_pass_by_its_kind(measured: Measured) -> None:
    measured.acme.list("Verpleegkundigen", "jan@weg.nl")
    measured.once()
    good = measured.acme.now
    measured.acme.later(minutes=5)
    measured.acme.sandbox.mailchimp.revoke_keys()
    measured.once()
    measured.once()
    assert measured.value("failures_total", kind="key_rejected") == 2
    assert measured.value("passes_total", result="failed") == 2
    assert measured.value("consecutive_failures") == 2
    assert measured.value("last_success_timestamp_seconds") == good.timestamp()
    assert measured.value("last_attempt_timestamp_seconds") == measured.acme.now.timestamp()
    assert measured.value("lists", state="linked") == 1, "what was known stays until it is known better"
    assert measured.value("snapshot_members", side="otys", status="listed") == 1


def test_a_pass_of_one_list_leaves_the_others_as_they_were(measured: Measured) -> None:
    nurses = measured.acme.list("Verpleegkundigen", "jan@weg.nl", "piet@weg.nl")
    measured.acme.list("Chauffeurs", "kees@weg.nl")
    measured.once()
    measured.acme.join(nurses, "truus@weg.nl")
    measured.once(only=nurses.uid)
    assert measured.value("lists", state="linked") == 2
    assert measured.value("snapshot_members", side="otys", status="listed") == 4


def test_a_list_that_is_gone_leaves_the_numbers(measured: Measured) -> None:
    nurses = measured.acme.list("Verpleegkundigen", "jan@weg.nl", "piet@weg.nl")
    measured.acme.list("Chauffeurs", "kees@weg.nl")
    measured.once()
    measured.acme.sandbox.otys.unselect_list(nurses.uid)
    measured.once()
    measured.once()
    assert measured.value("snapshot_members", side="otys", status="listed") == 1


def test_strangers_are_counted(measured: Measured) -> None:
    nurses = measured.acme.list("Verpleegkundigen", "jan@weg.nl")
    measured.once()
    measured.acme.sandbox.mailchimp.subscribe_by_form(measured.acme.audience(nurses), "vreemd@weg.nl")
    measured.once()
    assert measured.value("foreign_contacts") == 1


def test_a_pass_without_a_report_still_counts(measured: Measured) -> None:
    measured.metrics.crashed("acme", StoreError("the disk is full"))
    assert measured.value("passes_total", result="failed") == 1
    assert measured.value("failures_total", kind="store") == 1
    assert measured.value("consecutive_failures") == 1


def test_counters_that_alerts_watch_stand_at_zero_before_anything_happens(measured: Measured) -> None:
    measured.metrics.began("acme", 3)
    assert measured.value("passes_total", result="failed") == 0
    assert measured.value("failures_total", kind="key_rejected") == 0
    assert measured.value("snapshot_incomplete_total", side="otys") == 0
    assert measured.value("mail_failures_total", client=None) == 0
    assert measured.value("throttled_seconds_total", client=None, system="mailchimp") == 0


def test_a_forgotten_client_leaves_nothing_behind(measured: Measured) -> None:
    measured.acme.list("Verpleegkundigen", "jan@weg.nl")
    measured.once()
    measured.metrics.watch_client("acme", lambda: True)
    measured.metrics.forget("acme")
    left = [
        sample
        for family in measured.registry.collect()
        for sample in family.samples
        if "client" in sample.labels
    ]
    assert left == []


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "ok"), (404, "rejected"), (429, "throttled"), (503, "failed")]
)
def test_requests_are_counted_by_what_came_of_them(measured: Measured, status: int, outcome: str) -> None:
    with (
        serving(Script((status, {}, b"{}"), OK)) as url,
        HttpClient("OTYS", pause=Pauses(), on_request=measured.metrics.request) as client,
    ):
        client.send("GET", url, repeatable=True)
    assert measured.value("http_requests_total", client=None, system="otys", outcome=outcome) == 1
    made = measured.value("http_request_duration_seconds_count", client=None, system="otys")
    assert made == (2 if status in (429, 503) else 1)


def test_the_bytes_of_answers_add_up(measured: Measured) -> None:
    with (
        serving(Script((200, {}, b"x" * 700), (200, {}, b"x" * 300))) as url,
        HttpClient("OTYS", on_request=measured.metrics.request) as client,
    ):
        for _ in range(2):
            client.send("GET", url, repeatable=True)
    assert measured.value("http_response_bytes_total", client=None, system="otys") == 1000


def test_a_request_without_an_answer_is_counted(measured: Measured) -> None:
    with (
        HttpClient("Mailchimp", attempts=1, on_request=measured.metrics.request) as client,
        pytest.raises(Unreachable),
    ):
        client.send("GET", "http://127.0.0.1:1/", repeatable=False)
    assert measured.value("http_requests_total", client=None, system="mailchimp", outcome="no_answer") == 1


def test_waiting_for_a_service_adds_up(measured: Measured) -> None:
    measured.metrics.throttled("OTYS", 30.0)
    measured.metrics.throttled("OTYS", 1.5)
    assert measured.value("throttled_seconds_total", client=None, system="otys") == 31.5


def test_the_disk_is_told_even_before_the_folder_is_there(measured: Measured, tmp_path: Path) -> None:
    measured.metrics.watch_disk(tmp_path / "state" / "backups")
    free, size = (measured.value(f"state_disk_{what}_bytes", client=None) for what in ("free", "size"))
    assert free is not None
    assert size is not None
    assert 0 < free < size


def test_a_client_that_is_behind_is_told(measured: Measured) -> None:
    late = [True]
    measured.metrics.watch_client("acme", lambda: bool(late))
    assert measured.value("client_stale") == 1
    late.clear()
    assert measured.value("client_stale") == 0


def test_a_state_that_cannot_be_read_hides_no_other_metric(measured: Measured) -> None:
    def unreadable() -> bool:
        raise StoreError("the database is gone")

    measured.metrics.watch_client("acme", unreadable)
    measured.metrics.mail_failed()
    assert measured.value("client_stale") == 1
    assert measured.value("mail_failures_total", client=None) == 1


def test_a_restart_keeps_what_the_store_knows(measured: Measured) -> None:
    acme = measured.acme
    nurses = acme.list("Verpleegkundigen", *MANY)
    acme.list("Chauffeurs", "test@example.com")
    measured.once()
    good = acme.now
    acme.later(minutes=5)
    acme.sandbox.otys.empty_list(nurses.uid)
    measured.once()
    acme.later(minutes=5)
    fresh = measured.restarted()
    assert fresh.value("last_success_timestamp_seconds") == (good + timedelta(minutes=5)).timestamp()
    assert fresh.value("withheld_changes", verb="remove") == 30
    assert fresh.value("refused_contacts", reason="fake_address") == 1
    assert fresh.value("oldest_unsynced_change_seconds") == 300
    assert fresh.value("snapshot_members", side="base", status="active") == 30
    assert fresh.value("lists", state="linked") == 1
    assert fresh.value("lists", state="withheld") == 1
    fresh.once()
    assert fresh.value("oldest_unsynced_change_seconds") == 300, "the age goes on where it was"


def test_a_restart_keeps_how_often_a_client_failed(measured: Measured) -> None:
    measured.acme.list("Verpleegkundigen", "jan@weg.nl")
    measured.once()
    measured.acme.sandbox.mailchimp.revoke_keys()
    measured.once()
    measured.once()
    assert measured.restarted().value("consecutive_failures") == 2


def test_what_is_remembered_never_displaces_what_a_pass_saw(measured: Measured) -> None:
    measured.acme.list("Verpleegkundigen", "jan@weg.nl")
    measured.once()
    measured.metrics.remember("acme", memory_of(measured.acme.store, "acme", now=measured.acme.now))
    assert measured.value("snapshot_members", side="otys", status="listed") == 1
    assert measured.value("planned_changes", verb="add") == 1


def test_how_lists_were_looked_at_is_counted_and_what_the_catalogue_is_good_for_survives_a_restart(
    measured: Measured,
) -> None:
    measured.acme.list("Verpleegkundigen", "jan@weg.nl")
    assert measured.once().catalogue is TrustState.WATCHED
    assert measured.value("lists_looked_at_total", look="whole") == 1
    assert measured.value("lists_looked_at_total", look="short") == 0
    assert measured.value("catalogue", trust="watched") == 1
    measured.acme.store.keep_catalogue_trust("acme", Trust(evidence=Evidence(lied_about=ListUid("1001"))))

    measured.once()
    for metrics in (measured, measured.restarted()):
        assert metrics.value("catalogue", trust="watched") == 0
        assert metrics.value("catalogue", trust="lied") == 1


def test_a_held_contact_stays_in_sight(measured: Measured) -> None:
    nurses = measured.acme.list("Verpleegkundigen", "jan@weg.nl")
    measured.once()
    measured.acme.sandbox.mailchimp.add_contact(measured.acme.audience(nurses), "piet@weg.nl")
    measured.acme.sandbox.mailchimp.archive(measured.acme.audience(nurses), "piet@weg.nl")
    measured.acme.join(nurses, measured.acme.person("piet@weg.nl"))
    for _ in range(2):
        measured.once()
        assert measured.value("held_contacts") == 1


def test_an_opt_out_that_otys_does_not_know_of_grows_older_until_somebody_enters_it(
    measured: Measured,
) -> None:
    acme = measured.acme
    nurses = acme.list("Verpleegkundigen", "jan@weg.nl")
    measured.once()
    assert measured.value("untold_opt_outs", way="hand") == 0
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), "jan@weg.nl")
    measured.once()
    acme.later(hours=3)
    measured.once()
    assert measured.value("untold_opt_outs", way="hand") == 1
    assert measured.value("oldest_untold_opt_out_seconds") == 3 * 3600
    assert measured.restarted().value("oldest_untold_opt_out_seconds") == 3 * 3600
    acme.store.mark_told(acme.store.opt_outs("acme"), acme.now)
    measured.once()
    assert measured.value("untold_opt_outs", way="hand") == 0
    assert measured.value("oldest_untold_opt_out_seconds") == 0


def test_an_opt_out_that_otys_does_not_take_is_told_apart(measured: Measured) -> None:
    acme = measured.acme
    acme.mapping = acme.folder / "mapping.toml"
    arguments = """'["{person}", {"Person": {"matchCriteria_9": "1"}}]'"""
    acme.mapping.write_text(
        f'[kinds.candidate]\nopt_out = {{ method = "update", arguments = {arguments} }}\n', "utf-8"
    )
    acme.configure(policy='opt_outs_to_otys = "write"')
    nurses = acme.list("Verpleegkundigen", "jan@weg.nl")
    measured.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), "jan@weg.nl")
    measured.once()
    assert measured.value("untold_opt_outs", way="call") == 1
    acme.world.otys.switches.opt_out_field = "Person.matchCriteria_9"
    acme.world.otys.switches.opt_out_writable = True
    measured.once()
    assert measured.value("untold_opt_outs", way="call") == 0
    assert measured.value("oldest_untold_opt_out_seconds") == 0
