"""What stays undone until a person resolves it, told for as long as it lasts and not only when it came up."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from reconciler.document import ListDocument
from reconciler.model import ListVerb, Result, Verb
from reconciler.record import read_plan
from reconciler.store import PassRecord, Store

LOOKED_EVERYWHERE = "invalid"
"""A count that only a pass which looked at every list keeps, even if it is 0."""
_LATEST = 100


class Kind(StrEnum):
    """What is not done."""

    HELD = "held"
    """A contact is left as it is."""
    AUDIENCE = "audience"
    """A change of an audience waits."""
    REFUSED = "refused"
    """Mailchimp refused a change of a contact, or a person undid it."""
    INVALID = "invalid"
    """A recipient has no usable address, or was erased."""
    CUT_OFF = "cut-off"
    """A pass ended in the middle of something."""


class Unresolved(msgspec.Struct, frozen=True, kw_only=True):
    """So many of one kind, for one reason."""

    kind: Kind
    list: str = ""
    """Empty when it is about the client as a whole."""
    list_name: str = ""
    count: int
    reason: str


def unresolved(store: Store, client: str, *, running: bool) -> tuple[Unresolved, ...]:
    """Given a client, and whether a pass of it runs, return what its passes left undone.

    Asks no network. Raise StoreError if the store cannot be read.
    """
    passes = store.passes(client, limit=_LATEST)
    return (
        *_held(store, client, passes[:1]),
        *_refused(store, client),
        *_seen_everywhere(next((one for one in passes if LOOKED_EVERYWHERE in one.counts), None)),
        *(() if running else _cut_off(store, client)),
    )


_WORDS = {
    Kind.HELD: "{} left as {it} {is}",
    Kind.AUDIENCE: "{} audience{s}",
    Kind.REFUSED: "{} refused, not tried again until the data changes",
    Kind.INVALID: "{} recipient{s}",
    Kind.CUT_OFF: "the next pass finds out what became of it",
}


def told(one: Unresolved) -> str:
    """Given what is left undone, return it in words, without the list."""
    single = one.count == 1
    words = _WORDS[one.kind].format(
        f"{one.count:,}",
        s="" if single else "s",
        **{"it": "it" if single else "they", "is": "is" if single else "are"},
    )
    return f"{words}: {one.reason}"


def _held(store: Store, client: str, last: tuple[PassRecord, ...]) -> Iterator[Unresolved]:
    """A list's kept plan counts until it changes, so a list that could not be read lets nothing go."""
    names = {uid: one.list_name for uid, one in store.counts(client).items()}
    for record in last:
        for uid, body in store.plan_bodies(client, record.id).items():
            plan = read_plan(body)
            for (kind, reason), count in _holds(plan).items():
                name = plan.list_name or names.get(uid, "")
                yield Unresolved(kind=kind, list=uid, list_name=name, count=count, reason=reason)


def _holds(plan: ListDocument) -> Counter[tuple[Kind, str]]:
    return Counter(
        (Kind.AUDIENCE if change.email is None else Kind.HELD, change.reason)
        for change in plan.changes
        if change.verb == (ListVerb.HOLD if change.email is None else Verb.HOLD)
    )


def _refused(store: Store, client: str) -> Iterator[Unresolved]:
    names = {uid: one.list_name for uid, one in store.counts(client).items()}
    for uid, kinds in sorted(store.refusal_kinds(client).items()):
        for kind, count in sorted(kinds.items()):
            reason = str(kind).replace("_", " ")
            yield Unresolved(
                kind=Kind.REFUSED, list=uid, list_name=names.get(uid, ""), count=count, reason=reason
            )


def _seen_everywhere(last: PassRecord | None) -> Iterator[Unresolved]:
    if last is None:
        return
    if invalid := last.counts[LOOKED_EVERYWHERE]:
        yield Unresolved(kind=Kind.INVALID, count=invalid, reason="without a usable address, or erased")
    for verb in ListVerb:
        waiting = last.counts.get(f"{verb}.{Result.WITHHELD}", 0)
        if waiting and verb is not ListVerb.HOLD:
            yield Unresolved(kind=Kind.AUDIENCE, count=waiting, reason=f"its change waits: {verb}")


def _cut_off(store: Store, client: str) -> Iterator[Unresolved]:
    begun = Counter((one.list_uid, one.kind) for one in store.open_intents(client))
    for (uid, kind), count in begun.items():
        yield Unresolved(kind=Kind.CUT_OFF, list=uid, count=count, reason=str(kind))
