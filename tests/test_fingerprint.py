"""A refused change is recognised as long as it would write the same to the same contact."""

from dataclasses import replace

import pytest

from reconciler.fingerprint import fingerprint
from reconciler.model import Address, BaseMove, Change, Contact, Standing, Verb

ANN = Address("ann@agency.nl")
CONTACT = Contact(id="1", address=ANN, standing=Standing.SUBSCRIBED)
UPDATE = Change(
    verb=Verb.UPDATE,
    address=ANN,
    reason="a name changed",
    fields={"FNAME": "Ann", "LNAME": "Bos"},
    contact=CONTACT,
    move=BaseMove(address=ANN, row=None),
)


def test_the_digest_of_a_change_is_the_same_in_every_process_and_version() -> None:
    assert fingerprint(UPDATE) == "5f71a62fd14daa59b50ed763d191adad"


@pytest.mark.parametrize(
    "same",
    [
        replace(UPDATE, fields={"LNAME": "Bos", "FNAME": "Ann"}),
        replace(UPDATE, reason="told otherwise"),
        replace(UPDATE, contact=replace(CONTACT, fields={"FNAME": "An"}, contact_id="c")),
    ],
)
def test_what_is_not_written_makes_no_difference(same: Change) -> None:
    assert fingerprint(same) == fingerprint(UPDATE)


@pytest.mark.parametrize(
    "other",
    [
        replace(UPDATE, verb=Verb.ADOPT),
        replace(UPDATE, address=Address("bob@agency.nl")),
        replace(UPDATE, fields={"FNAME": "Ann"}),
        replace(UPDATE, fields={"FNAME": "Ann", "LNAME": ""}),
        replace(UPDATE, fields={"FNAME": "AnnLNAME", "": "Bos"}),
        replace(UPDATE, contact=None),
        replace(UPDATE, contact=replace(CONTACT, standing=Standing.ARCHIVED)),
    ],
)
def test_what_would_be_written_or_met_makes_a_difference(other: Change) -> None:
    assert fingerprint(other) != fingerprint(UPDATE)
