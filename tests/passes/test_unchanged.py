"""A list of which no byte changed is left alone; whatever may matter brings it back."""

import gc
from dataclasses import replace
from datetime import timedelta
from types import FunctionType, ModuleType

import pytest

from reconciler.api.tape import Tape
from reconciler.document import ListDocument
from reconciler.model import AudienceId, ContactSnapshot, ListUid
from reconciler.record import read_plan
from reconciler.report import PassReport
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys.state import MailingList
from reconciler.sources.mailchimp import MailchimpSource
from tests.passes.agency import Agency, verbs
from tests.passes.staying import Daemon, Open
from tests.passes.test_release import let_go

ANN, BOB, CAS = "ann@zorg.nl", "bob@zorg.nl", "cas@zorg.nl"
STRANGER = "strange@zorg.nl"


def test_a_list_of_which_no_byte_changed_is_asked_for_as_ever_and_not_looked_into(
    acme: Agency, daemon: Open
) -> None:
    acme.list("Zorg", ANN, BOB)
    acme.list("Bouw", CAS)
    one = daemon()
    before = one.rest()

    after = one.once()

    assert (one.decided, one.decoded) == ([], [])
    assert [each.guarded and each.guarded.plan.facts for each in after.lists] == [
        each.guarded and each.guarded.plan.facts for each in before.lists
    ]
    assert (after.result, after.planned, after.kept) == (before.result, before.planned, before.kept)
    pages = one.pages
    assert len(pages) == 6, "one of recipients, one of contacts and one of archived contacts, of each list"
    with acme.client() as afresh:
        another = Daemon(acme, afresh)
        another.once()
        assert another.pages == pages


def test_only_the_list_that_changed_in_otys_is_decided(acme: Agency, daemon: Open) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.list("Bouw", CAS)
    one = daemon()
    one.rest()
    acme.edit(acme.sandbox.otys.people_at(ANN)[0], first_name="Anna")

    assert verbs(one.once()) == {"update": 1}
    assert one.decided == ["Zorg"]
    contact = acme.contact(zorg, ANN)
    assert contact is not None
    assert contact.merge_fields["FNAME"] == "Anna"


@pytest.mark.parametrize("said", ["unsubscribe", "archive", "delete_permanently"])
def test_what_happens_in_mailchimp_is_noticed_in_the_very_next_pass(
    acme: Agency, daemon: Open, said: str
) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    one = daemon()
    one.rest()
    getattr(acme.sandbox.mailchimp, said)(acme.audience(zorg), ANN)

    assert verbs(one.once()) == {"suppress": 1}


def test_a_change_on_the_last_page_of_a_long_list_takes_no_further_request(
    acme: Agency, daemon: Open
) -> None:
    people = [f"p{number:03}@zorg.nl" for number in range(450)]
    zorg = acme.list("Zorg", *people)
    one = daemon()
    one.rest()
    pages = one.pages
    assert len(pages) == 3 + 2
    acme.join(zorg, acme.person("zzz@zorg.nl"))

    assert verbs(one.once()) == {"add": 1}
    assert one.pages == pages


def test_what_is_held_for_good_is_told_in_every_pass(acme: Agency, daemon: Open) -> None:
    zorg = acme.list("Zorg", ANN)
    one = daemon()
    one.rest()
    acme.sandbox.mailchimp.add_contact(acme.audience(zorg), STRANGER)
    acme.sandbox.mailchimp.archive(acme.audience(zorg), STRANGER)
    acme.join(zorg, acme.person(STRANGER))
    before = one.rest()

    after = one.once()

    assert one.decided == []
    assert verbs(after) == verbs(before) == {"hold": 1}
    assert {**after.counts(), "looked.whole": 1, "looked.pages": 0} == {**before.counts(), "looked.pages": 0}


def test_what_is_held_is_in_the_kept_plan_again_once_the_catalogue_is_whole(
    acme: Agency, daemon: Open
) -> None:
    for number in range(205):
        acme.list(f"Los {number}", flagged=False)
    zorg = acme.list("Zorg", ANN)
    one = daemon()
    one.rest()
    acme.sandbox.mailchimp.add_contact(acme.audience(zorg), STRANGER)
    acme.sandbox.mailchimp.archive(acme.audience(zorg), STRANGER)
    acme.join(zorg, acme.person(STRANGER))
    before = kept_plan(acme, one.rest(), zorg)
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SHORT_PAGE, system="otys", pattern="MailingListService", times=None, value=10)
    )
    assert kept_plan(acme, one.once(), zorg) != before
    acme.sandbox.faults.clear()

    report = one.once()

    assert one.decided == []
    assert kept_plan(acme, report, zorg) == before


def kept_plan(acme: Agency, report: PassReport, of: MailingList) -> ListDocument:
    assert report.pass_id is not None
    return read_plan(acme.store.plan_bodies("acme", report.pass_id)[ListUid(of.uid)])


def test_what_is_withheld_is_decided_in_every_pass(acme: Agency, daemon: Open) -> None:
    zorg = acme.list("Zorg", *[f"p{number}@zorg.nl" for number in range(20)])
    one = daemon()
    one.rest()
    acme.sandbox.otys.empty_list(zorg.uid)

    for _ in range(3):
        assert [proposal.verb for proposal in one.once().proposals] == ["remove"]
        assert one.decided == ["Zorg"]


def test_what_flaps_is_let_go_as_soon_as_it_may(acme: Agency, daemon: Open) -> None:
    acme.configure(limits="flap_turns = 0\nreread_hours = 9000.0")
    zorg = acme.list("Zorg", ANN, BOB)
    one = daemon()
    one.rest()
    acme.leave(zorg, BOB)
    assert verbs(one.once()) == {"hold": 1}
    assert verbs(one.once()) == {"hold": 1}

    acme.later(hours=25)

    assert verbs(one.once()) == {"remove": 1}


def test_a_release_by_another_process_is_followed_at_once(acme: Agency, daemon: Open) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    one = daemon()
    one.rest()
    acme.sandbox.mailchimp.archive(acme.audience(zorg), ANN)
    one.rest()

    let_go(acme, ANN)

    assert verbs(one.once()) == {"add": 1}
    assert acme.subscribed(zorg) == {ANN, BOB}


def test_of_what_whoever_held_the_lock_meanwhile_changed_the_database_tells(
    acme: Agency, daemon: Open
) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.list("Bouw", CAS)
    one = daemon()
    one.rest()

    with acme.store.lock("acme", "an operator", lease=timedelta(minutes=2), now=lambda: acme.now):
        acme.store.forget_rows("acme", ListUid(zorg.uid))

    one.once()
    assert one.decided == ["Zorg"]
    one.once()
    assert one.decided == ["Zorg"], "they were taken for ours anew"
    one.once()
    assert one.decided == [], "nobody else came"


def test_a_plan_of_another_process_disturbs_nothing(acme: Agency, daemon: Open) -> None:
    acme.list("Zorg", ANN)
    one = daemon()
    one.rest()
    acme.plan()

    one.once()

    assert one.decided == []


def test_every_list_is_decided_anew_within_a_day(acme: Agency, daemon: Open) -> None:
    acme.list("Zorg", ANN)
    one = daemon()
    one.rest()
    acme.later(hours=11)
    one.once()
    assert one.decided == []

    acme.later(hours=13)
    one.once()

    assert one.decided == ["Zorg"]


def test_nothing_is_left_alone_where_every_pass_is_to_decide(acme: Agency, daemon: Open) -> None:
    acme.configure(limits="reread_hours = 0")
    acme.list("Zorg", ANN)
    one = daemon()
    for _ in range(3):
        one.once()
        assert one.decided == ["Zorg"]


def test_people_whose_addresses_stand_elsewhere_are_looked_up_in_every_pass(
    acme: Agency, daemon: Open
) -> None:
    acme.world.otys.switches.references_only = True
    zorg = acme.list("Zorg", ANN, BOB)
    one = daemon()
    for _ in range(3):
        one.once()
    assert acme.store.rests("acme") == {}
    acme.edit(acme.sandbox.otys.people_at(ANN)[0], email=CAS)

    assert verbs(one.once()) == {"rename": 1}
    assert acme.subscribed(zorg) == {BOB, CAS}


def test_a_list_of_whose_contacts_the_listing_left_one_out_never_rests(
    acme: Agency, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.list("Zorg", ANN, BOB)
    one = daemon()
    one.rest()

    def skipping(
        source: MailchimpSource, audience_id: AudienceId, tape: Tape | None = None
    ) -> ContactSnapshot:
        whole = read_whole(source, audience_id, tape)
        return replace(whole, contacts=tuple(each for each in whole.contacts if each.address != ANN))

    read_whole = MailchimpSource.contacts
    monkeypatch.setattr(MailchimpSource, "contacts", skipping)
    one.once(full=True)
    one.once()

    assert set(one.decided) == {"Zorg"}


def test_a_page_that_cannot_be_had_leaves_the_list_as_it_is(acme: Agency, daemon: Open) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    one = daemon()
    one.rest()
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern="/members", times=None)
    )
    acme.leave(zorg, BOB)

    assert one.once().result == "failed"
    assert acme.subscribed(zorg) == {ANN, BOB}

    acme.sandbox.faults.clear()
    assert verbs(one.once()) == {"remove": 1}


def test_the_report_of_lists_in_step_names_nobody(acme: Agency, daemon: Open) -> None:
    """It lives as long as its pass: it must not grow with the lists."""
    acme.list("Zorg", ANN, BOB)
    acme.list("Bouw", CAS)
    one = daemon()
    assert ANN in _texts_in(one.once()), "who is added is named"

    assert not {ANN, BOB, CAS} & _texts_in(one.once())


def _texts_in(value: object) -> set[str]:
    """Given a value, return every text that it keeps alive."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType):
            continue
        seen.add(id(one))
        if isinstance(one, str):
            found.add(str(one))
        waiting.extend(gc.get_referents(one))
    return found
