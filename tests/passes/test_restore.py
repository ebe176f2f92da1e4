"""Restoring the audience of a deleted list: everybody comes back but those who said no."""

from pathlib import Path

import msgspec
import pytest

from reconciler.api.http import RequestNote
from reconciler.backup import save_audience
from reconciler.errors import BackupError, LockHeld, StaleApproval, UnexpectedAnswer
from reconciler.model import Address, BaseRow, BaseState, LinkState, ListUid, No, NoReason, PassResult
from reconciler.model import BaseMove as Move
from reconciler.ports import NewAudience
from reconciler.restore import find_backup
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys.state import MailingList
from reconciler.sinks.mailchimp import MailchimpSink
from reconciler.store import HeldLock, Release
from reconciler.wiring import RequestCount
from tests.passes.agency import Agency, agency, results
from tests.passes.deleted import (
    AT_ONCE,
    backups,
    bring_back,
    contacts,
    deleted,
    look,
    names,
    subscribed,
    the_backup,
)
from tests.passes.executioner import Executioner, Killed

NAME = "Verpleegkundigen"
OWED = {"jan@zorg.nl", "piet@zorg.nl"}


def left_out(acme: Agency, of: MailingList) -> dict[str, str]:
    return {one.email: one.reason for one in look(acme, of).left_out}


def undelete(of: MailingList) -> None:
    """Let OTYS have the list again under its old uid."""
    of.deleted = False


def test_looking_shows_who_comes_back_and_why_others_do_not_and_writes_nothing(acme: Agency) -> None:
    nurses = deleted(acme)
    assert acme.writes_of(lambda: look(acme, nurses)) == []
    found = look(acme, nurses)
    assert {saved.contact.address for saved in found.back} == OWED
    assert left_out(acme, nurses) == {
        "anna@zorg.nl": "was unsubscribed when the audience was saved",
        "kees@zorg.nl": "was cleaned when the audience was saved",
    }
    assert found.tags == {"Nachtdienst": ("jan@zorg.nl", "piet@zorg.nl")}


def test_contacts_come_back_with_their_fields_tags_and_dates(acme: Agency) -> None:
    acme.configure(limits=AT_ONCE)
    nurses = acme.list(NAME, "jan@zorg.nl")
    acme.once()
    audience = acme.sandbox.mailchimp.audience(acme.audience(nurses))
    before = audience.at_address("jan@zorg.nl")
    assert before is not None
    before.language, before.vip, before.timestamp_opt = "nl", True, acme.now.replace(year=2020)
    acme.sandbox.mailchimp.tag(audience.id, "jan@zorg.nl", "Nachtdienst")
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    assert names(acme) == []
    report = bring_back(acme, nurses)
    assert report is not None
    assert report.result is PassResult.DONE
    assert results(report) == {
        ("create", "applied"): 1,
        ("add", "applied"): 1,
        ("update-settings", "applied"): 1,
    }
    (restored,) = acme.world.mailchimp.audiences.values()
    assert (restored.name, restored.permission_reminder) == (NAME, audience.permission_reminder)
    jan = contacts(acme, NAME)["jan@zorg.nl"]
    assert (jan.status, jan.language, jan.vip, jan.timestamp_opt) == (
        "subscribed",
        "nl",
        True,
        acme.now.replace(year=2020),
    )
    assert jan.merge_fields == before.merge_fields
    assert [restored.segments[number].name for number in jan.tags] == ["Nachtdienst"]


def test_merge_fields_come_back_with_their_types(acme: Agency) -> None:
    acme.configure(limits=AT_ONCE)
    acme.fields = 'FNAME = "{first_name}"\nLNAME = "{last_name}"\nSOORT = "{kind}"'
    nurses = acme.list(NAME, "jan@zorg.nl")
    acme.once()
    audience = acme.sandbox.mailchimp.audience(acme.audience(nurses))
    (kind,) = [one for one in audience.merge_fields if one.tag == "SOORT"]
    kind.name, kind.required = "Soort persoon", True
    jan = audience.at_address("jan@zorg.nl")
    assert jan is not None
    acme.sandbox.mailchimp.edit_fields(audience.id, "jan@zorg.nl", PHONE="030-1234567")
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    bring_back(acme, nurses)
    (restored,) = acme.world.mailchimp.audiences.values()
    [soort] = [one for one in restored.merge_fields if one.tag == "SOORT"]
    assert (soort.name, soort.required) == ("Soort persoon", False), "nobody is refused for what is missing"
    fields = contacts(acme, NAME)["jan@zorg.nl"].merge_fields
    assert (fields["SOORT"], fields["PHONE"]) == ("candidate", "030-1234567")


def test_a_half_filled_address_is_no_reason_to_refuse_the_person(acme: Agency) -> None:
    acme.configure(limits=AT_ONCE)
    nurses = acme.list(NAME, "jan@zorg.nl")
    acme.once()
    audience = acme.sandbox.mailchimp.audience(acme.audience(nurses))
    acme.sandbox.mailchimp.edit_fields(audience.id, "jan@zorg.nl", ADDRESS={"addr1": "Straat 1"})  # type: ignore[arg-type]  # an address is an object
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    bring_back(acme, nurses)
    assert subscribed(acme, NAME) == {"jan@zorg.nl"}


def test_who_said_no_since_the_backup_does_not_come_back_by_address_or_by_person(acme: Agency) -> None:
    nurses = deleted(acme)
    saved = {str(one.contact.address): one for one in the_backup(acme).contacts}
    of_piet = saved["piet@zorg.nl"].row
    assert of_piet is not None
    nos = [
        No(address=saved["jan@zorg.nl"].contact.address, persons=(), reason=NoReason.COMPLIANCE),
        No(
            address=saved["anna@zorg.nl"].contact.address,
            persons=of_piet.persons,
            reason=NoReason.UNSUBSCRIBED,
        ),
    ]
    moves = [Move(address=no.address, row=None, no=no) for no in nos]
    acme.store.move(acme.store.passes(limit=1)[0].id, "acme", ListUid(nurses.uid), moves, acme.now)
    told = left_out(acme, nurses)
    assert told["jan@zorg.nl"] == "said no: in a compliance state in Mailchimp"
    assert told["piet@zorg.nl"] == "said no with another address: unsubscribed in Mailchimp"


def test_a_no_said_between_looking_and_doing_makes_the_approval_stale(acme: Agency) -> None:
    nurses = deleted(acme)
    digest = look(acme, nurses).digest
    jan = next(
        one.contact.address for one in the_backup(acme).contacts if one.contact.address == "jan@zorg.nl"
    )
    no = No(address=jan, persons=(), reason=NoReason.UNSUBSCRIBED)
    acme.store.move(
        acme.store.passes(limit=1)[0].id,
        "acme",
        ListUid(nurses.uid),
        [Move(address=jan, row=None, no=no)],
        acme.now,
    )
    with pytest.raises(StaleApproval):
        bring_back(acme, nurses, digest)
    assert names(acme) == ["Chauffeurs"]


def test_a_database_that_knows_nothing_learns_the_nos_of_the_backup_first(
    acme: Agency, tmp_path: Path
) -> None:
    nurses = deleted(acme)
    (saved,) = backups(acme)
    with agency(tmp_path / "other") as other:
        other.configure(limits=AT_ONCE)
        folder = other.folder / "state" / "backups"
        folder.mkdir(parents=True)
        for file in saved.parent.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        bring_back(other, nurses)
        assert subscribed(other, NAME) == OWED
        base = other.store.base("acme", ListUid(nurses.uid))
        assert {no.address for no in base.nos} == {"anna@zorg.nl", "kees@zorg.nl"}


def test_a_no_that_ended_since_the_backup_is_not_said_again_by_it(acme: Agency) -> None:
    nurses = deleted(acme)
    acme.later(hours=1)
    uid, anna = ListUid(nurses.uid), Address("anna@zorg.nl")
    over = Release(list_uid=uid, address=anna, addresses=(anna,), told="a no")
    acme.store.release(acme.store.passes(limit=1)[0].id, "acme", over, by="eva", now=acme.now)
    bring_back(acme, nurses)
    assert {no.address for no in acme.store.base("acme", uid).nos} == {"kees@zorg.nl"}


# -- what the recruiter does next ------------------------------------------------------------------------


def test_while_the_list_is_deleted_no_pass_touches_the_restored_audience(acme: Agency) -> None:
    nurses = deleted(acme)
    bring_back(acme, nurses)
    acme.later(days=30)
    assert acme.writes_of(acme.once) == []
    assert acme.writes_of(acme.once) == []
    assert subscribed(acme, NAME) == OWED


def test_a_list_that_comes_back_under_its_uid_gets_the_restored_audience(acme: Agency) -> None:
    nurses = deleted(acme)
    bring_back(acme, nurses)
    rows = acme.store.base("acme", ListUid(nurses.uid)).rows
    assert {row.address: row.state for row in rows.values()} == dict.fromkeys(OWED, BaseState.ACTIVE)
    assert all(row.persons and row.contact_id for row in rows.values())
    undelete(nurses)
    acme.once()
    assert names(acme) == ["Chauffeurs", NAME]
    assert subscribed(acme, NAME) == OWED
    assert acme.writes_of(acme.once) == []
    acme.later(days=2)
    acme.leave(nurses, "jan@zorg.nl")
    acme.once()
    assert subscribed(acme, NAME) == {"piet@zorg.nl"}, "restored contacts are ours again"


def test_a_list_made_anew_under_the_same_name_gets_the_restored_audience_and_its_nos(acme: Agency) -> None:
    nurses = deleted(acme)
    bring_back(acme, nurses)
    anew = acme.list(NAME, "jan@zorg.nl", "anna@zorg.nl", "nieuw@zorg.nl")
    acme.once()
    assert names(acme) == ["Chauffeurs", NAME]
    assert subscribed(acme, NAME) == {*OWED, "nieuw@zorg.nl"}
    acme.converge()
    assert subscribed(acme, NAME) == {*OWED, "nieuw@zorg.nl"}
    assert {no.address for no in acme.store.base("acme", ListUid(anew.uid)).nos} >= {"anna@zorg.nl"}


def test_a_list_made_anew_under_another_name_gets_it_by_the_configuration(acme: Agency) -> None:
    nurses = deleted(acme)
    bring_back(acme, nurses)
    (link,) = [one for one in acme.store.links("acme") if one.list_uid == nurses.uid]
    assert link.state is LinkState.UNLINKED
    anew = acme.list("Verpleging", "jan@zorg.nl", "anna@zorg.nl", flagged=False)
    acme.configure(links=f'"{anew.uid}" = "{link.audience_id}"')
    acme.sandbox.otys.select_list(anew.uid)
    acme.once()
    assert names(acme) == ["Chauffeurs", "Verpleging"], "it is one audience, which follows the new name"
    assert acme.subscribed(anew) == OWED
    undelete(nurses)
    acme.converge()
    assert acme.audience(nurses) != acme.audience(anew), "the old list gets an audience of its own"


# -- what stands in the way ------------------------------------------------------------------------------


def test_an_audience_of_the_same_name_holds_it_so_that_nobody_is_mailed_twice(acme: Agency) -> None:
    nurses = deleted(acme)
    acme.list(NAME, "jan@zorg.nl")
    acme.once()
    assert "there is an audience of the same name" in look(acme, nurses).hold
    assert acme.writes_of(lambda: bring_back(acme, nurses, "0" * 64)) == []


def test_a_list_that_has_an_audience_is_not_restored(acme: Agency) -> None:
    nurses = deleted(acme)
    undelete(nurses)
    acme.once()
    assert "whose contacts come from OTYS" in look(acme, nurses).hold


def test_it_is_not_restored_twice(acme: Agency) -> None:
    nurses = deleted(acme)
    digest = look(acme, nurses).digest
    bring_back(acme, nurses, digest)
    assert "restored before" in look(acme, nurses).hold
    assert acme.writes_of(lambda: bring_back(acme, nurses, digest)) == []


def test_the_limit_of_audiences_holds_it_and_is_named(acme: Agency) -> None:
    nurses = deleted(acme)
    acme.world.mailchimp.max_audiences = 1
    assert look(acme, nurses).hold == "the Mailchimp plan allows 1 audiences and has 1"


def test_a_limit_that_mailchimp_did_not_tell_is_a_refusal_and_not_a_loop(acme: Agency) -> None:
    nurses = deleted(acme)
    acme.sandbox.faults.add(Fault(kind=FaultKind.LIST_LIMITS, system="mailchimp", pattern="POST", times=1))
    report = bring_back(acme, nurses)
    assert report is not None
    assert results(report) == {("create", "refused"): 1}
    assert acme.store.open_intents("acme") == ()
    bring_back(acme, nurses)
    assert subscribed(acme, NAME) == OWED


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "was cut short"),
        (lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]), "was altered"),
        (lambda path: path.with_name(f"{path.name}.sha256").unlink(), "sha256 is missing"),
    ],
)
def test_a_backup_that_cannot_be_trusted_is_not_restored(acme: Agency, spoil: object, why: str) -> None:
    nurses = deleted(acme)
    assert callable(spoil)
    spoil(backups(acme)[0])
    with pytest.raises(BackupError, match=why):
        look(acme, nurses)


def test_what_an_older_database_still_knows_of_the_deleted_audience_is_not_about_the_new_one(
    acme: Agency,
) -> None:
    nurses = deleted(acme)
    uid = ListUid(nurses.uid)
    stale = BaseRow(address=Address("weg@zorg.nl"), state=BaseState.ACTIVE, persons=())
    number = acme.store.begin_pass("acme", mode="apply", trigger="before", now=acme.now)
    acme.store.move(number, "acme", uid, [Move(address=stale.address, row=stale)], acme.now)

    bring_back(acme, nurses)

    assert set(acme.store.base("acme", uid).rows) == OWED


def test_whoever_lost_the_lock_restores_nothing(acme: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    nurses = deleted(acme)
    digest = look(acme, nurses).digest

    monkeypatch.setattr(HeldLock, "still_held", lambda _: False)

    def taken_over() -> None:
        with pytest.raises(LockHeld):
            bring_back(acme, nurses, digest)

    assert acme.writes_of(taken_over) == []
    assert acme.store.open_intents("acme") == ()


def test_a_list_in_otys_that_was_not_read_completely_may_hold_opt_outs_so_nothing_can_be_told(
    acme: Agency,
) -> None:
    nurses = deleted(acme)
    undelete(nurses)
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.LYING_TOTAL, system="otys", pattern="Recipient", times=None, value=1)
    )
    with pytest.raises(UnexpectedAnswer, match="could not be read completely"):
        look(acme, nurses)


def test_while_the_audiences_are_not_read_completely_nothing_is_restored(acme: Agency) -> None:
    nurses = deleted(acme)
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.LYING_TOTAL, system="mailchimp", pattern=r"/lists$", times=None, value=1)
    )
    assert look(acme, nurses).hold.startswith("the audiences were not read completely")


@pytest.mark.parametrize("of", ["another client", "another list"])
def test_a_backup_of_somebody_else_is_not_restored(acme: Agency, of: str) -> None:
    nurses = deleted(acme)
    [path] = backups(acme)
    head = the_backup(acme).head
    if of == "another client":
        head = msgspec.structs.replace(head, client="bravo")
    else:
        head = msgspec.structs.replace(head, list_uid=ListUid("9999"))
    saved = save_audience(path.parent, msgspec.structs.replace(head, contacts=0), [], {})
    with acme.client() as client, pytest.raises(BackupError, match="is a backup of list"):
        find_backup(client, ListUid(nurses.uid), saved.path)


# -- answers that got lost -------------------------------------------------------------------------------


@pytest.mark.parametrize("repeated", [True, False])
def test_contacts_whose_answers_got_lost_are_told_of_by_the_command_repeated_or_the_next_pass(
    acme: Agency, *, repeated: bool
) -> None:
    nurses = deleted(acme)
    digest = look(acme, nurses).digest
    acme.sandbox.faults.add(
        Fault(
            kind=FaultKind.DROP_AFTER_APPLY,
            system="mailchimp",
            pattern=r"POST /3\.0/lists/\w+$",
            times=None,
        )
    )
    bring_back(acme, nurses, digest)
    acme.sandbox.faults.clear()

    if repeated:
        bring_back(acme, nurses, digest)
        assert all(len(one.tags) == 1 for one in contacts(acme, NAME).values())
    else:
        undelete(nurses)
        acme.converge()

    told = [(str(one.verb), str(one.result)) for one in acme.store.history("acme", limit=100)]
    assert told.count(("adopt", "applied")) == 0
    assert (names(acme), set(contacts(acme, NAME))) == (["Chauffeurs", NAME], OWED)
    assert acme.store.open_intents("acme") == ()


# -- killed ----------------------------------------------------------------------------------------------


class Witness:
    """Notes what each request was."""

    def __init__(self) -> None:
        self.methods: list[tuple[str, str]] = []

    def __call__(self, note: RequestNote) -> None:
        self.methods.append((note.system, note.method))

    def critical(self) -> list[int]:
        """After how many requests to kill: before and after each write, and after what follows it."""
        writes = [at for at, seen in enumerate(self.methods) if seen == ("Mailchimp", "POST")]
        return sorted({at + later for at in writes for later in (0, 1)})


def restored(acme: Agency, of: MailingList) -> None:
    """One audience, everybody and every tag in it once, and history tells of each once."""
    assert names(acme) == ["Chauffeurs", NAME]
    found = contacts(acme, NAME)
    assert set(found) == OWED
    assert all(len(one.tags) == 1 for one in found.values())
    told = [one for one in acme.store.history("acme", limit=100) if one.list_uid == of.uid]
    of_restoring = [str(one.verb) for one in told if "backup" in one.reason]
    assert sorted(of_restoring) == ["add", "add", "create", "update-settings"]
    assert acme.store.open_intents("acme") == ()
    assert {row.address for row in acme.store.base("acme", ListUid(of.uid)).rows.values()} == OWED


def test_killed_around_any_write_the_command_repeated_ends_in_one_audience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = Witness()
    with agency(tmp_path / "whole") as acme, monkeypatch.context() as watching:
        nurses = deleted(acme)
        digest = look(acme, nurses).digest
        watching.setattr(RequestCount, "__call__", witness)
        bring_back(acme, nurses, digest)
        restored(acme, nurses)
    assert len(witness.critical()) >= 6
    for allowed in witness.critical():
        with agency(tmp_path / str(allowed)) as acme:
            nurses = deleted(acme)
            digest = look(acme, nurses).digest
            with monkeypatch.context() as killing:
                killing.setattr(RequestCount, "__call__", Executioner(allowed))
                with pytest.raises(Killed):
                    bring_back(acme, nurses, digest)
            bring_back(acme, nurses, digest)
            restored(acme, nurses)


def test_killed_and_then_taken_up_by_a_pass_it_is_one_audience_too(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurses = deleted(acme)
    digest = look(acme, nurses).digest

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(MailchimpSink, "apply", killed)
        with pytest.raises(Killed):
            bring_back(acme, nurses, digest)
    undelete(nurses)
    acme.converge()
    assert names(acme) == ["Chauffeurs", NAME]
    assert subscribed(acme, NAME) == OWED
    assert acme.store.open_intents("acme") == ()
    assert "whose contacts come from OTYS" in look(acme, nurses).hold


def test_a_restored_audience_that_a_pass_finds_is_told_to_be_restored(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.configure(limits=AT_ONCE)
    nurses = acme.list(NAME, "jan@zorg.nl")
    acme.once()
    acme.sandbox.otys.delete_list(nurses.uid)
    acme.once()
    digest = look(acme, nurses).digest
    create = MailchimpSink.create

    def killed(self: MailchimpSink, wanted: NewAudience) -> None:
        create(self, wanted)
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(MailchimpSink, "create", killed)
        with pytest.raises(Killed):
            bring_back(acme, nurses, digest)
    undelete(nurses)
    acme.once()
    told = [one.reason for one in acme.store.history("acme", limit=100) if one.verb == "create"]
    assert f"restored from backup {backups(acme)[0].name}" in told


def test_who_unsubscribes_before_the_command_is_repeated_is_neither_ours_nor_tagged(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurses = deleted(acme)
    digest = look(acme, nurses).digest
    apply = MailchimpSink.apply

    def killed(*given: object) -> None:
        list(apply(*given))  # type: ignore[arg-type]  # handed on as they came
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(MailchimpSink, "apply", killed)
        with pytest.raises(Killed):
            bring_back(acme, nurses, digest)
    [made] = [one.id for one in acme.world.mailchimp.audiences.values() if one.name == NAME]
    acme.sandbox.mailchimp.unsubscribe(made, "jan@zorg.nl")
    bring_back(acme, nurses, digest)
    assert {email for email, one in contacts(acme, NAME).items() if one.tags} == {"piet@zorg.nl"}
    assert set(acme.store.base("acme", ListUid(nurses.uid)).rows) == {"piet@zorg.nl"}
