"""Keeps the database and the log of nos together: each fact is in the log before the database has it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, TypeAlias

import msgspec
import structlog
from sqlalchemy import Connection, select

from reconciler.errors import StoreError
from reconciler.store.all_facts import all_facts, holds_nothing
from reconciler.store.connection import Database, insert
from reconciler.store.facts import ErasedFact, Fact, Forgotten, NoFact, Note, Settling, note
from reconciler.store.redo_log import DamagedLog, Entry, HeldLog, LogContents, Position, RedoLog
from reconciler.store.tables import meta
from reconciler.store.take_up import TakenUp, take_up

_POSITION: Final = "position in the log of nos"
_TAKEN_UP: Final = "taken up from the log of nos"
_KEY: Final = "address_key"

_Clock: TypeAlias = Callable[[], datetime]
_log = structlog.get_logger(__name__)


class TakenUpOnce(msgspec.Struct, frozen=True):
    """What a database that was older than its log took up from it, and when."""

    at: datetime
    what: TakenUp


class Redo:
    """What keeps a log: the `keeper` of a database."""

    def __init__(self, log: RedoLog, *, now: _Clock = lambda: datetime.now(UTC)) -> None:
        self._log = log
        self._now = now

    def settle(self, database: Database) -> None:
        """Given a database that is about to be worked on, bring it and the log together.

        Raise StoreError if the log cannot be read or written, is damaged, or is another database's.
        """
        if not self._are_together(database):
            with database.writing() as connection:
                note(connection, Settling(on_opening=False))

    def settle_on_opening(self, database: Database) -> None:
        """Given a database that was opened, take up what it lacks; the log is left as it is.

        Trouble is told and no more, as many only read; `settle` stops whoever would write.
        """
        try:
            if self._log.end() is not None and not self._are_together(database):
                with database.writing() as connection:
                    note(connection, Settling(on_opening=True))
        except StoreError as error:
            _log.warning("log_of_nos_unusable", reason=str(error))

    @contextmanager
    def committing(self, connection: Connection, noted: Sequence[Note]) -> Iterator[None]:
        """Given what a transaction notes, have it in the log before it commits.

        Who is to be forgotten is taken out of the log first: a process that dies in between leaves them in
        the database, where whoever repeats the erasure finds them.
        """
        opening = any(isinstance(one, Settling) and one.on_opening for one in noted)
        with self._log.held(for_writing=not opening) as held:
            self._bring_together(connection, held, opening=opening)
            facts = [one for one in noted if not isinstance(one, Settling | Forgotten)]
            if facts:
                _save_position(connection, held.append(facts))
            for one in noted:
                if isinstance(one, Forgotten):
                    _take_out(connection, held, one)
            yield

    def problems(self, connection: Connection) -> tuple[str, ...]:
        """Given a connection to a database, return what is wrong with its log; nothing is changed."""
        try:
            contents = self._log.read()
        except StoreError as error:
            return (str(error),)
        mine = contents is None or contents.head.key == _value(connection, _KEY) or holds_nothing(connection)
        return () if mine else (self._another_databases(),)

    def _are_together(self, database: Database) -> bool:
        with database.reading() as connection:
            position = _position(connection)
        return position is not None and position == self._log.end()

    def _bring_together(self, connection: Connection, held: HeldLog, *, opening: bool) -> None:
        end, position = held.end(), _position(connection)
        if end is not None and end == position:
            return
        contents = held.contents()
        if contents is None or end is None:
            if not opening:
                _write_anew(connection, held)
                if position is not None:
                    _log.warning("log_of_nos_not_there", log=str(self._log.path), done="written anew")
            return
        key = self._key_of_both(connection, contents, opening=opening)
        missed = contents.after(position)
        entries = contents.entries if missed is None else missed
        facts = [entry.fact for entry in entries]
        taken = take_up(connection, facts, key=bytes.fromhex(key), continues=missed is not None)
        if taken:
            _save(connection, _TAKEN_UP, msgspec.json.encode(TakenUpOnce(self._now(), taken)).decode())
            _log.warning("taken_up_from_log_of_nos", log=str(self._log.path), lacking=str(taken))
        if missed is not None:
            _save_position(connection, end)
        elif not opening:
            _write_anew(connection, held)

    def _key_of_both(self, connection: Connection, contents: LogContents, *, opening: bool) -> str:
        """Return the key of the hashes, which a database that holds nothing takes over from the log."""
        known = _value(connection, _KEY)
        if known == contents.head.key:
            return known
        if opening and holds_nothing(connection):
            _save(connection, _KEY, contents.head.key)
            return contents.head.key
        raise StoreError(
            self._another_databases(),
            advice="Put the database and the log that belong together back. If the database is the right "
            "one, move the log away: it is written anew.",
        )

    def _another_databases(self) -> str:
        return f"The log of nos {self._log.path} belongs to another database than the one of state.url."


def last_taken_up(connection: Connection) -> TakenUpOnce | None:
    """Given a connection, return what its database took up last; None: it never lacked anything."""
    text = _value(connection, _TAKEN_UP)
    return None if text is None else msgspec.json.decode(text, type=TakenUpOnce)


def _write_anew(connection: Connection, held: HeldLog) -> None:
    key = connection.execute(select(meta.c.value).where(meta.c.name == _KEY)).scalar_one()
    _save_position(connection, held.write_anew(key, all_facts(connection)))


def _take_out(connection: Connection, held: HeldLog, gone: Forgotten) -> None:
    try:
        contents = held.contents()
    except DamagedLog:
        contents = None
    if contents is None:
        _write_anew(connection, held)
        return
    entries = tuple(Entry(entry.number, entry.mark, _without(entry.fact, gone)) for entry in contents.entries)
    if entries != contents.entries:
        held.replace(LogContents(contents.head, entries))


def _without(fact: Fact, gone: Forgotten) -> Fact:
    if not isinstance(fact, NoFact) or fact.client != gone.client:
        return fact
    if fact.address in gone.addresses:
        return ErasedFact()
    persons = {(person.kind, person.uid) for person in gone.persons}
    left = tuple(person for person in fact.persons if person not in persons)
    return msgspec.structs.replace(fact, persons=left)


def _position(connection: Connection) -> Position | None:
    text = _value(connection, _POSITION)
    return None if text is None else msgspec.json.decode(text, type=Position)


def _save_position(connection: Connection, position: Position) -> None:
    _save(connection, _POSITION, msgspec.json.encode(position).decode())


def _value(connection: Connection, name: str) -> str | None:
    found: str | None = connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar()
    return found


def _save(connection: Connection, name: str, value: str) -> None:
    saved = insert(connection, meta).values(name=name, value=value)
    connection.execute(saved.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
