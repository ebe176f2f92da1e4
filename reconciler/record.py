"""Keeps the plan of a pass: its lists before they are applied, its digest and proposals when it is over."""

import zlib
from datetime import timedelta

import msgspec

from reconciler.document import ListDocument, list_digest, list_document, plan_digest
from reconciler.report import ListReport, PassReport
from reconciler.running import Pass
from reconciler.store import StoredProposal


def keep_plan(running: Pass, report: ListReport) -> None:
    """Given what is planned for a list, keep it before anything of it is done.

    A plan that is the same as the last one kept is not kept again.
    """
    digest = list_digest(report)
    known = running.saved_plans.get(report.list_uid)
    if digest == known or (known is None and not report.eventful):
        return
    body = zlib.compress(msgspec.json.encode(list_document(report)))
    client = running.client
    client.store.save_plan(running.id, client.name, report.list_uid, digest, body, running.now())


def read_plan(body: bytes) -> ListDocument:
    """Given what was kept of a list's plan, return it."""
    return msgspec.json.decode(zlib.decompress(body), type=ListDocument)


def digest_of_pass(running: Pass, lists: tuple[ListReport, ...]) -> str:
    """Given all lists of a pass, return the digest of the whole plan."""
    digests = ((report.list_uid, list_digest(report)) for report in lists if report.eventful)
    return plan_digest(running.client.name, digests)


def propose(running: Pass, report: PassReport) -> None:
    """Given a pass that is over, let what it withheld wait for an approval, and forget what waited before."""
    client = running.client
    waiting = {proposal.digest for proposal in client.store.proposals(client.name, now=running.now())}
    proposals = [
        StoredProposal(
            digest=proposal.digest,
            list_uid=proposal.list_uid,
            verb=proposal.verb,
            count=len(proposal.changes),
            message=proposal.message,
            plan_digest=report.digest,
        )
        for proposal in report.proposals
        if proposal.approvable
    ]
    planned = [one.list_uid for one in report.lists if one.guarded is not None]
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
