"""OTYS is told who opted out in Mailchimp: first, once, and only where somebody asked for it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import LockHeld
from reconciler.model import OptOut, PassId, PassResult
from reconciler.optouts import tell_otys
from reconciler.ports import Telling
from reconciler.running import Pass
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys.state import Entity
from reconciler.store import HeldLock
from tests.passes.agency import Agency

FIELD = "Person.matchCriteria_9"
CALL = """{ method = "update", arguments = '["{person}", {"Person": {"matchCriteria_9": "1"}}]' }"""
WRITING = "CandidateService.update"


@pytest.fixture
def writing(acme: Agency, tmp_path: Path) -> Agency:
    """An agency whose OTYS can be told, and whose configuration says so."""
    switches = acme.world.otys.switches
    switches.opt_out_field, switches.opt_out_writable = FIELD, True
    acme.mapping = tmp_path / "mapping.toml"
    acme.mapping.write_text(f"[kinds.candidate]\nopt_out = {CALL}\n", "utf-8")
    acme.configure(policy='opt_outs_to_otys = "write"')
    return acme


def person_at(acme: Agency, email: str) -> Entity:
    [found] = acme.sandbox.otys.people_at(email)
    return found


def untold(acme: Agency) -> list[str]:
    return [one.address for one in acme.store.opt_outs("acme")]


def told(acme: Agency) -> tuple[OptOut, ...]:
    return tuple(one for one in acme.store.opt_outs("acme", told=True) if one.told_at is not None)


def calls(acme: Agency) -> list[str]:
    """Every request to OTYS that wrote something, and to Mailchimp, in their order."""
    return [
        one.path if one.system == "mailchimp" else "OTYS"
        for one in acme.sandbox.log.requests()
        if WRITING.encode() in one.body or (one.system == "mailchimp" and one.method != "GET")
    ]


def test_who_unsubscribes_is_noted_in_otys_in_the_same_pass_and_only_once(writing: Agency) -> None:
    zorg = writing.list("Zorg", "an@zorg.nl", "bo@zorg.nl")
    writing.converge()
    writing.sandbox.mailchimp.unsubscribe(writing.audience(zorg), "an@zorg.nl")

    report = writing.once()

    assert person_at(writing, "an@zorg.nl").opted_out
    assert not person_at(writing, "bo@zorg.nl").opted_out
    assert report.counts()["told"] == 1
    assert [one.told_at for one in told(writing)] == [writing.now]
    before = len(calls(writing))
    writing.once()
    assert len(calls(writing)) == before


def test_otys_knows_before_anybody_is_added(writing: Agency) -> None:
    zorg = writing.list("Zorg", "an@zorg.nl")
    writing.converge()
    writing.sandbox.mailchimp.unsubscribe(writing.audience(zorg), "an@zorg.nl")
    writing.join(zorg, writing.person("cas@zorg.nl"))
    before = len(calls(writing))

    writing.once()

    first, *rest = calls(writing)[before:]
    assert (first, bool(rest)) == ("OTYS", True)
    assert "cas@zorg.nl" in writing.subscribed(zorg)


def test_no_limit_withholds_it(writing: Agency) -> None:
    people = [f"p{number:02}@zorg.nl" for number in range(30)]
    zorg = writing.list("Zorg", *people)
    writing.converge()
    for email in people:
        writing.sandbox.mailchimp.unsubscribe(writing.audience(zorg), email)
    writing.sandbox.otys.empty_list(zorg.uid)

    writing.once()

    assert [email for email in people if not person_at(writing, email).opted_out] == []
    assert untold(writing) == []


def test_it_is_told_once_of_somebody_who_opted_out_of_two_lists(writing: Agency) -> None:
    an = writing.person("an@zorg.nl")
    lists = [writing.list("Zorg"), writing.list("Techniek")]
    for one in lists:
        writing.join(one, an)
    writing.converge()
    for one in lists:
        writing.sandbox.mailchimp.unsubscribe(writing.audience(one), "an@zorg.nl")
    after = writing.sandbox.log.last_number()

    writing.once()

    bodies = [one.body.decode() for one in writing.sandbox.log.requests("otys", after=after)]
    assert sum(body.count(WRITING) for body in bodies) == 1
    assert len(told(writing)) == 2


def test_a_compliance_no_is_told_but_nothing_that_the_person_did_not_say(writing: Agency) -> None:
    zorg = writing.list("Zorg", "a@zorg.nl", "b@zorg.nl", "c@zorg.nl", "d@zorg.nl")
    writing.converge()
    mailchimp, audience = writing.sandbox.mailchimp, writing.audience(zorg)
    mailchimp.bounce(audience, "b@zorg.nl")
    mailchimp.archive(audience, "c@zorg.nl")
    mailchimp.delete_permanently(audience, "d@zorg.nl")
    writing.once()
    assert told(writing) == ()

    mailchimp.unsubscribe(audience, "a@zorg.nl")
    writing.once()

    assert [one.address for one in told(writing)] == ["a@zorg.nl"]
    assert [person_at(writing, f"{name}@zorg.nl").opted_out for name in "bcd"] == [False] * 3


def test_one_whom_otys_refuses_stops_nobody_and_is_tried_again(writing: Agency) -> None:
    zorg = writing.list("Zorg", "an@zorg.nl", "bo@zorg.nl")
    writing.converge()
    for email in ("an@zorg.nl", "bo@zorg.nl"):
        writing.sandbox.mailchimp.unsubscribe(writing.audience(zorg), email)
    an = person_at(writing, "an@zorg.nl")
    candidates = writing.world.otys.entities["candidate"]
    del candidates[an.uid]

    report = writing.once()

    assert report.result is PassResult.DONE
    assert person_at(writing, "bo@zorg.nl").opted_out
    assert untold(writing) == ["an@zorg.nl"]
    [note] = report.problems
    assert "OTYS was not told of 1 opt-out" in note
    assert "does not exist" in note
    assert "an@zorg.nl" not in note

    candidates[an.uid] = an
    assert writing.once().problems == ()
    assert an.opted_out
    assert untold(writing) == []


def test_an_otys_that_can_be_told_nothing_stops_no_pass(writing: Agency) -> None:
    zorg = writing.list("Zorg", "an@zorg.nl")
    writing.converge()
    writing.sandbox.mailchimp.unsubscribe(writing.audience(zorg), "an@zorg.nl")
    writing.join(zorg, writing.person("cas@zorg.nl"))
    writing.sandbox.faults.add(Fault(kind=FaultKind.IN_BAND_ERROR, pattern="MultiService", times=None))

    report = writing.once()

    assert writing.subscribed(zorg) == {"cas@zorg.nl"}
    assert report.opt_outs is not None
    assert (report.opt_outs.owed, report.opt_outs.waiting_since) == (1, writing.now)
    writing.sandbox.faults.clear()
    writing.later(minutes=5)
    writing.once()
    assert [one.told_at - one.since for one in told(writing) if one.told_at] == [timedelta(minutes=5)]


def test_a_pass_that_was_killed_before_it_could_note_it_tells_it_again(
    writing: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process is gone."""

    def killed(*_: object) -> None:
        raise Killed

    zorg = writing.list("Zorg", "an@zorg.nl")
    writing.converge()
    writing.sandbox.mailchimp.unsubscribe(writing.audience(zorg), "an@zorg.nl")
    with monkeypatch.context() as patched:
        patched.setattr(writing.store, "mark_told", killed)
        with pytest.raises(Killed):
            writing.once()
    assert untold(writing) == ["an@zorg.nl"]

    writing.once()

    assert untold(writing) == []


def test_an_opt_out_in_otys_that_we_wrote_ourselves_brings_the_world_to_rest(
    writing: Agency, tmp_path: Path
) -> None:
    (tmp_path / "mapping.toml").write_text(
        f'[kinds.candidate]\nopt_out = {CALL}\n[recipients.fields]\nopted_out = {{ path = "{FIELD}" }}\n'
    )
    zorg = writing.list("Zorg", "an@zorg.nl", "bo@zorg.nl")
    writing.converge()
    writing.sandbox.mailchimp.unsubscribe(writing.audience(zorg), "an@zorg.nl")

    writing.once()
    before = len(calls(writing))
    writing.once()
    writing.once()

    assert len(calls(writing)) == before
    assert writing.status(zorg, "an@zorg.nl") == "unsubscribed"


@pytest.mark.parametrize("lacking", ["the policy", "the call", "a writing mode"])
def test_unless_all_is_there_otys_is_only_read_and_the_opt_out_waits_for_somebody(
    writing: Agency, lacking: str
) -> None:
    asked_for = writing.tables["policy"]
    zorg = writing.list("Zorg", "an@zorg.nl")
    writing.converge()
    writing.configure(policy="")
    writing.sandbox.mailchimp.unsubscribe(writing.audience(zorg), "an@zorg.nl")
    writing.once()
    if lacking != "the policy":
        writing.configure(policy=asked_for)
    if lacking == "the call":
        writing.mapping = None

    report = writing.plan() if lacking == "a writing mode" else writing.once()

    assert not person_at(writing, "an@zorg.nl").opted_out
    assert calls(writing).count("OTYS") == 0
    assert untold(writing) == ["an@zorg.nl"]
    assert report.opt_outs is not None
    assert (report.opt_outs.waiting, report.opt_outs.owed) == (1, 0)


class OneByOne:
    """Tells OTYS of one at a time."""

    def __init__(self) -> None:
        self.told: list[OptOut] = []

    def can_tell(self, _opt_out: OptOut) -> bool:
        return True

    def tell(self, opt_outs: Sequence[OptOut]) -> Iterator[Sequence[Telling]]:
        for one in opt_outs:
            self.told.append(one)
            yield [Telling(one)]


def test_a_pass_that_lost_its_lock_notes_what_it_told_and_tells_nothing_more(acme: Agency) -> None:
    zorg = acme.list("Zorg", "an@zorg.nl", "bo@zorg.nl")
    acme.converge()
    for email in ("an@zorg.nl", "bo@zorg.nl"):
        acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), email)
    acme.once()
    lock = HeldLock(acme.store._database, client="acme", lease=timedelta(minutes=2), now=lambda: acme.now)
    sink = OneByOne()
    with acme.client() as client, client.open_mailchimp(client.lists.integration()) as mailchimp:
        running = Pass(client=replace(client, opt_outs=sink), id=PassId(1), mailchimp=mailchimp, lock=lock)
        with pytest.raises(LockHeld):
            tell_otys(running)
    assert len(sink.told) == 1
    assert [one.number for one in told(acme)] == [one.number for one in sink.told]
