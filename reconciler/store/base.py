"""Remembers what was last synced of each list, and what became of every change."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, Table, delete, select

from reconciler.model import (
    Address,
    BaseMove,
    BaseRow,
    BaseState,
    ListBase,
    ListOutcome,
    ListUid,
    Outcome,
    PassId,
    Refusal,
    RefusalKind,
    Verb,
)
from reconciler.store.columns import decode_id, decode_persons, decode_text_map
from reconciler.store.connection import AnyRow, Database
from reconciler.store.consequences import consequences
from reconciler.store.history import OF_THE_LIST, Entry, write_history
from reconciler.store.keyed_hash import keyed_digest, keyed_hash, without_addresses
from reconciler.store.list_refusals import remember_list_refusal
from reconciler.store.lists import ensure_list, find_list
from reconciler.store.moves import apply_moves, end_refusals, save_refusals, settle_refusals
from reconciler.store.no_memory import no_of, open_nos
from reconciler.store.records import Remembered, RememberedNo
from reconciler.store.tables import base_rows, lists, nos, refusals

_STATES = {state.value: state for state in BaseState}


class Base:
    """The base of every list; each method that changes it is one transaction."""

    _database: Database
    _address_key: bytes

    def key_address(self, address: str) -> str:
        """Given an address, return what history calls it: a hash with a key that only this store has."""
        return keyed_hash(self._address_key, address)

    def base(self, client: str, list_uid: ListUid) -> ListBase:
        """Given a client's list, return all that is remembered about its addresses."""
        with self._database.reading() as connection:
            list_id = find_list(connection, client, list_uid)
            if list_id is None:
                return ListBase()
            return ListBase(
                rows=_rows(connection, list_id),
                nos=tuple(no_of(row) for row in connection.execute(open_nos(list_id))),
                refusals=tuple(
                    _refusal(row)
                    for row in connection.execute(select(refusals).where(refusals.c.list_id == list_id))
                ),
            )

    def record(
        self, pass_id: PassId, client: str, list_uid: ListUid, known: Sequence[Outcome], now: datetime
    ) -> None:
        """Given outcomes of one list, write them to history and move its base, all or nothing."""
        if not known:
            return
        meant = consequences(known, now)
        with self._database.writing() as connection:
            list_id = ensure_list(connection, client, list_uid)
            write_history(connection, pass_id, list_id, [self._told(outcome) for outcome in known], now)
            apply_moves(connection, list_id, meant.moves, now)
            settle_refusals(connection, list_id, meant.settled)
            save_refusals(connection, list_id, meant.refusals)

    def record_list(self, pass_id: PassId, client: str, outcome: ListOutcome, now: datetime) -> None:
        """Given what became of a change of a list's audience, write it to history."""
        with self._database.writing() as connection:
            record_list_outcome(connection, pass_id, client, outcome, now)

    def forget_rows(self, client: str, list_uid: ListUid) -> None:
        """Given a list that gets another audience, forget its rows and refusals; its nos stay for ever."""
        with self._database.writing() as connection:
            list_id = find_list(connection, client, list_uid)
            for table in (base_rows, refusals):
                connection.execute(delete(table).where(table.c.list_id == list_id))

    def forget_refusals(self, client: str, list_uid: ListUid, addresses: Sequence[Address]) -> None:
        """Given addresses of a list that refusals are not about any more, forget those refusals."""
        with self._database.writing() as connection:
            end_refusals(connection, ensure_list(connection, client, list_uid), addresses)

    def move(
        self,
        pass_id: PassId,  # noqa: ARG002 (called like `record`; a quiet move leaves no trace of its pass)
        client: str,
        list_uid: ListUid,
        moves: Sequence[BaseMove],
        now: datetime,
    ) -> None:
        """Given moves that need no write to Mailchimp, move the base without a word in history."""
        if not moves:
            return
        with self._database.writing() as connection:
            apply_moves(connection, ensure_list(connection, client, list_uid), moves, now)

    def find(self, client: str, address: Address) -> tuple[Remembered, ...]:
        """Given an address, return what each list of the client remembers of it; ended nos too."""
        of_client = select(lists.c.id).where(lists.c.client == client)
        with self._database.reading() as connection:
            rows = _by_list(connection, base_rows, of_client, address)
            said = _by_list(connection, nos, of_client, address)
            refused = _by_list(connection, refusals, of_client, address)
            named = connection.execute(
                select(lists.c.id, lists.c.list_uid, lists.c.list_name)
                .where(lists.c.id.in_([*rows, *said, *refused]))
                .order_by(lists.c.list_uid)
            ).all()
        return tuple(
            Remembered(
                list_uid=ListUid(of.list_uid),
                list_name=of.list_name,
                row=_base_row(rows[of.id][0]) if of.id in rows else None,
                nos=tuple(
                    RememberedNo(no=no_of(row), ended_at=row.ended_at, ended_by=row.ended_by or "")
                    for row in said.get(of.id, ())
                ),
                refusals=tuple(_refusal(row) for row in refused.get(of.id, ())),
            )
            for of in named
        )

    def _told(self, outcome: Outcome) -> tuple[bytes, Entry]:
        change = outcome.change
        return keyed_digest(self._address_key, change.address), Entry(
            verb=change.verb.value,
            result=outcome.result.value,
            reason=without_addresses(change.reason, change.address),
            detail=without_addresses(outcome.detail, change.address),
        )


def record_list_outcome(
    connection: Connection, pass_id: PassId, client: str, outcome: ListOutcome, now: datetime
) -> int:
    """Given what became of a change of a list's audience, write it to history; return the list's number."""
    change = outcome.change
    list_id = ensure_list(connection, client, change.list_uid, name=change.list_name)
    entry = Entry(
        verb=change.verb.value,
        result=outcome.result.value,
        reason=without_addresses(change.reason),
        detail=without_addresses(outcome.detail),
    )
    write_history(connection, pass_id, list_id, [(OF_THE_LIST, entry)], now)
    remember_list_refusal(connection, list_id, outcome, now)
    return list_id


def _rows(connection: Connection, list_id: int) -> Mapping[Address, BaseRow]:
    query = select(base_rows).where(base_rows.c.list_id == list_id)
    return {row.address: _base_row(row) for row in connection.execute(query)}


def _by_list(
    connection: Connection, table: Table, of_client: Select[int], address: Address
) -> Mapping[int, Sequence[AnyRow]]:
    found: dict[int, list[AnyRow]] = {}
    query = select(table).where(table.c.list_id.in_(of_client), table.c.address == address)
    for row in connection.execute(query):
        found.setdefault(row.list_id, []).append(row)
    return found


def _base_row(row: AnyRow) -> BaseRow:
    _list_id, address, state, persons, fields, contact_id = row
    return BaseRow(
        address=address,
        state=_STATES[state],
        persons=decode_persons(persons),
        fields=decode_text_map(fields),
        contact_id=decode_id(contact_id),
    )


def _refusal(row: AnyRow) -> Refusal:
    return Refusal(
        address=Address(row.address),
        verb=Verb(row.verb),
        kind=RefusalKind(row.kind),
        detail=row.detail,
        fingerprint=row.fingerprint,
        since=row.since,
        retry_after=row.retry_after,
    )
