"""Which changes may run now and which are withheld until a person has looked. Pure."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.address import normalise
from reconciler.model import BaseMove, Change, ListUid, NoReason, Verb
from reconciler.plan import ListPlan, digest_of
from reconciler.policy import Limits


class Danger(StrEnum):
    """Why a guard objects."""

    REMOVALS = "too many removals"
    EMPTY_LIST = "the list is suddenly empty"
    EMPTY_AUDIENCE = "the audience is suddenly empty"
    GROWTH = "too many adds"
    INCOMPLETE_LIST = "the list was not read completely"
    INCOMPLETE_AUDIENCE = "the audience was not read completely"
    CANARY = "a canary is missing"

    @property
    def approvable(self) -> bool:
        """Whether a person can release it; nobody can vouch for what was not read."""
        return self not in (Danger.INCOMPLETE_LIST, Danger.INCOMPLETE_AUDIENCE)


@dataclass(frozen=True, slots=True)
class Objection:
    """A guard's reason to withhold some changes of one list."""

    danger: Danger
    message: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The withheld changes of one verb of one list: they wait for the approval of exactly this digest."""

    client: str
    list_uid: ListUid
    list_name: str
    verb: Verb
    changes: tuple[Change, ...]
    objections: tuple[Objection, ...]

    @property
    def digest(self) -> str:
        """What an approval names: it changes with any of the changes."""
        return hashlib.sha256(
            f"{self.verb} {digest_of(self.client, self.list_uid, self.changes)}".encode()
        ).hexdigest()

    @property
    def approvable(self) -> bool:
        """Whether a person can release it."""
        return all(objection.danger.approvable for objection in self.objections)

    @property
    def message(self) -> str:
        """Why it is withheld, in one sentence an objection."""
        return "; ".join(objection.message for objection in self.objections)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A list's plan, divided into what may run and what waits."""

    plan: ListPlan
    allowed: tuple[Change, ...]
    proposals: tuple[Proposal, ...] = ()
    released: tuple[Proposal, ...] = ()
    """Proposals that a person approved: their changes are among the allowed ones."""

    @property
    def moves(self) -> tuple[BaseMove, ...]:
        """The quiet moves that may run: nothing is forgotten for an absence that is doubted."""
        doubted = any(proposal.verb in (Verb.REMOVE, Verb.FORGET) for proposal in self.proposals)
        return tuple(
            move
            for move in self.plan.moves
            if not doubted or move.no is not None or move.address in self.plan.listed
        )

    def to_report(self) -> "Guarded":
        """Return what is told of it when all is remembered: it grows with changes, not with the list."""
        return replace(self, plan=replace(self.plan, moves=(), outdated=(), listed=frozenset()))


def guard(plan: ListPlan, limits: Limits, *, approved: Callable[[str], bool]) -> Guarded:
    """Given a list's plan and which digests a person approved, return what may run and what is withheld.

    A guard withholds only the dangerous verb of one list. No limit stops a change that honours somebody's no;
    only one that rests on an absence waits until that absence is proven.
    """
    objections = object_to(plan, limits)
    proposals = _propose(plan, objections)
    released = tuple(p for p in proposals if p.approvable and approved(p.digest))
    waiting = tuple(p for p in proposals if p not in released)
    withheld = {id(change) for proposal in waiting for change in proposal.changes}
    allowed = tuple(change for change in plan.changes if id(change) not in withheld)
    return Guarded(plan, allowed, waiting, released)


def object_to(plan: ListPlan, limits: Limits) -> tuple[Objection, ...]:
    """Given a list's plan, return every objection to it."""
    checks = (
        _incomplete_list(plan),
        _incomplete_audience(plan),
        _empty_list(plan),
        _empty_audience(plan),
        _removals(plan, limits),
        _growth(plan, limits),
        _canary(plan, limits),
    )
    return tuple(objection for objection in checks if objection is not None and objection.changes)


def _propose(plan: ListPlan, objections: Sequence[Objection]) -> tuple[Proposal, ...]:
    proposals = []
    for verb in Verb:
        objecting = tuple(o for o in objections if any(change.verb is verb for change in o.changes))
        objected = {id(change) for o in objecting for change in o.changes}
        changes = tuple(c for c in plan.changes if c.verb is verb and id(c) in objected)
        if changes:
            proposals.append(
                Proposal(
                    client=plan.client,
                    list_uid=plan.list_uid,
                    list_name=plan.list_name,
                    verb=verb,
                    changes=changes,
                    objections=objecting,
                )
            )
    return tuple(proposals)


def _removing(plan: ListPlan) -> tuple[Change, ...]:
    return tuple(change for change in plan.changes if change.verb is Verb.REMOVE and not change.consent)


def _resting_on_absence_in_otys(plan: ListPlan) -> tuple[Change, ...]:
    return tuple(
        change
        for change in plan.changes
        if change.verb is Verb.RENAME
        or (
            change.verb in (Verb.REMOVE, Verb.FORGET)
            and change.address not in plan.listed
            and not _remembers(change, NoReason.OPTED_OUT)
        )
    )


def _resting_on_absence_in_mailchimp(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(
        change
        for change in changes
        if change.verb is Verb.RENAME  # the new address has to be free
        or (
            change.contact is None
            and (change.verb in (Verb.ADD, Verb.FORGET) or _remembers(change, NoReason.TAKEN_OUT))
        )
    )


def _remembers(change: Change, reason: NoReason) -> bool:
    no = change.move.no
    return no is not None and no.reason is reason


def _incomplete_list(plan: ListPlan) -> Objection | None:
    problem = plan.facts.recipients.problem
    if not problem:
        return None
    message = f"the list was not read completely from OTYS ({problem})"
    # Somebody with the same address whose row was not read may have opted out.
    adding = tuple(c for c in plan.changes if c.verb is Verb.ADD and plan.facts.recipients.tells_opt_outs)
    return Objection(Danger.INCOMPLETE_LIST, message, (*adding, *_resting_on_absence_in_otys(plan)))


def _incomplete_audience(plan: ListPlan) -> Objection | None:
    problem = plan.facts.contacts.problem
    if not problem:
        return None
    message = f"the audience was not read completely from Mailchimp ({problem})"
    return Objection(Danger.INCOMPLETE_AUDIENCE, message, _resting_on_absence_in_mailchimp(plan.changes))


def _empty_list(plan: ListPlan) -> Objection | None:
    if plan.facts.listed or not plan.facts.active:
        return None
    message = f"the list is suddenly empty in OTYS; {plan.facts.active} were on it"
    return Objection(Danger.EMPTY_LIST, message, _removing(plan))


def _empty_audience(plan: ListPlan) -> Objection | None:
    facts = plan.facts
    if facts.live or not facts.active or facts.missing < facts.active:
        return None
    message = f"the audience is suddenly empty in Mailchimp; {facts.active} of ours were in it"
    return Objection(Danger.EMPTY_AUDIENCE, message, _resting_on_absence_in_mailchimp(plan.changes))


def _removals(plan: ListPlan, limits: Limits) -> Objection | None:
    removing, active = _removing(plan), plan.facts.active
    share = limits.removals_percent * active / 100
    if len(removing) <= limits.removals_free or (
        len(removing) <= share and len(removing) <= limits.removals_count
    ):
        return None
    message = (
        f"{len(removing)} of {active} would be removed; the limit is "
        f"{limits.removals_percent} % or {limits.removals_count}"
    )
    return Objection(Danger.REMOVALS, message, removing)


def _growth(plan: ListPlan, limits: Limits) -> Objection | None:
    adding = tuple(change for change in plan.changes if change.verb is Verb.ADD)
    active = plan.facts.active
    established = plan.facts.synced_once and active > limits.growth_above
    if not established or len(adding) <= limits.growth_percent * active / 100:
        return None
    message = f"{len(adding)} would be added to a list of {active}"
    return Objection(Danger.GROWTH, message, adding)


def _canary(plan: ListPlan, limits: Limits) -> Objection | None:
    missing = [address for address in limits.canaries if normalise(address) not in plan.listed]
    if not missing:
        return None
    message = f"{len(missing)} of {len(limits.canaries)} canary addresses are not on the list in OTYS"
    return Objection(Danger.CANARY, message, _resting_on_absence_in_otys(plan))
