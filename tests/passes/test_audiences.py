"""What passes do to audiences as a whole, over real HTTP."""

import gzip
import json

import pytest

from reconciler.model import ListUid, PassResult, Verb
from reconciler.sandbox.faults import Fault, FaultKind
from tests.passes.agency import Agency, results, verbs


def held(acme: Agency) -> list[str]:
    return [
        change.reason for one in acme.once().lists for change in one.list_changes if change.verb == "hold"
    ]


def test_lists_of_the_same_name_get_an_audience_each(acme: Agency) -> None:
    first, second = acme.list("123", "jan@zorg.nl"), acme.list("123", "piet@zorg.nl")
    acme.once()
    assert acme.subscribed(first) == {"jan@zorg.nl"}
    assert acme.subscribed(second) == {"piet@zorg.nl"}
    assert acme.writes_of(acme.once) == []


def test_the_one_audience_of_a_name_is_linked_and_its_contacts_adopted(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl", "kees@zorg.nl")
    audience = acme.sandbox.mailchimp.add_audience("Verpleegkundigen")
    acme.sandbox.mailchimp.add_contact(audience, "jan@zorg.nl")
    acme.sandbox.mailchimp.add_contact(audience, "kees@zorg.nl", "unsubscribed")
    acme.sandbox.mailchimp.add_contact(audience, "gast@elders.nl")
    report = acme.once()
    assert acme.audience(nurses) == audience
    assert {**verbs(report), "update-settings": 1} == {
        "link": 1,
        "update-settings": 1,
        "adopt": 1,
        "add": 1,
        "suppress": 1,
    }
    assert acme.subscribed(nurses) == {"jan@zorg.nl", "piet@zorg.nl", "gast@elders.nl"}
    assert acme.writes_of(acme.once) == []


def test_a_plan_links_nothing(acme: Agency) -> None:
    acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.sandbox.mailchimp.add_audience("Verpleegkundigen")

    assert verbs(acme.plan())["link"] == 1

    assert acme.store.links("acme") == ()


def test_two_audiences_of_the_name_are_held_until_the_pair_is_named(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.sandbox.mailchimp.add_audience("Verpleegkundigen")
    right = acme.sandbox.mailchimp.add_audience("Verpleegkundigen")
    report = acme.once()
    assert report.result is PassResult.WITHHELD
    assert "clients.acme.links" not in held(acme)[0]
    assert "2 audiences" in held(acme)[0]
    acme.configure(links=f'"{nurses.uid}" = "{right}"')
    acme.once()
    assert acme.audience(nurses) == right


@pytest.mark.parametrize("made", ["by a marketer", "by the pass"])
def test_a_list_that_was_let_go_starts_afresh_in_another_audience(acme: Agency, made: str) -> None:
    kees = acme.person("kees@zorg.nl")
    nurses, _ = acme.list("Verpleegkundigen", "jan@zorg.nl"), acme.list("Chauffeurs")
    acme.join(nurses, kees)
    acme.once()
    acme.sandbox.otys.unselect_list(nurses.uid)
    acme.once()
    acme.leave(nurses, "kees@zorg.nl")
    acme.sandbox.otys.select_list(nurses.uid)
    if made == "by a marketer":
        other = acme.sandbox.mailchimp.add_audience("Zorg")
        acme.configure(links=f'"{nurses.uid}" = "{other}"')
    else:
        [before] = [one.audience_id for one in acme.store.links("acme") if one.list_uid == nurses.uid]
        acme.sandbox.mailchimp.delete_audience(str(before))
    acme.once()
    acme.join(nurses, kees)
    acme.once()
    assert acme.subscribed(nurses) == {"jan@zorg.nl", "kees@zorg.nl"}
    assert acme.store.base("acme", ListUid(nurses.uid)).nos == ()
    assert acme.writes_of(acme.once) == []


def test_the_limit_of_audiences_is_named_and_nothing_is_sent(acme: Agency) -> None:
    acme.world.mailchimp.max_audiences = 1
    acme.list("Een", "jan@zorg.nl")
    acme.list("Twee", "piet@zorg.nl")
    report = acme.once()
    assert results(report)["create", "applied"] == 1
    assert report.result is PassResult.WITHHELD
    assert held(acme) == ["the Mailchimp plan allows 1 audiences and has 1"]
    assert acme.writes_of(acme.once) == []


def test_a_name_and_a_reminder_follow_otys_and_keep_what_a_marketer_edited(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    drivers = acme.list("Chauffeurs", "piet@zorg.nl")
    acme.once()
    acme.sandbox.otys.rename_list(nurses.uid, "Verpleging")
    acme.sandbox.otys.edit_reminder(nurses.uid, "U staat bij ons ingeschreven.")
    acme.sandbox.mailchimp.edit_reminder(acme.audience(drivers), "Omdat u rijdt.")
    report = acme.once()
    assert results(report) == {("rename-audience", "applied"): 1, ("update-settings", "applied"): 1}
    of_nurses = acme.sandbox.mailchimp.audience(acme.audience(nurses))
    of_drivers = acme.sandbox.mailchimp.audience(acme.audience(drivers))
    assert (of_nurses.name, of_nurses.permission_reminder) == ("Verpleging", "U staat bij ons ingeschreven.")
    assert of_drivers.permission_reminder == "Omdat u rijdt."
    assert acme.writes_of(acme.once) == []


@pytest.mark.parametrize("policy", ["otys", "mailchimp"])
def test_what_a_marketer_edits_right_after_a_pass_wrote_it_stays(acme: Agency, policy: str) -> None:
    acme.configure(policy=f'field_conflicts = "{policy}"')
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    acme.sandbox.otys.rename_list(nurses.uid, "Verpleging")
    acme.sandbox.otys.edit_reminder(nurses.uid, "U staat bij ons ingeschreven.")
    acme.once()
    acme.sandbox.mailchimp.rename_audience(acme.audience(nurses), "Zorg")
    acme.sandbox.mailchimp.edit_reminder(acme.audience(nurses), "Omdat u zorgt.")

    assert acme.writes_of(acme.once) == []

    edited = acme.sandbox.mailchimp.audience(acme.audience(nurses))
    assert (edited.name, edited.permission_reminder) == ("Zorg", "Omdat u zorgt.")


def test_a_first_sync_that_edits_the_audience_is_one_all_the_same(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.configure(links=f'"{nurses.uid}" = "{acme.sandbox.mailchimp.add_audience("Zorg")}"')

    first, second = acme.once(), acme.once()

    assert verbs(first)["rename-audience"] == 1
    assert [one.first_sync for one in (*first.lists, *second.lists)] == [True, False]


def test_contacts_of_a_deleted_list_leave_after_the_grace_and_history_tells_of_it_once(acme: Agency) -> None:
    grace = "grace_snapshots = 2\ngrace_hours = 0"
    acme.configure(policy='list_deleted = "archive-members"', limits=grace)
    nurses, _ = acme.list("Verpleegkundigen", "jan@zorg.nl"), acme.list("Chauffeurs", "piet@zorg.nl")
    acme.once()
    audience = acme.audience(nurses)
    acme.sandbox.otys.delete_list(nurses.uid)

    waiting, withheld = acme.once(), acme.once()
    assert waiting.pass_id is not None
    assert acme.store.outcomes(waiting.pass_id) == ()
    [proposal] = withheld.proposals
    acme.store.approve(proposal.digest, by="test", now=acme.now)
    acme.once()

    jan = acme.sandbox.mailchimp.contact(audience, "jan@zorg.nl")
    assert jan is not None
    assert jan.status == "archived"
    unlinked = [one for one in acme.store.history("acme", limit=99) if one.verb == "unlink"]
    assert len(unlinked) == 1


def test_an_audience_deleted_in_mailchimp_holds_its_list_and_no_other(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    drivers = acme.list("Chauffeurs", "piet@zorg.nl")
    acme.once()
    deleted = acme.audience(nurses)
    acme.sandbox.mailchimp.delete_audience(deleted)
    acme.join(drivers, "kees@zorg.nl")
    report = acme.once()
    assert report.result is PassResult.WITHHELD
    assert deleted in [one.audience_id for one in report.lists]
    assert acme.subscribed(drivers) == {"piet@zorg.nl", "kees@zorg.nl"}
    assert "deleted in Mailchimp" in held(acme)[0]
    assert acme.writes_of(acme.once) == []


def test_nothing_is_remembered_of_the_audience_that_another_one_takes_the_place_of(acme: Agency) -> None:
    acme.configure(policy='audience_gone = "recreate"')
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.delete_audience(acme.audience(nurses))
    acme.leave(nurses, "piet@zorg.nl")

    acme.once()

    assert set(acme.store.base("acme", ListUid(nurses.uid)).rows) == {"jan@zorg.nl"}


def test_an_audience_deleted_before_it_was_said_who_was_taken_out_of_it_is_not_made_anew_with_them(
    acme: Agency,
) -> None:
    acme.configure(policy='audience_gone = "recreate"')
    nurses, drivers = acme.list("Verpleegkundigen", "jan@zorg.nl"), acme.list("Chauffeurs", "piet@weg.nl")
    acme.once()
    acme.sandbox.mailchimp.delete_permanently(acme.audience(nurses), "jan@zorg.nl")
    assert acme.once().proposals, "an audience that is suddenly empty may be an accident"
    acme.sandbox.mailchimp.delete_audience(acme.audience(nurses))

    acme.later(days=30)
    assert "1 of ours had been taken out" in held(acme)[0]
    assert len(acme.world.mailchimp.audiences) == 1

    acme.sandbox.otys.unselect_list(nurses.uid)
    acme.once()
    acme.sandbox.otys.select_list(nurses.uid)
    acme.once()
    assert acme.subscribed(nurses) == {"jan@zorg.nl"}
    assert acme.subscribed(drivers) == {"piet@weg.nl"}


def test_a_deselected_list_is_unlinked_and_its_contacts_stay(acme: Agency) -> None:
    nurses, _ = acme.list("Verpleegkundigen", "jan@zorg.nl"), acme.list("Chauffeurs", "piet@zorg.nl")
    acme.once()
    audience = acme.audience(nurses)
    acme.sandbox.otys.unselect_list(nurses.uid)
    report = acme.once()
    assert verbs(report) == {"unlink": 1}
    assert results(report) == {("unlink", "applied"): 1}
    assert acme.subscribed(nurses) == {"jan@zorg.nl"}
    acme.join(nurses, "kees@zorg.nl")
    assert acme.writes_of(acme.once) == []
    acme.sandbox.otys.select_list(nurses.uid)
    acme.once()
    assert acme.audience(nurses) == audience
    assert acme.subscribed(nurses) == {"jan@zorg.nl", "kees@zorg.nl"}
    acme.leave(nurses, "jan@zorg.nl")
    acme.once()
    assert acme.subscribed(nurses) == {"kees@zorg.nl"}, "whom we added before is still ours"


def test_an_emptied_ge203_unlinks_nothing(acme: Agency) -> None:
    acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    acme.sandbox.otys.set_setting("GE203", "")
    report = acme.once()
    assert report.result is PassResult.WITHHELD
    assert "GE203 is suddenly empty" in held(acme)[0]


def test_ge203_naming_an_unknown_list_is_told_and_stops_no_other(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.world.otys.flag("999")
    assert held(acme) == ["setting GE203 names it, but OTYS has no list with this uid"]
    assert acme.subscribed(nurses) == {"jan@zorg.nl"}


def test_a_deleted_list_takes_its_audience_along_after_the_grace_and_a_backup(acme: Agency) -> None:
    acme.configure(limits="grace_snapshots = 2\ngrace_hours = 3")
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    acme.list("Chauffeurs", "kees@zorg.nl")
    acme.once()
    audience = acme.audience(nurses)
    acme.sandbox.mailchimp.unsubscribe(audience, "piet@zorg.nl")
    acme.once()
    acme.sandbox.otys.delete_list(nurses.uid)
    first = acme.once()
    assert [one.waits for one in first.lists if one.waits] == [
        "grace period: seen deleted in 1 of 2 snapshots, not before 2026-11-23 15:00 UTC"
    ]
    assert first.result is PassResult.DONE
    acme.later(hours=1)
    assert acme.writes_of(acme.once) == []
    acme.later(hours=2)
    assert acme.writes_of(acme.once) == [f"DELETE /3.0/lists/{audience}"]
    saved = next((acme.folder / "state" / "backups").glob("*.gz"))
    lines = [json.loads(line) for line in gzip.decompress(saved.read_bytes()).splitlines()]
    assert {(row["contact"]["email_address"], row["contact"]["status"]) for row in lines[1:]} == {
        ("jan@zorg.nl", "subscribed"),
        ("piet@zorg.nl", "unsubscribed"),
    }
    assert acme.writes_of(acme.once) == []
    assert acme.once().result is PassResult.DONE, "GE203 goes on naming the list; that holds nothing up"


def test_an_audience_that_holds_strangers_is_not_deleted(acme: Agency) -> None:
    acme.configure(limits="grace_snapshots = 1\ngrace_hours = 0")
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.add_contact(acme.audience(nurses), "gast@elders.nl")
    acme.sandbox.otys.delete_list(nurses.uid)
    report = acme.once()
    assert report.result is PassResult.WITHHELD
    assert results(report) == {("delete", "withheld"): 1}
    assert acme.subscribed(nurses) == {"jan@zorg.nl", "gast@elders.nl"}


def test_a_list_that_a_partial_catalogue_leaves_out_is_not_taken_for_deleted(acme: Agency) -> None:
    acme.configure(limits="grace_snapshots = 1\ngrace_hours = 0")
    for number in range(205):
        acme.list(f"Los {number}", flagged=False)
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SHORT_PAGE, system="otys", pattern="MailingListService", times=None, value=10)
    )
    assert acme.writes_of(acme.once) == []
    acme.sandbox.faults.clear()
    assert acme.writes_of(acme.once) == []
    assert acme.subscribed(nurses) == {"jan@zorg.nl"}


def test_a_refused_name_is_not_sent_again_and_stays_visible(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    acme.sandbox.otys.rename_list(nurses.uid, "Verpleging")
    refusal = Fault(kind=FaultKind.GARBAGE, system="mailchimp", pattern="PATCH", times=1)
    acme.sandbox.faults.add(refusal)
    assert acme.once().result is PassResult.FAILED
    acme.once()
    assert acme.sandbox.mailchimp.audience(acme.audience(nurses)).name == "Verpleging"


def test_a_name_that_mailchimp_refuses_is_told_in_its_words_and_costs_the_list_nothing_else(
    acme: Agency,
) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    acme.world.mailchimp.switches.partial_audience_update = False
    acme.sandbox.otys.rename_list(nurses.uid, "Verpleging")
    acme.join(nurses, acme.person("kees@zorg.nl"))
    report = acme.once()
    assert results(report) == {("rename-audience", "refused"): 1, ("add", "applied"): 1}
    [told] = [one for one in acme.store.history("acme", limit=100) if one.verb == "rename-audience"]
    assert told.result == "refused"
    assert told.detail.startswith("The resource submitted could not be validated.")
    assert held(acme) == [f"Mailchimp refused to rename-audience it: {told.detail}"]


def test_an_audience_that_may_not_be_created_is_told_and_not_waited_for(acme: Agency) -> None:
    acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.LIST_LIMITS, system="mailchimp", pattern=r"POST /3\.0/lists$")
    )
    report = acme.once()
    [outcome] = [one for of in report.lists for one in of.list_outcomes]
    assert outcome.result == "refused"
    assert "no further audience may be created" in outcome.detail
    assert report.lists[0].guarded is None, "there is nothing that its people could be added to"
    assert acme.store.links("acme") == ()
    assert acme.store.open_intents("acme") == ()


def test_an_audience_that_was_there_before_is_not_told_to_be_created(acme: Agency) -> None:
    other, _ = (acme.sandbox.mailchimp.add_audience(name) for name in ("Zorg", "Bouw"))
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    pattern = r"POST /3\.0/lists$"
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern=pattern, times=None, value=503)
    )
    acme.once()
    acme.sandbox.faults.clear()
    acme.configure(links=f'"{nurses.uid}" = "{other}"')
    acme.once()
    assert acme.audience(nurses) == other
    assert "create" not in [one.verb for one in acme.store.history("acme", limit=100)]


def test_contacts_of_a_deselected_list_leave_where_the_policy_says_so(acme: Agency) -> None:
    acme.configure(policy='unselected = "archive-members"')
    nurses, _ = acme.list("Verpleegkundigen", "jan@zorg.nl"), acme.list("Chauffeurs", "piet@zorg.nl")
    acme.once()
    audience = acme.audience(nurses)
    acme.sandbox.otys.unselect_list(nurses.uid)
    report = acme.once()
    assert report.result is PassResult.WITHHELD
    [waiting] = [one.detail for of in report.lists for one in of.list_outcomes]
    assert waiting == "1 of our contacts are still there"
    (proposal,) = report.proposals
    assert proposal.verb is Verb.REMOVE
    acme.store.approve(proposal.digest, by="test", now=acme.now)
    acme.once()
    jan = acme.sandbox.mailchimp.contact(audience, "jan@zorg.nl")
    assert jan is not None
    assert jan.status == "archived"
    acme.once()
    assert acme.writes_of(acme.once) == []
