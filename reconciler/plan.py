"""From three sides of one list to a plan: a value with a digest. Pure."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.changes import carry_out, hold, no_at, rename
from reconciler.diff import Decision, decide
from reconciler.fingerprint import fingerprint
from reconciler.listing import Invalid, bring_together
from reconciler.model import (
    Address,
    AudienceId,
    BaseMove,
    BaseState,
    Change,
    ContactSnapshot,
    ListBase,
    ListChange,
    Listing,
    ListUid,
    MailingList,
    No,
    NoReason,
    RecipientSnapshot,
    Refusal,
    RefusalKind,
    Standing,
    Tally,
    Verb,
)
from reconciler.observe import REACHED, Observation, View
from reconciler.policy import Policy, RemovedInMailchimp

_GONE = (Standing.ARCHIVED, Standing.ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """One linked list on all three sides."""

    client: str
    mailing_list: MailingList
    audience_id: AudienceId | None
    recipients: RecipientSnapshot
    contacts: ContactSnapshot
    base: ListBase
    synced_once: bool = True
    """Whether list and audience were in step before; a first sync that was cut off was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the guards and the report must know about a list."""

    listed: int
    """Addresses on the list."""
    active: int
    """Addresses that are ours and subscribed, as last synced."""
    missing: int
    """Of the active ones, those of which Mailchimp shows nothing at all."""
    live: int
    """Contacts of the audience that are not archived."""
    foreign: int
    """Subscribed contacts that are neither ours nor listed."""
    opted_out: int
    """Of the addresses on the list, those that opted out in OTYS."""
    standings: Mapping[Standing, int]
    """How many contacts of the audience have each standing."""
    recipients: Tally
    contacts: Tally
    shared: int = 0
    """Addresses with more than one person behind them."""
    synced_once: bool = True
    """Whether list and audience were in step before."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A change that Mailchimp refused before and that is not repeated while its data stays the same."""

    change: Change
    refusal: Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPlan:
    """Everything to be done about one list."""

    client: str
    list_uid: ListUid
    list_name: str
    audience_id: AudienceId | None
    facts: Facts
    changes: tuple[Change, ...]
    moves: tuple[BaseMove, ...] = ()
    """What is remembered without anything to show for it."""
    refused: tuple[Refused, ...] = ()
    outdated: tuple[Address, ...] = ()
    """Addresses with a refusal that is about nobody any more."""
    invalid: tuple[Invalid, ...] = ()
    listed: frozenset[Address] = frozenset()

    @property
    def digest(self) -> str:
        """The digest of what would be done; the same plan has the same digest."""
        return digest_of(self.client, self.list_uid, self.changes)


def plan_list(sides: Sides, *, templates: Mapping[str, str], policy: Policy, now: datetime) -> ListPlan:
    """Given one list on all three sides, return what is to be done about each of its addresses."""
    listings = bring_together(sides.recipients.recipients, templates)
    view = View(listings, sides.contacts.contacts, sides.base)
    moved = _moved_persons(view)
    _follow_fresh_nos(view, policy)
    renames = _renames(view, moved, policy)
    settled = {address for change in renames for address in (change.address, change.move.replaces)}
    open_questions = (one for one in view.addresses() if one not in settled and not view.in_step(one))
    results = [_settle(view, address, policy) for address in open_questions]
    changes, refused = _hold_back_refused((*renames, *_changes(results)), sides.base.refusals, now)
    return ListPlan(
        client=sides.client,
        list_uid=sides.mailing_list.uid,
        list_name=sides.mailing_list.name,
        audience_id=sides.audience_id,
        facts=_facts(sides, view),
        changes=changes,
        moves=_moves(results, view, proven=_absence_is_proven(sides, view)),
        refused=refused,
        outdated=_outdated(sides, view, refused),
        invalid=listings.invalid,
        listed=frozenset(listings.by_address),
    )


def digest_of(client: str, list_uid: ListUid, changes: Iterable[Change | ListChange]) -> str:
    """Given changes of a client's list, return a digest that is the same in whatever order they come."""
    facts = sorted(
        (
            change.verb,
            *_object_of(change),
            sorted(change.before.items()),
            sorted(change.after.items()),
        )
        for change in changes
    )
    return hashlib.sha256(json.dumps([client, list_uid, facts]).encode()).hexdigest()


def _object_of(change: Change | ListChange) -> tuple[str, str]:
    """Return what is changed, so that an approval never releases the same change of something else."""
    if isinstance(change, ListChange):
        return "", change.audience_id or ""
    return change.address, "" if change.contact is None else change.contact.contact_id


def _moved_persons(view: View) -> Mapping[Address, Address]:
    """Return, for each of our addresses that left the list, the address its person has now."""
    return {
        address: view.address_of[person]
        for address, row in view.rows.items()
        if address not in view.listings.by_address
        for person in reversed(row.persons)
        if person in view.address_of
    }


def _decide(view: View, seen: Observation, policy: Policy) -> Decision:
    listing = _listing(view, seen, policy)
    return _own_no(seen, listing, policy) or decide(
        seen.base, listing, seen.standing, policy=policy, nos=seen.reasons
    )


def _own_no(seen: Observation, listing: Listing, policy: Policy) -> Decision | None:
    """A no that somebody brings along must not hide one of the address itself, of others there.

    The one that lasts longer counts for all of them: they read the same mailbox.
    """
    if not seen.inherited or seen.nos or seen.standing in REACHED or not seen.brought_nothing_along:
        return None
    own = decide(seen.known, listing, seen.standing, policy=policy)
    if own.no is NoReason.TAKEN_OUT:
        return replace(own, no=seen.inherited[0].reason)
    return own if own.no is not None else None


def _listing(view: View, seen: Observation, policy: Policy) -> Listing:
    """What OTYS says of an address, or of the people behind it if their address there is another now."""
    if seen.listing is not Listing.ABSENT:
        return seen.listing
    if seen.row is not None and view.opted_out.intersection(seen.row.persons) and not _came_back(seen):
        return Listing.OPTED_OUT
    return Listing.LISTED if _taken_out_while_listed(view, seen, policy) else Listing.ABSENT


def _came_back(seen: Observation) -> bool:
    """Archived by us, and subscribed again by its own action: not ours any more."""
    return seen.base is BaseState.REMOVED and seen.standing in REACHED


def _taken_out_while_listed(view: View, seen: Observation, policy: Policy) -> bool:
    """Taken out in Mailchimp while the address changed in OTYS: the person is still on the list."""
    if seen.standing not in _GONE or not view.still_on_list(seen):
        return False
    if seen.base is BaseState.SUPPRESSED:
        return True
    renamed_in_mailchimp = seen.row is not None and seen.contact is None and view.still_there(seen.row)
    respected = policy.removed_in_mailchimp is RemovedInMailchimp.RESPECT
    return seen.base is BaseState.ACTIVE and respected and not renamed_in_mailchimp


def _follow_fresh_nos(view: View, policy: Policy) -> None:
    """A no that shows up in this very pass already counts where its persons have gone."""
    fresh: list[No] = []
    for address, row in view.rows.items():
        if any(view.address_of.get(person, address) != address for person in row.persons):
            seen = view.observe(address)
            reason = _decide(view, seen, policy).no
            if reason is not None:
                fresh.append(no_at(seen, reason))
    for no in fresh:
        view.follow(no)


def _renames(view: View, moved: Mapping[Address, Address], policy: Policy) -> tuple[Change, ...]:
    renames: dict[Address, Change] = {}
    for address, target in sorted(moved.items()):
        old, new = view.observe(address), view.observe(target)
        free = new.contact is None and new.base in (BaseState.NONE, BaseState.REMOVED)
        ours = old.base is BaseState.ACTIVE and old.standing in REACHED
        silent = not old.nos and _listing(view, old, policy) is Listing.ABSENT
        if ours and free and silent and new.listing is Listing.LISTED and target not in renames:
            renames[target] = rename(old, new, policy.field_conflicts)
    return tuple(renames.values())


def _settle(view: View, address: Address, policy: Policy) -> Change | BaseMove | None:
    seen = view.observe(address)
    result = _at_its_address(seen, carry_out(seen, _decide(view, seen, policy), policy.field_conflicts))
    if isinstance(result, Change) and result.verb is Verb.REMOVE and not result.consent:
        broken = _broken_address(view, seen)
        if broken is not None:
            return hold(seen, f"still on the list, but its address in OTYS is not valid: {broken.reason}")
    return result


def _at_its_address(seen: Observation, result: Change | BaseMove | None) -> Change | BaseMove | None:
    """Let go of the row at the address that the contact had before it changed on both sides."""
    if seen.row is None or seen.row.address == seen.address or result is None:
        return result
    if isinstance(result, Change):
        return replace(result, move=replace(result.move, replaces=seen.row.address))
    return replace(result, replaces=seen.row.address)


def _broken_address(view: View, seen: Observation) -> Invalid | None:
    """A typing mistake in OTYS is no reason to remove; an address that was taken away is."""
    behind = () if seen.row is None else seen.row.persons
    return next((view.broken[person] for person in behind if person in view.broken), None)


def _changes(results: Iterable[Change | BaseMove | None]) -> list[Change]:
    return [result for result in results if isinstance(result, Change)]


def _absence_is_proven(sides: Sides, view: View) -> bool:
    """Two complete snapshots prove an absence, but for a list that is suddenly empty."""
    complete = sides.recipients.tally.complete and sides.contacts.tally.complete
    return complete and bool(view.listings.by_address)


def _moves(results: Iterable[Change | BaseMove | None], view: View, *, proven: bool) -> tuple[BaseMove, ...]:
    """Nothing is forgotten for an absence that is not proven; a no is remembered all the same."""
    return tuple(
        result
        for result in results
        if isinstance(result, BaseMove)
        and (proven or result.no is not None or result.address in view.listings.by_address)
    )


def _hold_back_refused(
    changes: Sequence[Change], refusals: Sequence[Refusal], now: datetime
) -> tuple[tuple[Change, ...], tuple[Refused, ...]]:
    standing = {
        (refusal.address, refusal.fingerprint): refusal
        for refusal in refusals
        if refusal.retry_after is None or refusal.retry_after > now
    }
    to_do: list[Change] = []
    refused: list[Refused] = []
    for change in changes:
        refusal = standing.get((change.address, fingerprint(change))) if standing else None
        if refusal is None or (refusal.kind is RefusalKind.UNDONE and change.consent):
            to_do.append(change)
        else:
            refused.append(Refused(change, refusal))
    return tuple(to_do), tuple(refused)


def _outdated(sides: Sides, view: View, refused: Iterable[Refused]) -> tuple[Address, ...]:
    """A refusal stays visible until its person leaves the list or a change of the address is true.

    What was undone is held back for as long as a pass would do it again.
    """
    if not _absence_is_proven(sides, view):
        return ()
    known = {*view.listings.by_address, *view.rows}
    held_back = {one.change.address for one in refused}
    gone = {
        refusal.address
        for refusal in sides.base.refusals
        if refusal.address not in known
        or (refusal.kind is RefusalKind.UNDONE and refusal.address not in held_back)
    }
    return tuple(sorted(gone))


def _facts(sides: Sides, view: View) -> Facts:
    active = [row for row in sides.base.rows.values() if row.state is BaseState.ACTIVE]
    return Facts(
        listed=len(view.listings.by_address),
        active=len(active),
        missing=sum(not view.still_there(row) for row in active),
        live=sum(contact.standing is not Standing.ARCHIVED for contact in view.contacts.values()),
        foreign=sum(
            contact.standing is Standing.SUBSCRIBED
            and contact.address not in sides.base.rows
            and contact.address not in view.listings.by_address
            for contact in view.contacts.values()
        ),
        opted_out=sum(listed.opted_out for listed in view.listings.by_address.values()),
        standings=Counter(contact.standing for contact in view.contacts.values()),
        recipients=sides.recipients.tally,
        contacts=sides.contacts.tally,
        shared=sum(len(listed.persons) > 1 for listed in view.listings.by_address.values()),
        synced_once=sides.synced_once,
    )
