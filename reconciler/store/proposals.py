"""Keeps what guards withheld until somebody approves exactly that, it changes, or it expires."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, or_, select, update

from reconciler.errors import StaleApproval
from reconciler.model import ListUid, PassId, Verb
from reconciler.store.connection import AnyRow, AnySelect, Database
from reconciler.store.facts import ApprovalFact, note
from reconciler.store.lists import ensure_lists
from reconciler.store.records import StoredProposal
from reconciler.store.tables import lists, passes, proposals

SHORTEST_PREFIX: Final = 6

_proposals = select(proposals, lists.c.client, lists.c.list_uid).join(
    lists, lists.c.id == proposals.c.list_id
)


class Proposals:
    """Withheld work and its approvals; each approval is used once."""

    _database: Database

    def propose(
        self,
        pass_id: PassId,
        client: str,
        proposed: Sequence[StoredProposal],
        expires: datetime,
        now: datetime,
        *,
        planned: Collection[ListUid] = (),
    ) -> None:
        """Given what a pass withheld of the lists it planned, let it take the place of older proposals.

        A proposal that is made again keeps its date, its expiry and its approval; the other ones of the
        lists that are named by a proposal or in `planned` are superseded. Expired ones start afresh.
        """
        with self._database.writing() as connection:
            uids = {proposal.list_uid for proposal in proposed} | set(planned)
            numbers = ensure_lists(connection, client, uids)
            wanted = {(numbers[one.list_uid], one.digest): one for one in proposed}
            kept: set[tuple[int, str]] = set()
            for row in connection.execute(
                select(proposals).where(proposals.c.list_id.in_(numbers.values()), _open())
            ).all():
                key = (row.list_id, row.digest)
                again = wanted.get(key)
                if again is None or row.expires <= now:
                    _set(connection, row.id, superseded_at=now)
                    if row.approved_at is not None:
                        note(connection, ApprovalFact(client=client, digest=row.digest, over_at=now))
                else:
                    kept.add(key)
                    _set(
                        connection,
                        row.id,
                        pass_id=pass_id,
                        plan_digest=again.plan_digest,
                        changes=again.count,
                        message=again.message,
                    )
            new = [
                {
                    "list_id": list_id,
                    "pass_id": pass_id,
                    "digest": one.digest,
                    "plan_digest": one.plan_digest,
                    "verb": one.verb,
                    "changes": one.count,
                    "message": one.message,
                    "first_seen": now,
                    "expires": expires,
                }
                for (list_id, _), one in wanted.items()
                if (list_id, one.digest) not in kept
            ]
            if new:
                connection.execute(insert(proposals), new)

    def proposals(self, client: str | None = None, *, now: datetime) -> tuple[StoredProposal, ...]:
        """Given a client, or none for all, return what waits; approved ones too, until they are used."""
        query = _waiting(now) if client is None else _waiting(now).where(lists.c.client == client)
        with self._database.reading() as connection:
            return tuple(_proposal(row) for row in connection.execute(query))

    def unanswered(self, client: str) -> Mapping[ListUid, int]:
        """Given a client, return of which lists nobody has said yet whether so many were taken out of them.

        Such a question stays open when its proposal expires: until the list is looked at again.
        """
        query = (
            select(lists.c.list_uid, func.sum(proposals.c.changes))
            .join(lists, lists.c.id == proposals.c.list_id)
            .where(lists.c.client == client, proposals.c.verb == Verb.SUPPRESS.value, _open())
            .group_by(lists.c.list_uid)
        )
        with self._database.reading() as connection:
            return {ListUid(uid): int(count) for uid, count in connection.execute(query)}

    def approve(self, digest: str, *, by: str, now: datetime) -> tuple[StoredProposal, ...]:
        """Given the start of a digest, approve the one proposal, or all of the one plan, that it names.

        Return what is approved. Raise StaleApproval if it names nothing that waits, or more than one thing.
        """
        prefix = digest.strip().lower()
        if len(prefix) < SHORTEST_PREFIX:
            raise StaleApproval(
                f"{prefix!r} is too short: give at least {SHORTEST_PREFIX} characters of the digest.",
                advice="`reconciler status` shows what waits.",
            )
        with self._database.writing() as connection:
            waiting = connection.execute(_waiting(now)).all()
            named = _named(waiting, prefix)
            if not named:
                raise _stale(connection, prefix, now)
            fresh = [{"number": row.id} for row in named if row.approved_at is None]
            if fresh:
                approved = update(proposals).where(proposals.c.id == bindparam("number"))
                connection.execute(approved.values(approved_at=now, approved_by=by), fresh)
            numbers = [row.id for row in named]
            again = _proposals.where(proposals.c.id.in_(numbers)).order_by(proposals.c.id)
            return tuple(_proposal(row) for row in connection.execute(again))

    def approvals(self, client: str, now: datetime) -> frozenset[str]:
        """Given a client, return the digests that are approved and neither used nor out of date."""
        return frozenset(
            proposal.digest
            for proposal in self.proposals(client, now=now)
            if proposal.approved_at is not None
        )

    def use_approval(self, client: str, digest: str, pass_id: PassId, now: datetime) -> None:
        """Given an approved proposal's digest, use the approval up. Raise StaleApproval if there is none."""
        mine = select(lists.c.id).where(lists.c.client == client)
        with self._database.writing() as connection:
            used = connection.execute(
                update(proposals)
                .where(
                    proposals.c.list_id.in_(mine),
                    proposals.c.digest == digest,
                    proposals.c.approved_at.is_not(None),
                    proposals.c.expires > now,
                    _open(),
                )
                .values(used_at=now, used_in=pass_id)
            )
            if used.rowcount == 0:
                raise _stale(connection, digest, now)
            note(connection, ApprovalFact(client=client, digest=digest, over_at=now))


def _open() -> ColumnElement[bool]:
    return and_(proposals.c.superseded_at.is_(None), proposals.c.used_at.is_(None))


def _waiting(now: datetime) -> AnySelect:
    return _proposals.where(_open(), proposals.c.expires > now).order_by(proposals.c.id)


def _set(connection: Connection, number: int, **values: object) -> None:
    connection.execute(update(proposals).where(proposals.c.id == number).values(**values))


def _named(waiting: Sequence[AnyRow], prefix: str) -> Sequence[AnyRow]:
    named = {
        (row.client, digest)
        for row in waiting
        for digest in (row.digest, row.plan_digest)
        if digest.lower().startswith(prefix)
    }
    if len(named) > 1:
        raise StaleApproval(
            f"{len(named)} things that wait have a digest beginning with {prefix!r}.",
            advice="Give more characters of the digest that `reconciler status` shows.",
        )
    return [row for row in waiting if {(row.client, row.digest), (row.client, row.plan_digest)} & named]


def _stale(connection: Connection, prefix: str, now: datetime) -> StaleApproval:
    begins = or_(
        proposals.c.digest.startswith(prefix, autoescape=True),
        proposals.c.plan_digest.startswith(prefix, autoescape=True),
    )
    row = connection.execute(select(proposals).where(begins).order_by(proposals.c.id.desc())).first()
    advice = "Look at `reconciler plan` and approve the digest it shows now."
    if row is None:
        planned = passes.c.plan_digest.startswith(prefix, autoescape=True)
        if connection.execute(select(passes.c.id).where(planned)).first() is None:
            return StaleApproval(f"No plan has a digest beginning with {prefix!r}.", advice=advice)
        return StaleApproval(f"The plan {prefix} is not waiting any more: it was superseded.", advice=advice)
    if row.used_at is not None:
        why = f"it was carried out by pass {row.used_in}"
    elif row.superseded_at is not None:
        why = "what is to be done has changed since, and it was superseded"
    elif row.expires <= now:
        why = f"it expired at {row.expires:%Y-%m-%d %H:%M} UTC"
    else:
        why = "it was not approved, or it belongs to a plan that was superseded"
    return StaleApproval(f"The plan {prefix} is not waiting any more: {why}.", advice=advice)


def _proposal(row: AnyRow) -> StoredProposal:
    return StoredProposal(
        digest=row.digest,
        list_uid=ListUid(row.list_uid),
        verb=row.verb,
        count=row.changes,
        message=row.message,
        plan_digest=row.plan_digest,
        client=row.client,
        pass_id=PassId(row.pass_id),
        first_seen=row.first_seen,
        expires=row.expires,
        approved_at=row.approved_at,
        approved_by=row.approved_by or "",
    )
