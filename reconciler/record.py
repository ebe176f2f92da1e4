"""Keeps the plan of a pass: its lists before they are applied, its digest and proposals when it is over."""

import zlib
from collections.abc import Collection, Iterator
from datetime import timedelta

import msgspec

from reconciler.document import ListDocument, list_digest, list_document, plan_digest
from reconciler.guard import Guarded, Proposal
from reconciler.model import ListUid
from reconciler.report import ListReport, PassReport, is_writing
from reconciler.running import Pass
from reconciler.store import StoredProposal

_ONLY = " --list "


def keep_plan(running: Pass, report: ListReport) -> None:
    """Given what is planned for a list, keep it before anything of it is done.

    A plan that is the same as the last one kept is not kept again, unless some of it is about to be written:
    that may have waited then, and the next pass has to find it if this one is cut off.
    """
    digest = list_digest(running.client.name, report)
    known = running.saved_plans.get(report.list_uid)
    if (digest == known and not _writes(running, report)) or (known is None and not report.eventful):
        return
    body = zlib.compress(msgspec.json.encode(list_document(report)))
    client = running.client
    client.store.save_plan(running.id, client.name, report.list_uid, digest, body, running.now())


def _writes(running: Pass, report: ListReport) -> bool:
    guarded = report.guarded
    return running.sink is not None and guarded is not None and any(map(is_writing, guarded.allowed))


def drop_plans(running: Pass, paired: Collection[ListUid]) -> None:
    """Given the lists that a pass has to do with, keep for every other one that nothing is planned."""
    for uid in running.saved_plans.keys() - paired:
        keep_plan(running, ListReport(list_uid=uid, list_name="", audience_id=None))


def trigger_of(trigger: str, only: ListUid | None) -> str:
    """Given what started a pass and the one list it is about, if any, return what is recorded of that."""
    return trigger if only is None else f"{trigger}{_ONLY}{only}"


def scope_of(trigger: str) -> ListUid | None:
    """Given the recorded trigger of a pass, return the one list it was about; None: it was about all."""
    _, _, only = trigger.partition(_ONLY)
    return ListUid(only) if only else None


def read_plan(body: bytes) -> ListDocument:
    """Given what was kept of a list's plan, return it."""
    return msgspec.json.decode(zlib.decompress(body), type=ListDocument)


def digest_of_pass(running: Pass, lists: tuple[ListReport, ...]) -> str:
    """Given all lists of a pass, return the digest of the whole plan."""
    digests = (
        (report.list_uid, list_digest(running.client.name, report)) for report in lists if report.eventful
    )
    return plan_digest(running.client.name, digests)


def propose(running: Pass, report: PassReport) -> None:
    """Given a pass that is over, let what it withheld wait for an approval, and forget what waited before."""
    client = running.client
    waiting = {proposal.digest for proposal in client.store.proposals(client.name, now=running.now())}
    # An approval that this pass did not use up still waits: looking at the plan must not undo it.
    unused = [proposal for proposal in _released(report) if proposal.digest in waiting]
    proposals = [
        StoredProposal(
            digest=proposal.digest,
            list_uid=proposal.list_uid,
            verb=proposal.verb,
            count=len(proposal.changes),
            message=proposal.message,
            plan_digest=report.digest,
        )
        for proposal in (*report.proposals, *unused)
        if proposal.approvable
    ]
    # What half a look shows is no answer: what waited then goes on waiting.
    planned = [one.list_uid for one in report.lists if one.guarded is not None and _read_whole(one.guarded)]
    if {proposal.digest for proposal in proposals} == waiting == set():
        return
    client.store.propose(
        running.id,
        client.name,
        proposals,
        running.now() + timedelta(hours=client.limits.proposal_hours),
        running.now(),
        planned=planned,
    )


def _read_whole(guarded: Guarded) -> bool:
    return guarded.plan.facts.recipients.complete and guarded.plan.facts.contacts.complete


def _released(report: PassReport) -> Iterator[Proposal]:
    return (proposal for one in report.lists if one.guarded is not None for proposal in one.guarded.released)
