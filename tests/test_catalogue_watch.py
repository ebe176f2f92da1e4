"""Whether OTYS' catalogue announced what changed, and when a row is of age."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.catalogue_watch import CatalogueWatch
from reconciler.model import ListUid, MailingList, Person, Recipient, RecipientSnapshot, Tally
from reconciler.newest import OVERLAP
from reconciler.trust import ANNOUNCED_ENOUGH, EDITS_ENOUGH, NO_EVIDENCE, Evidence, Trust, TrustState, told

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ZORG = MailingList(uid=ListUid("1001"), name="Zorg", last_modified="2026-11-01 10:00:00")
MOVED = replace(ZORG, last_modified="2026-11-23 11:55:00")


def holding(*people: str, complete: bool = True) -> RecipientSnapshot:
    """People as `uid=address`."""
    recipients = tuple(
        Recipient(uid=uid, person=Person("candidate", uid), email=email)
        for uid, _, email in (one.partition("=") for one in people)
    )
    rows = len(recipients)
    return RecipientSnapshot(
        recipients, Tally(rows=rows, declared_before=rows, declared_after=rows if complete else rows + 1)
    )


def watching(*readings: tuple[MailingList, RecipientSnapshot]) -> CatalogueWatch:
    """Return a watch after so many passes, each of which read the list."""
    watch = CatalogueWatch()
    for row, snapshot in readings:
        watch.look(row)
        watch.read(row, snapshot, NOON)
    return watch


ONE, TWO, EDITED = holding("1=a@x.nl"), holding("1=a@x.nl", "2=b@x.nl"), holding("1=anna@x.nl")


@pytest.mark.parametrize(
    ("readings", "evidence"),
    [
        ([(ZORG, ONE)], NO_EVIDENCE),
        ([(ZORG, ONE), (ZORG, ONE), (MOVED, ONE)], NO_EVIDENCE),
        ([(ZORG, ONE), (MOVED, TWO)], Evidence(announced=1)),
        ([(ZORG, ONE), (MOVED, EDITED)], Evidence(announced=1, edits=1)),
        ([(ZORG, ONE), (ZORG, TWO)], NO_EVIDENCE),
        ([(ZORG, ONE), (ZORG, TWO), (MOVED, TWO)], Evidence(announced=1)),
        ([(ZORG, ONE), (ZORG, TWO), (ZORG, TWO)], Evidence(lied_about=ZORG.uid)),
        ([(ZORG, ONE), (ZORG, holding("1=a@x.nl", "2=b@x.nl", complete=False)), (ZORG, ONE)], NO_EVIDENCE),
    ],
)
def test_what_is_seen_of_a_list_from_pass_to_pass(
    readings: list[tuple[MailingList, RecipientSnapshot]], evidence: Evidence
) -> None:
    assert watching(*readings).take_evidence() == evidence


def test_the_order_of_rows_is_no_change() -> None:
    turned = replace(TWO, recipients=TWO.recipients[::-1])
    assert watching((ZORG, TWO), (ZORG, turned), (ZORG, turned)).take_evidence() == NO_EVIDENCE


def test_a_catalogue_without_last_modified_neither_tells_nor_lies() -> None:
    silent = replace(ZORG, last_modified="")
    watch = watching((silent, ONE), (silent, TWO), (silent, TWO))
    assert watch.take_evidence() == NO_EVIDENCE
    assert not watch.stands(silent, NOON + timedelta(days=1))


def test_evidence_is_told_once() -> None:
    watch = watching((ZORG, ONE), (MOVED, TWO))
    watch.take_evidence()
    assert watch.take_evidence() == NO_EVIDENCE


def test_a_row_counts_once_the_list_was_read_long_after_the_row_was_first_seen() -> None:
    watch = watching((ZORG, ONE))
    assert not watch.stands(ZORG, NOON + OVERLAP - timedelta(seconds=1))
    assert watch.stands(ZORG, NOON + OVERLAP)
    assert not watch.stands(MOVED, NOON + OVERLAP)
    assert not CatalogueWatch().stands(ZORG, NOON + OVERLAP)


def test_a_row_does_not_grow_younger_when_the_list_is_read_again() -> None:
    watch = watching((ZORG, ONE))
    watch.read(ZORG, ONE, NOON + timedelta(hours=1))
    assert watch.stands(ZORG, NOON + OVERLAP)
    watch.read(MOVED, ONE, NOON + timedelta(hours=1))
    assert not watch.stands(MOVED, NOON + OVERLAP)


def test_a_row_in_doubt_does_not_count() -> None:
    watch = watching((ZORG, ONE), (ZORG, TWO))
    assert not watch.stands(ZORG, NOON + timedelta(hours=1))
    watch.look(MOVED)
    watch.read(MOVED, TWO, NOON)
    assert watch.stands(MOVED, NOON + timedelta(hours=1))


def test_trust_takes_changes_of_both_kinds() -> None:
    joins = Trust().after(Evidence(announced=10 * ANNOUNCED_ENOUGH), NOON)
    edits = Trust().after(Evidence(announced=EDITS_ENOUGH, edits=EDITS_ENOUGH), NOON)
    assert (joins.state, edits.state) == (TrustState.WATCHED, TrustState.WATCHED)
    assert joins.after(Evidence(announced=EDITS_ENOUGH, edits=EDITS_ENOUGH), NOON).state is TrustState.TRUSTED


@pytest.mark.parametrize("announced", [0, 10 * ANNOUNCED_ENOUGH])
def test_one_lie_outweighs_everything_and_is_never_forgotten(announced: int) -> None:
    lied = Trust().after(Evidence(announced=announced, edits=announced), NOON)
    lied = lied.after(Evidence(lied_about=ZORG.uid), NOON)
    later = lied.after(Evidence(announced=100, edits=100), NOON + timedelta(days=1))
    assert lied == later
    assert (later.state, later.lied_at) == (TrustState.LIED, NOON)
    assert "1001" in told(later, allowed=True)


def test_what_is_trusted_is_not_written_down_again_for_every_change() -> None:
    trusted = Trust().after(Evidence(announced=100, edits=100), NOON)
    assert trusted.after(Evidence(announced=1), NOON) is trusted


def test_of_two_lies_the_first_one_is_told() -> None:
    lies = Evidence(lied_about=ListUid("1")) + Evidence(lied_about=ListUid("2"))
    assert lies.lied_about == "1"
