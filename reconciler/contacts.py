"""The contacts of one list: snapshots side by side, plan, guard, apply, record."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler.errors import CredentialsRejected, RemoteError, in_words
from reconciler.failure import FailureKind, kind_of
from reconciler.guard import Guarded, guard
from reconciler.model import (
    AudienceId,
    BaseMove,
    Change,
    Contact,
    ContactSnapshot,
    ListChange,
    ListOutcome,
    ListUid,
    ListVerb,
    MailingList,
    Outcome,
    RecipientSnapshot,
    Result,
    Tally,
    Verb,
)
from reconciler.pairing import Pairing
from reconciler.plan import ListPlan, Sides, plan_list
from reconciler.ports import AudienceSink
from reconciler.record import keep_plan
from reconciler.report import ListReport, is_writing
from reconciler.running import Pass
from reconciler.threads import threads

LOOKUPS_AT_A_TIME = 4
NOTHING_THERE = Tally(rows=0, declared_before=0, declared_after=0)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What became of the contacts of one list."""

    guarded: Guarded
    list_changes: tuple[ListChange, ...] = ()
    """Merge fields that the audience lacks."""
    list_outcomes: tuple[ListOutcome, ...] = ()
    """What became of those merge fields."""
    outcomes: tuple[Outcome, ...] = ()
    problem: str = ""
    """Why applying stopped; what is known up to then is in `outcomes`."""
    failure: FailureKind | None = None

    @property
    def in_step(self) -> bool:
        """Whether both sides were read completely and everything that may run is true now."""
        facts = self.guarded.plan.facts
        unsettled = (Result.RETRY_LATER, Result.NOT_TRUE)
        return (
            not self.problem
            and facts.recipients.complete
            and facts.contacts.complete
            and not any(outcome.result in unsettled for outcome in self.outcomes)
        )


def reconcile_contacts(running: Pass, pairing: Pairing) -> Reconciled:
    """Given a pass and a pairing, bring the audience in step with the list as far as the guards allow.

    Raise RemoteError when a side cannot be read or the audience as a whole cannot be written.
    """
    plan = _plan(running, pairing)
    guarded = guard(plan, running.client.limits, approved=running.approved.__contains__)
    missing = _missing_merge_fields(running, pairing, guarded)
    reconciled = Reconciled(guarded, missing)
    sink, audience_id = running.sink, plan.audience_id
    if sink is None or audience_id is None:
        return reconciled
    keep_plan(running, list_report(pairing, reconciled))
    outcomes = [*_withheld(guarded), *_remember(running, plan.list_uid, guarded)]
    created: list[ListOutcome] = []
    problem, failure = "", None
    try:
        for change in missing:
            sink.create_merge_field(audience_id, change.after["merge_field"])
            created.append(ListOutcome(change=change, result=Result.APPLIED))
            running.client.store.record_list(running.id, running.client.name, created[-1], running.now())
        _write(running, sink, audience_id, guarded, outcomes)
    except RemoteError as error:
        problem, failure = in_words(error), kind_of(error)
        if isinstance(error, CredentialsRejected):
            running.stopped.set()
    return replace(
        reconciled,
        list_outcomes=tuple(created),
        outcomes=tuple(outcomes),
        problem=problem,
        failure=failure,
    )


def list_report(pairing: Pairing, reconciled: Reconciled | None = None) -> ListReport:
    """Given a pairing and what became of its contacts, if anything, return the report of the list."""
    report = ListReport(
        list_uid=pairing.list_uid,
        list_name=pairing.list_name,
        audience_id=_audience_of(pairing),
        list_changes=pairing.changes,
        waits=pairing.waits,
    )
    if reconciled is None:
        return report
    return replace(
        report,
        list_changes=(*pairing.changes, *reconciled.list_changes),
        guarded=reconciled.guarded,
        list_outcomes=reconciled.list_outcomes,
        outcomes=reconciled.outcomes,
        problem=reconciled.problem,
        failure=reconciled.failure,
    )


def _audience_of(pairing: Pairing) -> AudienceId | None:
    """A list that is held back keeps its audience, though nothing is done with it."""
    if pairing.audience is not None:
        return pairing.audience.id
    return None if pairing.link is None else pairing.link.audience_id


def read_sides(running: Pass, pairing: Pairing) -> Sides:
    """Given a pass and a pairing, return all three sides of the list. Raise RemoteError without them."""
    audience_id = None if pairing.audience is None else pairing.audience.id
    recipients, contacts = _snapshots(running, pairing, audience_id)
    client = running.client
    client.stop.check("OTYS")  # snapshots that were cut short are no reason to decide anything
    return Sides(
        client=client.name,
        mailing_list=pairing.mailing_list or MailingList(uid=pairing.list_uid, name=pairing.list_name),
        audience_id=audience_id,
        recipients=recipients,
        contacts=contacts,
        base=client.store.base(client.name, pairing.list_uid),
        synced_once=pairing.link is not None and pairing.link.synced_once,
    )


def _plan(running: Pass, pairing: Pairing) -> ListPlan:
    sides = read_sides(running, pairing)
    plan = _plan_of(running, sides)
    overlooked = _overlooked(running, plan)
    if not overlooked:
        return plan
    seen = replace(sides.contacts, contacts=(*sides.contacts.contacts, *overlooked))
    return _plan_of(running, replace(sides, contacts=seen))


def _plan_of(running: Pass, sides: Sides) -> ListPlan:
    client = running.client
    return plan_list(sides, templates=client.templates, policy=client.policy, now=running.now())


def _overlooked(running: Pass, plan: ListPlan) -> tuple[Contact, ...]:
    """Look up one by one those of ours that the listing did not show: its rows shift while others write.

    Taking such a contact for gone would keep a person out for ever.
    """
    audience_id, source = plan.audience_id, running.source
    doubted = [
        change.row_before
        for change in plan.changes
        if change.verb in (Verb.SUPPRESS, Verb.FORGET) and change.contact is None and change.row_before
    ]
    if audience_id is None or not doubted or not plan.facts.live or not plan.facts.contacts.complete:
        return ()
    with threads(LOOKUPS_AT_A_TIME, "look-up") as workers:
        found = workers.map(lambda row: source.contact(audience_id, row.contact_id or row.address), doubted)
        return tuple(contact for contact in found if contact is not None)


def _snapshots(
    running: Pass, pairing: Pairing, audience_id: AudienceId | None
) -> tuple[RecipientSnapshot, ContactSnapshot]:
    """Both sides are read at the same time, so that the moments they show are close."""
    with threads(2, "snapshot") as both:
        recipients = both.submit(_recipients, running, pairing)
        contacts = both.submit(_contacts, running, audience_id)
        return recipients.result(), contacts.result()


def _recipients(running: Pass, pairing: Pairing) -> RecipientSnapshot:
    if pairing.emptied or pairing.mailing_list is None:
        return RecipientSnapshot((), NOTHING_THERE)
    return running.client.lists.recipients(pairing.mailing_list)


def _contacts(running: Pass, audience_id: AudienceId | None) -> ContactSnapshot:
    if audience_id is None:
        return ContactSnapshot((), NOTHING_THERE)
    return running.source.contacts(audience_id)


def _missing_merge_fields(running: Pass, pairing: Pairing, guarded: Guarded) -> tuple[ListChange, ...]:
    """An unknown tag is dropped in silence (facts/mailchimp.md, 46), so it has to exist before a write."""
    wanted = {tag for change in guarded.allowed for tag in change.fields}
    shown = {tag for change in guarded.plan.changes if change.contact for tag in change.contact.fields}
    audience_id = guarded.plan.audience_id
    if audience_id is None or not wanted - shown:
        return ()
    missing = sorted(wanted - running.source.merge_field_tags(audience_id))
    return tuple(
        ListChange(
            verb=ListVerb.UPDATE_SETTINGS,
            list_uid=pairing.list_uid,
            list_name=pairing.list_name,
            audience_id=audience_id,
            reason="the audience has no such merge field",
            after={"merge_field": tag},
        )
        for tag in missing
    )


def _withheld(guarded: Guarded) -> Iterator[Outcome]:
    for proposal in guarded.proposals:
        for change in proposal.changes:
            yield Outcome(change=change, result=Result.WITHHELD, detail=proposal.message)


def _write(
    running: Pass, sink: AudienceSink, audience_id: AudienceId, guarded: Guarded, known: list[Outcome]
) -> None:
    """Append to `known` what becomes of each change, so that it is not lost when a later one fails."""
    list_uid = guarded.plan.list_uid
    done: list[Outcome] = []
    for outcomes in sink.apply(audience_id, [change for change in guarded.allowed if is_writing(change)]):
        _record(running, list_uid, outcomes)
        known.extend(outcomes)
        done.extend(outcomes)
        running.require_lock()
    for proposal in guarded.released:
        running.client.store.use_approval(running.client.name, proposal.digest, running.id, running.now())
    claimed = [outcome for outcome in done if outcome.result.moves_base]
    untrue = sink.read_back(audience_id, claimed) if claimed else ()
    _record(running, list_uid, untrue)
    known.extend(untrue)


def _remember(running: Pass, list_uid: ListUid, guarded: Guarded) -> Sequence[Outcome]:
    """Nos first: they are durable before anything else of the list is written."""
    store, client = running.client.store, running.client.name
    owed = [
        BaseMove(address=change.address, row=change.row_before, no=change.move.no)
        for change in guarded.plan.changes
        if change.verb is Verb.REMOVE and change.move.no is not None
    ]
    moves = (*owed, *guarded.moves)
    if moves:
        store.move(running.id, client, list_uid, moves, running.now())
    if guarded.plan.outdated:
        store.forget_refusals(client, list_uid, guarded.plan.outdated)
    noted = [_noted(change) for change in guarded.allowed if not is_writing(change)]
    _record(running, list_uid, [outcome for outcome in noted if outcome.change.verb is not Verb.HOLD])
    return noted


def _noted(change: Change) -> Outcome:
    result = Result.WITHHELD if change.verb is Verb.HOLD else Result.APPLIED
    return Outcome(change=change, result=result)


def _record(running: Pass, list_uid: ListUid, outcomes: Sequence[Outcome]) -> None:
    if not outcomes:
        return
    client = running.client
    client.store.record(running.id, client.name, list_uid, outcomes, running.now())
    client.watcher.wrote(client.name, list_uid, len(outcomes))
