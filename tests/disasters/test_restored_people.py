"""The state is an old backup: whoever said no since it was made is left alone, and so is who is not ours."""

from collections.abc import Callable

import pytest

from reconciler.api.http import RequestNote
from reconciler.model import PassResult
from reconciler.sandbox.otys.state import MailingList
from reconciler.wiring import RequestCount
from tests.disasters.restored import OldState, back_up, back_up_while_in_use, comes_to_rest, everybody
from tests.passes.agency import Agency
from tests.passes.test_erase import forget

Event = Callable[[Agency, MailingList], None]
ANN, BOB = "anna@zorg.nl", "bob@zorg.nl"
STAFF = ("blijft@zorg.nl", ANN, BOB)


def unsubscribes(acme: Agency, of: MailingList) -> None:
    acme.sandbox.mailchimp.unsubscribe(acme.audience(of), ANN)


def bounces(acme: Agency, of: MailingList) -> None:
    acme.sandbox.mailchimp.bounce(acme.audience(of), ANN)


def is_archived_by_somebody(acme: Agency, of: MailingList) -> None:
    acme.sandbox.mailchimp.archive(acme.audience(of), ANN)


def is_deleted_for_good(acme: Agency, of: MailingList) -> None:
    acme.sandbox.mailchimp.delete_permanently(acme.audience(of), ANN)


def unsubscribes_and_is_archived(acme: Agency, of: MailingList) -> None:
    unsubscribes(acme, of)
    acme.once()
    is_archived_by_somebody(acme, of)
    contact = acme.contact(of, ANN)
    assert contact is not None
    contact.refusal = None  # whether Mailchimp remembers it is uncertain (facts/mailchimp.md, 32)


def changes_address_and_unsubscribes(acme: Agency, of: MailingList) -> None:
    acme.sandbox.mailchimp.change_address(acme.audience(of), ANN, "anna.nieuw@zorg.nl")
    acme.sandbox.mailchimp.unsubscribe(acme.audience(of), "anna.nieuw@zorg.nl")


def renamed_in_otys_and_unsubscribes(acme: Agency, of: MailingList) -> None:
    acme.edit(acme.sandbox.otys.people_at(ANN)[0], email="anna.nieuw@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(of), "anna.nieuw@zorg.nl")


SAYS_NO: list[Event] = [
    unsubscribes,
    bounces,
    is_archived_by_somebody,
    is_deleted_for_good,
    unsubscribes_and_is_archived,
    changes_address_and_unsubscribes,
    renamed_in_otys_and_unsubscribes,
]


def ours_already(acme: Agency, of: MailingList) -> None:
    """In the backup she is subscribed, and ours."""
    acme.join(of, acme.person(ANN))
    acme.once()


def unknown_yet(acme: Agency, of: MailingList) -> None:
    """The backup knows nothing of her."""


def removed_before(acme: Agency, of: MailingList) -> None:
    """In the backup she left the list, and we archived her."""
    ours_already(acme, of)
    acme.leave(of, ANN)
    acme.once()


STORIES = [
    pytest.param(then, event, id=f"{then.__name__}-{event.__name__}")
    for then in (unknown_yet, ours_already, removed_before)
    for event in SAYS_NO
    # Only the lost rows knew that the address in Mailchimp and the one in OTYS are the same person's.
    if (then, event) != (unknown_yet, changes_address_and_unsubscribes)
]


@pytest.mark.parametrize(("then", "event"), STORIES)
def test_whoever_said_no_since_the_backup_is_not_subscribed(acme: Agency, then: Event, event: Event) -> None:
    nurses = acme.list("Verpleegkundigen", "blijft@zorg.nl")
    acme.once()
    then(acme, nurses)
    old = back_up(acme)
    if then is not ours_already:
        who = acme.sandbox.otys.people_at(ANN)
        acme.join(nurses, who[0] if who else acme.person(ANN))
        acme.once()
    acme.later(hours=1)
    event(acme, nurses)
    acme.once()
    before = everybody(acme)
    acme.later(hours=1)

    old.put_back()
    comes_to_rest(acme)

    assert everybody(acme) == before


@pytest.mark.parametrize("permanently", [False, True], ids=["archived", "deleted for good"])
@pytest.mark.parametrize("then", [unknown_yet, ours_already, removed_before])
def test_whoever_was_erased_since_the_backup_is_not_subscribed(
    acme: Agency, then: Event, *, permanently: bool
) -> None:
    nurses = acme.list("Verpleegkundigen", "blijft@zorg.nl")
    acme.once()
    then(acme, nurses)
    old = back_up(acme)
    if then is not ours_already:
        who = acme.sandbox.otys.people_at(ANN)
        acme.join(nurses, who[0] if who else acme.person(ANN))
        acme.once()
    acme.later(hours=1)
    forget(acme, ANN, permanently=permanently)

    old.put_back()
    comes_to_rest(acme)

    assert acme.subscribed(nurses) == {"blijft@zorg.nl"}


def test_nobody_is_removed_whom_somebody_else_subscribed_since_the_backup(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "blijft@zorg.nl")
    acme.once()
    old = back_up(acme)
    acme.sandbox.mailchimp.add_contact(acme.audience(nurses), "gast@elders.nl", "subscribed")
    acme.join(nurses, acme.person(ANN))
    acme.once()
    acme.leave(nurses, ANN)

    old.put_back()
    comes_to_rest(acme)

    assert acme.subscribed(nurses) == {"blijft@zorg.nl", "gast@elders.nl", ANN}


def test_an_approval_of_the_backup_releases_nothing_but_what_it_was_given_for(acme: Agency) -> None:
    crowd = [f"weg{number}@zorg.nl" for number in range(12)]
    nurses = acme.list("Verpleegkundigen", "blijft@zorg.nl", *crowd)
    acme.once()
    for email in crowd[:11]:
        acme.leave(nurses, email)
    (proposal,) = acme.once().proposals
    acme.store.approve(proposal.digest, by="eva", now=acme.now)
    old = back_up(acme)
    acme.once()
    assert acme.subscribed(nurses) == {"blijft@zorg.nl", crowd[11]}
    for email in crowd[:11]:
        acme.sandbox.mailchimp.subscribe_by_form(acme.audience(nurses), email)
    acme.leave(nurses, crowd[11])

    old.put_back()
    report = acme.once()

    assert acme.subscribed(nurses) == {"blijft@zorg.nl", *crowd}
    assert report.result is PassResult.WITHHELD


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("event", [unsubscribes, unsubscribes_and_is_archived])
def test_a_backup_made_while_a_pass_was_writing_brings_back_nobody_either(
    acme: Agency, monkeypatch: pytest.MonkeyPatch, event: Event, method: str
) -> None:
    """Its journal tells of a pass that was cut off, which it was not."""
    nurses = acme.list("Verpleegkundigen", "blijft@zorg.nl", BOB)
    acme.once()
    acme.join(nurses, acme.person(ANN))
    acme.leave(nurses, BOB)
    in_audience = f"/3.0/lists/{acme.audience(nurses)}"
    made: list[OldState] = []

    def back_up_then(_count: RequestCount, note: RequestNote) -> None:
        if not made and note.method == method and note.path.startswith(in_audience):
            made.append(back_up_while_in_use(acme))

    with monkeypatch.context() as patch:
        patch.setattr(RequestCount, "__call__", back_up_then)
        acme.once()
    acme.later(hours=1)
    acme.join(nurses, acme.sandbox.otys.people_at(BOB)[0])
    acme.once()
    event(acme, nurses)
    acme.once()
    before = everybody(acme)
    assert before[acme.audience(nurses)][BOB] == "subscribed"
    acme.later(hours=1)

    made[0].put_back()
    comes_to_rest(acme)

    assert everybody(acme) == before
