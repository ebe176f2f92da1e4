"""What outcomes mean for what is remembered; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.fingerprint import fingerprint
from reconciler.model import (
    Address,
    BaseMove,
    No,
    Outcome,
    Refusal,
    RefusalKind,
    Result,
)
from reconciler.store.keyed_hash import without_addresses

_SIGNUP_PAUSE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a batch of outcomes changes, in the order in which the outcomes came."""

    moves: tuple[BaseMove, ...]
    refusals: tuple[Refusal, ...]
    settled: tuple[Address, ...]
    """Addresses whose open refusals end, because a change of them is true now."""


def consequences(outcomes: Sequence[Outcome], now: datetime) -> Consequences:
    """Given outcomes, return how the base moves, what is refused from now on and what no longer is."""
    return Consequences(
        moves=tuple(move for outcome in outcomes for move in _moves(outcome)),
        refusals=tuple(_refusal(outcome, now) for outcome in outcomes if _refused(outcome)),
        settled=tuple(outcome.change.address for outcome in outcomes if outcome.result.moves_base),
    )


def _moves(outcome: Outcome) -> Iterator[BaseMove]:
    change = outcome.change
    if outcome.result.moves_base:
        yield _with_contact_id(change.move, outcome.contact_id)
    elif outcome.result is Result.NOT_TRUE:
        yield BaseMove(address=change.address, row=None)
        if change.row_before is not None:
            yield BaseMove(address=change.row_before.address, row=change.row_before)
    elif outcome.refusal is not None and outcome.refusal.no is not None:
        # Only the row of the address that was refused: a rename's old contact is still ours to remove.
        proved = No(address=change.address, persons=change.persons, reason=outcome.refusal.no)
        yield BaseMove(address=change.address, row=None, no=proved)


def _with_contact_id(move: BaseMove, contact_id: str) -> BaseMove:
    if move.row is None or contact_id in ("", move.row.contact_id):
        return move
    return replace(move, row=replace(move.row, contact_id=contact_id))


def _refused(outcome: Outcome) -> bool:
    # "Too many sign-ups" comes with `retry_later`: it is a refusal that ends by itself.
    return outcome.result is Result.REFUSED or (
        outcome.refusal is not None and outcome.result is Result.RETRY_LATER
    )


def _refusal(outcome: Outcome, now: datetime) -> Refusal:
    change = outcome.change
    kind = outcome.refusal or RefusalKind.UNKNOWN
    return Refusal(
        address=change.address,
        verb=change.verb,
        kind=kind,
        detail=without_addresses(outcome.detail, change.address),
        fingerprint=fingerprint(change),
        since=now,
        retry_after=now + _SIGNUP_PAUSE if kind is RefusalKind.TOO_MANY_SIGNUPS else None,
    )
