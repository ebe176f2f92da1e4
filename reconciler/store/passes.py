"""Remembers the passes and, without addresses, what they did."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert, not_, or_, select, update

from reconciler.model import Deed, ListUid, PassId, PassResult, Result
from reconciler.store.columns import decode_count_map, decode_texts, encode_map, encode_texts
from reconciler.store.connection import AnyRow, AnySelect, Database
from reconciler.store.keyed_hash import without_addresses
from reconciler.store.records import OutcomeRecord, PassRecord
from reconciler.store.tables import entries, lists, outcomes, passes

_FAILED = PassResult.FAILED.value


class Passes:
    """Passes and their history, newest first."""

    _database: Database

    def begin_pass(self, client: str, *, mode: str, trigger: str, now: datetime) -> PassId:
        """Given a client, record that a pass of it begins; return the pass's number."""
        new = insert(passes).values(
            client=client,
            mode=mode,
            called_by=trigger,
            started_at=now,
            counts="{}",
            problems="[]",
            plan_digest="",
        )
        with self._database.writing() as connection:
            return PassId(connection.execute(new.returning(passes.c.id)).scalar_one())

    def begin_reserved(self, pass_id: PassId, *, mode: str, trigger: str, now: datetime) -> None:
        """Given a pass whose number was given out before, record that it really begins now."""
        begun = update(passes).where(passes.c.id == pass_id)
        with self._database.writing() as connection:
            connection.execute(begun.values(mode=mode, called_by=trigger, started_at=now))

    def end_pass(
        self,
        pass_id: PassId,
        *,
        result: PassResult,
        counts: Mapping[str, int],
        problems: Sequence[str],
        now: datetime,
        plan_digest: str = "",
    ) -> None:
        """Given a pass, record how it ended and the digest of its plan, if it came to one."""
        ended = update(passes).where(passes.c.id == pass_id)
        with self._database.writing() as connection:
            connection.execute(
                ended.values(
                    ended_at=now,
                    result=result.value,
                    counts=encode_map(counts),
                    problems=encode_texts([without_addresses(problem) for problem in problems]),
                    plan_digest=plan_digest,
                )
            )

    def passes(self, client: str | None = None, limit: int = 50) -> tuple[PassRecord, ...]:
        """Given a client, or none for all, return the latest passes."""
        query = select(passes).order_by(passes.c.id.desc()).limit(limit)
        return self._pass_records(query if client is None else query.where(passes.c.client == client))

    def pass_record(self, pass_id: PassId) -> PassRecord | None:
        """Given a pass's number, return its record; None when there was no such pass."""
        return next(iter(self._pass_records(select(passes).where(passes.c.id == pass_id))), None)

    def last_success(self, client: str) -> PassRecord | None:
        """Given a client, return its latest pass that ended otherwise than failed; None without one.

        What an operator did about one address brings no list in step, and is none.
        """
        deeds = or_(*(passes.c.called_by.startswith(deed.value) for deed in Deed))
        query = select(passes).where(passes.c.client == client, passes.c.result != _FAILED, not_(deeds))
        return next(iter(self._pass_records(query.order_by(passes.c.id.desc()).limit(1))), None)

    def outcomes(self, pass_id: PassId) -> tuple[OutcomeRecord, ...]:
        """Given a pass, return what became of its changes, in the order in which it was known."""
        return self._outcome_records(_history.where(passes.c.id == pass_id).order_by(outcomes.c.id))

    def history(self, client: str | None = None, *, limit: int) -> tuple[OutcomeRecord, ...]:
        """Given a client, or none for all, return the latest outcomes."""
        query = _history.order_by(outcomes.c.id.desc()).limit(limit)
        return self._outcome_records(query if client is None else query.where(passes.c.client == client))

    def _pass_records(self, query: AnySelect) -> tuple[PassRecord, ...]:
        with self._database.reading() as connection:
            return tuple(_pass_record(row) for row in connection.execute(query))

    def _outcome_records(self, query: AnySelect) -> tuple[OutcomeRecord, ...]:
        with self._database.reading() as connection:
            return tuple(_outcome_record(row) for row in connection.execute(query))


_history: AnySelect = (
    select(
        entries.c.pass_id,
        passes.c.client,
        lists.c.list_uid,
        lists.c.list_name,
        entries.c.verb,
        outcomes.c.address_key,
        entries.c.result,
        entries.c.reason,
        entries.c.detail,
        entries.c.at,
    )
    .join(entries, entries.c.id == outcomes.c.entry_id)
    .join(passes, passes.c.id == entries.c.pass_id)
    .join(lists, lists.c.id == entries.c.list_id)
)


def _pass_record(row: AnyRow) -> PassRecord:
    return PassRecord(
        id=PassId(row.id),
        client=row.client,
        mode=row.mode,
        trigger=row.called_by,
        started_at=row.started_at,
        ended_at=row.ended_at,
        result=PassResult(row.result) if row.result else None,
        counts=decode_count_map(row.counts),
        problems=decode_texts(row.problems),
        plan_digest=row.plan_digest,
    )


def _outcome_record(row: AnyRow) -> OutcomeRecord:
    return OutcomeRecord(
        pass_id=PassId(row.pass_id),
        client=row.client,
        list_uid=ListUid(row.list_uid),
        list_name=row.list_name,
        verb=row.verb,
        address_key=row.address_key.hex(),
        result=Result(row.result),
        reason=row.reason,
        detail=row.detail,
        at=row.at,
    )
