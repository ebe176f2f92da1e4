"""Every kind of change is found done if it reached Mailchimp, and is not called done if it did not."""

from collections.abc import Callable

import pytest

from reconciler.journal import FOUND_DONE
from reconciler.model import Address, BaseState, ListUid, Result
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys.state import MailingList
from tests.passes.agency import Agency
from tests.passes.test_journal import PEOPLE, once_without_answers, told

ANN, NEW = PEOPLE[0], "nieuw@zorg.nl"


def edit(acme: Agency, nurses: MailingList) -> None:
    del nurses
    acme.edit(acme.sandbox.otys.people_at(ANN)[0], last_name="Anders")


def move(acme: Agency, nurses: MailingList) -> None:
    del nurses
    acme.edit(acme.sandbox.otys.people_at(ANN)[0], email=NEW)


def leave(acme: Agency, nurses: MailingList) -> None:
    acme.leave(nurses, ANN)


def rename_list(acme: Agency, nurses: MailingList) -> None:
    acme.sandbox.otys.rename_list(nurses.uid, "Verpleging")


def edit_reminder(acme: Agency, nurses: MailingList) -> None:
    acme.sandbox.otys.edit_reminder(nurses.uid, "U staat bij ons ingeschreven.")


def add_field(acme: Agency, nurses: MailingList) -> None:
    del nurses
    acme.fields += '\nCALLED = "{first_name}"'


MEMBERS = r".*/members/"
VERBS = pytest.mark.parametrize(
    ("deed", "request_of_it", "verb"),
    [
        (edit, f"PATCH {MEMBERS}", "update"),
        (move, f"PUT {MEMBERS}", "rename"),
        (leave, f"DELETE {MEMBERS}", "remove"),
        (rename_list, r"PATCH /3\.0/lists/\w+$", "rename-audience"),
        (edit_reminder, r"PATCH /3\.0/lists/\w+$", "update-settings"),
        (add_field, r"POST .*/merge-fields$", "update-settings"),
    ],
)
Deed = Callable[[Agency, MailingList], None]


def in_step(acme: Agency) -> MailingList:
    """A list in step one of whose people said no."""
    nurses = acme.list("Verpleegkundigen", *PEOPLE)
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), PEOPLE[-1])
    acme.once()
    return nurses


@VERBS
def test_what_reached_mailchimp_without_an_answer_is_found_done(
    acme: Agency, deed: Deed, request_of_it: str, verb: str
) -> None:
    nurses = in_step(acme)
    deed(acme, nurses)

    first = once_without_answers(acme, request_of_it)
    second = acme.once()

    assert told(acme, first.pass_id, verb) == [(Result.APPLIED, FOUND_DONE)]
    assert told(acme, second.pass_id, verb) == []
    acme.once()
    assert acme.writes_of(acme.once) == []


@VERBS
def test_what_never_reached_mailchimp_is_done_by_the_next_pass(
    acme: Agency, deed: Deed, request_of_it: str, verb: str
) -> None:
    nurses = in_step(acme)
    deed(acme, nurses)
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern=request_of_it, times=None, value=503)
    )

    first = acme.once()
    acme.sandbox.faults.clear()
    second = acme.once()

    assert Result.APPLIED not in [result for result, _ in told(acme, first.pass_id, verb)]
    assert told(acme, second.pass_id, verb) == [(Result.APPLIED, "")]
    assert acme.store.open_intents("acme") == ()


def test_a_removal_that_is_found_done_is_ours_although_somebody_else_said_no(acme: Agency) -> None:
    nurses = in_step(acme)
    leave(acme, nurses)
    once_without_answers(acme, f"DELETE {MEMBERS}")

    acme.once()

    rows = acme.store.base("acme", ListUid(nurses.uid)).rows
    assert rows[Address(ANN)].state is BaseState.REMOVED


def test_a_creation_that_is_found_done_is_told_like_any_other(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", *PEOPLE)
    first = once_without_answers(acme, r"POST /3\.0/lists$")
    acme.once()

    assert first.pass_id is not None
    [created] = [one for one in acme.store.outcomes(first.pass_id) if one.verb == "create"]
    assert (created.list_uid, created.list_name) == (nurses.uid, "Verpleegkundigen")
    assert (created.reason, created.detail) == ("flagged in GE203", FOUND_DONE)
