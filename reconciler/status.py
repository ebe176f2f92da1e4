"""How a client stands by what the store remembers: one value for text, JSON and the web page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from reconciler.model import LinkState, ListUid, PassResult
from reconciler.store import ListCounts, PassRecord, Store, StoredProposal
from reconciler.trust import Trust, TrustState, told
from reconciler.unresolved import Unresolved, unresolved

_TAKEN_UP_IS_TOLD: Final = timedelta(days=7)


class PassSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One pass in short."""

    id: int
    mode: str
    trigger: str
    started_at: str
    ended_at: str | None
    result: str | None
    """None while it runs, and for ever when it was killed."""
    counts: Mapping[str, int]
    problems: Sequence[str]


class Withheld(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for an approval, or was approved and waits for the next pass."""

    digest: str
    list: str
    list_name: str
    verb: str
    count: int
    message: str
    expires: str | None
    approved_at: str | None
    approved_by: str


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """How much is remembered."""

    lists_linked: int
    lists_unlinked: int
    contacts: int
    """Contacts that are ours and subscribed, as last synced."""
    nos: int
    refusals: int


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """Who works on the client, or was killed while doing so."""

    holder: str
    since: str
    stale: bool


class ClientStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one client stands."""

    client: str
    mode: str
    last_pass: PassSummary | None
    last_success: PassSummary | None
    withheld: Sequence[Withheld]
    remembered: Remembered
    lock: Lock | None
    unresolved: Sequence[Unresolved] = ()
    """What stays undone until a person resolves it."""
    opt_outs: int = 0
    """How many opt-outs in Mailchimp OTYS does not know of."""
    catalogue: str = ""
    """How far the Last modified of lists in OTYS is relied on; empty where it was never seen to matter."""
    taken_up: str = ""
    """What the database, older than its log of nos, took up from it in the last week."""
    next: str
    """What the operator does next."""
    command: str = ""
    """The arguments of `reconciler` for it; empty when there is nothing to run."""


def client_status(store: Store, client: str, *, mode: str, now: datetime) -> ClientStatus:
    """Given a client, return how it stands. Asks no network. Raise StoreError if the store cannot be read."""
    last = next(iter(store.passes(client, limit=1)), None)
    counts = store.counts(client)
    lock = store.lock_record(client)
    waiting = store.proposals(client, now=now)
    running = lock is not None and not lock.left_behind(now)
    left = unresolved(store, client, running=running)
    step = _next_step(_Facts(client, mode, last, waiting, running, left))
    return ClientStatus(
        client=client,
        mode=mode,
        last_pass=_summary(last),
        last_success=_summary(store.last_success(client)),
        withheld=tuple(_withheld(one, counts) for one in waiting),
        remembered=Remembered(
            lists_linked=sum(one.state is LinkState.LINKED for one in counts.values()),
            lists_unlinked=sum(one.state is LinkState.UNLINKED for one in counts.values()),
            contacts=sum(one.active for one in counts.values()),
            nos=sum(one.nos for one in counts.values()),
            refusals=sum(one.refusals for one in counts.values()),
        ),
        lock=None
        if lock is None
        else Lock(holder=lock.holder, since=lock.since.isoformat(), stale=not running),
        unresolved=left,
        opt_outs=len(store.opt_outs(client)),
        catalogue=_catalogue(store.catalogue_trust(client)),
        taken_up=_taken_up(store, now),
        next=step[0],
        command=step[1],
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    client: str
    mode: str
    last: PassRecord | None
    waiting: Sequence[StoredProposal]
    running: bool
    left: Sequence[Unresolved]


def _next_step(facts: _Facts) -> tuple[str, str]:
    """The first thing that holds the client up, and the command that looks into it."""
    result = None if facts.last is None else facts.last.result
    unapproved = any(one.approved_at is None for one in facts.waiting)
    only = f" --client {facts.client}"
    steps = (
        (facts.running, "a pass is running: wait for it", ""),
        (facts.last is None, "no pass was made yet: see what the first one would do", f"plan{only}"),
        (result is None, "the last pass was cut off: the next one goes on from there", f"once{only}"),
        (result is PassResult.FAILED, "the last pass failed: find out why", f"doctor{only}"),
        (result is PassResult.OFF, "switch the integration on in OTYS (setting 3109)", f"doctor{only}"),
        (unapproved, "look at what is withheld, then approve it or correct it in OTYS", f"plan{only}"),
        (bool(facts.waiting), "the next pass carries out what was approved", f"once{only}"),
        (result is PassResult.WITHHELD, "something is held until a person decides: see what", f"plan{only}"),
        (
            bool(facts.left),
            "some of it is left undone until a person decides: see who and why",
            f"plan{only} --all",
        ),
        (facts.mode == "plan", 'set mode = "apply" when the plan is right', f"plan{only}"),
    )
    return next(((text, command) for due, text, command in steps if due), ("nothing: all is in step", ""))


def _summary(record: PassRecord | None) -> PassSummary | None:
    if record is None:
        return None
    return PassSummary(
        id=record.id,
        mode=record.mode,
        trigger=record.trigger,
        started_at=record.started_at.isoformat(),
        ended_at=_moment(record.ended_at),
        result=record.result,
        counts=record.counts,
        problems=record.problems,
    )


def _withheld(proposal: StoredProposal, counts: Mapping[ListUid, ListCounts]) -> Withheld:
    known = counts.get(proposal.list_uid)
    return Withheld(
        digest=proposal.digest,
        list=proposal.list_uid,
        list_name="" if known is None else known.list_name,
        verb=proposal.verb,
        count=proposal.count,
        message=proposal.message,
        expires=_moment(proposal.expires),
        approved_at=_moment(proposal.approved_at),
        approved_by=proposal.approved_by,
    )


def _catalogue(trust: Trust) -> str:
    """What is being learnt is nobody's business yet."""
    return "" if trust.state is TrustState.WATCHED else told(trust, allowed=True)


def _taken_up(store: Store, now: datetime) -> str:
    once = store.taken_up()
    if once is None or now - once.at > _TAKEN_UP_IS_TOLD:
        return ""
    return (
        f"the database was older than its log of nos, from which it took up {once.what} "
        f"on {once.at:%Y-%m-%d %H:%M} UTC"
    )


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
