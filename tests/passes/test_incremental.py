"""A side that either service shows to be as it was is not read; whatever changed is noticed all the same."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from reconciler.cli.render import print_pass
from reconciler.cli.render_list import Detail
from reconciler.model import ListUid, PassId
from reconciler.newest import LOOKED_AT
from reconciler.reconcile import reconcile
from reconciler.recorded import recorded_pass
from reconciler.report import Look
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.mailchimp import members
from reconciler.sandbox.otys.state import MailingList, Modified
from reconciler.trust import ANNOUNCED_ENOUGH, EDITS_ENOUGH, Evidence, Trust, TrustState
from tests.passes.agency import Agency, verbs
from tests.passes.staying import Daemon, Open
from tests.passes.test_erase import forget

ANN, BOB, CAS, DIK = "ann@zorg.nl", "bob@zorg.nl", "cas@zorg.nl", "dik@zorg.nl"
BELIEVED = Trust(evidence=Evidence(announced=ANNOUNCED_ENOUGH, edits=EDITS_ENOUGH))


@pytest.fixture
def zorg(acme: Agency) -> MailingList:
    """Return a list of an honest tenant, whose catalogue is believed."""
    acme.world.otys.switches.last_modified = Modified.EVERYTHING
    acme.store.keep_catalogue_trust("acme", BELIEVED)
    return acme.list("Zorg", ANN, BOB, CAS)


@pytest.fixture
def one(acme: Agency, zorg: MailingList, daemon: Open) -> Daemon:  # noqa: ARG001 (it is there first)
    """Return the open client, both of whose sides are believed to be as they were."""
    opened = daemon()
    opened.settle()
    return opened


def looks(one: Daemon) -> dict[Look, int]:
    assert one.report is not None
    return dict(one.report.looks)


def test_nothing_is_read_while_both_services_show_that_nothing_changed(one: Daemon) -> None:
    one.once()

    assert (one.pages, one.looks, one.decided) == ([], 2, [])
    assert looks(one) == {Look.SHORT: 1}


def test_a_new_process_reads_once_and_then_believes_what_an_earlier_one_saw(
    one: Daemon, daemon: Open
) -> None:
    one.once()
    another = daemon()
    another.once()
    another.once()

    assert (another.pages, another.decided) == ([], [])


# -- what changes in Mailchimp ----------------------------------------------------------------------


def unsubscribe(acme: Agency, of: MailingList) -> None:
    acme.sandbox.mailchimp.unsubscribe(acme.audience(of), ANN)


def bounce(acme: Agency, of: MailingList) -> None:
    acme.sandbox.mailchimp.bounce(acme.audience(of), ANN)


def archive(acme: Agency, of: MailingList) -> None:
    acme.sandbox.mailchimp.archive(acme.audience(of), ANN)


def delete(acme: Agency, of: MailingList) -> None:
    acme.sandbox.mailchimp.delete_permanently(acme.audience(of), ANN)


def delete_and_let_another_in(acme: Agency, of: MailingList) -> None:
    delete(acme, of)
    acme.sandbox.mailchimp.subscribe_by_form(acme.audience(of), DIK)


def archive_and_let_another_in(acme: Agency, of: MailingList) -> None:
    archive(acme, of)
    acme.sandbox.mailchimp.subscribe_by_form(acme.audience(of), DIK)


def unsubscribe_unseen_for_minutes(acme: Agency, of: MailingList) -> None:
    """It shows only now, with the moment at which it was said: before the last pass."""
    unsubscribe(acme, of)
    contact = acme.contact(of, ANN)
    assert contact is not None
    contact.last_changed -= timedelta(minutes=9)


@pytest.mark.parametrize(
    "happens",
    [
        unsubscribe,
        bounce,
        archive,
        delete,
        delete_and_let_another_in,
        archive_and_let_another_in,
        unsubscribe_unseen_for_minutes,
    ],
)
def test_a_no_in_mailchimp_is_heard_in_the_very_next_pass(
    acme: Agency, zorg: MailingList, one: Daemon, happens: Callable[[Agency, MailingList], None]
) -> None:
    happens(acme, zorg)

    assert verbs(one.once()) == {"suppress": 1}
    assert [no.address for no in acme.store.base("acme", ListUid(zorg.uid)).nos] == [ANN]


def test_an_edit_and_a_new_address_in_mailchimp_are_seen(
    acme: Agency, zorg: MailingList, one: Daemon
) -> None:
    audience = acme.audience(zorg)
    for edit in (
        lambda: acme.sandbox.mailchimp.edit_fields(audience, ANN, FNAME="Anna"),
        lambda: acme.sandbox.mailchimp.change_address(audience, BOB, DIK),
        lambda: acme.sandbox.mailchimp.add_contact(audience, "pending@zorg.nl", "pending"),
        lambda: acme.sandbox.mailchimp.confirm(audience, "pending@zorg.nl"),
        lambda: acme.sandbox.mailchimp.tag(audience, CAS, "Kerst"),
    ):
        one.settle()
        one.once()
        assert one.decided == []
        edit()

        one.once()
        assert one.decided == ["Zorg"]


def test_two_changes_in_one_second_are_two_changes(acme: Agency, zorg: MailingList, one: Daemon) -> None:
    audience = acme.audience(zorg)
    acme.sandbox.mailchimp.unsubscribe(audience, ANN)
    assert verbs(one.once()) == {"suppress": 1}
    acme.sandbox.mailchimp.unsubscribe(audience, BOB)

    assert verbs(one.once()) == {"suppress": 1}
    assert acme.subscribed(zorg) == {CAS}


def test_a_service_that_sorts_in_another_way_only_makes_us_read(
    acme: Agency, zorg: MailingList, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(LOOKED_AT):
        acme.join(zorg, acme.person(f"p{number}@zorg.nl"))
    one = daemon()
    one.settle()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), "p9@zorg.nl")
    one.settle()
    one.once()
    assert (one.pages, one.looks) == ([], 2)
    monkeypatch.setattr(members, "_sorted", lambda _call, rows: rows)

    one.once()

    assert one.decided == []
    assert len(one.pages) == 2, "live and archived contacts, which nobody sorted by who changed"


def test_a_look_that_fails_leaves_it_to_the_pages(acme: Agency, one: Daemon) -> None:
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern="/members", times=1)
    )

    assert one.once().result == "done"
    assert one.decided == []
    assert len(one.pages) == 2, "live and archived contacts; the recipients are spared"


# -- what changes in OTYS ---------------------------------------------------------------------------


def join(acme: Agency, of: MailingList) -> None:
    acme.sandbox.otys.add_recipient(of.uid, "candidate", email=DIK)


def leave(acme: Agency, of: MailingList) -> None:
    acme.leave(of, BOB)


def rename(acme: Agency, of: MailingList) -> None:  # noqa: ARG001 (a person is on lists)
    acme.edit(acme.sandbox.otys.people_at(BOB)[0], first_name="Robert")


def move(acme: Agency, of: MailingList) -> None:  # noqa: ARG001 (a person is on lists)
    acme.edit(acme.sandbox.otys.people_at(BOB)[0], email=DIK)


@pytest.mark.parametrize(
    ("happens", "follows"),
    [(join, {"add": 1}), (leave, {"remove": 1}), (rename, {"update": 1}), (move, {"rename": 1})],
)
def test_a_change_in_otys_is_carried_out_in_the_very_next_pass(
    acme: Agency,
    zorg: MailingList,
    one: Daemon,
    happens: Callable[[Agency, MailingList], None],
    follows: dict[str, int],
) -> None:
    happens(acme, zorg)

    assert verbs(one.once()) == follows


def test_a_list_that_changed_just_before_it_was_read_is_read_until_its_row_is_of_age(
    acme: Agency, zorg: MailingList, one: Daemon
) -> None:
    """The clock of a row may know no seconds: what comes after is not told apart from what was seen."""
    join(acme, zorg)
    one.rest()
    acme.sandbox.otys.people_at(BOB)[0].first_name = "Robert"

    assert verbs(one.once()) == {"update": 1}


def test_only_the_side_that_changed_and_the_other_of_its_list_are_read(
    acme: Agency, zorg: MailingList, daemon: Open
) -> None:
    acme.list("Bouw", DIK)
    one = daemon()
    one.settle()
    leave(acme, zorg)

    one.once()

    assert looks(one) == {Look.WHOLE: 1, Look.SHORT: 1}
    assert one.decided == ["Zorg"]
    assert len(one.pages) == 3


# -- how far OTYS is believed -----------------------------------------------------------------------


@pytest.mark.usefixtures("zorg")
def test_the_recipients_are_read_until_the_catalogue_has_proved_itself(acme: Agency, daemon: Open) -> None:
    acme.store.keep_catalogue_trust("acme", replace(BELIEVED, evidence=Evidence(announced=18, edits=4)))
    one = daemon()
    one.settle()
    for email in (DIK, "eef@zorg.nl"):
        one.once()
        assert [page for page in one.pages if "Recipient" in page], "they are read whole"
        acme.later(minutes=5)
        acme.edit(acme.sandbox.otys.people_at(BOB)[0], first_name=email.title())

    assert one.once().catalogue is TrustState.TRUSTED
    one.settle()
    one.once()
    assert one.pages == []


def test_one_lie_ends_it_for_good(acme: Agency, zorg: MailingList, daemon: Open) -> None:
    acme.world.otys.switches.last_modified = Modified.ROWS
    acme.store.keep_catalogue_trust("acme", Trust())
    one = daemon()
    one.settle()
    rename(acme, zorg)

    assert verbs(one.once()) == {"update": 1}
    assert acme.store.catalogue_trust("acme").state is TrustState.WATCHED, "the row may be late by a moment"
    assert one.once().catalogue is TrustState.LIED

    trust = acme.store.catalogue_trust("acme")
    assert (trust.evidence.lied_about, trust.lied_at) == (zorg.uid, acme.now)
    one.settle()
    one.once()
    assert one.pages == ["/jservice.php Otys.Services.MailingListRecipientService.getListEx"]


def test_a_row_that_follows_within_a_pass_is_no_lie(acme: Agency, zorg: MailingList, one: Daemon) -> None:
    acme.store.keep_catalogue_trust("acme", Trust())
    recipients = acme.world.otys.lists[zorg.uid].recipients
    recipients.popitem()
    one.once()
    acme.later(minutes=1)
    acme.sandbox.otys.rename_list(zorg.uid, "Zorg")

    assert one.once().catalogue is TrustState.WATCHED
    assert acme.store.catalogue_trust("acme").evidence.announced == 1


def test_a_lie_of_a_catalogue_that_was_believed_shows_when_the_list_is_read_whole(
    acme: Agency, zorg: MailingList, one: Daemon
) -> None:
    acme.world.otys.switches.last_modified = Modified.ROWS
    rename(acme, zorg)
    one.once()
    assert one.decided == [], "there was nothing to notice it by"
    acme.later(hours=24)

    assert verbs(one.once()) == {"update": 1}
    assert one.once().catalogue is TrustState.LIED


@pytest.mark.usefixtures("zorg")
def test_a_configuration_that_forbids_it_has_every_list_read(acme: Agency, daemon: Open) -> None:
    acme.configure(limits="trust_catalogue = false")
    one = daemon()
    one.settle()

    assert one.once().catalogue is TrustState.FORBIDDEN
    assert len(one.pages) == 1


# -- when everything is read whole ------------------------------------------------------------------


def test_a_full_pass_reads_everything(one: Daemon) -> None:
    one.once(full=True)

    assert (len(one.pages), one.looks, one.decided) == (3, 0, ["Zorg"])


def test_a_full_pass_of_one_list_leaves_the_others_at_rest(acme: Agency, daemon: Open) -> None:
    zorg, _ = acme.list("Zorg", ANN), acme.list("Bouw", BOB)
    one = daemon()
    one.settle()
    reconcile(one.client, trigger="api", only=ListUid(zorg.uid), full=True)
    assert one.decided == ["Zorg"]

    one.once()

    assert one.decided == []


def test_every_list_is_read_whole_in_the_night(acme: Agency, one: Daemon) -> None:
    acme.later(hours=6)  # 18:16
    one.once()
    assert one.decided == []

    acme.later(hours=12)

    one.once()
    assert one.decided == ["Zorg"]


def test_a_changed_configuration_knows_of_no_rest(acme: Agency, daemon: Open) -> None:
    acme.list("Zorg", ANN)
    daemon().settle()
    acme.configure(policy='removed_in_mailchimp = "restore"')
    another = daemon()

    another.once()

    assert (len(another.pages), another.looks, another.decided) == (3, 0, ["Zorg"])


def test_who_was_erased_meanwhile_is_not_seen_again(acme: Agency, zorg: MailingList, one: Daemon) -> None:
    forget(acme, ANN)

    assert verbs(one.once()) == {}
    assert one.decided == ["Zorg"]
    assert acme.subscribed(zorg) == {BOB, CAS}


def test_show_tells_how_many_lists_were_not_read(acme: Agency, one: Daemon) -> None:
    report = one.once()
    record = acme.store.pass_record(PassId(report.pass_id or 0))
    assert record is not None
    shown = Console(record=True, width=200)

    print_pass(recorded_pass(acme.store, record), shown, detail=Detail(), program="reconciler")

    assert "lists: 1 not read, as nothing had changed" in shown.export_text()
