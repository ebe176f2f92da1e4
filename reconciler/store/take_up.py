"""Brings into a database the facts of a log that it lacks."""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection, insert, select, update

from reconciler.model import Address, Person
from reconciler.store.columns import decode_persons, encode_persons
from reconciler.store.connection import AnyRow
from reconciler.store.connection import insert as insert_or
from reconciler.store.erasures import Erased, forget_everywhere, take_out_of_plans
from reconciler.store.facts import ApprovalFact, ErasureFact, Fact, NoFact
from reconciler.store.keyed_hash import keyed_hash, person_hash
from reconciler.store.lists import ensure_list
from reconciler.store.snapshots import take_out_of_snapshots
from reconciler.store.tables import base_rows, erasures, lists, nos, proposals, refusals


class TakenUp(msgspec.Struct, frozen=True, kw_only=True):
    """How much a database lacked."""

    nos: int
    ended: int
    """Nos that it believed to stand still."""
    erasures: int
    approvals: int
    """Approvals that it believed to be unused."""

    def __bool__(self) -> bool:
        return bool(self.nos or self.ended or self.erasures or self.approvals)

    def __str__(self) -> str:
        told = (
            (self.nos, "no", "nos"),
            (self.ended, "end of a no", "ends of a no"),
            (self.erasures, "erased address or person", "erased addresses or persons"),
            (self.approvals, "approval that is over", "approvals that are over"),
        )
        return ", ".join(f"{count:,} {one if count == 1 else many}" for count, one, many in told if count)


def take_up(connection: Connection, facts: Sequence[Fact], *, key: bytes, continues: bool) -> TakenUp:
    """Given facts in their order and the key of the hashes, bring in what the database lacks of them.

    If they do not continue what the database knows, either may know of the later event: of two, the later
    one counts. Done twice, it is as done once.
    """
    last = {
        (fact.client, fact.list_uid, fact.address, fact.reason): fact
        for fact in facts
        if isinstance(fact, NoFact)
    }
    numbers = {
        (client, uid): ensure_list(connection, client, uid)
        for client, uid in dict.fromkeys((fact.client, fact.list_uid) for fact in last.values())
    }
    stand = ended = 0
    for fact in last.values():
        changed = _take_up_no(connection, numbers[fact.client, fact.list_uid], fact, continues=continues)
        if fact.ended_at is None:
            stand += changed
        else:
            ended += changed
    forgotten = sum(_remember_erasure(connection, fact) for fact in facts if isinstance(fact, ErasureFact))
    for client in connection.scalars(select(erasures.c.client).distinct()).all():
        _forget_erased(connection, client, key)
    over = sum(_end_approval(connection, fact) for fact in facts if isinstance(fact, ApprovalFact))
    return TakenUp(nos=stand, ended=ended, erasures=forgotten, approvals=over)


def _take_up_no(connection: Connection, list_id: int, fact: NoFact, *, continues: bool) -> bool:
    """Return whether somebody is forbidden to be mailed now who was not, or the other way round."""
    same = (nos.c.list_id == list_id, nos.c.address == fact.address, nos.c.reason == fact.reason.value)
    rows = connection.execute(select(nos).where(*same)).all()
    open_row = next((row for row in rows if row.ended_at is None), None)
    if fact.ended_at is None:
        if open_row is not None:
            return _take_up_persons(connection, open_row, fact, continues=continues)
        if not continues and any(row.ended_at > fact.noted_at for row in rows):
            return False
        _insert(connection, list_id, fact)
        return True
    if open_row is not None:
        if not continues and open_row.since > fact.ended_at:
            return False
        ending = update(nos).where(nos.c.id == open_row.id)
        connection.execute(ending.values(ended_at=fact.ended_at, ended_by=fact.ended_by))
        return True
    if not any(row.ended_at >= fact.ended_at for row in rows):
        _insert(connection, list_id, fact)
    return False


def _take_up_persons(connection: Connection, row: AnyRow, fact: NoFact, *, continues: bool) -> bool:
    known, told = decode_persons(row.persons), _persons(fact)
    wanted = told if continues else tuple(dict.fromkeys((*known, *told)))
    if wanted == known:
        return False
    news = not set(wanted) <= set(known)
    values: dict[str, object] = {"persons": encode_persons(wanted)}
    if news:
        values["told_at"] = None  # OTYS was not told of whoever is new behind the address
    connection.execute(update(nos).where(nos.c.id == row.id).values(values))
    return news


def _insert(connection: Connection, list_id: int, fact: NoFact) -> None:
    connection.execute(
        insert(nos).values(
            list_id=list_id,
            address=fact.address,
            persons=encode_persons(_persons(fact)),
            reason=fact.reason.value,
            since=fact.since,
            ended_at=fact.ended_at,
            ended_by=fact.ended_by,
        )
    )


def _persons(fact: NoFact) -> tuple[Person, ...]:
    return tuple(Person(kind, uid) for kind, uid in fact.persons)


def _remember_erasure(connection: Connection, fact: ErasureFact) -> int:
    """Return how many of the hashes were not known."""
    rows = [{"client": fact.client, "key": key, "erased_at": fact.erased_at} for key in fact.keys]
    unknown = insert_or(connection, erasures).on_conflict_do_nothing()
    return sum(connection.execute(unknown.values(row)).rowcount for row in rows)


class _Recognised:
    """Answers whether somebody is erased, by the keyed hashes, and remembers whom it said that of."""

    def __init__(self, hashes: Collection[str], key: bytes) -> None:
        self.addresses: set[Address] = set()
        self.persons: set[Person] = set()
        self._hashes = hashes
        self._key = key

    def __call__(self, whom: Address | Person) -> bool:
        if isinstance(whom, Person):
            erased = person_hash(self._key, whom) in self._hashes
            if erased:
                self.persons.add(whom)
        else:
            erased = keyed_hash(self._key, whom) in self._hashes
            if erased:
                self.addresses.add(whom)
        return erased


def _forget_erased(connection: Connection, client: str, key: bytes) -> None:
    """The database may know somebody again, or still, who is erased: a plan or a snapshot alone, even."""
    hashes = set(connection.scalars(select(erasures.c.key).where(erasures.c.client == client)))
    mine = connection.scalars(select(lists.c.id).where(lists.c.client == client)).all()
    recognised = _Recognised(hashes, key)
    for table in (base_rows, nos, refusals):
        for address in connection.scalars(select(table.c.address).where(table.c.list_id.in_(mine))):
            recognised(address)
    for table in (base_rows, nos):
        for text in connection.scalars(select(table.c.persons).where(table.c.list_id.in_(mine))):
            for person in decode_persons(text):
                recognised(person)
    take_out_of_plans(connection, mine, recognised)
    take_out_of_snapshots(connection, client, recognised)
    if recognised.addresses or recognised.persons:
        erased = Erased(frozenset(recognised.addresses), frozenset(recognised.persons))
        forget_everywhere(connection, client, erased)


def _end_approval(connection: Connection, fact: ApprovalFact) -> int:
    """Return how many approvals of it there were. One that was given later is another one."""
    mine = select(lists.c.id).where(lists.c.client == fact.client)
    return connection.execute(
        update(proposals)
        .where(
            proposals.c.list_id.in_(mine),
            proposals.c.digest == fact.digest,
            proposals.c.approved_at <= fact.over_at,
            proposals.c.used_at.is_(None),
            proposals.c.superseded_at.is_(None),
        )
        .values(superseded_at=fact.over_at)
    ).rowcount
