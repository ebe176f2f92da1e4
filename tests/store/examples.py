"""Examples to store: short to write in a test, complete in what they hold."""

from datetime import UTC, datetime, timedelta

from reconciler.model import (
    Address,
    AudienceId,
    BaseMove,
    BaseRow,
    BaseState,
    Change,
    Link,
    LinkState,
    ListUid,
    No,
    NoReason,
    Outcome,
    PassId,
    Person,
    RefusalKind,
    Result,
    Verb,
)
from reconciler.store import Store

NOW = datetime(2025, 3, 1, 12, 30, 15, 250000, tzinfo=UTC)
HOUR = timedelta(hours=1)
CLIENT = "acme"
NEWS = ListUid("list-1")
JOBS = ListUid("list-2")
ANN = Address("ann@agency.nl")
BOB = Address("bob@agency.nl")
P1 = Person("candidate", "1")
P2 = Person("contact", "2")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time

    def move(self, by: timedelta) -> None:
        self.time += by


def a_pass(store: Store, client: str = CLIENT) -> PassId:
    return store.begin_pass(client, mode="apply", trigger="schedule", now=NOW)


def link(
    uid: ListUid = NEWS, audience: str = "aud-1", *, state: LinkState = LinkState.LINKED, name: str = "News"
) -> Link:
    return Link(list_uid=uid, list_name=name, audience_id=AudienceId(audience), state=state)


def row(
    address: Address = ANN,
    *,
    state: BaseState = BaseState.ACTIVE,
    persons: tuple[Person, ...] = (P1,),
    first_name: str = "Ann",
    contact_id: str = "",
) -> BaseRow:
    return BaseRow(
        address=address, state=state, persons=persons, fields={"FNAME": first_name}, contact_id=contact_id
    )


def no(
    address: Address = ANN,
    reason: NoReason = NoReason.UNSUBSCRIBED,
    persons: tuple[Person, ...] = (P1,),
) -> No:
    return No(address=address, persons=persons, reason=reason)


def change(
    address: Address = ANN,
    *,
    verb: Verb = Verb.ADD,
    move: BaseMove | None = None,
    row_before: BaseRow | None = None,
    reason: str = "new on the list",
) -> Change:
    return Change(
        verb=verb,
        address=address,
        reason=reason,
        fields={"FNAME": "Ann"},
        move=move or BaseMove(address=address, row=row(address)),
        row_before=row_before,
        persons=(P1,),
    )


def outcome(
    of: Change | None = None,
    result: Result = Result.APPLIED,
    *,
    refusal: RefusalKind | None = None,
    detail: str = "",
    contact_id: str = "",
) -> Outcome:
    return Outcome(
        change=of or change(), result=result, refusal=refusal, detail=detail, contact_id=contact_id
    )
