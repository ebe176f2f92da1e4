"""Reports of passes to write mails about: short to write in a test, complete in what they hold."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.changes import NO_TEXT
from reconciler.diff import Rule
from reconciler.failure import FailureKind
from reconciler.guard import Danger, Guarded, Objection, Proposal
from reconciler.listing import Invalid
from reconciler.model import (
    Address,
    AudienceId,
    BaseMove,
    Change,
    ListChange,
    ListOutcome,
    ListUid,
    ListVerb,
    No,
    NoReason,
    Outcome,
    PassId,
    PassResult,
    Person,
    RefusalKind,
    Result,
    Tally,
    Verb,
)
from reconciler.plan import Facts, ListPlan
from reconciler.report import ListReport, PassReport, result_of

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
CLIENT = "acme"
COMPLETE = Tally(rows=0, declared_before=0, declared_after=0)


def people(count: int, *, domain: str = "zorg.nl") -> list[str]:
    return [f"persoon{number}@{domain}" for number in range(1, count + 1)]


def change(
    email: str, verb: Verb = Verb.ADD, *, reason: str = Rule.ADD, no: NoReason | None = None
) -> Change:
    address, person = Address(email), Person("candidate", str(len(email) * 37))
    said = None if no is None else No(address=address, persons=(person,), reason=no)
    return Change(
        verb=verb,
        address=address,
        reason=NO_TEXT[no] if no else str(reason),
        move=BaseMove(address=address, row=None, no=said),
        persons=(person,),
        consent=no is not None,
    )


def applied(emails: Iterable[str], verb: Verb = Verb.ADD, *, reason: str = Rule.ADD) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(change=change(email, verb, reason=reason), result=Result.APPLIED) for email in emails
    )


def noes(emails: Iterable[str], why: NoReason) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(change=change(email, Verb.SUPPRESS, no=why), result=Result.APPLIED) for email in emails
    )


def refused(
    emails: Iterable[str], kind: RefusalKind = RefusalKind.FAKE_ADDRESS, detail: str = ""
) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(change=change(email), result=Result.REFUSED, refusal=kind, detail=detail) for email in emails
    )


def listed(
    name: str = "Nieuwsbrief zorg",
    *outcomes: Outcome,
    uid: str = "1001",
    held: Iterable[Change] = (),
    invalid: tuple[Invalid, ...] = (),
    recipients: int = 100,
) -> ListReport:
    """Return the report of a list with these outcomes and these contacts that are left as they are."""
    changes = (*(outcome.change for outcome in outcomes), *held)
    plan = ListPlan(
        client=CLIENT,
        list_uid=ListUid(uid),
        list_name=name,
        audience_id=AudienceId(f"aud{uid}"),
        facts=facts(recipients),
        changes=changes,
        invalid=invalid,
    )
    return ListReport(
        list_uid=ListUid(uid),
        list_name=name,
        audience_id=AudienceId(f"aud{uid}"),
        guarded=Guarded(plan, changes),
        outcomes=outcomes,
    )


def planned_only(of: ListReport) -> ListReport:
    """Return the report as plan mode makes it: nothing came of anything."""
    return replace(of, outcomes=(), list_outcomes=())


def facts(recipients: int) -> Facts:
    return Facts(
        listed=recipients,
        active=recipients,
        missing=0,
        live=recipients,
        foreign=0,
        opted_out=0,
        standings={},
        recipients=COMPLETE,
        contacts=COMPLETE,
        synced_once=True,
    )


def withholding(
    of: ListReport, emails: Iterable[str], *, danger: Danger = Danger.REMOVALS, message: str = ""
) -> ListReport:
    """Return the report with removals that are withheld."""
    removing = tuple(change(email, Verb.REMOVE, reason=Rule.REMOVE) for email in emails)
    text = message or f"{len(removing)} of 100 would be removed; the limit is 10 % or 500"
    proposal = Proposal(
        client=CLIENT,
        list_uid=of.list_uid,
        list_name=of.list_name,
        verb=Verb.REMOVE,
        changes=removing,
        objections=(Objection(danger, text, removing),),
    )
    if of.guarded is None:
        raise AssertionError("only what was looked at can be withheld")
    plan = replace(of.guarded.plan, changes=(*of.guarded.plan.changes, *removing))
    guarded = replace(of.guarded, plan=plan, proposals=(*of.guarded.proposals, proposal))
    waiting = tuple(Outcome(change=one, result=Result.WITHHELD, detail=text) for one in removing)
    return replace(of, guarded=guarded, outcomes=(*of.outcomes, *waiting))


def broken(
    name: str = "Chauffeurs", *, uid: str = "1002", kind: FailureKind = FailureKind.UNREACHABLE
) -> ListReport:
    return ListReport(
        list_uid=ListUid(uid),
        list_name=name,
        audience_id=AudienceId(f"aud{uid}"),
        problem="Mailchimp: no answer within 30 s. Nothing is lost: the next pass tries again.",
        failure=kind,
    )


def audience_change(verb: ListVerb, reason: str, *, uid: str = "1003", name: str = "Techniek") -> ListChange:
    return ListChange(
        verb=verb, list_uid=ListUid(uid), list_name=name, audience_id=AudienceId(f"aud{uid}"), reason=reason
    )


def waiting_audience(name: str = "123", *, uid: str = "1004") -> ListReport:
    reason = (
        f"2 audiences and 3 flagged lists are called like this; name the pair under clients.NAME.links: "
        f'"{uid}" = "AUDIENCE ID"'
    )
    held = audience_change(ListVerb.HOLD, reason, uid=uid, name=name)
    return ListReport(list_uid=ListUid(uid), list_name=name, audience_id=None, list_changes=(held,))


def renamed_audience(*, uid: str = "1003") -> ListReport:
    edit = replace(
        audience_change(ListVerb.RENAME_AUDIENCE, "changed in OTYS", uid=uid),
        before={"name": "Techniek"},
        after={"name": "Techniek & Bouw"},
    )
    told = ListOutcome(change=edit, result=Result.APPLIED)
    return replace(
        listed("Techniek & Bouw", *applied(people(2, domain="bouw.nl")), uid=uid),
        list_changes=(edit,),
        list_outcomes=(told,),
    )


def report(
    *lists: ListReport,
    result: PassResult | None = None,
    problems: tuple[str, ...] = (),
    failure: FailureKind | None = None,
    mode: str = "apply",
    only: str | None = None,
) -> PassReport:
    """Return the report of a pass over these lists."""
    return PassReport(
        client=CLIENT,
        mode=mode,
        pass_id=PassId(4711),
        only=None if only is None else ListUid(only),
        started_at=NOW - timedelta(seconds=83),
        ended_at=NOW,
        result=result or result_of(lists, plan_mode=mode == "plan", failed=failure is not None),
        lists=lists,
        problems=problems,
        failure=failure,
        digest="d1" * 32,
    )


def rich_report() -> PassReport:
    """Return a pass with something of everything."""
    detail = "nep.persoon@voorbeeld.nl looks fake or invalid, please enter a real email address."
    eventful = listed(
        "Nieuwsbrief <b>zorg</b> & welzijn",
        *applied(people(1234)),
        *applied(people(12, domain="thuis.nl"), Verb.UPDATE, reason="changed in OTYS"),
        *applied(people(3, domain="weg.nl"), Verb.REMOVE, reason=Rule.REMOVE),
        *noes(people(2, domain="nee.nl"), NoReason.UNSUBSCRIBED),
        *noes(people(1, domain="kapot.nl"), NoReason.BOUNCED),
        *refused(["nep.persoon@voorbeeld.nl"], detail=detail),
        held=(
            change(email, Verb.HOLD, reason=Rule.HOLD_ARCHIVED) for email in people(14, domain="archief.nl")
        ),
        invalid=(
            Invalid(Person("contact", "77"), "jan@@zorg.nl", "The part before the @-sign is not valid."),
            Invalid(Person("relation", "5"), "", "it is empty"),
        ),
    )
    return report(
        withholding(eventful, people(30, domain="afscheid.nl")),
        broken(),
        waiting_audience(),
        renamed_audience(),
        *(listed(f"Rustig {number}", uid=f"20{number:02}") for number in range(8)),
    )
