"""Remembers who said no to a list, and ends a no, inside somebody else's transaction."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, bindparam, insert, select, update

from reconciler.model import Address, BaseMove, No, NoReason, Person
from reconciler.store.columns import decode_persons, encode_persons
from reconciler.store.connection import AnyRow, AnySelect
from reconciler.store.facts import note_nos
from reconciler.store.tables import nos

_ADDRESSES_A_QUERY = 500


def no_of(row: AnyRow) -> No:
    """Given a row of `nos`, return it as a no."""
    return No(
        address=Address(row.address),
        persons=decode_persons(row.persons),
        reason=NoReason(row.reason),
        since=row.since,
    )


def open_nos(list_id: int) -> AnySelect:
    """Given a list's number, return the query of its nos that have not ended, oldest first."""
    return select(nos).where(nos.c.list_id == list_id, nos.c.ended_at.is_(None)).order_by(nos.c.id)


def remember_nos(connection: Connection, list_id: int, said: Sequence[No], now: datetime) -> None:
    """Given nos of one list, remember each; one already remembered takes in the persons of the new one."""
    if not said:
        return
    known = _numbered(connection, list_id, {no.address for no in said})
    merged: dict[tuple[Address, NoReason], No] = {key: no for key, (_, no) in known.items()}
    for no in said:
        key = (no.address, no.reason)
        earlier = merged.get(key)
        if earlier is None:
            merged[key] = replace(no, since=no.since or now)
        else:
            merged[key] = replace(earlier, persons=_together(earlier.persons, no.persons))
    new = [no for key, no in merged.items() if key not in known]
    joined = [(known[key][0], merged[key]) for key in known if merged[key] != known[key][1]]
    _insert_nos(connection, list_id, new)
    _take_in_persons(connection, joined)
    note_nos(connection, list_id, [*new, *(no for _, no in joined)], now)


def end_nos(connection: Connection, list_id: int, moves: Iterable[BaseMove], now: datetime) -> None:
    """Given moves of one list, end the nos of those who subscribed again by their own action.

    Every no about their address ends. A no about another address that follows its person ends for them
    alone: who else stands behind that address did not come back. A bounce there says nothing of them.
    """
    back = [move for move in moves if move.ends_no]
    if back:
        persons = {person for move in back if move.row is not None for person in move.row.persons}
        end_nos_about(connection, list_id, {move.address for move in back}, persons, now)


def end_nos_about(  # noqa: PLR0917 (about whom, then when and by whom)
    connection: Connection,
    list_id: int,
    addresses: Collection[Address],
    persons: Collection[Person],
    now: datetime,
    by: str | None = None,
) -> None:
    """Given addresses and persons of one list, end every no about them, by nobody unless told."""
    ended: list[tuple[int, No]] = []
    fewer: list[tuple[int, No]] = []
    for row in connection.execute(open_nos(list_id)):
        no = no_of(row)
        left = tuple(person for person in no.persons if person not in persons)
        if no.address in addresses:
            ended.append((row.id, no))
        elif no.reason.follows_person and len(left) < len(no.persons):
            if left:
                fewer.append((row.id, replace(no, persons=left)))
            else:
                ended.append((row.id, no))
    if ended:
        connection.execute(
            update(nos).where(nos.c.id == bindparam("number")).values(ended_at=now, ended_by=by),
            [{"number": number} for number, _ in ended],
        )
    _update_persons(connection, fewer)
    note_nos(connection, list_id, [no for _, no in ended], now, ended_at=now, ended_by=by)
    note_nos(connection, list_id, [no for _, no in fewer], now)


def _numbered(
    connection: Connection, list_id: int, addresses: set[Address]
) -> dict[tuple[Address, NoReason], tuple[int, No]]:
    found: dict[tuple[Address, NoReason], tuple[int, No]] = {}
    remaining = iter(sorted(addresses))
    while chunk := list(islice(remaining, _ADDRESSES_A_QUERY)):
        for row in connection.execute(open_nos(list_id).where(nos.c.address.in_(chunk))):
            no = no_of(row)
            found[no.address, no.reason] = (row.id, no)
    return found


def _insert_nos(connection: Connection, list_id: int, said: Sequence[No]) -> None:
    if not said:
        return
    connection.execute(
        insert(nos),
        [
            {
                "list_id": list_id,
                "address": no.address,
                "persons": encode_persons(no.persons),
                "reason": no.reason.value,
                "since": no.since,
            }
            for no in said
        ],
    )


def _take_in_persons(connection: Connection, numbered: Sequence[tuple[int, No]]) -> None:
    """OTYS was not told of whoever is new behind an address."""
    _update_persons(connection, numbered)
    if numbered:
        connection.execute(
            update(nos).where(nos.c.id == bindparam("number")).values(told_at=None),
            [{"number": number} for number, _ in numbered],
        )


def _update_persons(connection: Connection, numbered: Sequence[tuple[int, No]]) -> None:
    if not numbered:
        return
    connection.execute(
        update(nos).where(nos.c.id == bindparam("number")).values(persons=bindparam("left_persons")),
        [{"number": number, "left_persons": encode_persons(no.persons)} for number, no in numbered],
    )


def _together(earlier: Sequence[Person], later: Sequence[Person]) -> tuple[Person, ...]:
    return tuple(dict.fromkeys((*earlier, *later)))
