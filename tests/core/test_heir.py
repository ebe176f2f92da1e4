"""What a list takes over with the audience of another one."""

from reconciler.heir import take_over, taken_over
from reconciler.model import Address, BaseMove, BaseState, ListBase, NoReason
from tests.core.world import no, row

EMAIL = "ann@x.nl"
ARCHIVED = row(EMAIL, "ann", state=BaseState.REMOVED)
SAID = no(EMAIL, "ann", reason=NoReason.UNSUBSCRIBED)


def test_a_removal_that_is_owed_stays_owed_when_the_list_before_knows_of_a_no_too() -> None:
    ours = row(EMAIL, "ann")

    moves = taken_over(ListBase(rows={Address(EMAIL): ours}), [ListBase(nos=(SAID,))])

    assert moves == (BaseMove(address=Address(EMAIL), row=ours, no=SAID),)


def test_whoever_was_archived_and_said_no_is_remembered_by_the_no_alone() -> None:
    before = ListBase(rows={Address(EMAIL): ARCHIVED}, nos=(SAID,))

    assert take_over(ListBase(), [before]) == ListBase(nos=(SAID,))
    assert taken_over(ListBase(), [before]) == (BaseMove(address=Address(EMAIL), row=None, no=SAID),)


def test_what_the_list_before_knew_is_newer_than_what_the_list_knows_itself() -> None:
    own, before = (
        ListBase(rows={Address(EMAIL): row(EMAIL, "ann")}),
        ListBase(rows={Address(EMAIL): ARCHIVED}),
    )

    assert take_over(own, [before]) == before
    assert taken_over(own, [before]) == (BaseMove(address=Address(EMAIL), row=ARCHIVED),)
    assert taken_over(before, [before]) == ()


def test_only_whom_we_archived_is_taken_over() -> None:
    assert take_over(ListBase(), [ListBase(rows={Address(EMAIL): row(EMAIL, "ann")})]) == ListBase()
