"""What it costs to record a first sync, beside a bulk insert of the same base rows with the same commits."""

import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec
from sqlalchemy import create_engine, insert

from reconciler.model import (
    Address,
    BaseMove,
    BaseRow,
    BaseState,
    Change,
    ListUid,
    Outcome,
    Person,
    Result,
    Verb,
)
from reconciler.store import open_store
from reconciler.store.columns import encode_id
from reconciler.store.consequences import consequences
from reconciler.store.tables import base_rows
from tests.bench.town import Someone, someone

ROWS_IN_A_REQUEST = 500
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LIST = ListUid("1001")
TRIES = 3

Requests: TypeAlias = Sequence[Sequence[Someone]]


class Stored(msgspec.Struct, kw_only=True):
    """Seconds of processor time, the least of a few tries."""

    recorded: float
    """What a pass records of the adds: base rows, history, refusals that are over."""
    moved: float
    """The base rows alone, written by the store."""
    inserted: float
    """The base rows alone, by a bulk insert."""


def record_first_sync(contacts: int) -> Stored:
    """Given how many contacts were added, return what it costs to record that, request by request."""
    people = [someone(0, number) for number in range(contacts)]
    requests = [people[at : at + ROWS_IN_A_REQUEST] for at in range(0, contacts, ROWS_IN_A_REQUEST)]
    return Stored(
        recorded=_least(_record, requests), moved=_least(_move, requests), inserted=_least(_insert, requests)
    )


def _least(work: Callable[[str, Requests], float], requests: Requests) -> float:
    """Given work, return what it costs in a new database, less what else the machine did meanwhile."""
    return min(_in_new_database(work, requests) for _ in range(TRIES))


def _in_new_database(work: Callable[[str, Requests], float], requests: Requests) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return work(f"sqlite:///{folder}/state.db", requests)


def _record(url: str, requests: Requests) -> float:
    with open_store(url) as store:
        pass_id = store.begin_pass("acme", mode="apply", trigger="bench", now=NOW)
        known = [[_added(one) for one in request] for request in requests]
        began = time.process_time()
        for outcomes in known:
            store.record(pass_id, "acme", LIST, outcomes, NOW)
        return time.process_time() - began


def _move(url: str, requests: Requests) -> float:
    with open_store(url) as store:
        pass_id = store.begin_pass("acme", mode="apply", trigger="bench", now=NOW)
        meant = [consequences([_added(one) for one in request], NOW).moves for request in requests]
        began = time.process_time()
        for moves in meant:
            store.move(pass_id, "acme", LIST, moves, NOW)
        return time.process_time() - began


def _insert(url: str, requests: Requests) -> float:
    with open_store(url):
        pass  # the tables are made, with their indexes
    engine = create_engine(url)
    try:
        known = [[_row(one) for one in request] for request in requests]
        began = time.process_time()
        for rows in known:
            with engine.begin() as connection:
                connection.execute(insert(base_rows), rows)
        return time.process_time() - began
    finally:
        engine.dispose()


def _added(one: Someone) -> Outcome:
    address = Address(one.email)
    fields = {"FNAME": one.first, "LNAME": one.last}
    persons = (Person("candidate", f"e{one.uid}"),)
    row = BaseRow(address=address, state=BaseState.ACTIVE, persons=persons, fields=fields)
    change = Change(
        verb=Verb.ADD,
        address=address,
        persons=persons,
        reason="is on the list and not in the audience",
        fields=fields,
        move=BaseMove(address=address, row=row),
    )
    return Outcome(change=change, result=Result.APPLIED, contact_id=one.member_id)


def _row(one: Someone) -> dict[str, object]:
    return {
        "list_id": 1,
        "address": one.email,
        "state": "active",
        "persons": f'[["candidate","e{one.uid}"]]',
        "fields": f'{{"FNAME":"{one.first}","LNAME":"{one.last}"}}',
        "contact_id": encode_id(one.member_id),
    }
