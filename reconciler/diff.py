"""The decision table: what to do about one address, seen on all three sides. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model import BaseState, Listing, NoReason, Standing, Verb
from reconciler.policy import ArchivedStranger, Policy, RemovedInMailchimp


class Column(StrEnum):
    """The standings of a contact, as far as the table tells them apart."""

    SUBSCRIBED = "subscribed"
    PENDING = "pending"
    SAID_NO = "unsubscribed, cleaned"
    ARCHIVED = "archived"
    ABSENT = "absent"


COLUMN_OF: Mapping[Standing, Column] = {
    Standing.SUBSCRIBED: Column.SUBSCRIBED,
    Standing.PENDING: Column.PENDING,
    # A non-subscribed contact never agreed to mailings: like a pending one it is waited for.
    Standing.TRANSACTIONAL: Column.PENDING,
    Standing.UNSUBSCRIBED: Column.SAID_NO,
    Standing.CLEANED: Column.SAID_NO,
    Standing.ARCHIVED: Column.ARCHIVED,
    Standing.ABSENT: Column.ABSENT,
}


class Rule(StrEnum):
    """What a cell of the table says, in the words of the report."""

    NOTHING = "nothing to do"
    WAIT = "not confirmed in Mailchimp yet: we wait"
    KEEP = "already in step"
    ADOPT = "on the list and already subscribed: ours from now on"
    CAME_BACK = "subscribed again by its own action"
    ADD = "on the list in OTYS"
    RESTORE = "taken out in Mailchimp, restored by policy"
    ADD_ARCHIVED = "on the list in OTYS, archived before it was ours, added by policy"
    REMOVE = "no longer on the list in OTYS"
    REMOVE_OPTED_OUT = "opted out in OTYS"
    ARCHIVE_OPTED_OUT = "said no in Mailchimp and left the list: archived by policy"
    SUPPRESS = "said no"
    TAKEN_OUT = "taken out by somebody in Mailchimp"
    FORGET = "gone on both sides"
    STRANGER = "no longer ours"
    DROPPED = "taken out in Mailchimp, and OTYS dropped the person too"
    STRONGER_NO = "said no once more, and for longer"
    HOLD_ARCHIVED = "archived in Mailchimp before it was ours: may have said no"
    HOLD_NOT_OURS = "opted out in OTYS, but subscribed by somebody else"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one address, and how the base stands once it is done."""

    verb: Verb | None
    base: BaseState
    rule: Rule
    no: NoReason | None = None

    @property
    def consent(self) -> bool:
        """Whether the decision honours somebody's no."""
        return self.no is not None


@dataclass(frozen=True, slots=True)
class _Cell:
    rule: Rule
    verb: Verb | None = None
    base: BaseState | None = None  # None: the base stays as it is


_NOTHING = _Cell(Rule.NOTHING)
_WAIT = _Cell(Rule.WAIT)
_KEEP = _Cell(Rule.KEEP)
_ADOPT = _Cell(Rule.ADOPT, Verb.ADOPT, BaseState.ACTIVE)
_CAME_BACK = _Cell(Rule.CAME_BACK, Verb.ADOPT, BaseState.ACTIVE)
_ADD = _Cell(Rule.ADD, Verb.ADD, BaseState.ACTIVE)
_REMOVE = _Cell(Rule.REMOVE, Verb.REMOVE, BaseState.REMOVED)
_REMOVE_OPTED_OUT = _Cell(Rule.REMOVE_OPTED_OUT, Verb.REMOVE, BaseState.SUPPRESSED)
_SUPPRESS = _Cell(Rule.SUPPRESS, Verb.SUPPRESS, BaseState.SUPPRESSED)
_SUPPRESS_QUIETLY = _Cell(Rule.SUPPRESS, None, BaseState.SUPPRESSED)
_TAKEN_OUT = _Cell(Rule.TAKEN_OUT, Verb.SUPPRESS, BaseState.SUPPRESSED)
_SUPPRESS_LEFT = _Cell(Rule.SUPPRESS, Verb.SUPPRESS, BaseState.SUPPRESSED)
_FORGET = _Cell(Rule.FORGET, Verb.FORGET, BaseState.NONE)
_STRANGER = _Cell(Rule.STRANGER, None, BaseState.NONE)
_HOLD_ARCHIVED = _Cell(Rule.HOLD_ARCHIVED, Verb.HOLD)
_HOLD_NOT_OURS = _Cell(Rule.HOLD_NOT_OURS, Verb.HOLD)

_OPTED_OUT_OURS = (_REMOVE_OPTED_OUT, _REMOVE_OPTED_OUT, _SUPPRESS, _SUPPRESS, _SUPPRESS)

# fmt: off
_TABLE: Mapping[tuple[BaseState, Listing], tuple[_Cell, ...]] = {
    # base, OTYS \ Mailchimp                   subscribed       pending          said no            archived           absent
    (BaseState.NONE, Listing.ABSENT):          (_NOTHING,       _NOTHING,        _NOTHING,          _NOTHING,          _NOTHING),
    (BaseState.NONE, Listing.LISTED):          (_ADOPT,         _WAIT,           _SUPPRESS,         _HOLD_ARCHIVED,    _ADD),
    (BaseState.NONE, Listing.OPTED_OUT):       (_HOLD_NOT_OURS, _HOLD_NOT_OURS,  _SUPPRESS_QUIETLY, _SUPPRESS_QUIETLY, _SUPPRESS_QUIETLY),
    (BaseState.ACTIVE, Listing.OPTED_OUT):     _OPTED_OUT_OURS,
    (BaseState.ACTIVE, Listing.LISTED):        (_KEEP,          _KEEP,           _SUPPRESS,         _TAKEN_OUT,        _TAKEN_OUT),
    (BaseState.ACTIVE, Listing.ABSENT):        (_REMOVE,        _REMOVE,         _SUPPRESS_LEFT,    _FORGET,           _FORGET),
    (BaseState.REMOVED, Listing.OPTED_OUT):    _OPTED_OUT_OURS,
    (BaseState.REMOVED, Listing.LISTED):       (_ADOPT,         _WAIT,           _SUPPRESS,         _ADD,              _ADD),
    (BaseState.REMOVED, Listing.ABSENT):       (_STRANGER,      _STRANGER,       _SUPPRESS,         _NOTHING,          _NOTHING),
    (BaseState.SUPPRESSED, Listing.LISTED):    (_CAME_BACK,     _NOTHING,        _NOTHING,          _NOTHING,          _NOTHING),
    (BaseState.SUPPRESSED, Listing.ABSENT):    (_STRANGER,      _NOTHING,        _NOTHING,          _NOTHING,          _NOTHING),
    (BaseState.SUPPRESSED, Listing.OPTED_OUT): (_HOLD_NOT_OURS, _NOTHING,        _NOTHING,          _NOTHING,          _NOTHING),
}
# fmt: on

_FOR_EVER = frozenset(set(NoReason) - {NoReason.TAKEN_OUT, NoReason.BOUNCED})


def decide(
    base: BaseState,
    listing: Listing,
    standing: Standing,
    *,
    policy: Policy,
    nos: frozenset[NoReason] = frozenset(),
) -> Decision:
    """Given one address on all three sides and the reasons of its remembered nos, return what to do."""
    cell = _under_policy(_TABLE[base, listing][list(Column).index(COLUMN_OF[standing])], standing, policy)
    after = base if cell.base is None else cell.base
    if base is BaseState.SUPPRESSED and cell.verb is None and after is base:
        return _outlive(listing, standing, nos)
    no = _reason(cell.rule, listing, standing) if cell.base is BaseState.SUPPRESSED else None
    return Decision(cell.verb, after, cell.rule, no)


def _under_policy(cell: _Cell, standing: Standing, policy: Policy) -> _Cell:
    if cell is _HOLD_ARCHIVED and policy.archived_stranger is ArchivedStranger.ADD:
        return _Cell(Rule.ADD_ARCHIVED, Verb.ADD, BaseState.ACTIVE)
    if cell is _TAKEN_OUT and policy.removed_in_mailchimp is RemovedInMailchimp.RESTORE:
        return _Cell(Rule.RESTORE, Verb.ADD, BaseState.ACTIVE)
    # A cleaned contact cannot be archived (facts/mailchimp.md, 35).
    if cell is _SUPPRESS_LEFT and policy.archive_opted_out and standing is Standing.UNSUBSCRIBED:
        return _Cell(Rule.ARCHIVE_OPTED_OUT, Verb.REMOVE, BaseState.SUPPRESSED)
    return cell


def _outlive(listing: Listing, standing: Standing, nos: frozenset[NoReason]) -> Decision:
    """A no outlives the row; only "taken out" may end when OTYS drops the person, or grow stronger."""
    said = _reason(Rule.SUPPRESS, listing, standing)
    if said is not None and said not in nos and not nos & _FOR_EVER:
        return Decision(None, BaseState.SUPPRESSED, Rule.STRONGER_NO, said)
    gone = COLUMN_OF[standing] in (Column.ARCHIVED, Column.ABSENT)
    if listing is Listing.ABSENT and gone and nos == {NoReason.TAKEN_OUT}:
        return Decision(None, BaseState.NONE, Rule.DROPPED)
    return Decision(None, BaseState.SUPPRESSED, Rule.NOTHING)


def _reason(rule: Rule, listing: Listing, standing: Standing) -> NoReason | None:
    if rule is Rule.TAKEN_OUT:
        return NoReason.TAKEN_OUT
    if standing is Standing.UNSUBSCRIBED:
        return NoReason.UNSUBSCRIBED
    if listing is Listing.OPTED_OUT:
        return NoReason.OPTED_OUT
    if standing is Standing.CLEANED:
        return NoReason.BOUNCED
    return None
