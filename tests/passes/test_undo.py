"""A pass is undone over the real wire: the world is as it was, and the passes after it leave it so."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.api.http import RequestNote
from reconciler.client import Unwatched
from reconciler.config import load_config
from reconciler.errors import LockHeld, StaleApproval
from reconciler.inverse import Verdict
from reconciler.model import Address, BaseState, ListUid, PassId, PassResult, Verb
from reconciler.reconcile import LEASE
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys.state import MailingList
from reconciler.undoing import Undone, undo_pass
from reconciler.wiring import RequestCount, open_client
from tests.passes.agency import Agency, agency

SHARES = 2
WRITES = 6
RECIPIENTS = "MailingListRecipientService"


class Killed(BaseException):
    """The process is gone: nothing catches this."""


def killed_at(request: int, monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> list[str]:
    """Do something until the answer of a request is lost; return the methods of all requests up to then."""
    made: list[str] = []

    def count(_self: RequestCount, note: RequestNote) -> None:
        made.append(note.method if note.system == "Mailchimp" else "")
        if len(made) > request:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(RequestCount, "__call__", count)
        try:
            work()
        except Killed:
            return made
    return made


def undo(acme: Agency, number: int, approved: str | None = None) -> Undone:
    config = load_config(acme.write_config(), {})
    record = acme.store.pass_record(PassId(number))
    assert record is not None
    opened = open_client(
        "acme", config, acme.store, Unwatched(), plan_only=approved is None, now=lambda: acme.now
    )
    with opened as client:
        return undo_pass(client, record, by="Ada", approved=approved)


def undone(acme: Agency, number: int) -> Undone:
    """Look at what undoing a pass would do, and do exactly that."""
    return undo(acme, number, undo(acme, number).digest)


def contacts(acme: Agency, of: MailingList) -> Mapping[str, tuple[str, object, object]]:
    """What Mailchimp shows of everybody who is or was there."""
    known = acme.sandbox.mailchimp.audience(acme.audience(of)).contacts.values()
    return {
        one.email_address: (str(one.status), one.merge_fields.get("FNAME"), one.merge_fields.get("LNAME"))
        for one in known
    }


def busy_pass(acme: Agency) -> MailingList:
    """A second pass that adds, adopts, updates, renames and removes, and renames the audience."""
    zorg = acme.list("Zorg", *(f"p{number}@zorg.nl" for number in range(4)))
    acme.once()
    audience = acme.audience(zorg)
    acme.sandbox.mailchimp.add_contact(
        audience, "stond@er.nl", merge_fields={"FNAME": "Eigen", "LNAME": "Naam"}
    )
    acme.join(zorg, acme.person("stond@er.nl"))
    acme.join(zorg, acme.person("nieuw@zorg.nl"))
    acme.edit(acme.sandbox.otys.people_at("p1@zorg.nl")[0], last_name="Anders")
    acme.edit(acme.sandbox.otys.people_at("p2@zorg.nl")[0], email="p2@nieuw.nl")
    acme.leave(zorg, "p3@zorg.nl")
    acme.sandbox.otys.rename_list(zorg.uid, "Zorgverleners")
    return zorg


def test_an_undone_pass_leaves_the_audience_as_it_was_and_no_pass_does_it_again(acme: Agency) -> None:
    zorg = busy_pass(acme)
    before = contacts(acme, zorg)
    acme.once()
    assert contacts(acme, zorg) != before

    ended = undone(acme, 2)

    assert ended.report.result is PassResult.DONE
    assert contacts(acme, zorg) == {**before, "nieuw@zorg.nl": ("archived", "Nieuw", "Jansen")}
    assert acme.sandbox.mailchimp.audience(acme.audience(zorg)).name == "Zorg"
    before_next = acme.sandbox.log.last_number()
    report = acme.once()
    assert list(acme.sandbox.log.writes(after=before_next)) == []
    assert report.result is PassResult.DONE
    assert report.lists[0].guarded is not None
    held_back = {(one.change.verb, one.change.address) for one in report.lists[0].guarded.plan.refused}
    assert held_back == {
        (Verb.ADD, "nieuw@zorg.nl"),
        (Verb.ADOPT, "stond@er.nl"),
        (Verb.UPDATE, "p1@zorg.nl"),
        (Verb.RENAME, "p2@nieuw.nl"),
        (Verb.REMOVE, "p3@zorg.nl"),
    }
    assert acme.writes_of(acme.once) == []


def test_an_undo_is_a_pass_of_its_own_with_a_history(acme: Agency) -> None:
    busy_pass(acme)
    acme.once()

    ended = undone(acme, 2)

    number = ended.report.pass_id
    assert number is not None
    record = acme.store.pass_record(number)
    assert record is not None
    assert record.trigger == "undo 2"
    told = Counter((one.verb, one.reason) for one in acme.store.outcomes(number))
    assert set(told) == {
        (verb, "undoes pass 2") for verb in ("rename-audience", "remove", "add", "update", "rename")
    }


def test_an_undo_is_undone_like_any_pass(acme: Agency) -> None:
    zorg = busy_pass(acme)
    acme.once()
    after = contacts(acme, zorg)
    first = undone(acme, 2)
    assert first.report.pass_id is not None

    undone(acme, first.report.pass_id)

    assert contacts(acme, zorg) == after
    assert acme.sandbox.mailchimp.audience(acme.audience(zorg)).name == "Zorgverleners"
    assert acme.writes_of(acme.once) == []
    assert acme.store.counts("acme")[ListUid(zorg.uid)].refusals == 0


def test_nothing_is_done_when_something_else_would_be_done_by_now(acme: Agency) -> None:
    zorg = busy_pass(acme)
    acme.once()
    digest = undo(acme, 2).digest
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), "nieuw@zorg.nl")

    def approve() -> None:
        with pytest.raises(StaleApproval, match="does not have the digest"):
            undo(acme, 2, digest)

    assert acme.writes_of(approve) == []


def test_looking_writes_nothing(acme: Agency) -> None:
    busy_pass(acme)
    acme.once()

    assert acme.writes_of(lambda: undo(acme, 2)) == []


def test_an_undo_waits_for_no_pass_and_lets_none_in_while_it_runs(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_pass(acme)
    acme.once()
    with acme.store.lock("acme", "daemon", lease=LEASE, now=lambda: acme.now):
        digest = undo(acme, 2).digest
        with pytest.raises(LockHeld, match="daemon"):
            undo(acme, 2, digest)
    holders: set[str] = set()

    def look(_self: RequestCount, note: RequestNote) -> None:
        record = acme.store.lock_record("acme")
        if note.system == "Mailchimp":
            holders.add("nobody" if record is None else record.holder.partition(",")[0])

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(RequestCount, "__call__", look)
        undo(acme, 2, digest)
    assert holders == {"undo 2"}


def test_an_undo_whose_lock_was_taken_over_writes_nothing_more(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_pass(acme)
    acme.once()
    digest = undo(acme, 2).digest
    with ExitStack() as another, monkeypatch.context() as meanwhile:

        def take_over(_self: RequestCount, _note: RequestNote) -> None:
            meanwhile.undo()
            acme.now += 2 * LEASE
            lock = acme.store.lock("acme", "another pass", lease=LEASE, now=lambda: acme.now)
            another.enter_context(lock)

        meanwhile.setattr(RequestCount, "__call__", take_over)

        def approve() -> None:
            with pytest.raises(LockHeld, match="taken over"):
                undo(acme, 2, digest)

        assert acme.writes_of(approve) == []


def test_who_said_no_since_then_is_not_brought_back(acme: Agency) -> None:
    zorg = acme.list("Zorg", "ann@zorg.nl", "bob@zorg.nl")
    acme.once()
    acme.leave(zorg, "ann@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), "ann@zorg.nl")

    looked = undo(acme, 2)

    assert [one.verdict for one in looked.lists[0].inverses] == [Verdict.IMPOSSIBLE]
    undo(acme, 2, looked.digest)
    assert acme.status(zorg, "ann@zorg.nl") == "unsubscribed"


def test_nothing_that_was_done_in_another_audience_is_undone_in_this_one(acme: Agency) -> None:
    acme.configure(policy='audience_gone = "recreate"')
    zorg = acme.list("Zorg", "ann@zorg.nl", "bob@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.delete_audience(acme.audience(zorg))
    acme.converge()

    looked = undo(acme, 1)

    assert {one.reason for one in looked.lists[0].inverses if one.done.email} == {
        "the list has another audience now, or none"
    }
    assert acme.subscribed(zorg) == {"ann@zorg.nl", "bob@zorg.nl"}


@pytest.mark.parametrize("unselected", ["keep", "archive-members"])
def test_of_a_list_that_is_being_let_go_nothing_is_undone(acme: Agency, unselected: str) -> None:
    acme.configure(policy=f'unselected = "{unselected}"')
    zorg = acme.list("Zorg", "ann@zorg.nl", "bob@zorg.nl")
    acme.list("Bouw")
    acme.once()
    acme.sandbox.otys.unselect_list(zorg.uid)

    looked = undo(acme, 1)

    told = {one.reason for of in looked.lists for one in of.inverses if one.done.email}
    assert len(told) == 1
    assert all(reason.startswith("the list is not in step with its audience now") for reason in told)


def test_a_list_that_was_not_read_completely_is_not_touched(acme: Agency) -> None:
    busy_pass(acme)
    acme.once()
    digest = undo(acme, 2).digest
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.LYING_TOTAL, system="otys", pattern=RECIPIENTS, times=None, value=1)
    )

    def approve() -> None:
        report = undo(acme, 2, digest).report
        assert report.result is PassResult.FAILED
        assert "not read completely, so nothing of it is undone" in report.all_problems[0]

    assert acme.writes_of(approve) == []


def test_the_approved_digest_releases_what_a_guard_withholds(acme: Agency) -> None:
    zorg = acme.list("Zorg", *(f"p{number}@zorg.nl" for number in range(12)))
    acme.once()

    looked = undo(acme, 1)

    assert looked.report.result is PassResult.WITHHELD
    assert undo(acme, 1, looked.digest).report.result is PassResult.DONE
    assert acme.subscribed(zorg) == set()
    assert acme.store.proposals("acme", now=acme.now) == ()


@pytest.mark.parametrize("share", range(SHARES))
def test_cut_off_at_any_write_the_same_command_goes_on(
    share: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with agency(tmp_path / "whole") as acme:
        zorg, digest = ready_to_undo(acme)
        made = killed_at(10_000, monkeypatch, lambda: undo(acme, 2, digest))
        wanted = contacts(acme, zorg)
    writes = [place for place, method in enumerate(made) if method in ("POST", "PUT", "PATCH", "DELETE")]
    assert len(writes) == WRITES
    for place in writes[share::SHARES]:
        with agency(tmp_path / str(place)) as acme:
            zorg, digest = ready_to_undo(acme)
            killed_at(place, monkeypatch, lambda: undo(acme, 2, digest))  # noqa: B023 (called at once)

            undo(acme, 2, digest)

            assert contacts(acme, zorg) == wanted, f"killed at request {place}"
            back = acme.store.base("acme", ListUid(zorg.uid)).rows[Address("p3@zorg.nl")]
            assert back.state is BaseState.ACTIVE, f"killed at request {place}"
            assert acme.writes_of(acme.once) == [], f"not at rest after a kill at request {place}"
            assert history_of_undo(acme) == [1] * WRITES, f"killed at request {place}"


def ready_to_undo(acme: Agency) -> tuple[MailingList, str]:
    zorg = busy_pass(acme)
    acme.once()
    return zorg, undo(acme, 2).digest


def history_of_undo(acme: Agency) -> list[int]:
    """How often each write of the undo is in the history, over however many passes it took."""
    told = Counter(
        (one.verb, one.address_key)
        for one in acme.store.history("acme", limit=100)
        if one.result.moves_base and one.reason == "undoes pass 2" and one.verb != Verb.FORGET
    )
    return sorted(told.values())


def test_what_is_not_known_any_more_is_not_undone(acme: Agency) -> None:
    busy_pass(acme)
    acme.once()
    acme.once()
    acme.store.forget_plans(acme.now + timedelta(days=1))

    shown = undo(acme, 2)

    of_contacts = [one for of_list in shown.lists for one in of_list.inverses if one.done.email]
    assert len(of_contacts) == WRITES - 1
    assert all(
        one.verdict is Verdict.IMPOSSIBLE and "not known any more" in one.reason for one in of_contacts
    )
