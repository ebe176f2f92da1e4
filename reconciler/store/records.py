"""The values that the store hands out besides the nouns of the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model import (
    BaseRow,
    LinkState,
    ListUid,
    No,
    PassId,
    PassResult,
    Refusal,
    Result,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRecord:
    """One pass as it was recorded."""

    id: PassId
    client: str
    mode: str
    trigger: str
    started_at: datetime
    ended_at: datetime | None
    """None while the pass runs, and for ever when it was killed."""
    result: PassResult | None
    counts: Mapping[str, int]
    problems: tuple[str, ...]
    plan_digest: str
    """Empty when the pass came to no plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord:
    """One outcome as history keeps it: without an address."""

    pass_id: PassId
    client: str
    list_uid: ListUid
    list_name: str
    verb: str
    address_key: str
    """`Store.key_address` of the contact; empty for a change of the list itself."""
    result: Result
    reason: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedNo:
    """A no, and when it ended if it did."""

    no: No
    ended_at: datetime | None
    ended_by: str = ""
    """Who released it and why; empty where the contact came back by its own action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """All that one list remembers about one address."""

    list_uid: ListUid
    list_name: str
    row: BaseRow | None
    nos: tuple[RememberedNo, ...]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCounts:
    """How much one list remembers."""

    list_name: str
    state: LinkState | None
    """None for a list that never had a link."""
    active: int = 0
    removed: int = 0
    nos: int = 0
    refusals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRecord:
    """Who holds a client's lock, or held it and was killed."""

    holder: str
    since: datetime
    expires: datetime
    """A live holder renews it in good time."""
    gone: bool = False
    """Whether the holder is a process of this machine that runs no more."""

    def left_behind(self, now: datetime) -> bool:
        """Given the time, return whether the holder was killed: the next pass takes the lock over."""
        return self.gone or self.expires <= now


class IntentKind(StrEnum):
    """What is announced before it is done, because doing it twice would do harm."""

    CREATE_AUDIENCE = "create-audience"
    DELETE_AUDIENCE = "delete-audience"
    ERASE_CONTACT = "erase-contact"
    RESTORE_AUDIENCE = "restore-audience"
    APPLY = "apply"
    """The plan that was kept of a list: what became of it is not all recorded yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Something announced whose end is not known."""

    id: int
    list_uid: ListUid
    kind: IntentKind
    detail: Mapping[str, str]
    pass_id: PassId
    intended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProposal:
    """A withheld part of a plan that waits for an approval."""

    digest: str
    list_uid: ListUid
    verb: str
    count: int
    message: str
    plan_digest: str
    client: str = ""
    """Empty until it is stored, as what follows is None until then."""
    pass_id: PassId | None = None
    """The last pass that proposed it."""
    first_seen: datetime | None = None
    expires: datetime | None = None
    approved_at: datetime | None = None
    approved_by: str = ""
