"""The contacts of one list: what is decided and remembered first, and what is written after that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from reconciler.at_rest import came_to_rest, come_to_rest, nothing_to_do, stay_at_rest, wake
from reconciler.errors import CredentialsRejected, RemoteError, in_words
from reconciler.failure import FailureKind, kind_of
from reconciler.flapping import hold_flapping
from reconciler.guard import Guarded, guard
from reconciler.journal import catch_up
from reconciler.keep_sides import keep_sides, note_seen
from reconciler.model import (
    AudienceId,
    BaseMove,
    BaseState,
    Change,
    ListChange,
    ListOutcome,
    ListUid,
    ListVerb,
    Outcome,
    Result,
    Verb,
)
from reconciler.pairing import Pairing
from reconciler.ports import AudienceSink
from reconciler.recall import keep_recalled
from reconciler.record import keep_plan
from reconciler.report import ListReport, Look, is_writing
from reconciler.resting import AtRest, Found
from reconciler.running import Pass
from reconciler.shortcuts import note_row
from reconciler.sides import Tapes, fetched_ahead, plan_sides, read_sides


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What became of the contacts of one list, so far."""

    guarded: Guarded
    list_changes: tuple[ListChange, ...] = ()
    """Merge fields that the audience lacks."""
    list_outcomes: tuple[ListOutcome, ...] = ()
    """What became of those merge fields."""
    outcomes: tuple[Outcome, ...] = ()
    problem: str = ""
    """Why applying stopped; what is known up to then is in `outcomes`."""
    failure: FailureKind | None = None
    look: Look = Look.WHOLE
    """How it was looked at."""

    @property
    def in_step(self) -> bool:
        """Whether both sides were read completely and everything that may run is true now."""
        facts = self.guarded.plan.facts
        return (
            not self.problem
            and facts.recipients.complete
            and facts.contacts.complete
            and not any(outcome.result in _UNSETTLED for outcome in self.outcomes)
        )

    @property
    def all_known(self) -> bool:
        """Whether it is known of every change what became of it."""
        return not self.problem and not any(one.result is Result.RETRY_LATER for one in self.outcomes)

    @property
    def writes(self) -> tuple[Change, ...]:
        """The changes that are to be written to Mailchimp."""
        return tuple(change for change in self.guarded.allowed if is_writing(change))


LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_UNSETTLED = (Result.RETRY_LATER, Result.NOT_TRUE)


def decide_contacts(running: Pass, pairing: Pairing) -> Reconciled:
    """Given a pass and a pairing, return what is to be done about its contacts, and remember every no.

    Nothing is written to Mailchimp. Raise RemoteError or BackupError when a side cannot be read.
    """
    if pairing.starts_anew:
        keep_recalled(running, pairing.list_uid)
    note_row(running, pairing.mailing_list)
    before = came_to_rest(running, pairing)
    with fetched_ahead(running, before) as tapes:
        if before is not None and tapes.same:
            return _left_at_rest(running, pairing, before, tapes)
        wake(running, pairing)
        sides = catch_up(running, pairing, read_sides(running, pairing, tapes))
    seen, planned = plan_sides(running, sides)
    plan = hold_flapping(running, planned)
    guarded = guard(plan, running.client.limits, approved=running.approved.__contains__)
    decided = remember_nos(running, pairing, guarded)
    keep_sides(running, seen, guarded)
    decided = replace(decided, guarded=guarded.to_report())
    # Whoever was looked up, or flaps, may be decided otherwise when the same bytes come again.
    if seen is sides and plan is planned and nothing_to_do(sides, guarded):
        newest = sides.contacts.newest
        found = Found(decided.guarded, decided.outcomes, None if newest is None else newest.glance())
        come_to_rest(running, pairing, tapes, found)
    return decided


def _left_at_rest(running: Pass, pairing: Pairing, before: AtRest, tapes: Tapes) -> Reconciled:
    """Nothing differs from the pass in which there was nothing to do, so what it told is told again."""
    stay_at_rest(running, before, tapes)
    note_seen(running, pairing.list_uid)
    decided = Reconciled(before.found.guarded, outcomes=before.found.outcomes, look=tapes.look)
    if running.sink is not None:
        keep_plan(running, list_report(pairing, decided))
    return decided


def remember_nos(running: Pass, pairing: Pairing, guarded: Guarded) -> Reconciled:
    """Given what may run on a list, keep its plan and make all durable that needs no request: nos first."""
    missing, problem, failure = _missing_merge_fields(running, pairing, guarded)
    decided = Reconciled(guarded, missing, problem=problem, failure=failure)
    if running.sink is None:
        return decided
    if pairing.audience is not None:
        keep_plan(running, list_report(pairing, decided))
    outcomes = (*_withheld(guarded), *_remember(running, guarded.plan.list_uid, guarded))
    return replace(decided, outcomes=outcomes)


def write_contacts(running: Pass, pairing: Pairing, decided: Reconciled) -> Reconciled:
    """Given what was decided about the contacts of a pairing, write it as far as the guards allow.

    What fails is told in the result; nothing of what is known up to then gets lost.
    """
    sink, audience = running.sink, pairing.audience
    if sink is None or audience is None or decided.problem:
        return decided
    if decided.guarded.plan.audience_id is None:
        decided = _for_new_audience(running, pairing, decided, audience.id)
        if decided.problem:
            return decided
    running.require_lock()
    outcomes = list(decided.outcomes)
    created: list[ListOutcome] = []
    problem, failure = "", None
    try:
        for change in decided.list_changes:
            sink.create_merge_field(audience.id, change.after["merge_field"])
            created.append(ListOutcome(change=change, result=Result.APPLIED))
            running.client.store.record_list(running.id, running.client.name, created[-1], running.now())
        _write(running, sink, audience.id, decided, outcomes)
    except RemoteError as error:
        problem, failure = in_words(error), kind_of(error)
        if isinstance(error, CredentialsRejected):
            running.stopped.set()
    return replace(
        decided, list_outcomes=tuple(created), outcomes=tuple(outcomes), problem=problem, failure=failure
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
        look=reconciled.look,
    )


def _audience_of(pairing: Pairing) -> AudienceId | None:
    """A list that is held back keeps its audience, though nothing is done with it."""
    if pairing.audience is not None:
        return pairing.audience.id
    return None if pairing.link is None else pairing.link.audience_id


def _for_new_audience(
    running: Pass, pairing: Pairing, decided: Reconciled, audience_id: AudienceId
) -> Reconciled:
    """What was decided before the audience was there is about that audience now."""
    guarded = replace(decided.guarded, plan=replace(decided.guarded.plan, audience_id=audience_id))
    missing, problem, failure = _missing_merge_fields(running, pairing, guarded)
    decided = replace(decided, guarded=guarded, list_changes=missing, problem=problem, failure=failure)
    keep_plan(running, list_report(pairing, decided))
    return decided


def _missing_merge_fields(
    running: Pass, pairing: Pairing, guarded: Guarded
) -> tuple[tuple[ListChange, ...], str, FailureKind | None]:
    """An unknown tag is dropped in silence (facts/mailchimp.md, 46), so it has to exist before a write.

    What goes wrong is told, not raised: the nos of the list are to be remembered all the same.
    """
    wanted = {tag for change in guarded.allowed for tag in change.fields}
    shown = {tag for change in guarded.plan.changes if change.contact for tag in change.contact.fields}
    audience_id = guarded.plan.audience_id
    if audience_id is None or not wanted - shown:
        return (), "", None
    try:
        missing = sorted(wanted - running.source.merge_field_tags(audience_id))
    except RemoteError as error:
        if isinstance(error, CredentialsRejected):
            running.stopped.set()
        return (), in_words(error), kind_of(error)
    changes = tuple(
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
    return changes, "", None


def _withheld(guarded: Guarded) -> Iterator[Outcome]:
    for proposal in guarded.proposals:
        for change in proposal.changes:
            yield Outcome(change=change, result=Result.WITHHELD, detail=proposal.message)


def _write(
    running: Pass, sink: AudienceSink, audience_id: AudienceId, decided: Reconciled, known: list[Outcome]
) -> None:
    """Append to `known` what becomes of each change, so that it is not lost when a later one fails."""
    list_uid = decided.guarded.plan.list_uid
    done: list[Outcome] = []
    for outcomes in sink.apply(audience_id, _with_times(running, list_uid, decided.writes)):
        _record(running, list_uid, outcomes)
        known.extend(outcomes)
        done.extend(outcomes)
        running.require_lock()
    for proposal in decided.guarded.released:
        running.client.store.use_approval(running.client.name, proposal.digest, running.id, running.now())
    claimed = [outcome for outcome in done if outcome.result.moves_base]
    untrue = sink.read_back(audience_id, claimed) if claimed else ()
    _record(running, list_uid, untrue)
    known.extend(untrue)


def _with_times(running: Pass, list_uid: ListUid, changes: Sequence[Change]) -> Sequence[Change]:
    """A contact that we archived comes back only if nothing happened to it since."""
    client = running.client
    back = {change.address for change in changes if _brings_back(change)}
    if not back:
        return changes
    left = client.store.left_at(client.name, list_uid, back)
    return [
        replace(change, left_at=left.get(change.address, LONG_AGO)) if change.address in back else change
        for change in changes
    ]


def _brings_back(change: Change) -> bool:
    ours = change.row_before is not None and change.row_before.state is BaseState.REMOVED
    return change.verb is Verb.ADD and change.contact is not None and ours


def _remember(running: Pass, list_uid: ListUid, guarded: Guarded) -> Sequence[Outcome]:
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
