"""The audience of a deleted list goes only when nothing and nobody in it gets lost by that."""

import errno
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from reconciler import deletion
from reconciler.audience_record import AudienceRecord
from reconciler.errors import BadRequest
from reconciler.model import (
    Address,
    AudienceCatalogue,
    AudienceId,
    BaseMove,
    LinkState,
    ListUid,
    NoReason,
    PassId,
    PassResult,
    Result,
)
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sinks.mailchimp import MailchimpSink
from reconciler.sources.mailchimp import MailchimpSource
from reconciler.store import IntentKind
from tests.passes.agency import Agency, results
from tests.passes.deleted import AT_ONCE, PEOPLE, backups, crew, deleted, names, subscribed, the_backup
from tests.passes.executioner import Killed


def why_held(acme: Agency) -> str:
    report = acme.once()
    assert report.result is PassResult.WITHHELD
    (outcome,) = [one for of in report.lists for one in of.list_outcomes]
    return outcome.detail


def nos(acme: Agency, uid: str) -> dict[str, NoReason]:
    return {str(no.address): no.reason for no in acme.store.base("acme", ListUid(uid)).nos}


def deletions_in_history(acme: Agency) -> list[str]:
    return [str(one.result) for one in acme.store.history("acme", limit=100) if one.verb == "delete"]


def test_the_backup_holds_everything_of_every_contact_and_what_was_remembered(acme: Agency) -> None:
    nurses = crew(acme)
    audience = acme.sandbox.mailchimp.audience(acme.audience(nurses))
    jan = audience.at_address("jan@zorg.nl")
    assert jan is not None
    for number in range(60):
        acme.sandbox.mailchimp.tag(audience.id, "jan@zorg.nl", f"tag {number}")
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    backup = the_backup(acme)
    assert (backup.head.list_uid, backup.head.name, backup.head.contacts) == (
        nurses.uid,
        "Verpleegkundigen",
        4,
    )
    assert {field.tag for field in backup.head.merge_fields} >= {"FNAME", "LNAME", "ADDRESS"}
    saved = {str(one.contact.address): one for one in backup.contacts}
    assert {address: str(one.contact.standing) for address, one in saved.items()} == {
        "jan@zorg.nl": "subscribed",
        "piet@zorg.nl": "subscribed",
        "anna@zorg.nl": "unsubscribed",
        "kees@zorg.nl": "cleaned",
    }
    of_jan = saved["jan@zorg.nl"]
    assert of_jan.contact.fields == {"FNAME": "Jan", "LNAME": "Jansen"}
    assert len(of_jan.contact.tag_names) == 61, "a listing shows 50 of them"
    assert of_jan.contact.timestamp_opt
    assert of_jan.contact.ip_opt == jan.ip_opt
    assert of_jan.row is not None
    assert of_jan.row.persons[0].kind == "candidate"
    assert saved["anna@zorg.nl"].row is not None, "who said no is known by person too"


def test_every_no_of_the_audience_is_remembered_strangers_too(acme: Agency) -> None:
    nurses = crew(acme)
    audience = acme.audience(nurses)
    acme.sandbox.mailchimp.add_contact(audience, "gast@elders.nl", "unsubscribed")
    acme.sandbox.mailchimp.archive(audience, "jan@zorg.nl")
    acme.sandbox.mailchimp.delete_permanently(audience, "piet@zorg.nl")
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    assert nos(acme, nurses.uid) == {
        "anna@zorg.nl": NoReason.UNSUBSCRIBED,
        "kees@zorg.nl": NoReason.BOUNCED,
        "gast@elders.nl": NoReason.UNSUBSCRIBED,
        "jan@zorg.nl": NoReason.TAKEN_OUT,
        "piet@zorg.nl": NoReason.TAKEN_OUT,
    }
    behind = {str(no.address): len(no.persons) for no in acme.store.base("acme", ListUid(nurses.uid)).nos}
    assert behind == {address: int(address in PEOPLE) for address in behind}


def test_who_is_only_missing_is_not_remembered_where_the_policy_brings_them_back(acme: Agency) -> None:
    acme.configure(policy='removed_in_mailchimp = "restore"')
    nurses = crew(acme)
    acme.sandbox.mailchimp.archive(acme.audience(nurses), "jan@zorg.nl")
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    assert set(nos(acme, nurses.uid)) == {"anna@zorg.nl", "kees@zorg.nl"}


def test_an_old_backup_goes_once_the_list_has_a_newer_one(acme: Agency) -> None:
    nurses = deleted(acme)
    [old] = backups(acme)
    nurses.deleted = False
    acme.once()
    acme.later(days=365)
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    assert len(backups(acme)) == 2, "the older one is a year old, and not older"
    acme.later(minutes=1)
    acme.plan()
    assert len(backups(acme)) == 2, "a look at the plan deletes nothing"
    acme.once()
    assert len(backups(acme)) == 1
    assert not old.exists()


@pytest.mark.parametrize("standing", ["subscribed", "pending", "transactional"])
def test_strangers_who_can_be_reached_hold_it(acme: Agency, standing: str) -> None:
    nurses = crew(acme)
    acme.sandbox.mailchimp.add_contact(acme.audience(nurses), "gast@elders.nl", standing)
    acme.sandbox.otys.delete_list(nurses.uid)
    assert why_held(acme) == (
        "it holds 1 contacts that are not ours: archive or move them in Mailchimp, and it is deleted by the "
        'next pass; or keep it with policy.list_deleted = "keep"'
    )
    assert backups(acme) == []
    assert deletions_in_history(acme) == []


def test_who_was_taken_out_is_remembered_though_strangers_hold_it(acme: Agency) -> None:
    nurses = crew(acme)
    acme.sandbox.mailchimp.add_contact(acme.audience(nurses), "gast@elders.nl")
    acme.sandbox.mailchimp.delete_permanently(acme.audience(nurses), "jan@zorg.nl")
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    assert nos(acme, nurses.uid)["jan@zorg.nl"] is NoReason.TAKEN_OUT


def test_who_is_taken_out_while_it_is_saved_is_remembered_too(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurses = crew(acme)
    audience = acme.audience(nurses)
    acme.sandbox.otys.delete_list(nurses.uid)
    record = MailchimpSource.record

    def meanwhile(self: MailchimpSource, audience_id: AudienceId) -> AudienceRecord:
        acme.sandbox.mailchimp.delete_permanently(audience, "jan@zorg.nl")
        return record(self, audience_id)

    monkeypatch.setattr(MailchimpSource, "record", meanwhile)
    acme.once()
    assert names(acme) == ["Chauffeurs"]
    assert nos(acme, nurses.uid)["jan@zorg.nl"] is NoReason.TAKEN_OUT


def test_a_contact_known_by_telephone_only_holds_it(acme: Agency) -> None:
    nurses = crew(acme)
    acme.sandbox.mailchimp.add_telephone(acme.audience(nurses), "+31612345678")
    acme.sandbox.otys.delete_list(nurses.uid)
    assert "1 contacts that are not ours" in why_held(acme)


def test_ours_who_changed_the_address_is_no_stranger(acme: Agency) -> None:
    nurses = crew(acme)
    acme.sandbox.mailchimp.change_address(acme.audience(nurses), "jan@zorg.nl", "jan@thuis.nl")
    acme.sandbox.otys.delete_list(nurses.uid)
    assert acme.once().result is PassResult.DONE
    assert names(acme) == ["Chauffeurs"]


def test_ours_whose_contact_id_was_never_learned_is_no_stranger(acme: Agency) -> None:
    nurses = crew(acme)
    uid = ListUid(nurses.uid)
    row = acme.store.base("acme", uid).rows[Address("jan@zorg.nl")]
    move = BaseMove(address=row.address, row=replace(row, contact_id=""))
    acme.store.move(PassId(1), "acme", uid, [move], acme.now)
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()

    assert names(acme) == ["Chauffeurs"]


def test_a_recent_campaign_holds_it_and_says_until_when(acme: Agency) -> None:
    nurses = crew(acme)
    acme.configure(limits=AT_ONCE.replace("recent_campaign_days = 0", "recent_campaign_days = 7"))
    acme.sandbox.clock.freeze(acme.now)
    acme.sandbox.mailchimp.send_campaign(acme.audience(nurses))
    acme.sandbox.otys.delete_list(nurses.uid)
    assert why_held(acme).endswith("it is deleted after 2026-11-30 12:00 UTC")
    acme.later(days=6, hours=23)
    assert "Verpleegkundigen" in names(acme)
    acme.later(hours=1)
    acme.once()
    assert names(acme) == ["Chauffeurs"]


def test_what_mailchimp_refuses_to_delete_is_told_in_its_words_and_tried_again_daily(acme: Agency) -> None:
    nurses = crew(acme)
    acme.world.mailchimp.switches.may_delete_audiences = False
    acme.sandbox.otys.delete_list(nurses.uid)
    report = acme.once()
    assert results(report) == {("delete", "refused"): 1}
    assert deletions_in_history(acme) == ["refused"]
    [outcome] = [one for of in report.lists for one in of.list_outcomes]
    assert outcome.detail == "Mailchimp: the audience may not be deleted now"
    assert acme.store.open_intents("acme") == ()
    assert subscribed(acme, "Verpleegkundigen") == {"jan@zorg.nl", "piet@zorg.nl"}
    acme.world.mailchimp.switches.may_delete_audiences = True
    acme.later(hours=23)
    assert acme.writes_of(acme.once) == [], "it is tried once a day"
    acme.later(hours=1)
    acme.once()
    assert names(acme) == ["Chauffeurs"]


def test_an_audience_goes_when_all_other_lists_are_safe(acme: Agency) -> None:
    nurses = crew(acme)
    [drivers] = [one for one in acme.world.otys.lists.values() if one.name == "Chauffeurs"]
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.join(drivers, acme.person("nieuw@weg.nl"))

    wrote = acme.writes_of(acme.once)

    assert [one.split()[0] for one in wrote] == ["POST", "DELETE"]


@pytest.mark.parametrize("shown", ["half of the audiences", "another audience of the list"])
def test_a_deletion_that_was_begun_is_called_done_only_when_its_audience_is_seen_to_be_gone(
    acme: Agency, monkeypatch: pytest.MonkeyPatch, shown: str
) -> None:
    nurses = crew(acme)
    uid, whole = ListUid(nurses.uid), shown != "half of the audiences"
    number = acme.store.begin_pass("acme", mode="apply", trigger="cut off", now=acme.now)
    detail = {"audience": "before" if whole else acme.audience(nurses), "backup": "backup.gz"}
    acme.store.intend("acme", uid, IntentKind.DELETE_AUDIENCE, detail, number, acme.now)
    read = MailchimpSource.audiences

    def half(source: MailchimpSource) -> AudienceCatalogue:
        found = read(source)
        tally = replace(found.tally, rows=0)
        return found if whole else replace(found, audiences=(), tally=tally)

    monkeypatch.setattr(MailchimpSource, "audiences", half)
    acme.once()

    assert deletions_in_history(acme) == []
    [link] = [one for one in acme.store.links("acme") if one.list_uid == uid]
    assert link.state is LinkState.LINKED


def test_a_deletion_that_mailchimp_calls_wrong_is_told_in_its_words(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurses = crew(acme)
    acme.sandbox.otys.delete_list(nurses.uid)

    def refused(*_: object) -> None:
        raise BadRequest("Mailchimp", "400 Bad Request", detail="A campaign is being sent to it.")

    monkeypatch.setattr(MailchimpSink, "delete", refused)
    [outcome] = [one for of in acme.once().lists for one in of.list_outcomes]
    assert (outcome.result, outcome.detail) == (Result.REFUSED, "A campaign is being sent to it.")


def test_an_old_backup_that_cannot_be_deleted_costs_nothing_and_is_in_the_log(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object, **__: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    acme.list("Zorg", "jan@zorg.nl")
    monkeypatch.setattr(deletion, "prune_backups", cannot)
    with capture_logs() as logged:
        assert acme.once().result is PassResult.DONE
    [told] = [one for one in logged if one["log_level"] == "warning"]
    assert (told["event"], told["reason"]) == ("old_backup_not_deleted", "Permission denied")


def test_a_backup_that_cannot_be_written_keeps_the_audience_and_costs_no_other_list(acme: Agency) -> None:
    nurses = crew(acme)
    folder = acme.folder / "state" / "backups"
    folder.write_text("no folder can be made here")
    acme.sandbox.otys.delete_list(nurses.uid)
    report = acme.once()
    assert report.result is PassResult.FAILED
    assert any("cannot be written" in one.detail for of in report.lists for one in of.list_outcomes)
    assert "Verpleegkundigen" in names(acme)
    folder.unlink()
    acme.once()
    assert names(acme) == ["Chauffeurs"]


def test_an_audience_that_cannot_be_read_completely_is_not_deleted(acme: Agency) -> None:
    nurses = crew(acme)
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SHORT_PAGE, system="mailchimp", pattern="/members", times=None, value=1)
    )
    report = acme.once()
    acme.sandbox.faults.clear()
    assert report.result is PassResult.FAILED
    assert set(nos(acme, nurses.uid).values()) <= {NoReason.UNSUBSCRIBED, NoReason.BOUNCED}, "nobody is gone"
    [outcome] = [one for of in report.lists for one in of.list_outcomes]
    assert outcome.detail.startswith("the audience could not be read completely for its backup: ")
    assert "Verpleegkundigen" in names(acme)
    assert backups(acme) == []


@pytest.mark.parametrize("reached", [True, False])
def test_killed_around_the_request_history_tells_of_the_deletion_once(
    acme: Agency, monkeypatch: pytest.MonkeyPatch, *, reached: bool
) -> None:
    nurses = crew(acme)
    audience = acme.audience(nurses)
    acme.sandbox.otys.delete_list(nurses.uid)
    delete = MailchimpSink.delete

    def killed(self: MailchimpSink, audience_id: str) -> None:
        if reached:
            delete(self, audience_id)  # type: ignore[arg-type]  # the sink's own signature
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(MailchimpSink, "delete", killed)
        with pytest.raises(Killed):
            acme.once()
    assert set(nos(acme, nurses.uid)) == {"anna@zorg.nl", "kees@zorg.nl"}, "durable before the request"
    [intent] = acme.store.open_intents("acme")
    acme.once()
    acme.once()
    assert names(acme) == ["Chauffeurs"]
    history = acme.store.history("acme", limit=100)
    assert "unlink" not in [one.verb for one in history], "the deletion let the list go already"
    [told] = [one for one in history if one.verb == "delete"]
    assert (told.list_uid, told.list_name) == (nurses.uid, "Verpleegkundigen")
    assert (told.result, told.reason) == ("applied", "deleted in OTYS")
    assert (told.pass_id == intent.pass_id) is reached, "told of the pass whose request did it"
    assert told.detail.startswith(f"saved as {backups(acme)[-1 if reached else 0].name}")
    assert acme.store.open_intents("acme") == ()
    [link] = [one for one in acme.store.links("acme") if one.list_uid == nurses.uid]
    assert (link.state, link.audience_id) == (LinkState.UNLINKED, audience)
    assert acme.store.base("acme", ListUid(nurses.uid)).rows == {}
    assert acme.writes_of(acme.once) == []


def test_a_list_that_comes_back_under_its_uid_never_subscribes_who_said_no(acme: Agency) -> None:
    nurses = deleted(acme)
    nurses.deleted = False
    acme.once()
    assert subscribed(acme, "Verpleegkundigen") == {"jan@zorg.nl", "piet@zorg.nl"}


def test_a_plan_of_a_deletion_that_is_due_deletes_nothing(acme: Agency) -> None:
    nurses = crew(acme)
    acme.sandbox.otys.delete_list(nurses.uid)
    report = acme.plan()
    assert [one.problem for one in report.lists] == ["", ""]
    assert names(acme) == ["Chauffeurs", "Verpleegkundigen"]
    assert backups(acme) == []
