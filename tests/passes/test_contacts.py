"""What passes do to contacts, over real HTTP."""

from dataclasses import replace
from math import ceil

import pytest

from reconciler.api.tape import Tape
from reconciler.model import AudienceId, ContactSnapshot, ListUid, PassResult, Verb
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sources.mailchimp import MailchimpSource
from tests.passes.agency import Agency, reasons, results, verbs


def test_a_first_pass_creates_the_audience_and_a_second_one_writes_nothing(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    report = acme.once()
    assert report.result is PassResult.DONE
    assert verbs(report) == {"create": 1, "add": 2}
    assert acme.subscribed(nurses) == {"jan@zorg.nl", "piet@zorg.nl"}
    jan = acme.contact(nurses, "jan@zorg.nl")
    assert jan is not None
    assert (jan.merge_fields["FNAME"], jan.merge_fields["LNAME"]) == ("Jan", "Jansen")
    assert acme.writes_of(acme.once) == []


def test_a_pass_makes_no_more_requests_than_the_pages_dictate(acme: Agency) -> None:
    acme.list("Groot", *(f"persoon{number}@zorg.nl" for number in range(501)))
    acme.once()
    report = acme.once()
    overhead = 4  # of OTYS: login, check, settings, the catalogue
    assert report.requests == {
        "OTYS": overhead + ceil(501 / 200),
        "Mailchimp": 3,
    }  # audiences, live, archived


def test_a_person_added_and_a_person_removed(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    acme.once()
    acme.leave(nurses, "piet@zorg.nl")
    acme.join(nurses, acme.person("anna@zorg.nl"))
    report = acme.once()
    assert results(report) == {("add", "applied"): 1, ("remove", "applied"): 1}
    assert acme.subscribed(nurses) == {"jan@zorg.nl", "anna@zorg.nl"}
    assert acme.status(nurses, "piet@zorg.nl") == "archived"
    assert acme.writes_of(acme.once) == []


def test_somebody_who_left_and_comes_back_is_the_same_contact_again(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    piet = acme.person("piet@zorg.nl")
    acme.join(nurses, piet)
    acme.once()
    before = acme.contact(nurses, "piet@zorg.nl")
    acme.leave(nurses, "piet@zorg.nl")
    acme.once()
    acme.join(nurses, piet)
    report = acme.once()
    after = acme.contact(nurses, "piet@zorg.nl")
    assert results(report) == {("add", "applied"): 1}
    assert before is not None
    assert after is not None
    assert after.contact_id == before.contact_id
    assert acme.status(nurses, "piet@zorg.nl") == "subscribed"
    assert acme.writes_of(acme.once) == []


def test_a_changed_address_moves_the_contact_with_its_history(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "piet@zorg.nl")
    jan = acme.person("jan@zorg.nl")
    acme.join(nurses, jan)
    acme.once()
    before = acme.contact(nurses, "jan@zorg.nl")
    acme.sandbox.mailchimp.tag(acme.audience(nurses), "jan@zorg.nl", "vip")
    acme.edit(jan, email="jan.jansen@ziekenhuis.nl")
    report = acme.once()
    after = acme.contact(nurses, "jan.jansen@ziekenhuis.nl")
    assert results(report) == {("rename", "applied"): 1}
    assert before is not None
    assert after is not None
    assert after.contact_id == before.contact_id
    assert acme.contact(nurses, "jan@zorg.nl") is None
    assert acme.writes_of(acme.once) == []


def test_a_changed_name_is_written_without_a_status(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen")
    jan = acme.person("jan@zorg.nl")
    acme.join(nurses, jan)
    acme.once()
    acme.edit(jan, last_name="de Vries")
    before = acme.sandbox.log.last_number()
    report = acme.once()
    assert results(report) == {("update", "applied"): 1}
    assert all(b'"status"' not in one.body for one in acme.sandbox.log.writes(after=before))
    found = acme.contact(nurses, "jan@zorg.nl")
    assert found is not None
    assert found.merge_fields["LNAME"] == "de Vries"


def test_a_name_that_a_marketer_corrected_is_left_alone_until_otys_changes_it(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen")
    jan = acme.person("jan@zorg.nl")
    acme.join(nurses, jan)
    acme.once()
    acme.sandbox.mailchimp.edit_fields(acme.audience(nurses), "jan@zorg.nl", LNAME="Janssen")
    assert acme.writes_of(acme.once) == []
    acme.edit(jan, last_name="Bakker")
    acme.once()
    found = acme.contact(nurses, "jan@zorg.nl")
    assert found is not None
    assert found.merge_fields["LNAME"] == "Bakker"


def test_who_unsubscribes_stays_out_whatever_happens_in_otys(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "piet@zorg.nl", "kees@zorg.nl")
    jan = acme.person("jan@zorg.nl")
    acme.join(nurses, jan)
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), "jan@zorg.nl")
    acme.edit(jan, last_name="de Vries")
    report = acme.once()
    assert reasons(report, Verb.SUPPRESS) == ["unsubscribed in Mailchimp"]
    acme.leave(nurses, "jan@zorg.nl")
    assert acme.writes_of(acme.once) == []
    acme.join(nurses, jan)
    assert acme.writes_of(acme.once) == []
    acme.edit(jan, email="jan@nieuw.nl")
    assert acme.writes_of(acme.once) == []
    assert acme.status(nurses, "jan@zorg.nl") == "unsubscribed"
    assert acme.subscribed(nurses) == {"piet@zorg.nl", "kees@zorg.nl"}


def test_a_no_outlives_a_new_audience_for_the_list(acme: Agency) -> None:
    acme.configure(policy='audience_gone = "recreate"')
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), "jan@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.delete_audience(acme.audience(nurses))
    acme.converge()
    assert acme.subscribed(nurses) == {"piet@zorg.nl"}


def test_a_bounced_person_with_a_new_address_is_reached_again(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "piet@zorg.nl")
    jan = acme.person("jan@zorg.nl")
    acme.join(nurses, jan)
    acme.once()
    acme.sandbox.mailchimp.bounce(acme.audience(nurses), "jan@zorg.nl")
    acme.once()
    acme.edit(jan, email="jan@nieuw.nl")
    acme.converge()
    assert acme.subscribed(nurses) == {"piet@zorg.nl", "jan@nieuw.nl"}
    assert acme.status(nurses, "jan@zorg.nl") == "cleaned"


def test_somebody_taken_out_in_mailchimp_stays_out_until_otys_lists_the_person_anew(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "piet@zorg.nl", "kees@zorg.nl")
    jan = acme.person("jan@zorg.nl")
    acme.join(nurses, jan)
    acme.once()
    acme.sandbox.mailchimp.archive(acme.audience(nurses), "jan@zorg.nl")
    report = acme.once()
    assert reasons(report, Verb.SUPPRESS) == ["taken out by somebody in Mailchimp"]
    assert acme.writes_of(acme.once) == []
    assert acme.status(nurses, "jan@zorg.nl") == "archived"


def test_somebody_who_subscribes_again_is_ours_again(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    acme.once()
    audience = acme.audience(nurses)
    acme.sandbox.mailchimp.unsubscribe(audience, "jan@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.subscribe_by_form(audience, "jan@zorg.nl")
    assert reasons(acme.once(), Verb.ADOPT) == ["subscribed again by its own action"]
    acme.leave(nurses, "jan@zorg.nl")
    acme.once()
    assert acme.status(nurses, "jan@zorg.nl") == "archived"


def test_strangers_are_never_touched(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    audience = acme.audience(nurses)
    acme.sandbox.mailchimp.add_contact(audience, "gast@elders.nl")
    acme.leave(nurses, "jan@zorg.nl")
    acme.join(nurses, "piet@zorg.nl")
    acme.once()
    assert acme.subscribed(nurses) == {"gast@elders.nl", "piet@zorg.nl"}


def test_an_address_changed_by_the_person_in_mailchimp_is_followed(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.change_address(acme.audience(nurses), "jan@zorg.nl", "jan@prive.nl")
    assert acme.writes_of(acme.once) == []
    acme.leave(nurses, "jan@zorg.nl")
    acme.once()
    assert acme.status(nurses, "jan@prive.nl") == "archived"


def test_a_name_is_written_to_a_contact_that_has_another_address_in_mailchimp(acme: Agency) -> None:
    jobs = acme.list("Vacatures", "oud@werk.nl")
    acme.once()
    acme.sandbox.mailchimp.change_address(acme.audience(jobs), "oud@werk.nl", "nieuw@werk.nl")
    acme.once()
    acme.edit(acme.sandbox.otys.people_at("oud@werk.nl")[0], first_name="Bob")
    assert results(acme.once()) == {("update", "applied"): 1}


def test_a_refused_address_is_tried_once_and_stays_visible(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "nep@example.com")
    report = acme.once()
    assert results(report)["add", "refused"] == 1
    second = acme.once()
    assert [
        refused.refusal.kind for one in second.lists if one.guarded for refused in one.guarded.plan.refused
    ] == ["fake_address"]
    assert acme.writes_of(acme.once) == []
    assert acme.subscribed(nurses) == {"jan@zorg.nl"}


def test_a_permanently_deleted_contact_is_remembered_after_one_try(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    acme.once()
    audience = acme.audience(nurses)
    acme.configure(policy='removed_in_mailchimp = "restore"')
    acme.sandbox.mailchimp.delete_permanently(audience, "jan@zorg.nl")
    report = acme.once()
    assert results(report) == {("add", "refused"): 1}
    assert acme.writes_of(acme.once) == []


def test_a_shared_address_is_one_contact(acme: Agency) -> None:
    couple = acme.list("Stellen")
    jan, els = acme.person("thuis@zorg.nl", "Jan"), acme.person("Thuis@zorg.nl ", "Els")
    acme.join(couple, jan)
    acme.join(couple, els)
    acme.once()
    assert acme.subscribed(couple) == {"thuis@zorg.nl"}
    found = acme.contact(couple, "thuis@zorg.nl")
    assert found is not None
    assert found.merge_fields["FNAME"] == "Jan"
    assert acme.writes_of(acme.once) == []


def test_a_merge_field_that_is_missing_is_created_before_it_is_written(acme: Agency) -> None:
    acme.fields = 'FNAME = "{first_name}"\nLANG = "{language}"'
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    found = acme.contact(nurses, "jan@zorg.nl")
    assert found is not None
    assert found.merge_fields["LANG"] == "nl"
    assert acme.writes_of(acme.once) == []


def test_a_plan_writes_nothing_and_says_what_a_pass_would_do(acme: Agency) -> None:
    acme.list("Verpleegkundigen", "jan@zorg.nl")
    assert acme.writes_of(acme.plan) == []
    report = acme.plan()
    assert report.result is PassResult.PLANNED
    assert verbs(report) == {"create": 1, "add": 1}
    assert acme.store.links("acme") == ()
    assert verbs(acme.once()) == {"create": 1, "add": 1}


def test_a_plan_of_an_audience_that_is_there_says_what_a_pass_would_do(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    acme.join(nurses, acme.person("piet@zorg.nl"))
    report = acme.plan()
    assert [(one.problem, verbs(report)) for one in report.lists] == [("", {"add": 1})]
    assert acme.subscribed(nurses) == {"jan@zorg.nl"}


def test_whoever_was_archived_before_it_was_ours_is_added_where_the_policy_says_so(acme: Agency) -> None:
    acme.configure(policy='archived_stranger = "add"')
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "terug@zorg.nl")
    [back] = acme.sandbox.otys.people_at("terug@zorg.nl")
    acme.once()
    acme.leave(nurses, "terug@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.add_contact(acme.audience(nurses), "piet@zorg.nl", "subscribed")
    acme.sandbox.mailchimp.archive(acme.audience(nurses), "piet@zorg.nl")
    acme.join(nurses, back)
    acme.join(nurses, acme.person("piet@zorg.nl"))
    acme.once()
    assert acme.subscribed(nurses) == {"jan@zorg.nl", "piet@zorg.nl", "terug@zorg.nl"}


def test_names_with_emoji_and_of_300_characters_come_to_rest(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen")
    acme.join(nurses, acme.person("jan@zorg.nl", "Jan 🎄", "J" * 300))
    acme.once()
    assert acme.writes_of(acme.once) == []


def test_a_refusal_ends_when_its_person_leaves_the_list(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "nep@example.com")
    acme.once()
    acme.leave(nurses, "nep@example.com")
    acme.once()
    assert acme.store.base("acme", ListUid(nurses.uid)).refusals == ()


def test_a_no_is_remembered_before_anything_of_its_list_is_written(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), "jan@zorg.nl")
    acme.fields = 'FNAME = "{first_name}"\nLANG = "{language}"'
    acme.join(nurses, "kees@zorg.nl")
    acme.sandbox.faults.add(
        Fault(
            kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern="POST|PATCH|PUT", times=None, value=500
        )
    )
    assert acme.once().result is PassResult.FAILED
    assert [no.address for no in acme.store.base("acme", ListUid(nurses.uid)).nos] == ["jan@zorg.nl"]


def test_a_contact_that_the_listing_skipped_is_looked_up_and_stays_ours(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    acme.once()

    def skipping(
        source: MailchimpSource, audience_id: AudienceId, tape: Tape | None = None
    ) -> ContactSnapshot:
        whole = read_whole(source, audience_id, tape)
        return replace(whole, contacts=tuple(one for one in whole.contacts if one.address != "jan@zorg.nl"))

    read_whole = MailchimpSource.contacts
    with monkeypatch.context() as shifting:
        shifting.setattr(MailchimpSource, "contacts", skipping)
        report = acme.once()
    assert (report.result, verbs(report)) == (PassResult.DONE, {})
    base = acme.store.base("acme", ListUid(nurses.uid))
    assert base.nos == ()
    assert set(base.rows) == {"jan@zorg.nl", "piet@zorg.nl"}


def test_of_an_audience_that_was_read_in_part_nobody_is_looked_up_one_by_one(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    acme.once()
    before = acme.sandbox.log.last_number()

    def cut_short(
        source: MailchimpSource, audience_id: AudienceId, tape: Tape | None = None
    ) -> ContactSnapshot:
        whole = read_whole(source, audience_id, tape)
        return replace(whole, contacts=whole.contacts[:1], tally=replace(whole.tally, rows=1))

    read_whole = MailchimpSource.contacts
    monkeypatch.setattr(MailchimpSource, "contacts", cut_short)
    acme.once()

    asked = [one.path for one in acme.sandbox.log.requests(after=before)]
    assert not [path for path in asked if "/members/" in path]
