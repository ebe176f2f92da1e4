"""I9: what was withheld, held or refused stays in sight, pass after pass, until somebody resolves it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from reconciler.model import ListUid, Person, Verb
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys.state import MailingList
from reconciler.status import ClientStatus, client_status
from reconciler.store import IntentKind
from reconciler.store.erasures import Erased
from tests.passes.agency import Agency

FIELD = "Person.matchCriteria_9"


def status(acme: Agency) -> ClientStatus:
    return client_status(acme.store, "acme", mode="apply", now=acme.now)


def left(acme: Agency) -> list[tuple[str, str, int, str]]:
    return [(one.kind, one.list_name, one.count, one.reason) for one in status(acme).unresolved]


def archived_stranger(acme: Agency) -> MailingList:
    """Let somebody be put on a list whose contact was archived before it was ours."""
    zorg = acme.list("Zorg", "an@zorg.nl")
    acme.converge()
    mailchimp, audience = acme.sandbox.mailchimp, acme.audience(zorg)
    mailchimp.add_contact(audience, "bo@zorg.nl")
    mailchimp.archive(audience, "bo@zorg.nl")
    acme.join(zorg, acme.person("bo@zorg.nl"))
    return zorg


def stranger_who_opted_out(acme: Agency) -> None:
    acme.world.otys.switches.opt_out_field = FIELD
    acme.mapping = acme.folder / "mapping.toml"
    acme.mapping.write_text(f'[recipients.fields]\nopted_out = {{ path = "{FIELD}" }}\n', "utf-8")
    zorg = acme.list("Zorg", "an@zorg.nl")
    acme.converge()
    acme.sandbox.mailchimp.add_contact(acme.audience(zorg), "bo@zorg.nl")
    bo = acme.person("bo@zorg.nl")
    acme.join(zorg, bo)
    acme.sandbox.otys.opt_out(bo.kind, bo.uid)


def broken_address_of_ours(acme: Agency) -> None:
    zorg = acme.list("Zorg", "an@zorg.nl")
    acme.converge()
    [an] = acme.sandbox.otys.people_at("an@zorg.nl")
    acme.edit(an, email="an@zorg")
    acme.join(zorg, acme.person("bo@zorg.nl"))


def refused_address(acme: Agency) -> None:
    acme.list("Zorg", "an@zorg.nl", "test@example.com")


def two_lists_for_one_audience(acme: Agency) -> None:
    acme.sandbox.mailchimp.add_audience("Zorg")
    acme.list("Zorg", "an@zorg.nl")
    acme.list("Zorg", "bo@zorg.nl")


def deleted_list_with_strangers(acme: Agency) -> None:
    acme.configure(limits="grace_snapshots = 1\ngrace_hours = 0")
    zorg = acme.list("Zorg", "an@zorg.nl")
    acme.list("Techniek", "cas@techniek.nl")
    acme.converge()
    acme.sandbox.mailchimp.add_contact(acme.audience(zorg), "vreemd@elders.nl")
    acme.sandbox.otys.delete_list(zorg.uid)


@pytest.mark.parametrize(
    ("story", "seen"),
    [
        (
            archived_stranger,
            ("held", "Zorg", 1, "archived in Mailchimp before it was ours: may have said no"),
        ),
        (
            stranger_who_opted_out,
            ("held", "Zorg", 1, "opted out in OTYS, but subscribed by somebody else"),
        ),
        (broken_address_of_ours, ("held", "Zorg", 1, "still on the list, but its address in OTYS")),
        (broken_address_of_ours, ("invalid", "", 1, "without a usable address, or erased")),
        (refused_address, ("refused", "Zorg", 1, "fake address")),
        (two_lists_for_one_audience, ("audience", "Zorg", 1, "")),
        (deleted_list_with_strangers, ("audience", "", 1, "its change waits: delete")),
    ],
)
def test_it_is_told_after_each_pass_with_the_command_that_names_it(
    acme: Agency, story: Callable[[Agency], object], seen: tuple[str, str, int, str]
) -> None:
    story(acme)
    for _ in range(2):
        acme.once()
        *what, reason = seen
        assert any([*one[:3]] == what and one[3].startswith(reason) for one in left(acme)), left(acme)
        now = status(acme)
        assert now.command.startswith("plan --client acme")
        assert "all is in step" not in now.next


def test_what_is_held_and_refused_is_still_in_every_plan(acme: Agency) -> None:
    zorg = archived_stranger(acme)
    acme.join(zorg, acme.person("test@example.com"))
    acme.join(zorg, acme.person("an@zorg"))
    acme.once()
    for _ in range(2):
        acme.once()
        [planned] = acme.plan().lists
        assert planned.guarded is not None
        plan = planned.guarded.plan
        assert [change.address for change in plan.changes if change.verb is Verb.HOLD] == ["bo@zorg.nl"]
        assert [one.change.address for one in plan.refused] == ["test@example.com"]
        assert [one.email for one in plan.invalid] == ["an@zorg"]


def test_what_was_resolved_is_told_no_more(acme: Agency) -> None:
    zorg = archived_stranger(acme)
    acme.join(zorg, acme.person("test@example.com"))
    acme.join(zorg, acme.person("an@zorg"))
    acme.once()
    assert {kind for kind, *_ in left(acme)} == {"held", "refused", "invalid"}

    for email in ("bo@zorg.nl", "test@example.com", "an@zorg"):
        acme.leave(zorg, email)
    acme.once()

    assert left(acme) == []
    assert status(acme).next == "nothing: all is in step"


def test_a_list_that_cannot_be_read_lets_nothing_out_of_sight(acme: Agency) -> None:
    zorg = archived_stranger(acme)
    techniek = acme.list("Techniek", "cas@techniek.nl")
    acme.join(zorg, acme.person("an@zorg"))
    acme.once()
    before = left(acme)
    assert len(before) == 2

    acme.once(only=techniek.uid)
    assert left(acme) == before
    acme.plan()
    assert left(acme) == before
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.IN_BAND_ERROR, pattern="MailingListRecipientService", times=None)
    )
    acme.once()

    assert left(acme) == before


def test_somebody_who_was_erased_and_is_still_listed_is_told(acme: Agency) -> None:
    acme.list("Zorg", "an@zorg.nl")
    [an] = acme.sandbox.otys.people_at("an@zorg.nl")
    acme.store.remember_erasure(
        "acme", Erased(frozenset(), frozenset({Person("candidate", an.uid)})), acme.now
    )
    for _ in range(2):
        acme.once()
        assert ("invalid", "", 1, "without a usable address, or erased") in left(acme)


def test_what_a_pass_was_cut_off_in_is_told_but_not_while_it_runs(acme: Agency) -> None:
    zorg = acme.list("Zorg", "an@zorg.nl")
    report = acme.once()
    assert report.pass_id is not None
    acme.store.intend("acme", ListUid(zorg.uid), IntentKind.APPLY, {}, report.pass_id, acme.now)

    told = left(acme)
    with acme.store.lock("acme", "the daemon", lease=timedelta(minutes=2), now=lambda: acme.now):
        while_it_runs = left(acme)

    assert [one[:3] for one in told] == [("cut-off", "", 1)]
    assert while_it_runs == []
