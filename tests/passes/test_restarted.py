"""A list that came to rest stays so in a new process; whatever may matter brings it back there too."""

import sys
from collections.abc import Callable
from copy import deepcopy

import email_validator
import pytest
from sqlalchemy import select, update

from reconciler import at_rest, resting
from reconciler.document import pass_document
from reconciler.model import Address, BaseMove, Refusal, RefusalKind, Verb
from reconciler.report import PassReport
from reconciler.sandbox.otys.state import MailingList
from reconciler.store import IntentKind
from reconciler.store.tables import rests
from tests.bench.meter import BOOKKEEPING, rows_written
from tests.disasters.restored import back_up
from tests.passes.agency import Agency, verbs
from tests.passes.staying import Open
from tests.passes.test_erase import forget
from tests.passes.test_release import let_go

ANN, BOB, CAS, DAN = "ann@zorg.nl", "bob@zorg.nl", "cas@zorg.nl", "dan@zorg.nl"


@pytest.fixture
def zorg(acme: Agency, daemon: Open) -> MailingList:
    """Two lists at rest; on the one are somebody who is held, one without an address and one who said no."""
    zorg = acme.list("Zorg", ANN, BOB, DAN, "no address")
    acme.list("Bouw", CAS)
    acme.once()
    acme.sandbox.mailchimp.add_contact(acme.audience(zorg), "strange@zorg.nl")
    acme.sandbox.mailchimp.archive(acme.audience(zorg), "strange@zorg.nl")
    acme.join(zorg, acme.person("strange@zorg.nl"))
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), BOB)
    acme.sandbox.mailchimp.archive(acme.audience(zorg), DAN)
    daemon().rest()
    assert len(acme.store.rests("acme")) == 2
    return zorg


def told(report: PassReport) -> object:
    """What is told of the lists, but for when and how they were looked at."""
    return [
        (one.list_uid, one.guarded, one.outcomes, one.problem, one.audience_id) for one in report.lists
    ], report.result


@pytest.mark.usefixtures("zorg")
def test_a_new_process_asks_for_every_page_decodes_none_and_tells_the_same(
    daemon: Open,
) -> None:
    afresh = daemon()
    whole = afresh.once(full=True)
    assert sorted(afresh.decided) == ["Bouw", "Zorg"]
    pages = afresh.pages
    one = daemon()

    with rows_written() as rows:
        report = one.once()

    assert (one.decided, one.decoded, one.pages) == ([], [], pages)
    assert told(report) == told(whole)
    assert verbs(report) == {"hold": 1}
    assert pass_document(report).changes == pass_document(whole).changes
    assert {table for table, count in rows.items() if count} <= BOOKKEEPING
    one.once()
    assert one.decided == [], "and so it goes on"


def test_only_what_changed_while_nobody_looked_is_decided(
    acme: Agency, daemon: Open, zorg: MailingList
) -> None:
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), ANN)
    one = daemon()
    assert one.once().planned[Verb.SUPPRESS] == 1
    assert one.decided == ["Zorg"]


def a_no_said_by_hand(acme: Agency, zorg: MailingList) -> None:
    acme.store.hold_back(
        "acme",
        zorg.uid,  # type: ignore[arg-type]  # the sandbox's lists have plain uids
        [
            Refusal(
                address=Address(ANN),
                verb=Verb.UPDATE,
                kind=RefusalKind.UNDONE,
                detail="",
                fingerprint="",
                since=acme.now,
            )
        ],
    )


def a_row_lost(acme: Agency, zorg: MailingList) -> None:
    number = acme.store.begin_pass("acme", mode="apply", trigger="by hand", now=acme.now)
    move = BaseMove(address=Address(ANN), row=None)
    acme.store.move(number, "acme", zorg.uid, [move], acme.now)  # type: ignore[arg-type]  # as above


def mapped_otherwise(acme: Agency, _zorg: MailingList) -> None:
    acme.mapping = acme.folder / "mapping.toml"
    acme.mapping.write_text('[kinds.candidate]\nwords = ["candidate", "kandidaat"]\n', "utf-8")


def garbled(acme: Agency, _zorg: MailingList) -> None:
    with acme.store._database.writing() as connection:
        connection.execute(update(rests).values(body=b"garbage"))


def cut_short(acme: Agency, _zorg: MailingList) -> None:
    with acme.store._database.writing() as connection:
        body = connection.execute(select(rests.c.body).limit(1)).scalar_one()
        connection.execute(update(rests).values(body=body[: len(body) // 2]))


def exchanged(acme: Agency, _zorg: MailingList) -> None:
    with acme.store._database.writing() as connection:
        one, other = connection.execute(select(rests).order_by(rests.c.list_id)).all()
        for list_id, body in ((one.list_id, other.body), (other.list_id, one.body)):
            connection.execute(update(rests).where(rests.c.list_id == list_id).values(body=body))


def begun_by_somebody_who_died(acme: Agency, zorg: MailingList) -> None:
    number = acme.store.begin_pass("acme", mode="apply", trigger="undo 1", now=acme.now)
    uid = zorg.uid
    acme.store.intend("acme", uid, IntentKind.APPLY, {}, number, acme.now)  # type: ignore[arg-type]  # as above


def templates(acme: Agency, _zorg: MailingList) -> None:
    acme.fields = 'FNAME = "{last_name}"'


BOTH, ZORG = ["Bouw", "Zorg"], ["Zorg"]


@pytest.mark.parametrize(
    ("change", "decided"),
    [
        (a_no_said_by_hand, ZORG),
        (a_row_lost, ZORG),
        (lambda acme, _: let_go(acme, DAN), ZORG),
        (lambda acme, _: forget(acme, "strange@zorg.nl"), BOTH),
        (lambda acme, _: acme.configure(policy='field_conflicts = "mailchimp"'), BOTH),
        (lambda acme, _: acme.configure(limits="removals_free = 3"), BOTH),
        (templates, BOTH),
        (mapped_otherwise, BOTH),
        (garbled, BOTH),
        (cut_short, BOTH),
        (exchanged, BOTH),
        (lambda acme, _: acme.later(hours=25), BOTH),
        (lambda acme, _: acme.later(hours=-1), BOTH),
        (lambda acme, _: setattr(acme, "mode", "plan"), BOTH),
        (lambda acme, _: setattr(acme, "state", "snapshot_days = 31"), BOTH),
        (begun_by_somebody_who_died, ZORG),
    ],
    ids=[
        "held back",
        "row lost",
        "released",
        "erased",
        "policy",
        "limits",
        "templates",
        "mapping",
        "garbage",
        "half a row",
        "rows exchanged",
        "a day later",
        "clock set back",
        "plan mode",
        "snapshots kept for longer",
        "cut off",
    ],
)
def test_a_new_process_decides_what_may_come_out_otherwise(
    acme: Agency,
    daemon: Open,
    zorg: MailingList,
    change: Callable[[Agency, MailingList], None],
    decided: list[str],
) -> None:
    change(acme, zorg)
    one = daemon()
    one.once()
    assert sorted(one.decided) == decided


@pytest.mark.usefixtures("zorg")
@pytest.mark.parametrize(
    "what",
    [
        (at_rest, "_program", lambda: b"another"),
        (resting, "FORMAT", 99),
        (email_validator, "__version__", "another"),
        (sys, "version", f"{sys.version} another"),
    ],
    ids=["program", "format", "what tells a valid address", "Python"],
)
def test_another_version_of_the_program_goes_by_nothing_of_an_earlier_one(
    daemon: Open, monkeypatch: pytest.MonkeyPatch, what: tuple[object, str, object]
) -> None:
    monkeypatch.setattr(*what)
    one = daemon()
    one.once()
    assert sorted(one.decided) == BOTH


@pytest.mark.parametrize(("log", "decided"), [(False, []), (True, ["Zorg"])])
def test_an_old_database_goes_by_its_own_rests_but_for_what_it_takes_up(
    acme: Agency, daemon: Open, zorg: MailingList, *, log: bool, decided: list[str]
) -> None:
    old = back_up(acme)
    contacts = acme.sandbox.mailchimp.audience(acme.audience(zorg)).contacts
    then = {key: deepcopy(contact) for key, contact in contacts.items()}
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), ANN)
    acme.once()
    contacts.update(then)  # every byte is as it was when the copy was made

    old.put_back(with_log=log)

    one = daemon()
    one.once()
    assert one.decided == decided


@pytest.mark.usefixtures("zorg")
def test_who_is_held_is_named_by_no_list_at_rest_once_erased(
    acme: Agency,
) -> None:
    forget(acme, "strange@zorg.nl")
    assert acme.store.rests("acme") == {}


def test_two_processes_by_turns_go_by_what_the_other_left(
    acme: Agency, daemon: Open, zorg: MailingList
) -> None:
    one, watched = daemon(), daemon()
    one.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), ANN)
    assert one.once().planned[Verb.SUPPRESS] == 1
    watched.once()
    assert watched.decided == ["Zorg"]
    one.once()
    watched.once()
    assert watched.decided == []


def test_a_pass_killed_while_it_decides_leaves_no_rest_behind(
    acme: Agency, daemon: Open, zorg: MailingList, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.sandbox.mailchimp.unsubscribe(acme.audience(zorg), ANN)
    with monkeypatch.context() as dying:

        def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        dying.setattr("reconciler.contacts.plan_sides", die)
        with pytest.raises(KeyboardInterrupt):
            daemon().once()

    assert set(acme.store.rests("acme")) == {one.list_uid for one in acme.store.links("acme")} - {zorg.uid}


def test_a_look_at_the_plan_neither_keeps_nor_ends_a_rest(acme: Agency, zorg: MailingList) -> None:
    before = acme.store.rests("acme")
    acme.leave(zorg, ANN)
    acme.plan()
    assert acme.store.rests("acme") == before


def test_a_list_that_is_to_be_decided_in_every_pass_is_not_kept(acme: Agency, daemon: Open) -> None:
    acme.configure(limits="reread_hours = 0")
    acme.list("Zorg", ANN)
    one = daemon()
    for _ in range(3):
        one.once()
    assert acme.store.rests("acme") == {}


def test_an_old_row_of_a_long_list_costs_few_bytes_a_page(acme: Agency, daemon: Open) -> None:
    acme.list("Kort", *[f"k{number}@zorg.nl" for number in range(50)])
    acme.list("Lang", *[f"p{number:03}@zorg.nl" for number in range(850)])
    daemon().rest()
    short, long = sorted(map(len, acme.store.rests("acme").values()))
    assert short < 280
    assert long - short < 40 * 4
