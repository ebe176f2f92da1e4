"""Undoes an earlier pass as a pass of its own, or shows what that would do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.client import Client
from reconciler.contacts import Reconciled, list_report, remember_nos, write_contacts
from reconciler.deed import is_named
from reconciler.document import ListDocument
from reconciler.errors import BadRequest, RemoteError, StaleApproval, in_words
from reconciler.failure import FailureKind, kind_of
from reconciler.guard import guard
from reconciler.journal import begin_writing, catch_up, end_writing
from reconciler.model import Address, ListChange, ListOutcome, ListUid, PassId, Result
from reconciler.pairing import Pairing
from reconciler.plan import Sides
from reconciler.ports import AudienceSink
from reconciler.reconcile import operate
from reconciler.record import keep_plan
from reconciler.recorded import recorded_pass
from reconciler.report import ListReport, PassReport, is_writing
from reconciler.running import Pass
from reconciler.sides import read_sides
from reconciler.store import PassRecord
from reconciler.threads import threads
from reconciler.undo import ListUndo, Undoing, digest_of_undo, nothing_possible, undo_list


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What became of undoing a pass, or what would become of it."""

    pass_id: PassId
    """The pass that is undone."""
    lists: tuple[ListUndo, ...]
    digest: str
    """What names all that is to be undone; empty when a list could not be read."""
    report: PassReport
    """The pass that undid it, or that only looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """One list of the earlier pass as it stands now."""

    undo: ListUndo
    pairing: Pairing | None = None
    """None when there is nothing to undo it on."""
    problem: str = ""
    failure: FailureKind | None = None


def undo_pass(client: Client, record: PassRecord, *, by: str, approved: str | None = None) -> Undone:
    """Given a client and one of its passes, undo that pass if what is to be done has the approved digest.

    Without a digest nothing is done but to look. Raise StaleApproval when something else is to be done by
    now, LockHeld when a pass runs, and StoreError when what is done cannot be remembered.
    """
    undoing = Undoing(pass_id=record.id, by=by, now=client.now())
    looked: list[_Looked] = []

    def work(running: Pass, pairings: tuple[Pairing, ...]) -> tuple[ListReport, ...]:
        looked.extend(_look(running, record, undoing, {one.list_uid: one for one in pairings}))
        client.watcher.began(client.name, len(looked))
        if approved is None or any(one.problem for one in looked):
            return tuple(_shown(running, one, pairing) for one, pairing in _paired(looked))
        if not is_named(_digest(client, record, looked), approved):
            return ()
        planned = (change for one in looked if one.undo.plan for change in one.undo.plan.changes)
        client.watcher.to_write(client.name, sum(map(is_writing, planned)))
        return tuple(_carried_out(running, one, pairing) for one, pairing in _paired(looked))

    report = operate(client, trigger=f"undo {record.id}", work=work)
    unread = not looked or any(one.problem for one in looked)
    digest = "" if unread else _digest(client, record, looked)
    if approved is not None and not unread and not is_named(digest, approved):
        raise StaleApproval(
            f"What would be done now to undo pass {record.id} does not have the digest {approved.strip()!r}.",
            advice=f"Run `reconciler undo {record.id}` again, look at it, and approve the digest it shows.",
        )
    return Undone(pass_id=record.id, lists=tuple(one.undo for one in looked), digest=digest, report=report)


def _digest(client: Client, record: PassRecord, looked: Sequence[_Looked]) -> str:
    return digest_of_undo(client.name, record.id, (one.undo for one in looked))


def _paired(looked: Sequence[_Looked]) -> Iterator[tuple[_Looked, Pairing]]:
    return ((one, one.pairing) for one in looked if one.pairing is not None)


# -- looking ---------------------------------------------------------------------------------------------


def _look(
    running: Pass, record: PassRecord, undoing: Undoing, pairings: Mapping[ListUid, Pairing]
) -> list[_Looked]:
    """Look at every list before any is written: what is approved is the whole."""
    client = running.client
    touched = [ListUid(one.list) for one in recorded_pass(client.store, record).lists]
    uids = [uid for uid in dict.fromkeys((*touched, *running.cut_off)) if uid in pairings]
    with threads(client.workers, "list") as workers:
        sides = dict(zip(uids, workers.map(lambda uid: _sides(running, pairings[uid]), uids), strict=True))
    # Read again: what an earlier pass did and could not record is in its history by now.
    documents = recorded_pass(client.store, record).lists
    return [
        _look_at(running, one, undoing, pairings.get(ListUid(one.list)), sides.get(ListUid(one.list)))
        for one in documents
    ]


def _sides(running: Pass, pairing: Pairing) -> Sides | RemoteError:
    try:
        return catch_up(running, pairing, read_sides(running, pairing))
    except RemoteError as error:
        return error


def _look_at(
    running: Pass,
    document: ListDocument,
    undoing: Undoing,
    pairing: Pairing | None,
    sides: Sides | RemoteError | None,
) -> _Looked:
    obstacle = _obstacle(document, pairing)
    if obstacle or pairing is None or pairing.audience is None or sides is None:
        return _Looked(undo=nothing_possible(document, obstacle))
    if isinstance(sides, RemoteError):
        unknown = nothing_possible(document, "the list could not be read")
        return _Looked(undo=unknown, pairing=pairing, problem=in_words(sides), failure=kind_of(sides))
    client = running.client
    undo = undo_list(
        document,
        sides,
        pairing.audience,
        undoing,
        templates=client.templates,
        policy=client.policy,
        erased=_erased(client, document, sides),
    )
    return _Looked(undo=undo, pairing=pairing, problem=_incomplete(sides))


def _erased(client: Client, document: ListDocument, sides: Sides) -> frozenset[Address]:
    """Whom OTYS lists at an address, if erased, is known by its keyed hash alone."""
    keys = {row.erased for row in sides.recipients.recipients if row.erased}
    named = {
        Address(email)
        for change in document.changes
        for email in (change.email, change.before.get("email"))
        if email
    }
    return frozenset(address for address in named if client.store.key_address(address) in keys)


def _obstacle(document: ListDocument, pairing: Pairing | None) -> str:
    if pairing is None:
        return "the list is not linked any more"
    if pairing.audience is None or document.audience not in (None, pairing.audience.id):
        return "the list has another audience now, or none"
    if not pairing.syncs or pairing.emptied:
        reasons = "; ".join(change.reason for change in pairing.changes)
        return f"the list is not in step with its audience now: {reasons}"
    return ""


def _incomplete(sides: Sides) -> str:
    """Nobody can vouch for what was not read: somebody may have said no there."""
    problem = sides.recipients.tally.problem or sides.contacts.tally.problem
    return f"not read completely, so nothing of it is undone: {problem}" if problem else ""


# -- showing and doing -----------------------------------------------------------------------------------


def _shown(running: Pass, looked: _Looked, pairing: Pairing) -> ListReport:
    pairing = replace(pairing, changes=looked.undo.list_changes)
    if looked.problem or looked.undo.plan is None:
        return replace(list_report(pairing), problem=looked.problem, failure=looked.failure)
    guarded = guard(looked.undo.plan, running.client.limits, approved=lambda _digest: False)
    report = list_report(pairing, Reconciled(guarded))
    if running.sink is None:
        keep_plan(running, report)
    return report


def _carried_out(running: Pass, looked: _Looked, pairing: Pairing) -> ListReport:
    client, undo, sink = running.client, looked.undo, running.sink
    pairing = replace(pairing, changes=undo.list_changes)
    if sink is None or undo.plan is None:
        return list_report(pairing)
    guarded = guard(undo.plan, client.limits, approved=lambda _digest: True)
    # Before the first write: whatever a killed undo got done, the next pass does not do it again.
    client.store.hold_back(client.name, undo.list_uid, undo.held_back)
    decided = remember_nos(running, pairing, guarded)
    intent = begin_writing(running, undo.list_uid) if decided.writes or undo.list_changes else None
    edited, problem, failure = _edit(running, sink, undo.list_changes)
    # The digest that was approved names all of this: no proposal waits in the store to be used up.
    decided = replace(decided, guarded=replace(guarded, released=()))
    done = write_contacts(running, pairing, decided)
    if intent is not None and done.all_known and not problem:
        end_writing(running, intent)
    report = list_report(pairing, done)
    report = replace(
        report,
        list_outcomes=(*edited, *report.list_outcomes),
        problem=problem or report.problem,
        failure=failure or report.failure,
    )
    client.watcher.finished_list(client.name, report)
    return report


def _edit(
    running: Pass, sink: AudienceSink, changes: Sequence[ListChange]
) -> tuple[list[ListOutcome], str, FailureKind | None]:
    """The link keeps what OTYS said last, so the next pass takes the old text for a change in Mailchimp."""
    outcomes: list[ListOutcome] = []
    try:
        for change in changes:
            running.require_lock()
            outcomes.append(_edit_audience(sink, change))
            running.client.store.record_list(running.id, running.client.name, outcomes[-1], running.now())
    except RemoteError as error:
        return outcomes, in_words(error), kind_of(error)
    return outcomes, "", None


def _edit_audience(sink: AudienceSink, change: ListChange) -> ListOutcome:
    if change.audience_id is None:
        raise ValueError("an edit needs the audience it is about")
    name, reminder = change.after.get("name"), change.after.get("permission_reminder")
    try:
        sink.edit(change.audience_id, name=name, permission_reminder=reminder)
    except BadRequest as error:
        return ListOutcome(change=change, result=Result.REFUSED, detail=error.detail or str(error))
    return ListOutcome(change=change, result=Result.APPLIED)
