"""One pass of one client, from the first look at OTYS to the report."""

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias

from structlog.contextvars import bound_contextvars

from reconciler.at_rest import rules_of
from reconciler.client import Client
from reconciler.deletion import drop_old_backups
from reconciler.errors import LockHeld, ReconcilerError, StoreError, in_words
from reconciler.failure import FailureKind, kind_of
from reconciler.keep_sides import close_sides
from reconciler.linking import pair_lists
from reconciler.lists import OTYS, reconcile_lists
from reconciler.look import close_intents, look_around
from reconciler.model import Integration, ListUid, PassId, PassResult
from reconciler.optouts import tell_otys
from reconciler.pairing import Inventory, Pairing
from reconciler.record import digest_of_pass, drop_plans, propose, trigger_of
from reconciler.report import NO_TRAFFIC, ListReport, OptOutsReport, PassReport, result_of
from reconciler.running import Pass
from reconciler.shortcuts import keep_evidence
from reconciler.store import HeldLock
from reconciler.wording import counted

LEASE = timedelta(minutes=2)
STOPPED = "stopped: the program was told to stop; the next pass goes on where this one ended"

OperatorsWork: TypeAlias = Callable[[Pass, tuple[Pairing, ...]], tuple[ListReport, ...]]
"""Gets a pass and every pairing of the client; returns a report of each list that it had to do with."""


def reconcile(
    client: Client,
    *,
    trigger: str,
    only: ListUid | None = None,
    pass_id: PassId | None = None,
    full: bool = False,
) -> PassReport:
    """Given a client, run one pass of it, or of one of its lists; return what became of it.

    A `full` one reads every list whole, whatever is known of it. The pass goes by `pass_id` if one was
    reserved. What fails about the client or a list is in the report.
    Raise LockHeld when another pass of the client runs, and StoreError when what is done cannot be
    remembered.
    """
    with _locked(client, trigger, mark=client.unchanged.mark) as lock:
        begun = _began(client, trigger, only, pass_id)
        if not client.unchanged.begin(begun, rules_of(client), alone=lock.alone):
            client.unchanged.recall(client.store.rests(client.name))
        if full:
            client.unchanged.forget(only)
        return _recorded(client, begun, _Order(only=only), lock)


def make_plan(client: Client, *, only: ListUid | None = None) -> PassReport:
    """Given a client in plan mode, return what a pass would do. Waits for nobody, as it writes nothing."""
    return _recorded(client, _began(client, "plan", only, None), _Order(only=only), None)


def operate(client: Client, *, trigger: str, work: OperatorsWork) -> PassReport:
    """Given a client and what an operator wants done to its lists, do it as a pass of its own.

    Nothing else is done about the lists. Fails like `reconcile`; in plan mode it waits for nobody.
    """
    with _locked(client, trigger) if client.mode == "apply" else nullcontext() as lock:
        return _recorded(client, _began(client, trigger, None, None), _Order(work=work), lock)


@dataclass(frozen=True, slots=True)
class _Order:
    """What a pass is to do."""

    only: ListUid | None = None
    """The one list it is about; None: all."""
    work: OperatorsWork | None = None
    """What an operator wants done instead of reconciling."""


def _locked(client: Client, trigger: str, *, mark: str = "") -> AbstractContextManager[HeldLock]:
    holder = f"{trigger}, process {os.getpid()} on {socket.gethostname()}"
    return client.store.lock(client.name, holder, lease=LEASE, now=client.now, mark=mark)


def _began(client: Client, trigger: str, only: ListUid | None, reserved: PassId | None) -> PassId:
    told, now = trigger_of(trigger, only), client.now()
    if reserved is None:
        return client.store.begin_pass(client.name, mode=client.mode, trigger=told, now=now)
    client.store.begin_reserved(reserved, mode=client.mode, trigger=told, now=now)
    return reserved


def _recorded(client: Client, pass_id: PassId, order: _Order, lock: HeldLock | None) -> PassReport:
    with bound_contextvars(client=client.name, pass_id=pass_id):
        return _reported(client, pass_id, order, lock)


def _reported(client: Client, pass_id: PassId, order: _Order, lock: HeldLock | None) -> PassReport:
    before = client.traffic()
    report = _attempt(client, pass_id, order, lock)
    traffic = {system: now - before.get(system, NO_TRAFFIC) for system, now in client.traffic().items()}
    report = replace(report, traffic=traffic)
    client.store.end_pass(
        pass_id,
        result=report.result,
        counts=report.counts(),
        problems=report.all_problems,
        now=client.now(),
        plan_digest=report.digest,
    )
    client.watcher.finished(report)
    return report


def _attempt(client: Client, pass_id: PassId, order: _Order, lock: HeldLock | None) -> PassReport:
    blank = PassReport(
        client=client.name,
        mode=client.mode,
        pass_id=pass_id,
        only=order.only,
        started_at=client.now(),
        ended_at=client.now(),
        result=PassResult.OFF,
    )
    try:
        integration = client.lists.integration()
        if integration.enabled:
            with client.open_mailchimp(integration) as mailchimp:
                running = Pass(client=client, id=pass_id, mailchimp=mailchimp, lock=lock)
                return _pass(running, blank, integration, order)
        off = "the integration is switched off in OTYS (setting 3109): nothing was read or written"
        return replace(blank, ended_at=client.now(), problems=(off,))
    except (StoreError, LockHeld):
        raise
    except ReconcilerError as error:
        return replace(
            blank,
            ended_at=client.now(),
            result=PassResult.FAILED,
            problems=(in_words(error),),
            failure=kind_of(error),
        )


def _pass(running: Pass, blank: PassReport, integration: Integration, order: _Order) -> PassReport:
    client = running.client
    inventory, running, problems = look_around(running, integration)
    client.stop.check(OTYS)
    inventory = close_intents(running, inventory)
    pairings = pair_lists(inventory, policy=client.policy, limits=client.limits, now=client.now())
    opt_outs: OptOutsReport | None = None
    if order.work is None:
        lists, opt_outs = _reconciled(running, inventory, pairings, order.only)
    else:
        lists = order.work(running, pairings)
    close_sides(running, order.only)
    drop_old_backups(running)
    unknown = _unknown_list(order.only, pairings)
    report = replace(
        blank,
        ended_at=client.now(),
        lists=lists,
        opt_outs=opt_outs,
        kept=len(running.seen),
        catalogue=keep_evidence(running),
        problems=(*problems, *unknown, *_untold(opt_outs)),
        digest=digest_of_pass(running, lists),
        result=result_of(lists, plan_mode=running.sink is None, failed=bool(unknown)),
    )
    if client.stop.asked:
        # What it withheld came of half a look: what waits for an approval goes on waiting.
        return replace(
            report,
            result=PassResult.FAILED,
            problems=(*report.problems, STOPPED),
            failure=FailureKind.STOPPED,
        )
    if order.work is None:
        propose(running, report)
    return report


def _reconciled(
    running: Pass, inventory: Inventory, pairings: Sequence[Pairing], only: ListUid | None
) -> tuple[tuple[ListReport, ...], OptOutsReport]:
    """OTYS is told who opted out as soon as that is durable, before anybody is added anywhere."""
    drop_plans(running, {pairing.list_uid for pairing in pairings})
    chosen = [pairing for pairing in pairings if only in (None, pairing.list_uid)]
    running.client.watcher.began(running.client.name, len(chosen))
    links = {link.list_uid: link for link in inventory.links}
    told: list[OptOutsReport] = []
    lists = reconcile_lists(running, chosen, links, before_writing=lambda: told.append(tell_otys(running)))
    [opt_outs] = told
    return lists, opt_outs


def _untold(opt_outs: OptOutsReport | None) -> tuple[str, ...]:
    """It is told as a note: one person whom OTYS refuses must not make every pass a failed one."""
    if opt_outs is None or not opt_outs.problem:
        return ()
    owed = counted(opt_outs.owed, "opt-out")
    return (f"OTYS was not told of {owed}, `reconciler optouts` names them: {opt_outs.problem}",)


def _unknown_list(only: ListUid | None, pairings: Sequence[Pairing]) -> tuple[str, ...]:
    if only is None or any(pairing.list_uid == only for pairing in pairings):
        return ()
    return (f"list {only} is neither flagged in GE203 nor linked; `reconciler lists` shows those that are",)
