"""The database is an old copy, or gone, and the log of nos stays: then nothing that was said is lost."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import StoreError
from reconciler.model import ListUid, PassResult
from reconciler.sandbox.mailchimp.state import Status
from reconciler.sandbox.otys.state import MailingList
from reconciler.store import check_database
from reconciler.store.redo_log import HeldLog
from tests.disasters.restored import back_up, comes_to_rest, everybody, lose_the_database
from tests.disasters.test_restored_people import (
    ANN,
    BOB,
    SAYS_NO,
    Event,
    changes_address_and_unsubscribes,
    unsubscribes,
)
from tests.passes.agency import Agency
from tests.passes.test_erase import forget
from tests.passes.traces import kept_bodies

STAYS = "blijft@zorg.nl"


def log_of(acme: Agency) -> Path:
    return acme.folder / "state" / "reconciler.db.nos"


def test_who_was_added_after_the_copy_and_moved_and_unsubscribed_in_mailchimp_stays_out(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", STAYS)
    acme.once()
    old = back_up(acme)
    acme.join(nurses, acme.person(ANN))
    acme.once()
    changes_address_and_unsubscribes(acme, nurses)
    acme.once()
    before = everybody(acme)

    old.put_back(with_log=True)
    comes_to_rest(acme)

    assert everybody(acme) == before
    taken = acme.store.taken_up()
    assert taken is not None
    assert str(taken.what) == "1 no"


def test_nos_said_in_an_audience_that_somebody_deleted_by_hand_hold_in_the_next_one(acme: Agency) -> None:
    acme.configure(policy='audience_gone = "recreate"')
    nurses = acme.list("Verpleegkundigen", STAYS, BOB)
    acme.once()
    old = back_up(acme)
    unsubscribes_and_deletes(acme, nurses, BOB)

    old.put_back(with_log=True)
    comes_to_rest(acme)

    assert acme.subscribed(nurses) == {STAYS}
    assert acme.status(nurses, BOB) == "absent"


def unsubscribes_and_deletes(acme: Agency, of: MailingList, email: str) -> None:
    acme.sandbox.mailchimp.unsubscribe(acme.audience(of), email)
    acme.once()
    acme.sandbox.mailchimp.delete_audience(acme.audience(of))


@pytest.mark.parametrize("permanently", [False, True], ids=["archived", "deleted for good"])
def test_who_was_erased_after_the_copy_is_forgotten_and_never_added(
    acme: Agency, *, permanently: bool
) -> None:
    acme.configure(policy='removed_in_mailchimp = "restore"\narchived_stranger = "add"')
    nurses = acme.list("Verpleegkundigen", STAYS, ANN)
    acme.once()
    old = back_up(acme)
    forget(acme, ANN, permanently=permanently)

    old.put_back(with_log=True)
    assert [one for one in acme.store.base("acme", ListUid(nurses.uid)).rows if one != STAYS] == []
    comes_to_rest(acme)

    assert acme.subscribed(nurses) == {STAYS}
    assert ANN not in log_of(acme).read_text("utf-8")


@pytest.mark.parametrize("named_by", ["a plan", "a snapshot"])
def test_an_erased_address_that_the_copy_names_in_one_place_alone_is_forgotten_too(
    acme: Agency, named_by: str
) -> None:
    acme.list("Verpleegkundigen", STAYS, ANN)
    acme.once()
    acme.edit(acme.sandbox.otys.people_at(ANN)[0], email="anna.nieuw@zorg.nl")
    acme.once()
    if named_by == "a plan":
        acme.store.forget_snapshots("acme", None)
    else:
        acme.store.forget_plans(acme.now + timedelta(days=1))
    assert any(ANN.encode() in body for body in kept_bodies(acme.store))
    old = back_up(acme)
    forget(acme, ANN)

    old.put_back(with_log=True)

    assert acme.store.passes("acme", limit=1)
    assert not any(ANN.encode() in body for body in kept_bodies(acme.store))


def test_an_erased_address_that_nothing_but_a_snapshot_of_the_copy_names_is_forgotten_too(
    acme: Agency,
) -> None:
    nurses = acme.list("Verpleegkundigen", STAYS, ANN)
    acme.once()
    acme.leave(nurses, ANN)
    acme.sandbox.mailchimp.delete_permanently(acme.audience(nurses), ANN)
    acme.once()
    acme.join(nurses, acme.person("later@zorg.nl"))
    acme.once()
    acme.store.forget_plans(acme.now + timedelta(days=1))
    assert set(acme.store.base("acme", ListUid(nurses.uid)).rows) == {STAYS, "later@zorg.nl"}
    assert any(ANN.encode() in body for body in kept_bodies(acme.store))
    old = back_up(acme)
    forget(acme, ANN)

    old.put_back(with_log=True)

    assert acme.store.passes("acme", limit=1)
    assert not any(ANN.encode() in body for body in kept_bodies(acme.store))


def test_an_approval_that_was_used_after_the_copy_is_used_up(acme: Agency) -> None:
    crowd = [f"weg{number}@zorg.nl" for number in range(12)]
    nurses = acme.list("Verpleegkundigen", STAYS, *crowd)
    acme.once()
    for email in crowd[:11]:
        acme.leave(nurses, email)
    (proposal,) = acme.once().proposals
    acme.store.approve(proposal.digest, by="eva", now=acme.now)
    old = back_up(acme)
    acme.once()
    assert acme.subscribed(nurses) == {STAYS, crowd[11]}
    for email in crowd[:11]:  # so that exactly the same would be removed
        contact = acme.contact(nurses, email)
        assert contact is not None
        contact.status = Status.SUBSCRIBED

    old.put_back(with_log=True)
    report = acme.once()

    assert report.result is PassResult.WITHHELD
    assert acme.subscribed(nurses) == {STAYS, *crowd}


@pytest.mark.parametrize("event", SAYS_NO)
def test_a_database_that_is_gone_has_lost_no_no(acme: Agency, event: Event) -> None:
    acme.configure(policy='removed_in_mailchimp = "restore"\narchived_stranger = "add"')
    nurses = acme.list("Verpleegkundigen", STAYS, ANN)
    acme.once()
    acme.later(hours=1)
    event(acme, nurses)
    acme.once()
    nos = {(no.address, no.reason) for no in acme.store.base("acme", ListUid(nurses.uid)).nos}
    before = everybody(acme)

    lose_the_database(acme)
    assert {(no.address, no.reason) for no in acme.store.base("acme", ListUid(nurses.uid)).nos} == nos
    comes_to_rest(acme)

    assert everybody(acme) == before


def test_a_process_killed_between_the_log_and_the_commit_has_kept_the_no(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    nurses = acme.list("Verpleegkundigen", STAYS, ANN)
    acme.once()
    acme.later(hours=1)
    unsubscribes(acme, nurses)
    append = HeldLog.append

    def die(held: HeldLog, facts: Sequence[object]) -> None:
        append(held, facts)  # type: ignore[arg-type]  # handed on as they came
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(HeldLog, "append", die)
        with pytest.raises(Killed):
            acme.once()
    acme.sandbox.mailchimp.delete_permanently(acme.audience(nurses), ANN)
    old = back_up(acme)
    old.put_back(with_log=True)

    assert [no.address for no in acme.store.base("acme", ListUid(nurses.uid)).nos] == [ANN]
    comes_to_rest(acme)
    assert acme.subscribed(nurses) == {STAYS}


def test_a_log_that_cannot_be_written_stops_the_pass_before_it_writes_anything(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurses = acme.list("Verpleegkundigen", STAYS, ANN)
    acme.once()
    acme.later(hours=1)
    unsubscribes(acme, nurses)
    acme.join(nurses, acme.person(BOB))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("reconciler.store.redo_log.os.fsync", full)
        with pytest.raises(StoreError, match=r"log of nos .*, the disk is full"):
            acme.once()
    assert acme.subscribed(nurses) == {STAYS}

    acme.later(minutes=3)
    acme.converge()
    assert acme.subscribed(nurses) == {STAYS, BOB}
    assert acme.status(nurses, ANN) == "unsubscribed"
    assert check_database(f"sqlite:///{acme.folder}/state/reconciler.db").healthy


def test_a_pass_in_which_nobody_says_anything_adds_no_line(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", STAYS, ANN)
    acme.once()
    unsubscribes(acme, nurses)
    acme.once()
    before = log_of(acme).read_bytes()
    acme.leave(nurses, STAYS)
    acme.once()
    acme.once()
    assert log_of(acme).read_bytes() == before
