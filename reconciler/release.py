"""What a person may release of one address: which remembered nos and refusals end, and what follows. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.changes import NO_TEXT
from reconciler.listing import bring_together
from reconciler.model import (
    Address,
    BaseRow,
    BaseState,
    ListBase,
    Listing,
    ListUid,
    No,
    Person,
    Refusal,
    Standing,
)
from reconciler.observe import View
from reconciler.plan import Sides, plan_list
from reconciler.policy import Policy
from reconciler.store.releases import Release
from reconciler.whereabouts import Located, Whereabouts

_GONE = (Standing.ARCHIVED, Standing.ABSENT)
_OWN_ACTION = "that changes only when the person subscribes again by their own action"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRelease:
    """One list that remembers something against an address, and what becomes of that."""

    list_uid: ListUid
    list_name: str
    nos: tuple[No, ...]
    refusals: tuple[Refusal, ...]
    otys: str
    """Where the address stands in OTYS now."""
    mailchimp: str
    """How its contact stands in Mailchimp now."""
    kept: str = ""
    """Why nothing is released; empty when all of it is."""
    next_pass: str = ""
    """What the next pass would do about it then."""
    release: Release | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRelease:
    """One address of one client, and what would be released of it."""

    client: str
    address: Address
    lists: tuple[ListRelease, ...]
    problems: tuple[str, ...] = ()
    failed: bool = False
    """Whether something could not be read."""

    @property
    def releases(self) -> tuple[Release, ...]:
        """What would be released, list by list."""
        return tuple(one.release for one in self.lists if one.release is not None)

    @property
    def digest(self) -> str:
        """The digest of what would be released; empty when that is nothing."""
        facts = [
            [
                one.list_uid,
                sorted([no.address, no.reason, *map(str, no.persons)] for no in one.nos),
                sorted([refusal.address, refusal.verb, refusal.fingerprint] for refusal in one.refusals),
            ]
            for one in self.lists
            if one.release is not None
        ]
        text = json.dumps([self.client, self.address, sorted(facts)])
        return hashlib.sha256(text.encode()).hexdigest() if facts else ""


def release_of(
    located: Located, *, explained: bool, templates: Mapping[str, str], policy: Policy, now: datetime
) -> AddressRelease:
    """Given where an address is, return what of it can be released.

    Nobody is released from what Mailchimp or OTYS still shows, and from a no only if it is `explained` why.
    """
    found = (
        _on_list(one, located, explained=explained, templates=templates, policy=policy, now=now)
        for one in located.lists
    )
    return AddressRelease(
        client=located.client,
        address=located.address,
        lists=tuple(one for one in found if one is not None),
        problems=located.problems,
        failed=located.failed,
    )


def _on_list(
    where: Whereabouts,
    located: Located,
    *,
    explained: bool,
    templates: Mapping[str, str],
    policy: Policy,
    now: datetime,
) -> ListRelease | None:
    sides = where.sides
    nos = tuple(no for no in sides.base.nos if no.address == located.address or no.reason.follows_person)
    refusals = sides.base.refusals
    if not nos and not refusals:
        return None
    sides = replace(sides, base=replace(sides.base, nos=nos))
    view = View(bring_together(sides.recipients.recipients, templates), sides.contacts.contacts, sides.base)
    seen = view.observe(located.address)
    told = ListRelease(
        list_uid=where.pairing.list_uid,
        list_name=where.pairing.list_name,
        nos=nos,
        refusals=refusals,
        otys=seen.listing,
        mailchimp=seen.standing,
    )
    kept = where.problem or _still_said(view, located) or _unexplained(nos, explained=explained)
    if kept:
        return replace(told, kept=kept)
    release = Release(
        list_uid=told.list_uid,
        address=located.address,
        addresses=_addresses(view, located, nos) if nos else (),
        persons=located.persons if nos else (),
        rows=tuple(_brought_back(view)) if nos else (),
        refused=sorted({refusal.address for refusal in refusals}),
        told=_in_words(nos, refusals),
    )
    after = replace(sides, base=_after(sides.base, release))
    next_pass = (
        _next_pass(after, templates, policy, now) if where.pairing.syncs else "nothing: it is not synced"
    )
    return replace(told, release=release, next_pass=next_pass)


def _still_said(view: View, located: Located) -> str:
    for address in sorted({located.address, *view.addresses()}):
        seen = view.observe(address)
        if seen.standing is Standing.UNSUBSCRIBED or (
            seen.standing is Standing.CLEANED and address == located.address
        ):
            return f"Mailchimp shows {address} as {seen.standing}; {_OWN_ACTION}"
        if seen.listing is Listing.OPTED_OUT:
            return f"OTYS shows {address} as opted out; it has to be taken back there first"
    if not view.opted_out.isdisjoint(located.persons):
        return "OTYS shows the person as opted out; it has to be taken back there first"
    return ""


def _unexplained(nos: Sequence[No], *, explained: bool) -> str:
    # Whom somebody archived may have unsubscribed just before: archiving hides it (facts/mailchimp.md, 32).
    said = sorted({NO_TEXT[no.reason] for no in nos})
    if explained or not said:
        return ""
    return f'it is remembered as {", ".join(said)}: say with --because "…" how you know that this is over'


def _addresses(view: View, located: Located, nos: Sequence[No]) -> frozenset[Address]:
    """The address itself, and those that its people have on the list now."""
    now = {address for person, address in view.address_of.items() if person in located.persons}
    return frozenset({located.address, *now, *(no.address for no in nos if _is_theirs(no, located.persons))})


def _is_theirs(no: No, persons: frozenset[Person]) -> bool:
    return bool(no.persons) and persons.issuperset(no.persons)


def _brought_back(view: View) -> list[BaseRow]:
    """Who is listed and gone from Mailchimp counts as archived by us: that is what the next pass adds.

    The decision table never does so for a contact that Mailchimp shows as unsubscribed or cleaned.
    """
    rows: list[BaseRow] = []
    for address in view.addresses():
        seen = view.observe(address)
        if seen.base is BaseState.SUPPRESSED and seen.listing is Listing.LISTED and seen.standing in _GONE:
            contact_id = "" if seen.contact is None else seen.contact.contact_id
            rows.append(
                BaseRow(address=address, state=BaseState.REMOVED, persons=seen.persons, contact_id=contact_id)
            )
    return rows


def _after(base: ListBase, release: Release) -> ListBase:
    left = (_left(no, release) for no in base.nos)
    return ListBase(
        rows={**base.rows, **{row.address: row for row in release.rows}},
        nos=tuple(no for no in left if no.persons),
    )


def _left(no: No, release: Release) -> No:
    if no.address in release.addresses:
        return replace(no, persons=())
    return replace(no, persons=tuple(one for one in no.persons if one not in release.persons))


def _next_pass(sides: Sides, templates: Mapping[str, str], policy: Policy, now: datetime) -> str:
    plan = plan_list(sides, templates=templates, policy=policy, now=now)
    told = [f"{change.verb} {change.address}: {change.reason}" for change in plan.changes]
    told += [f"nothing about {one.person}: {one.reason}" for one in plan.invalid]
    return "; ".join(told) or "nothing"


def _in_words(nos: Sequence[No], refusals: Sequence[Refusal]) -> str:
    """What is released, without a name."""
    said = sorted({NO_TEXT[no.reason] for no in nos})
    refused = sorted({f"refused ({refusal.kind.replace('_', ' ')})" for refusal in refusals})
    return f"released from: {', '.join((*said, *refused))}"
