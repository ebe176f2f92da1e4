"""One pass of one client, from the first look at OTYS to the report."""

import os
import socket
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog
from structlog.contextvars import bound_contextvars

from reconciler.client import Client
from reconciler.contacts import list_report, reconcile_contacts
from reconciler.errors import (
    CredentialsRejected,
    LockHeld,
    ReconcilerError,
    RemoteError,
    StoreError,
    in_words,
)
from reconciler.failure import FailureKind, kind_of
from reconciler.lifecycle import let_go, remember_link, settle_audience, take_down
from reconciler.linking import pair_lists
from reconciler.look import close_intents, look_around
from reconciler.model import Integration, Link, ListUid, PassId, PassResult
from reconciler.pairing import Pairing, is_deletion
from reconciler.record import digest_of_pass, drop_plans, keep_plan, propose, trigger_of
from reconciler.report import ListReport, PassReport, result_of
from reconciler.running import Pass
from reconciler.store import HeldLock
from reconciler.threads import threads

LEASE = timedelta(minutes=2)
STOPPED = "stopped: the program was told to stop; the next pass goes on where this one ended"
OTYS = "OTYS"

_log = structlog.get_logger(__name__)


def reconcile(
    client: Client, *, trigger: str, only: ListUid | None = None, pass_id: PassId | None = None
) -> PassReport:
    """Given a client, run one pass of it, or of one of its lists; return what became of it.

    The pass goes by `pass_id` if one was reserved. What fails about the client or a list is in the report.
    Raise LockHeld when another pass of the client runs, and StoreError when what is done cannot be
    remembered.
    """
    holder = f"{trigger}, process {os.getpid()} on {socket.gethostname()}"
    with client.store.lock(client.name, holder, lease=LEASE, now=client.now) as lock:
        return _recorded(client, _began(client, trigger, only, pass_id), only, lock)


def make_plan(client: Client, *, only: ListUid | None = None) -> PassReport:
    """Given a client in plan mode, return what a pass would do. Waits for nobody, as it writes nothing."""
    return _recorded(client, _began(client, "plan", only, None), only, None)


def _began(client: Client, trigger: str, only: ListUid | None, reserved: PassId | None) -> PassId:
    told, now = trigger_of(trigger, only), client.now()
    if reserved is None:
        return client.store.begin_pass(client.name, mode=client.mode, trigger=told, now=now)
    client.store.begin_reserved(reserved, mode=client.mode, trigger=told, now=now)
    return reserved


def _recorded(client: Client, pass_id: PassId, only: ListUid | None, lock: HeldLock | None) -> PassReport:
    with bound_contextvars(client=client.name, pass_id=pass_id):
        return _reported(client, pass_id, only, lock)


def _reported(client: Client, pass_id: PassId, only: ListUid | None, lock: HeldLock | None) -> PassReport:
    before = client.requests()
    report = _attempt(client, pass_id, only, lock)
    made = {system: count - before.get(system, 0) for system, count in client.requests().items()}
    report = replace(report, requests=made)
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


def _attempt(client: Client, pass_id: PassId, only: ListUid | None, lock: HeldLock | None) -> PassReport:
    blank = PassReport(
        client=client.name,
        mode=client.mode,
        pass_id=pass_id,
        only=only,
        started_at=client.now(),
        ended_at=client.now(),
        result=PassResult.OFF,
    )
    try:
        integration = client.lists.integration()
        if integration.enabled:
            with client.open_mailchimp(integration) as mailchimp:
                running = Pass(client=client, id=pass_id, mailchimp=mailchimp, lock=lock)
                return _pass(running, blank, integration, only)
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


def _pass(running: Pass, blank: PassReport, integration: Integration, only: ListUid | None) -> PassReport:
    client = running.client
    inventory, running, problems = look_around(running, integration)
    client.stop.check(OTYS)
    close_intents(running, inventory)
    pairings = pair_lists(inventory, policy=client.policy, limits=client.limits, now=client.now())
    drop_plans(running, {pairing.list_uid for pairing in pairings})
    chosen = [pairing for pairing in pairings if only in (None, pairing.list_uid)]
    unknown = _unknown_list(only, pairings)
    client.watcher.began(client.name, len(chosen))
    lists = _reconcile_lists(running, chosen, {link.list_uid: link for link in inventory.links})
    report = replace(
        blank,
        ended_at=client.now(),
        lists=lists,
        problems=(*problems, *unknown),
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
    propose(running, report)
    return report


def _reconcile_lists(
    running: Pass, pairings: Sequence[Pairing], links: dict[ListUid, Link]
) -> tuple[ListReport, ...]:
    """Lists are worked on side by side; audiences are deleted last, when everything else is safe."""
    last = [pairing for pairing in pairings if is_deletion(pairing)]
    first = [pairing for pairing in pairings if not is_deletion(pairing)]
    reports: list[ListReport] = []
    for group in (first, last):
        with threads(running.client.workers, "list") as workers:
            jobs = [
                workers.submit(_reconcile_list, running, pairing, links.get(pairing.list_uid))
                for pairing in group
            ]
            reports.extend(job.result() for job in jobs)
    return tuple(reports)


def _reconcile_list(running: Pass, pairing: Pairing, before: Link | None) -> ListReport:
    with bound_contextvars(list=pairing.list_uid):
        return _isolated(running, pairing, before)


def _isolated(running: Pass, pairing: Pairing, before: Link | None) -> ListReport:
    """One failing list never stops another, unless it shows that none can work."""
    if running.stopped.is_set():
        return replace(list_report(pairing), problem="not tried: Mailchimp rejected the key")
    try:
        running.client.stop.check(OTYS)
        report = _work_on(running, pairing, before)
    except RemoteError as error:
        if isinstance(error, CredentialsRejected):
            running.stopped.set()
        report = replace(list_report(pairing), problem=in_words(error), failure=kind_of(error))
    except ReconcilerError:
        raise
    except Exception as error:  # noqa: BLE001 - a defect costs this one list, and is told with its trace
        _log.exception("list_crashed")
        problem = f"this program has a defect ({type(error).__name__}); its log says where. Please report it."
        report = replace(list_report(pairing), problem=problem, failure=FailureKind.OTHER)
    running.client.watcher.finished_list(running.client.name, report)
    return report


def _work_on(running: Pass, pairing: Pairing, before: Link | None) -> ListReport:
    pairing, settled = settle_audience(running, pairing)
    reconciled = reconcile_contacts(running, pairing) if pairing.syncs else None
    pairing, left = let_go(running, pairing)
    pairing, gone = take_down(running, pairing)
    first_sync = False
    if reconciled is not None and reconciled.in_step and pairing.link is not None:
        first_sync = running.sink is not None and not pairing.link.synced_once
        pairing = replace(pairing, link=replace(pairing.link, synced_once=True))
    remember_link(running, pairing, before)
    report = list_report(pairing, reconciled)
    report = replace(
        report, list_outcomes=(*settled, *report.list_outcomes, *left, *gone), first_sync=first_sync
    )
    if running.sink is None or reconciled is None:
        keep_plan(running, report)
    return report


def _unknown_list(only: ListUid | None, pairings: Sequence[Pairing]) -> tuple[str, ...]:
    if only is None or any(pairing.list_uid == only for pairing in pairings):
        return ()
    return (f"list {only} is neither flagged in GE203 nor linked; `reconciler lists` shows those that are",)
