"""Who of a backup comes back: every reason by itself, so that each one alone keeps somebody out."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from reconciler.audience_record import ContactRecord
from reconciler.backup import Backup, SavedContact, SavedHead
from reconciler.model import (
    Address,
    AudienceId,
    BaseRow,
    BaseState,
    ListBase,
    ListUid,
    No,
    NoReason,
    Person,
    Refusal,
    RefusalKind,
    Standing,
    Verb,
)
from reconciler.restoration import WAS_ERASED, LeftOut, Restoration, SaidNo, divide

JAN, OLD = Address("jan@zorg.nl"), Address("jan@oud.nl")
WHO = Person("candidate", "1")
CONTACT = ContactRecord(id="1", standing=Standing.SUBSCRIBED, email_address=JAN)
SAVED = SavedContact(contact=CONTACT, row=BaseRow(address=OLD, state=BaseState.ACTIVE, persons=(WHO,)))
HEAD = SavedHead(
    client="acme",
    list_uid=ListUid("1001"),
    list_name="Zorg",
    audience=AudienceId("a1"),
    name="Zorg",
    permission_reminder="",
    saved_at=datetime(2026, 11, 1, tzinfo=UTC),
    contacts=1,
)
NOBODY = SaidNo(base=ListBase())


def why_not(saved: SavedContact, said_no: SaidNo) -> str:
    """Return why the one contact of a backup is left out; empty if it comes back."""
    back, left_out = divide(Backup(Path("backup.gz"), "", HEAD, (saved,)), said_no)
    assert len(back) + len(left_out) == 1
    return "".join(one.reason for one in left_out)


def no(address: Address, reason: NoReason, *persons: Person) -> SaidNo:
    return SaidNo(base=ListBase(nos=(No(address=address, persons=persons, reason=reason),)))


def refused(kind: RefusalKind) -> SaidNo:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    one = Refusal(address=JAN, verb=Verb.ADD, kind=kind, detail="", fingerprint="", since=at)
    return SaidNo(base=ListBase(refusals=(one,)))


def test_a_restoration_is_named_by_its_backup_and_by_everybody_in_it() -> None:
    backup = Backup(Path("backup.gz"), "checksum", HEAD, (SAVED,))
    one = Restoration(client="acme", backup=backup, back=(SAVED,), left_out=())
    others = (
        replace(one, client="bravo"),
        replace(one, backup=Backup(Path("backup.gz"), "another", HEAD, (SAVED,))),
        replace(one, back=()),
        replace(one, left_out=(LeftOut(JAN, "said no"),)),
    )
    assert len({one.digest, *(other.digest for other in others)}) == 1 + len(others)


def test_who_said_nothing_comes_back() -> None:
    assert why_not(SAVED, NOBODY) == ""


@pytest.mark.parametrize(
    "said_no",
    [
        no(JAN, NoReason.UNSUBSCRIBED),
        no(OLD, NoReason.BOUNCED),
        no(Address("elders@zorg.nl"), NoReason.UNSUBSCRIBED, WHO),
        refused(RefusalKind.COMPLIANCE),
        SaidNo(base=ListBase(), opted_out=frozenset({JAN})),
        SaidNo(base=ListBase(), opted_out=frozenset({OLD})),
    ],
    ids=["there", "at the old address", "elsewhere", "to Mailchimp", "to OTYS", "to OTYS before"],
)
def test_who_said_no_in_any_one_place_does_not_come_back(said_no: SaidNo) -> None:
    assert why_not(SAVED, said_no).startswith("said no")


@pytest.mark.parametrize("who", [JAN, OLD, WHO])
def test_who_was_erased_does_not_come_back(who: Address | Person) -> None:
    assert why_not(SAVED, SaidNo(base=ListBase(), is_erased=lambda one: one == who)) == WAS_ERASED


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"standing": Standing.PENDING}, "was pending when"),
        ({"standing": Standing.ARCHIVED}, "was archived when"),
        ({"email_address": None}, "no e-mail address"),
        ({"email_address": "jan zorg"}, "cannot be mailed"),
    ],
)
def test_who_cannot_be_subscribed_does_not_come_back(changed: dict[str, object], why: str) -> None:
    contact = msgspec.structs.replace(CONTACT, **changed)
    assert why in why_not(SavedContact(contact=contact), NOBODY)


def test_a_refusal_that_proves_no_no_keeps_nobody_out() -> None:
    assert why_not(SAVED, refused(RefusalKind.FAKE_ADDRESS)) == ""
