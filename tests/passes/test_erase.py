import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from reconciler.client import Client, Unwatched
from reconciler.config import load_config
from reconciler.erase import AddressErasure, Certificate, Fate
from reconciler.erasing import Request, erase, look_at_erasure
from reconciler.errors import LockHeld, ReconcilerError, StaleApproval
from reconciler.inverse import Verdict
from reconciler.model import Address, AudienceId, Change, Deed, ListUid, NoReason, Outcome, Result
from reconciler.recorded import recorded_pass
from reconciler.release import AddressRelease
from reconciler.releasing import Wish, look_at_release, release
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sinks.mailchimp import MailchimpSink
from reconciler.store import NewMail, Store
from reconciler.undoing import undo_pass
from reconciler.wiring import open_client
from tests.passes.agency import Agency
from tests.passes.deleted import AT_ONCE
from tests.passes.traces import files_that_hold, kept_bodies

ANN, BOB = "ann.unique@zorg.nl", "bob@zorg.nl"

T = TypeVar("T")


class Killed(BaseException):
    """Ends the process where it is raised."""


def with_client(acme: Agency, work: Callable[[Client], T], *, writes: bool = True) -> T:
    config = load_config(acme.write_config(), {})
    opened = open_client("acme", config, acme.store, Unwatched(), plan_only=not writes, now=lambda: acme.now)
    with opened as client:
        return work(client)


def look(acme: Agency, email: str = ANN, *, permanently: bool = False) -> AddressErasure:
    request = Request(address=Address(email), permanently=permanently)
    return with_client(acme, lambda client: look_at_erasure(client, request), writes=False)


def forget(
    acme: Agency, email: str = ANN, *, permanently: bool = False, digest: str = "", writes: bool = True
) -> Certificate:
    digest = digest or look(acme, email, permanently=permanently).digest
    request = Request(address=Address(email), permanently=permanently)
    return with_client(acme, lambda client: erase(client, request, digest=digest, by="eva"), writes=writes)


def erasures(acme: Agency) -> list[str]:
    return [one.reason for one in acme.store.history("acme", limit=99) if one.verb == Deed.ERASE]


def test_erased_for_good_is_gone_from_the_audience_and_never_comes_back(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.converge()

    certificate = forget(acme, permanently=True)

    assert acme.status(zorg, ANN) == "absent"
    assert [one.fate for one in certificate.contacts] == [Fate.DELETED]
    acme.converge()
    assert acme.subscribed(zorg) == {BOB}
    assert acme.writes_of(acme.once) == []


def test_erased_otherwise_is_archived_and_never_comes_back(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.converge()

    forget(acme)

    assert acme.status(zorg, ANN) == "archived"
    acme.configure(policy='archived_stranger = "add"\nremoved_in_mailchimp = "restore"\n')
    acme.converge()
    assert acme.subscribed(zorg) == {BOB}


def test_looking_erases_nothing(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    before = acme.store.base("acme", ListUid(zorg.uid))

    assert acme.writes_of(lambda: look(acme, permanently=True)) == []

    assert acme.store.base("acme", ListUid(zorg.uid)) == before
    assert acme.store.erased("acme") == {}


def test_an_erased_person_is_not_added_under_a_new_address_nor_another_at_the_old_one(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.converge()
    forget(acme, permanently=True)

    acme.edit(acme.sandbox.otys.people_at(ANN)[0], email="ann@elders.nl")
    acme.join(zorg, acme.person(ANN))
    acme.converge()

    assert acme.subscribed(zorg) == {BOB}


def test_who_shares_an_address_with_somebody_erased_is_not_mailed_there(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB, "cas@zorg.nl")
    acme.converge()
    forget(acme, permanently=True)

    acme.edit(acme.sandbox.otys.people_at(ANN)[0], email=BOB)
    acme.converge()

    assert acme.subscribed(zorg) == {"cas@zorg.nl"}


def test_the_plan_says_who_has_to_be_taken_off_the_list_without_their_address(acme: Agency) -> None:
    acme.list("Zorg", ANN, BOB)
    acme.converge()
    person = acme.sandbox.otys.people_at(ANN)[0]
    forget(acme, permanently=True)

    report = acme.plan()

    (of_list,) = report.lists
    assert of_list.guarded is not None
    (invalid,) = of_list.guarded.plan.invalid
    assert (str(invalid.person), invalid.email) == (f"{person.kind}:{person.uid}", "")
    assert "take them off the list" in invalid.reason


def test_whoever_has_no_address_is_not_taken_for_an_erased_person_who_has_none_any_more(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.once()
    forget(acme)
    for email in (ANN, BOB):
        acme.edit(acme.sandbox.otys.people_at(email)[0], email="")

    (of_list,) = acme.once().lists

    assert of_list.guarded is not None
    told = {invalid.reason for invalid in of_list.guarded.plan.invalid}
    assert len(told) == len(zorg.recipients)


def test_who_subscribes_again_by_their_own_action_is_left_alone_as_a_stranger(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.converge()
    forget(acme, permanently=True)
    acme.sandbox.mailchimp.subscribe_by_form(acme.audience(zorg), ANN)

    assert acme.writes_of(acme.once) == []

    assert acme.subscribed(zorg) == {ANN, BOB}
    assert Address(ANN) not in acme.store.base("acme", ListUid(zorg.uid)).rows
    acme.leave(zorg, ANN)
    acme.once()
    assert acme.subscribed(zorg) == {ANN, BOB}


@pytest.mark.parametrize("permanently", [False, True])
def test_no_byte_of_the_state_holds_an_erased_address(acme: Agency, *, permanently: bool) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    person = acme.sandbox.otys.people_at(ANN)[0]
    acme.edit(person, last_name="Zeldzaamheid")
    acme.converge()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), ANN)
    acme.converge()
    acme.store.post("acme", NewMail(recipients=("eva@acme.nl",), message=mail(ANN)), (), acme.now)
    assert files_that_hold(acme.folder / "state", ANN)

    forget(acme, permanently=permanently)
    acme.converge()
    acme.plan()

    assert files_that_hold(acme.folder / "state", ANN, "Zeldzaamheid") == set()
    assert not plans_hold(acme.store, ANN, "Zeldzaamheid")


def mail(about: str) -> bytes:
    return f"Subject: Zorg\r\nContent-Type: text/plain\r\n\r\n{about} said no\r\n".encode()


def plans_hold(store: Store, *texts: str) -> bool:
    bodies = list(kept_bodies(store))
    assert bodies
    return any(text.encode() in body for text in texts for body in bodies)


def test_a_second_erasure_finds_nothing(acme: Agency) -> None:
    acme.list("Zorg", ANN, BOB)
    acme.converge()
    certificate = forget(acme, permanently=True)
    acme.converge()

    again = look(acme, permanently=True)

    assert (again.nothing_left, again.digest, again.erased_in) == (True, "", certificate.pass_id)
    assert again.erased_at == acme.now


def test_what_changed_since_it_was_shown_is_stale(acme: Agency) -> None:
    acme.list("Zorg", ANN)
    acme.converge()
    shown = look(acme, permanently=True).digest
    horeca = acme.list("Horeca")
    acme.join(horeca, acme.sandbox.otys.people_at(ANN)[0])
    acme.converge()

    with pytest.raises(StaleApproval):
        forget(acme, permanently=True, digest=shown)

    assert acme.status(horeca, ANN) == "subscribed"


def test_history_keeps_what_was_done_without_a_name(acme: Agency) -> None:
    acme.list("Zorg", ANN)
    acme.converge()

    forget(acme, permanently=True)

    assert erasures(acme) == ["in Mailchimp: deleted for good"]
    keys = {one.address_key for one in acme.store.history("acme", limit=99) if one.verb == Deed.ERASE}
    assert keys == {acme.store.key_address(ANN)}


@pytest.mark.parametrize("catalogue_is_whole", [True, False])
def test_each_contact_of_an_audience_that_another_list_took_over_is_told_of_once_as_that_lists(
    acme: Agency, *, catalogue_is_whole: bool
) -> None:
    acme.configure(limits=AT_ONCE, policy='list_deleted = "keep"\n')
    zorg = acme.list("Zorg", "ann.before@zorg.nl", ANN)
    acme.once()
    acme.sandbox.otys.delete_list(zorg.uid)
    acme.once()
    before, ann = (acme.sandbox.otys.people_at(email)[0] for email in ("ann.before@zorg.nl", ANN))
    acme.edit(before, email=ANN)
    anew = acme.list("Zorg")
    acme.join(anew, before)
    acme.join(anew, ann)
    acme.once()
    if not catalogue_is_whole:
        acme.sandbox.faults.add(
            Fault(kind=FaultKind.SHORT_PAGE, pattern="MailingListService", times=None, value=1)
        )

    forget(acme)

    assert acme.subscribed(anew) == set()
    told = [one for one in acme.store.history("acme", limit=99) if one.reason.startswith("in Mailchimp")]
    assert [(one.verb, one.list_uid) for one in told] == [(Deed.ERASE, anew.uid)] * 2


def test_a_pass_is_undone_for_all_but_who_was_erased_since(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.once()
    (record,) = acme.store.passes("acme", limit=1)
    forget(acme)
    assert [one.list for one in recorded_pass(acme.store, record).lists] == [zorg.uid], "told once"
    shown = with_client(acme, lambda client: undo_pass(client, record, by="eva"), writes=False)

    with_client(acme, lambda client: undo_pass(client, record, by="eva", approved=shown.digest))

    assert acme.subscribed(zorg) == set()
    assert (acme.status(zorg, ANN), acme.status(zorg, BOB)) == ("archived", "archived")


def test_no_undone_pass_brings_back_an_address_that_an_erased_person_has_by_now(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.once()
    acme.leave(zorg, BOB)
    acme.once()
    (record,) = acme.store.passes("acme", limit=1)
    forget(acme)
    acme.edit(acme.sandbox.otys.people_at(ANN)[0], email=BOB)

    shown = with_client(acme, lambda client: undo_pass(client, record, by="eva"), writes=False)

    (inverse,) = [one for of in shown.lists for one in of.inverses]
    assert (inverse.verdict, inverse.reason) == (
        Verdict.IMPOSSIBLE,
        "somebody who was erased on request stands behind that address",
    )


def test_no_undone_rename_leads_back_to_an_address_that_an_erased_person_has_by_now(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.once()
    acme.edit(acme.sandbox.otys.people_at(BOB)[0], email="nieuw@zorg.nl")
    acme.once()
    (record,) = acme.store.passes("acme", limit=1)
    forget(acme)
    acme.edit(acme.sandbox.otys.people_at(ANN)[0], email=BOB)
    shown = with_client(acme, lambda client: undo_pass(client, record, by="eva"), writes=False)

    with_client(acme, lambda client: undo_pass(client, record, by="eva", approved=shown.digest))

    assert acme.subscribed(zorg) == {"nieuw@zorg.nl"}


def test_nobody_can_release_who_was_erased(acme: Agency) -> None:
    acme.list("Zorg", ANN)
    acme.converge()
    forget(acme, permanently=True)

    with pytest.raises(ReconcilerError, match="nobody can release"):
        with_client(acme, lambda client: look_at_release(client, Wish(address=Address(ANN))))


def test_an_erasure_is_no_pass_that_brought_lists_in_step(acme: Agency) -> None:
    acme.list("Zorg", ANN)
    acme.converge()
    before = acme.store.last_success("acme")

    forget(acme, permanently=True)

    assert acme.store.last_success("acme") == before


def test_a_bounced_contact_cannot_be_archived_which_is_said(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    acme.sandbox.mailchimp.bounce(acme.audience(zorg), ANN)

    certificate = forget(acme)

    assert [one.fate for one in certificate.contacts] == [Fate.NOT_ARCHIVABLE]
    assert acme.status(zorg, ANN) == "cleaned"


def test_other_people_at_other_addresses_keep_what_is_remembered_of_them(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.converge()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), BOB)
    acme.converge()

    forget(acme, permanently=True)

    base = acme.store.base("acme", ListUid(zorg.uid))
    assert [(no.address, no.reason) for no in base.nos] == [(BOB, NoReason.UNSUBSCRIBED)]


def test_in_plan_mode_no_contact_is_erased_and_nothing_is_forgotten(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()

    with pytest.raises(ReconcilerError, match="plan mode"):
        forget(acme, permanently=True, writes=False)

    assert acme.status(zorg, ANN) == "subscribed"
    assert Address(ANN) in acme.store.base("acme", ListUid(zorg.uid)).rows


def lie(patched: pytest.MonkeyPatch, how: str) -> None:
    """Let Mailchimp acknowledge what it does not do, or refuse it."""

    def told(
        _sink: MailchimpSink, _audience: AudienceId, changes: Sequence[Change]
    ) -> Iterator[Sequence[Outcome]]:
        yield [Outcome(change=change, result=Result(how)) for change in changes]

    patched.setattr(MailchimpSink, "apply", told)
    patched.setattr(MailchimpSink, "erase", lambda *_: None)


@pytest.mark.parametrize(
    ("how", "permanently"), [(Result.APPLIED, True), (Result.APPLIED, False), (Result.REFUSED, False)]
)
def test_what_is_still_in_mailchimp_is_not_certified_and_not_forgotten(
    acme: Agency, monkeypatch: pytest.MonkeyPatch, how: Result, *, permanently: bool
) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    lie(monkeypatch, how)

    with pytest.raises(ReconcilerError, match="a contact of Zorg"):
        forget(acme, permanently=permanently)

    assert Address(ANN) in acme.store.base("acme", ListUid(zorg.uid)).rows
    assert look(acme, permanently=permanently).digest


def test_nothing_is_erased_while_somebody_else_holds_the_client(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    digest = look(acme).digest
    with (
        acme.store.lock("acme", "a pass", lease=timedelta(minutes=1), now=lambda: acme.now),
        pytest.raises(LockHeld),
    ):
        forget(acme, digest=digest)
    assert acme.subscribed(zorg) == {ANN}


def test_who_changed_the_address_in_mailchimp_is_erased_there_too(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN)
    acme.converge()
    acme.sandbox.mailchimp.change_address(acme.audience(zorg), ANN, "elders@zorg.nl")

    assert [one.contact.address for one in look(acme).contacts] == ["elders@zorg.nl"]


@pytest.mark.parametrize("archived", [False, True])
def test_a_contact_that_took_an_erased_address_is_not_remembered_by_it(
    acme: Agency, *, archived: bool
) -> None:
    acme.list("Zorg", ANN)
    staff = acme.list("Staf", BOB, "cas@zorg.nl")
    acme.converge()
    forget(acme)

    acme.sandbox.mailchimp.change_address(acme.audience(staff), BOB, ANN)
    if archived:
        acme.sandbox.mailchimp.archive(acme.audience(staff), ANN)
    acme.once()

    assert not any(ANN.encode() in body for body in kept_bodies(acme.store))


def test_a_release_remembers_nobody_by_an_erased_address(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.converge()
    acme.sandbox.mailchimp.delete_permanently(acme.audience(zorg), BOB)
    acme.converge()
    forget(acme, permanently=True)
    acme.edit(acme.sandbox.otys.people_at(BOB)[0], email=ANN)
    wish = Wish(address=Address(BOB), because="she rang")

    def released(client: Client) -> AddressRelease:
        return release(client, wish, digest=look_at_release(client, wish).digest, by="eva")

    assert with_client(acme, released, writes=True).releases

    assert acme.store.base("acme", ListUid(zorg.uid)).rows == {}
    assert files_that_hold(acme.folder / "state", ANN) == set()


def test_what_could_not_be_read_whole_cannot_be_approved(acme: Agency) -> None:
    acme.list("Zorg", ANN)
    acme.converge()
    found = look(acme)
    assert found.digest
    assert replace(found, problems=("Zorg: not read",)).digest == ""


def test_an_address_that_somebody_else_had_too_is_theirs_and_not_erased(acme: Agency) -> None:
    shared = "gezin@zorg.nl"
    zorg = acme.list("Zorg", shared)
    acme.join(zorg, acme.person(shared, "Bob"))
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), shared)
    acme.once()
    acme.edit(acme.sandbox.otys.people_at(shared)[0], email=ANN)
    acme.once()

    assert look(acme).erased.addresses == {ANN}


def test_an_address_that_is_somebody_elses_too_on_another_list_is_theirs_and_not_erased(acme: Agency) -> None:
    shared = "gezin@zorg.nl"
    zorg, weg = acme.list("Zorg", shared), acme.list("Weg")
    ann = acme.sandbox.otys.people_at(shared)[0]
    acme.join(weg, ann)
    acme.join(zorg, acme.person(shared, "Bob"))
    acme.once()
    for one in (zorg, weg):
        acme.sandbox.mailchimp.unsubscribe(acme.audience(one), shared)
    acme.once()
    acme.edit(ann, email=ANN)
    acme.once()

    forget(acme)

    assert acme.store.base("acme", ListUid(zorg.uid)).nos, "Bob's mailbox said no"


@pytest.mark.parametrize("permanently", [False, True])
@pytest.mark.parametrize("killed_at", ["before the request", "after the request", "before the end"])
def test_an_erasure_that_is_cut_off_is_finished_by_the_next_one(
    acme: Agency, monkeypatch: pytest.MonkeyPatch, killed_at: str, *, permanently: bool
) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.converge()
    with monkeypatch.context() as patched:
        kill(patched, killed_at)
        with pytest.raises(Killed):
            forget(acme, permanently=permanently)
    acme.converge()
    assert acme.subscribed(zorg) == {BOB}, "no pass in between adds them again"

    if not look(acme, permanently=permanently).nothing_left:
        forget(acme, permanently=permanently)

    fate = Fate.DELETED if permanently else Fate.ARCHIVED
    assert acme.status(zorg, ANN) == ("absent" if permanently else "archived")
    assert erasures(acme).count(f"in Mailchimp: {fate}") == 1
    assert acme.store.open_intents("acme") == ()
    assert look(acme, permanently=permanently).nothing_left
    assert files_that_hold(acme.folder / "state", ANN) == set()


def test_an_erasure_of_two_contacts_that_is_cut_off_between_them_is_told_of_both(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.converge()
    acme.edit(acme.sandbox.otys.people_at(BOB)[0], email=ANN)
    with monkeypatch.context() as patched:
        kill(patched, "after the request")
        with pytest.raises(Killed):
            forget(acme, permanently=True)

    forget(acme, permanently=True)

    assert (acme.status(zorg, ANN), acme.status(zorg, BOB)) == ("absent", "absent")
    assert erasures(acme) == ["in Mailchimp: deleted for good"] * 2


def kill(patched: pytest.MonkeyPatch, moment: str) -> None:
    intend = Store.intend

    def killed(*_args: object, **_named: object) -> None:
        raise Killed

    def announced(*args: object, **named: object) -> None:
        intend(*args, **named)  # type: ignore[arg-type]  # as it was called
        raise Killed

    if moment == "before the request":
        patched.setattr(Store, "intend", announced)
    elif moment == "after the request":
        patched.setattr(Store, "record_erasure", killed)
    else:
        patched.setattr(Store, "forget", killed)


@pytest.mark.parametrize("said", ["nothing", "bounce"])
def test_the_backup_of_an_audience_that_goes_later_holds_no_erased_person(acme: Agency, said: str) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.configure(limits="grace_hours = 0\ngrace_snapshots = 1\n")
    acme.converge()
    audience = acme.audience(zorg)
    if said == "bounce":
        acme.sandbox.mailchimp.bounce(audience, ANN)
    forget(acme)
    acme.sandbox.otys.delete_list(zorg.uid)

    acme.converge()

    assert audience not in acme.world.mailchimp.audiences
    assert files_that_hold(acme.folder / "state", BOB) > {"reconciler.db"}, "a backup was made"
    assert files_that_hold(acme.folder / "state", ANN) == set()


def test_an_audience_is_not_deleted_while_an_erased_person_who_came_back_by_themselves_is_in_it(
    acme: Agency,
) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.configure(limits="grace_hours = 0\ngrace_snapshots = 1\n")
    acme.converge()
    audience = acme.audience(zorg)
    forget(acme)
    acme.sandbox.mailchimp.subscribe_by_form(audience, ANN)
    acme.sandbox.otys.delete_list(zorg.uid)

    acme.converge()

    assert audience in acme.world.mailchimp.audiences
    assert "1 contacts that are not ours" in acme.once().lists[0].list_outcomes[0].detail


def test_backups_that_hold_an_erased_person_are_written_anew_without_them(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.configure(limits="grace_hours = 0\ngrace_snapshots = 1\n")
    acme.converge()
    acme.sandbox.otys.delete_list(zorg.uid)
    acme.converge()
    assert len(list((acme.folder / "state" / "backups").glob("*.gz"))) == 1

    certificate = forget(acme, permanently=True)

    assert len(certificate.backups) == 1
    (backup,) = (acme.folder / "state" / "backups").glob("*.gz")
    assert files_that_hold(acme.folder / "state", ANN) == set()
    assert BOB.encode() in gzip.decompress(backup.read_bytes())


def test_a_backup_knows_who_changed_the_address_in_mailchimp_by_the_old_one_too(acme: Agency) -> None:
    zorg = acme.list("Zorg", ANN, BOB)
    acme.configure(limits="grace_hours = 0\ngrace_snapshots = 1\n")
    acme.converge()
    acme.sandbox.mailchimp.change_address(acme.audience(zorg), ANN, "elders@zorg.nl")
    acme.sandbox.otys.delete_list(zorg.uid)
    acme.converge()

    certificate = forget(acme, permanently=True)

    assert len(certificate.backups) == 1
    assert files_that_hold(acme.folder / "state", ANN) == set()
