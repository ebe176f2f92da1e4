"""The list table: which audience a list gets, keeps or loses, row by row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.linking import missing_lists, pair_lists
from reconciler.model import (
    Audience,
    AudienceCatalogue,
    AudienceId,
    Catalogue,
    Constraints,
    Fate,
    Link,
    LinkState,
    ListUid,
    ListVerb,
    MailingList,
    Tally,
)
from reconciler.pairing import Begun, Inventory, Pairing
from reconciler.policy import AudienceGone, FieldConflicts, Limits, ListDeleted, Policy, Unselected

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NURSES, OTHERS = ListUid("1"), ListUid("2")
ONE, TWO = AudienceId("a1"), AudienceId("a2")


def tally(rows: int, *, complete: bool = True) -> Tally:
    return Tally(rows=rows, declared_before=rows, declared_after=rows if complete else rows + 1)


def otys(uid: ListUid = NURSES, name: str = "Nurses", reminder: str = "") -> MailingList:
    return MailingList(uid=uid, name=name, permission_reminder=reminder)


def audience(audience_id: AudienceId = ONE, name: str = "Nurses", reminder: str = "Default.") -> Audience:
    return Audience(id=audience_id, name=name, permission_reminder=reminder)


def link(uid: ListUid = NURSES, audience_id: AudienceId | None = ONE) -> Link:
    return Link(
        list_uid=uid,
        list_name="Nurses",
        audience_id=audience_id,
        name="Nurses",
        permission_reminder="Default.",
    )


def inventory(
    *things: MailingList | Audience | Link,
    flagged: tuple[ListUid, ...] = (NURSES,),
    lists_read: bool = True,
    audiences_read: bool = True,
    maximum: int | None = 5,
) -> Inventory:
    lists = tuple(thing for thing in things if isinstance(thing, MailingList))
    audiences = tuple(thing for thing in things if isinstance(thing, Audience))
    room = maximum is None or len(audiences) < maximum
    return Inventory(
        flagged=flagged,
        catalogue=Catalogue(lists, tally(len(lists), complete=lists_read)),
        audiences=AudienceCatalogue(
            audiences,
            Constraints(may_create=room, maximum=maximum, current=len(audiences)),
            tally(len(audiences), complete=audiences_read),
        ),
        links=tuple(thing for thing in things if isinstance(thing, Link)),
        default_reminder="Default.",
    )


def pair(
    found: Inventory, *, policy: Policy | None = None, limits: Limits | None = None, now: datetime = NOW
) -> dict[ListUid, Pairing]:
    pairings = pair_lists(found, policy=policy or Policy(), limits=limits or Limits(), now=now)
    return {pairing.list_uid: pairing for pairing in pairings}


def verbs(pairing: Pairing) -> list[ListVerb]:
    return [change.verb for change in pairing.changes]


def reason(pairing: Pairing) -> str:
    return pairing.changes[0].reason


# -- flagged and not linked


def test_a_flagged_list_without_an_audience_gets_one() -> None:
    found = pair(inventory(otys()))[NURSES]
    assert verbs(found) == [ListVerb.CREATE]
    assert found.changes[0].after == {"name": "Nurses", "permission_reminder": "Default."}
    assert found.syncs


def test_its_own_reminder_beats_the_default() -> None:
    found = pair(inventory(otys(reminder="You work with us.")))[NURSES]
    assert found.changes[0].after["permission_reminder"] == "You work with us."


def test_without_any_reminder_no_audience_can_be_created() -> None:
    found = pair(replace(inventory(otys()), default_reminder=""))[NURSES]
    assert verbs(found) == [ListVerb.HOLD]
    assert "3121" in reason(found)


def test_above_the_limit_of_the_plan_the_list_is_held_with_the_limit_named() -> None:
    found = pair(inventory(otys(), audience(TWO, "Other"), maximum=1))[NURSES]
    assert verbs(found) == [ListVerb.HOLD]
    assert "allows 1 audiences and has 1" in reason(found)


def test_the_last_free_audience_goes_to_the_first_list() -> None:
    lists = inventory(otys(), otys(OTHERS, "Others"), flagged=(NURSES, OTHERS), maximum=1)
    found = pair(lists)
    assert verbs(found[NURSES]) == [ListVerb.CREATE]
    assert verbs(found[OTHERS]) == [ListVerb.HOLD]


def test_one_list_and_one_audience_of_a_name_are_linked() -> None:
    found = pair(inventory(otys(), audience()))[NURSES]
    assert verbs(found) == [ListVerb.LINK]
    assert found.link is not None
    assert found.link.audience_id == ONE


@pytest.mark.parametrize(
    "found",
    [
        inventory(otys(), audience(), audience(TWO)),
        inventory(otys(), otys(OTHERS), audience(), flagged=(NURSES, OTHERS)),
    ],
    ids=["two audiences", "two lists"],
)
def test_several_of_either_are_held(found: Inventory) -> None:
    assert {verb for pairing in pair(found).values() for verb in verbs(pairing)} == {ListVerb.HOLD}


def test_a_named_pair_settles_it() -> None:
    found = replace(inventory(otys(), audience(), audience(TWO)), pairs={NURSES: TWO})
    assert pair(found)[NURSES].changes[0].audience_id == TWO


def test_a_named_audience_that_is_not_there_or_taken_is_held() -> None:
    absent = replace(inventory(otys()), pairs={NURSES: TWO})
    assert "does not exist" in reason(pair(absent)[NURSES])
    taken = inventory(otys(), otys(OTHERS, "Others"), audience(), link(OTHERS), flagged=(NURSES, OTHERS))
    assert "belongs to list 2" in reason(pair(replace(taken, pairs={NURSES: ONE}))[NURSES])


def test_the_audience_of_another_list_is_never_linked_by_its_name() -> None:
    lists = inventory(otys(), otys(OTHERS), audience(), link(OTHERS), flagged=(NURSES, OTHERS))
    assert verbs(pair(lists)[NURSES]) == [ListVerb.CREATE]


def test_a_creation_that_was_cut_off_is_taken_up_where_it_stopped() -> None:
    begun = Begun(name="Nurses", existing=frozenset({ONE}))
    found = replace(inventory(otys(), audience(), audience(TWO)), begun={NURSES: begun})
    assert pair(found)[NURSES].changes[0].audience_id == TWO


def test_nothing_is_created_or_linked_on_half_the_audiences() -> None:
    assert verbs(pair(inventory(otys(), audiences_read=False))[NURSES]) == [ListVerb.HOLD]


def test_a_list_that_ge203_names_and_otys_does_not_have_is_told() -> None:
    assert "no list with this uid" in reason(pair(inventory())[NURSES])


# -- flagged and linked


def test_a_linked_list_is_synced_without_a_word() -> None:
    found = pair(inventory(otys(), audience(), link()))[NURSES]
    assert (found.changes, found.syncs, found.link) == ((), True, link())


@pytest.mark.parametrize(
    ("mailing_list", "shown", "expected"),
    [
        (otys(name="Nursing"), audience(), {"name": "Nursing"}),
        (otys(), audience(name="Edited"), {}),
        (otys(name="Nursing"), audience(name="Edited"), {"name": "Nursing"}),
        (otys(reminder="New."), audience(), {"permission_reminder": "New."}),
        (otys(), audience(reminder="Edited."), {}),
    ],
)
def test_name_and_reminder_are_merged_three_way(
    mailing_list: MailingList, shown: Audience, expected: dict[str, str]
) -> None:
    found = pair(inventory(mailing_list, shown, link()))[NURSES]
    written = {key: value for change in found.changes for key, value in change.after.items()}
    assert written == expected


def test_where_both_changed_the_policy_decides() -> None:
    found = inventory(otys(name="Nursing"), audience(name="Edited"), link())
    assert pair(found, policy=Policy(field_conflicts=FieldConflicts.MAILCHIMP))[NURSES].changes == ()


def test_what_mailchimp_refused_is_not_asked_again_but_shown() -> None:
    renamed = inventory(otys(name="Nursing"), audience(), link())
    refused = {(NURSES, ListVerb.RENAME_AUDIENCE): ({"name": "Nursing"}, "too long")}
    found = pair(replace(renamed, refused=refused))[NURSES]
    assert verbs(found) == [ListVerb.HOLD]
    assert "too long" in reason(found)
    again = pair(replace(inventory(otys(name="Short"), audience(), link()), refused=refused))[NURSES]
    assert verbs(again) == [ListVerb.RENAME_AUDIENCE]


def test_an_audience_that_is_gone_is_held_or_created_again_by_policy() -> None:
    gone = inventory(otys(), link())
    assert verbs(pair(gone)[NURSES]) == [ListVerb.HOLD]
    again = pair(gone, policy=Policy(audience_gone=AudienceGone.RECREATE))[NURSES]
    assert verbs(again) == [ListVerb.CREATE]


def test_an_audience_that_is_gone_is_not_created_again_while_it_is_open_who_was_taken_out_of_it() -> None:
    asked = replace(inventory(otys(), link()), unanswered={NURSES: 3})
    held = pair(asked, policy=Policy(audience_gone=AudienceGone.RECREATE))[NURSES]
    assert verbs(held) == [ListVerb.HOLD]
    assert "3 of ours had been taken out" in reason(held)


def test_an_audience_that_was_created_again_already_is_linked() -> None:
    recreate = Policy(audience_gone=AudienceGone.RECREATE)
    again = pair(inventory(otys(), link(), audience(TWO)), policy=recreate)[NURSES]
    assert verbs(again) == [ListVerb.LINK]
    assert again.link is not None
    assert again.link.audience_id == TWO
    two = inventory(otys(), otys(OTHERS), link(), audience(TWO), flagged=(NURSES, OTHERS))
    assert {uid: verbs(one) for uid, one in pair(two, policy=recreate).items()} == {
        NURSES: [ListVerb.HOLD],
        OTHERS: [ListVerb.HOLD],
    }


def test_an_audience_missing_from_half_the_audiences_is_not_gone() -> None:
    half = inventory(otys(), link(), audiences_read=False)
    found = pair(half, policy=Policy(audience_gone=AudienceGone.RECREATE))[NURSES]
    assert verbs(found) == [ListVerb.HOLD]


# -- linked and not flagged


def test_a_deselected_list_is_unlinked_and_its_contacts_stay() -> None:
    found = pair(inventory(otys(), otys(OTHERS), audience(), link(), flagged=(OTHERS,)))[NURSES]
    assert verbs(found) == [ListVerb.UNLINK]
    assert not found.syncs
    assert found.link is not None
    assert found.link.state is LinkState.UNLINKED


def test_or_its_contacts_leave_where_the_policy_says_so() -> None:
    deselected = inventory(otys(), otys(OTHERS), audience(), link(), flagged=(OTHERS,))
    found = pair(deselected, policy=Policy(unselected=Unselected.ARCHIVE_MEMBERS))[NURSES]
    assert (found.syncs, found.emptied) == (True, True)


def test_when_ge203_is_suddenly_empty_nothing_is_unlinked() -> None:
    assert verbs(pair(inventory(otys(), audience(), link(), flagged=()))[NURSES]) == [ListVerb.HOLD]


def test_a_list_that_is_flagged_again_gets_its_own_audience_back() -> None:
    before = replace(link(), state=LinkState.UNLINKED)
    found = pair(inventory(otys(), audience(), audience(TWO), before))[NURSES]
    assert found.changes[0].audience_id == ONE


# -- deleted in OTYS


def deleted(before: Link | None = None, fate: Fate | None = Fate.DELETED) -> Inventory:
    found = inventory(otys(OTHERS, "Others"), audience(), before or link(), flagged=(OTHERS,))
    return replace(found, fates={} if fate is None else {NURSES: fate})


def test_only_lists_missing_from_a_whole_catalogue_are_looked_up() -> None:
    assert missing_lists(deleted()) == (NURSES,)
    assert missing_lists(inventory(link(), lists_read=False)) == ()


def test_deletion_waits_for_its_snapshots_and_hours() -> None:
    limits = Limits(grace_snapshots=2, grace_hours=3)
    first = pair(deleted(), limits=limits)[NURSES]
    assert first.link is not None
    assert "1 of 2 snapshots" in first.waits
    second = pair(deleted(first.link), limits=limits, now=NOW + timedelta(hours=2))[NURSES]
    assert second.link is not None
    assert "not before 2026-11-23 15:00" in second.waits
    third = pair(deleted(second.link), limits=limits, now=NOW + timedelta(hours=3))[NURSES]
    assert (verbs(third), third.waits) == ([ListVerb.DELETE], "")


def test_a_grace_that_only_waits_for_its_hours_counts_no_further_snapshots() -> None:
    absent = replace(link(), absent_passes=7, absent_since=NOW)
    found = pair(deleted(absent), limits=Limits(grace_snapshots=3, grace_hours=24))[NURSES]
    assert "seen deleted in 3 of 3 snapshots" in found.waits


def test_a_list_that_is_seen_again_starts_its_grace_anew() -> None:
    absent = replace(link(), absent_passes=2, absent_since=NOW)
    found = pair(inventory(otys(), audience(), absent))[NURSES]
    assert found.link == link()


@pytest.mark.parametrize("fate", [None, Fate.LIVES])
def test_without_proof_of_its_deletion_a_missing_list_is_held(fate: Fate | None) -> None:
    found = pair(deleted(fate=fate), limits=Limits(grace_snapshots=1, grace_hours=0))[NURSES]
    assert verbs(found) == [ListVerb.HOLD]


def test_half_a_catalogue_deletes_nothing() -> None:
    half = replace(deleted(), catalogue=Catalogue((), tally(0, complete=False)))
    found = pair(half, limits=Limits(grace_snapshots=1, grace_hours=0))[NURSES]
    assert verbs(found) == [ListVerb.HOLD]


@pytest.mark.parametrize(
    ("choice", "verb", "emptied"),
    [
        (ListDeleted.DELETE, ListVerb.DELETE, False),
        (ListDeleted.ARCHIVE_MEMBERS, ListVerb.UNLINK, True),
        (ListDeleted.KEEP, ListVerb.UNLINK, False),
    ],
)
def test_what_becomes_of_the_audience_is_a_policy(
    choice: ListDeleted, verb: ListVerb, *, emptied: bool
) -> None:
    limits = Limits(grace_snapshots=1, grace_hours=0)
    found = pair(deleted(), policy=Policy(list_deleted=choice), limits=limits)[NURSES]
    assert (verbs(found), found.emptied) == ([verb], emptied)


@pytest.mark.parametrize(
    ("choice", "verb"),
    [
        (ListDeleted.DELETE, ListVerb.CREATE),
        (ListDeleted.ARCHIVE_MEMBERS, ListVerb.HOLD),
        (ListDeleted.KEEP, ListVerb.HOLD),
    ],
)
def test_a_list_made_anew_waits_for_the_audience_of_the_old_one_if_that_stays(
    choice: ListDeleted, verb: ListVerb
) -> None:
    anew = inventory(otys(OTHERS), audience(), link(), flagged=(OTHERS,))
    found = pair(replace(anew, fates={NURSES: Fate.DELETED}), policy=Policy(list_deleted=choice))
    assert verbs(found[OTHERS]) == [verb]
