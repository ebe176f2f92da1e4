"""A report as JSON: what `--json` prints, what is kept with a pass, and what can be read again. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from reconciler.effort import NO_EFFORT, Effort, effort_of
from reconciler.guard import Proposal
from reconciler.model import (
    Change,
    Fields,
    ListChange,
    ListOutcome,
    ListUid,
    ListVerb,
    Outcome,
    Result,
    Verb,
)
from reconciler.plan import Refused, digest_of
from reconciler.report import ListReport, PassReport

PLANNED = "planned"
"""The result of a change that was not to be carried out: in plan mode, or before its grace period is over."""


FORGOTTEN = "address "
"""Begins what stands for an address of which only the keyed hash is left, its plan being forgotten."""


class ChangeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a contact, or of an audience when it has no `email`."""

    list: str
    list_name: str
    audience: str | None
    verb: str
    email: str | None
    reason: str
    before: Mapping[str, str] = {}
    after: Mapping[str, str] = {}
    persons: Sequence[str] = ()
    consent: bool = False
    """Whether it honours a no."""
    result: str | None = None
    """A `Result` or PLANNED; None where it is not known what became of it."""
    detail: str = ""

    @property
    def is_forgotten(self) -> bool:
        """Whether it is not known any more whom it was about."""
        return self.email is not None and self.email.startswith(FORGOTTEN)


class ProposalDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What is withheld, and the digest whose approval releases it."""

    digest: str
    list: str
    list_name: str
    verb: str
    count: int
    message: str
    approvable: bool


class InvalidDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient that has no usable address."""

    person: str
    email: str
    reason: str


class ListDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One list of a plan or a pass."""

    list: str
    list_name: str
    audience: str | None
    problem: str = ""
    waits: str = ""
    counts: Mapping[str, int] = {}
    changes: Sequence[ChangeDocument] = ()
    refused: Sequence[ChangeDocument] = ()
    invalid: Sequence[InvalidDocument] = ()
    withheld: Sequence[ProposalDocument] = ()


class PassDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A whole plan or pass."""

    client: str
    pass_id: int | None
    mode: str
    result: str
    digest: str
    started_at: str
    ended_at: str | None
    counts: Mapping[str, int]
    problems: Sequence[str]
    requests: Mapping[str, int]
    bytes_read: Mapping[str, int] = {}
    """Of the services' answers, unpacked; empty of passes before it was counted."""
    changes: Sequence[ChangeDocument]
    withheld: Sequence[ProposalDocument]
    lists: Sequence[ListDocument]


def pass_document(report: PassReport) -> PassDocument:
    """Given the report of a pass that is over, return it as a document with a result for every change.

    `changes` holds those of all lists; `lists` holds the lists of which there is something to tell.
    """
    lists = tuple(_settled(list_document(one), report.mode) for one in report.lists)
    return PassDocument(
        client=report.client,
        pass_id=report.pass_id,
        mode=report.mode,
        result=report.result,
        digest=report.digest,
        started_at=report.started_at.isoformat(),
        ended_at=report.ended_at.isoformat(),
        counts=report.counts(),
        problems=report.problems,
        requests=report.requests,
        bytes_read={system: one.bytes_read for system, one in report.traffic.items()},
        changes=tuple(change for one in lists for change in one.changes),
        withheld=tuple(proposal for one in lists for proposal in one.withheld),
        lists=tuple(
            one
            for one, of in zip(lists, report.lists, strict=True)
            if of.eventful or one.refused or one.invalid
        ),
    )


def list_document(report: ListReport) -> ListDocument:
    """Given what is known about one list, return it as a document."""
    withheld = {id(change) for proposal in report.proposals for change in proposal.changes}
    settled = {id(outcome.change): outcome for outcome in report.list_outcomes}
    results = {id(outcome.change): outcome for outcome in report.outcomes}
    plan = None if report.guarded is None else report.guarded.plan
    return ListDocument(
        list=report.list_uid,
        list_name=report.list_name,
        audience=report.audience_id,
        problem=report.problem,
        waits=report.waits,
        counts={}
        if plan is None
        else {
            "listed": plan.facts.listed,
            "active": plan.facts.active,
            "live": plan.facts.live,
            "foreign": plan.facts.foreign,
            "invalid": len(plan.invalid),
            "shared": plan.facts.shared,
        },
        changes=(
            *(_of_list(change, settled.get(id(change))) for change in report.list_changes),
            *(
                _of_contact(report, change, results.get(id(change)), withheld=id(change) in withheld)
                for change in report.changes
            ),
        ),
        refused=() if plan is None else tuple(_of_refused(report, refused) for refused in plan.refused),
        invalid=()
        if plan is None
        else tuple(
            InvalidDocument(person=str(one.person), email=one.email, reason=one.reason)
            for one in plan.invalid
        ),
        withheld=tuple(proposal_document(proposal) for proposal in report.proposals),
    )


def proposal_document(proposal: Proposal) -> ProposalDocument:
    """Given what is withheld, return it as a document."""
    return ProposalDocument(
        digest=proposal.digest,
        list=proposal.list_uid,
        list_name=proposal.list_name,
        verb=proposal.verb,
        count=len(proposal.changes),
        message=proposal.message,
        approvable=proposal.approvable,
    )


def effort_of_plan(document: PassDocument) -> Effort:
    """Given a plan, return what it takes to write what is planned; nothing of a pass that wrote it."""
    efforts = (
        effort_of(change for change in one.changes if change.email is not None and change.result == PLANNED)
        for one in document.lists
    )
    return sum(efforts, NO_EFFORT)


def effort_of_proposal(document: PassDocument, proposal: ProposalDocument) -> Effort:
    """Given a pass and what it withheld, return what it takes to write that when it is released."""
    kind = (proposal.list, proposal.verb, Result.WITHHELD)
    return effort_of(
        change for change in document.changes if (change.list, change.verb, change.result) == kind
    )


def list_digest(client: str, report: ListReport) -> str:
    """Given what is planned for one list of a client, return the digest of it."""
    return digest_of(client, report.list_uid, (*report.list_changes, *report.changes))


def plan_digest(client: str, digests: Iterable[tuple[ListUid, str]]) -> str:
    """Given the digests of a client's lists, return the digest of the whole plan."""
    return hashlib.sha256(msgspec.json.encode([client, sorted(digests)])).hexdigest()


def _of_list(change: ListChange, outcome: ListOutcome | None) -> ChangeDocument:
    return ChangeDocument(
        list=change.list_uid,
        list_name=change.list_name,
        audience=change.audience_id,
        verb=change.verb,
        email=None,
        reason=change.reason,
        before=change.before,
        after=change.after,
        result=_result(outcome, withheld=change.verb is ListVerb.HOLD),
        detail=outcome.detail if outcome else "",
    )


def _of_contact(
    report: ListReport,
    change: Change,
    outcome: Outcome | None,
    *,
    withheld: bool = False,
    detail: str = "",
) -> ChangeDocument:
    return ChangeDocument(
        list=report.list_uid,
        list_name=report.list_name,
        audience=report.audience_id,
        verb=change.verb,
        email=change.address,
        reason=change.reason,
        before=_with_email(change.before, change),
        after=change.after,
        persons=tuple(str(person) for person in change.persons),
        consent=change.consent,
        result=_result(outcome, withheld=withheld or change.verb is Verb.HOLD),
        detail=outcome.detail if outcome else detail,
    )


def _result(outcome: Outcome | ListOutcome | None, *, withheld: bool) -> str | None:
    if outcome is not None:
        return outcome.result
    return Result.WITHHELD if withheld else None


def _settled(one: ListDocument, mode: str) -> ListDocument:
    """Where a list failed, the next pass tries what this one did not come to."""
    open_end = PLANNED if mode == "plan" or one.waits else Result.RETRY_LATER.value
    changes = (
        change if change.result is not None else replace(change, result=open_end) for change in one.changes
    )
    return replace(one, changes=tuple(changes))


def _with_email(before: Fields, change: Change) -> Fields:
    """Where the person changed the address in Mailchimp, say which contact is meant."""
    if change.contact is None or change.contact.address == change.address:
        return before
    return {"email": change.contact.address, **before}


def _of_refused(report: ListReport, refused: Refused) -> ChangeDocument:
    return _of_contact(
        report, refused.change, None, detail=f"{refused.refusal.kind}: {refused.refusal.detail}"
    )
