"""What happens to an audience as a whole: created, linked, renamed, given a reminder, unlinked, deleted."""

from collections.abc import Callable
from dataclasses import replace

from reconciler.deletion import delete_audience
from reconciler.errors import BadRequest, PermissionDenied, RemoteError
from reconciler.heir import taken_over
from reconciler.journal import record_creation
from reconciler.model import (
    BaseState,
    Link,
    LinkState,
    ListChange,
    ListOutcome,
    ListVerb,
    Result,
)
from reconciler.pairing import Pairing
from reconciler.ports import AudienceSink, NewAudience
from reconciler.running import Pass
from reconciler.store import IntentKind


def settle_audience(running: Pass, pairing: Pairing) -> tuple[Pairing, tuple[ListOutcome, ...]]:
    """Given a pairing, carry out what comes before its contacts; return it as it stands then.

    Plan mode changes nothing. What Mailchimp refuses is an outcome, not an error.
    """
    sink = running.sink
    if sink is None:
        return pairing, ()
    outcomes: list[ListOutcome] = []
    for change in pairing.changes:
        step = _STEPS.get(change.verb)
        if step is not None:
            running.require_lock()
            pairing, outcome = step(running, sink, pairing, change)
            outcomes.append(outcome)
    return pairing, tuple(outcomes)


def is_edit(change: ListChange) -> bool:
    """Given a change, return whether it edits an audience that is there."""
    return change.verb in (ListVerb.RENAME_AUDIENCE, ListVerb.UPDATE_SETTINGS)


def remember_link(running: Pass, pairing: Pairing, before: Link | None) -> None:
    """Given a pairing whose pass is over, remember its link if it changed."""
    if running.sink is not None and pairing.link is not None and pairing.link != before:
        running.client.store.save_link(running.client.name, pairing.link)


def let_go(running: Pass, pairing: Pairing) -> tuple[Pairing, tuple[ListOutcome, ...]]:
    """Given a pairing whose contacts are reconciled, unlink it if planned and nothing of ours is left."""
    change = next((change for change in pairing.changes if change.verb is ListVerb.UNLINK), None)
    if running.sink is None or change is None:
        return pairing, ()
    pairing, outcome = _unlink(running, pairing, change)
    _record(running, outcome)
    return pairing, (outcome,)


def due_deletion(pairing: Pairing) -> ListChange | None:
    """Given a pairing, return the deletion of its audience if nothing is waited for any more."""
    change = next((change for change in pairing.changes if change.verb is ListVerb.DELETE), None)
    return None if pairing.audience is None or pairing.link is None or pairing.waits else change


def take_down(running: Pass, pairing: Pairing) -> tuple[Pairing, tuple[ListOutcome, ...]]:
    """Given a pairing whose list is proved deleted and whose grace is over, delete its audience."""
    sink, link, change = running.sink, pairing.link, due_deletion(pairing)
    if sink is None or link is None or change is None:
        return pairing, ()
    outcome = delete_audience(running, sink, link, change)
    if not outcome.result.moves_base:
        pairing = replace(pairing, link=replace(link, state=LinkState.LINKED))
    return pairing, (outcome,)


def _create(
    running: Pass, sink: AudienceSink, pairing: Pairing, change: ListChange
) -> tuple[Pairing, ListOutcome]:
    store, client = running.client.store, running.client.name
    _close_begun(running, change, "not found")
    detail = {"name": change.after["name"], "existing": " ".join(sorted(running.audience_ids))}
    intent = store.intend(
        client, change.list_uid, IntentKind.CREATE_AUDIENCE, detail, running.id, running.now()
    )
    wanted = NewAudience(name=change.after["name"], permission_reminder=change.after["permission_reminder"])
    try:
        # When nobody knows what came of it, the intent stays open: the next pass looks for the audience.
        audience = sink.create(wanted)
    except (BadRequest, PermissionDenied) as error:
        outcome = ListOutcome(change=change, result=Result.REFUSED, detail=_words(error))
        _record(running, outcome)
        store.settle(intent, result=Result.REFUSED, detail={}, now=running.now())
        return _stopped(pairing), outcome
    done = replace(change, audience_id=audience.id)
    _record(running, ListOutcome(change=done, result=Result.APPLIED))
    store.forget_rows(client, change.list_uid)
    link = replace(pairing.link or _fresh_link(pairing), audience_id=audience.id)
    store.save_link(client, link)
    store.settle(intent, result=Result.APPLIED, detail={"audience": audience.id}, now=running.now())
    pairing = replace(
        pairing,
        audience=audience,
        link=link,
        changes=(done,),
    )
    return pairing, ListOutcome(change=done, result=Result.APPLIED)


def _link(
    running: Pass, _sink: AudienceSink, pairing: Pairing, change: ListChange
) -> tuple[Pairing, ListOutcome]:
    store, client = running.client.store, running.client.name
    before = next((link for link in store.links(client) if link.list_uid == change.list_uid), None)
    if before is not None and before.audience_id != change.audience_id:
        store.forget_rows(client, change.list_uid)
    predecessors = [store.base(client, uid) for uid in pairing.heir_of]
    moves = taken_over(store.base(client, change.list_uid), predecessors)
    store.move(running.id, client, change.list_uid, moves, running.now())
    if pairing.link is not None:
        store.save_link(client, pairing.link)
    _close_begun(running, change, Result.APPLIED)
    outcome = ListOutcome(change=change, result=Result.APPLIED)
    _record(running, outcome)
    return pairing, outcome


_CREATIONS = (IntentKind.CREATE_AUDIENCE, IntentKind.RESTORE_AUDIENCE)


def _close_begun(running: Pass, change: ListChange, result: str) -> None:
    """Close the creation that an earlier pass began for this list, if there is one."""
    store = running.client.store
    for intent in store.open_intents(running.client.name):
        if intent.list_uid == change.list_uid and intent.kind in _CREATIONS:
            if change.audience_id is not None and change.audience_id not in intent.detail["existing"].split():
                record_creation(running, intent)
            store.settle(intent.id, result=result, detail={}, now=running.now())


def _edit(
    running: Pass, sink: AudienceSink, pairing: Pairing, change: ListChange
) -> tuple[Pairing, ListOutcome]:
    audience_id = change.audience_id
    if audience_id is None:
        return pairing, ListOutcome(change=change, result=Result.ALREADY_TRUE)
    name, reminder = change.after.get("name"), change.after.get("permission_reminder")
    try:
        sink.edit(audience_id, name=name, permission_reminder=reminder)
    except BadRequest as error:
        outcome = ListOutcome(change=change, result=Result.REFUSED, detail=_words(error))
        _record(running, outcome)
        return pairing, outcome
    outcome = ListOutcome(change=change, result=Result.APPLIED)
    _record(running, outcome)
    if pairing.link is not None:
        link = replace(
            pairing.link,
            name=pairing.link.name if name is None else name,
            permission_reminder=pairing.link.permission_reminder if reminder is None else reminder,
        )
        running.client.store.save_link(running.client.name, link)
        pairing = replace(pairing, link=link)
    return pairing, outcome


def _unlink(running: Pass, pairing: Pairing, change: ListChange) -> tuple[Pairing, ListOutcome]:
    left = sum(
        row.state is BaseState.ACTIVE
        for row in running.client.store.base(running.client.name, change.list_uid).rows.values()
    )
    waits = pairing.waits or (f"{left} of our contacts are still there" if pairing.emptied and left else "")
    if not waits or pairing.link is None:
        return pairing, ListOutcome(change=change, result=Result.APPLIED)
    linked = replace(pairing, link=replace(pairing.link, state=LinkState.LINKED))
    return linked, ListOutcome(change=change, result=Result.RETRY_LATER, detail=waits)


_STEPS: dict[ListVerb, Callable[[Pass, AudienceSink, Pairing, ListChange], tuple[Pairing, ListOutcome]]] = {
    ListVerb.CREATE: _create,
    ListVerb.LINK: _link,
    ListVerb.RENAME_AUDIENCE: _edit,
    ListVerb.UPDATE_SETTINGS: _edit,
}


def _stopped(pairing: Pairing) -> Pairing:
    """An audience that did not come into being has no contacts to reconcile and no link."""
    return replace(pairing, link=None, syncs=False)


def _fresh_link(pairing: Pairing) -> Link:
    return Link(list_uid=pairing.list_uid, list_name=pairing.list_name, audience_id=None)


def _words(error: RemoteError) -> str:
    detail = error.detail if isinstance(error, BadRequest) else ""
    return detail or str(error)


def _record(running: Pass, outcome: ListOutcome) -> None:
    waiting = outcome.result in (Result.WITHHELD, Result.RETRY_LATER)
    if not waiting:
        running.client.store.record_list(running.id, running.client.name, outcome, running.now())
