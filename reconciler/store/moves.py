"""Moves the base: rows, nos and refusals of one list, inside somebody else's transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, delete, select

from reconciler.model import Address, BaseMove, BaseRow, Refusal, RefusalKind
from reconciler.store.columns import encode_id, encode_map, encode_persons
from reconciler.store.connection import insert, insert_rows
from reconciler.store.no_memory import end_nos, remember_nos
from reconciler.store.tables import base_rows, refusals


def apply_moves(connection: Connection, list_id: int, moves: Sequence[BaseMove], now: datetime) -> None:
    """Given moves of one list in their order, bring its rows and nos to where they lead."""
    final = _final_rows(moves)
    _delete_rows(connection, list_id, [address for address, row in final.items() if row is None])
    _save_rows(connection, list_id, [row for row in final.values() if row is not None])
    end_nos(connection, list_id, moves, now)
    remember_nos(connection, list_id, [move.no for move in moves if move.no is not None], now)


def save_refusals(connection: Connection, list_id: int, refused: Iterable[Refusal]) -> None:
    """Given refusals of one list, remember each; one that repeats itself keeps its date."""
    latest = {(refusal.address, refusal.verb): refusal for refusal in refused}
    if not latest:
        return
    statement = insert(connection, refusals)
    new = statement.excluded
    repeats = and_(refusals.c.kind == new.kind, refusals.c.fingerprint == new.fingerprint)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["list_id", "address", "verb"],
            set_={
                "kind": new.kind,
                "detail": new.detail,
                "fingerprint": new.fingerprint,
                "since": case((repeats, refusals.c.since), else_=new.since),
                "retry_after": new.retry_after,
            },
        ),
        [
            {
                "list_id": list_id,
                "address": refusal.address,
                "verb": refusal.verb.value,
                "kind": refusal.kind.value,
                "detail": refusal.detail,
                "fingerprint": refusal.fingerprint,
                "since": refusal.since,
                "retry_after": refusal.retry_after,
            }
            for refusal in latest.values()
        ],
    )


def end_refusals(connection: Connection, list_id: int, addresses: Sequence[Address]) -> None:
    """Given addresses of one list that refusals are not about any more, forget those refusals."""
    _delete_refusals(connection, list_id, addresses)


def settle_refusals(connection: Connection, list_id: int, addresses: Sequence[Address]) -> None:
    """Given addresses of one list whose changes are true now, forget that they were refused.

    What a person undid stays so: it is remembered before the change that undoes it becomes true.
    """
    _delete_refusals(connection, list_id, addresses, refusals.c.kind != RefusalKind.UNDONE.value)


def _delete_refusals(
    connection: Connection, list_id: int, addresses: Collection[Address], *which: ColumnElement[bool]
) -> None:
    if not addresses:
        return
    here = (refusals.c.list_id == list_id, *which)
    # Few contacts are refused: to ask which costs less than to delete what is not there.
    refused = connection.scalars(select(refusals.c.address).where(*here)).all()
    gone = set(refused).intersection(addresses)
    if gone:
        connection.execute(
            delete(refusals).where(*here, refusals.c.address == bindparam("gone")),
            [{"gone": address} for address in sorted(gone)],
        )


def _final_rows(moves: Sequence[BaseMove]) -> Mapping[Address, BaseRow | None]:
    final: dict[Address, BaseRow | None] = {}
    for move in moves:
        # Two people may swap their addresses: a row written by an earlier move is not an old one.
        if move.replaces is not None and final.get(move.replaces) is None:
            final[move.replaces] = None
        final[move.address] = move.row
    return final


def _delete_rows(connection: Connection, list_id: int, addresses: Sequence[Address]) -> None:
    if not addresses:
        return
    connection.execute(
        delete(base_rows).where(base_rows.c.list_id == list_id, base_rows.c.address == bindparam("gone")),
        [{"gone": address} for address in addresses],
    )


def _save_rows(connection: Connection, list_id: int, rows: Sequence[BaseRow]) -> None:
    insert_rows(
        connection,
        base_rows,
        ("list_id", "address", "state", "persons", "fields", "contact_id"),
        [
            (
                list_id,
                row.address,
                row.state.value,
                encode_persons(row.persons),
                encode_map(row.fields),
                encode_id(row.contact_id),
            )
            for row in rows
        ],
        replace=True,
    )
