"""Keeps mails until their server takes them, and remembers what was told to whom by mail."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from reconciler.store.columns import decode_texts, encode_texts
from reconciler.store.connection import Database
from reconciler.store.tables import outbox
from reconciler.store.tables import told as told_table


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMail:
    """A mail that was written."""

    recipients: tuple[str, ...] = field(repr=False)
    message: bytes = field(repr=False)
    """The whole mail as a mail server takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingMail:
    """A mail that waits for its server."""

    id: int
    client: str
    recipients: tuple[str, ...] = field(repr=False)
    message: bytes = field(repr=False)
    written_at: datetime
    tries: int
    """How often it was tried until now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that lasts and that was told by mail."""

    kind: str
    list_uid: str = ""
    """Empty when it is about the client as a whole."""
    verb: str = ""
    version: str = ""
    """What it looked like when it was told."""
    told_at: datetime
    over: bool = False
    """Whether it ended since, which is told too."""

    @property
    def about(self) -> tuple[str, str, str]:
        """What it is, whatever it looks like."""
        return self.kind, self.list_uid, self.verb


class Outbox:
    """Mails that wait, and what mails told."""

    _database: Database

    def told(self, client: str) -> tuple[Told, ...]:
        """Given a client, return what was told about it by mail."""
        query = select(told_table).where(told_table.c.client == client)
        with self._database.reading() as connection:
            return tuple(
                Told(
                    kind=row.kind,
                    list_uid=row.list_uid,
                    verb=row.verb,
                    version=row.version,
                    told_at=row.told_at,
                    over=row.over,
                )
                for row in connection.execute(query)
            )

    def post(self, client: str, mail: NewMail | None, told: Collection[Told], now: datetime) -> None:
        """Given a mail, if one is due, and all that is told with it, keep both, or neither."""
        with self._database.writing() as connection:
            if mail is not None:
                connection.execute(
                    insert(outbox).values(
                        client=client,
                        recipients=encode_texts(mail.recipients),
                        message=mail.message,
                        written_at=now,
                        tries=0,
                        next_try=now,
                    )
                )
            connection.execute(delete(told_table).where(told_table.c.client == client))
            if told:
                connection.execute(
                    insert(told_table),
                    [
                        {
                            "client": client,
                            "kind": one.kind,
                            "list_uid": one.list_uid,
                            "verb": one.verb,
                            "version": one.version,
                            "told_at": one.told_at,
                            "over": one.over,
                        }
                        for one in told
                    ],
                )

    def waiting_mails(
        self, *, due: datetime | None = None, written_until: datetime | None = None
    ) -> tuple[WaitingMail, ...]:
        """Return the mails that wait, oldest first; given a moment, those due or written by then."""
        query = select(outbox).order_by(outbox.c.id)
        if due is not None:
            query = query.where(outbox.c.next_try <= due)
        if written_until is not None:
            query = query.where(outbox.c.written_at <= written_until)
        with self._database.reading() as connection:
            return tuple(
                WaitingMail(
                    id=row.id,
                    client=row.client,
                    recipients=decode_texts(row.recipients),
                    message=row.message,
                    written_at=row.written_at,
                    tries=row.tries,
                )
                for row in connection.execute(query)
            )

    def drop_mails(self, mails: Collection[int]) -> None:
        """Given the numbers of mails that were taken or given up, forget them."""
        if not mails:
            return
        with self._database.writing() as connection:
            connection.execute(delete(outbox).where(outbox.c.id.in_(mails)))

    def put_off_mails(self, next_tries: Mapping[int, datetime]) -> None:
        """Given mails that were tried in vain, by number, and when each is tried again, remember that."""
        if not next_tries:
            return
        later = (
            update(outbox)
            .where(outbox.c.id == bindparam("number"))
            .values(next_try=bindparam("moment"), tries=outbox.c.tries + 1)
        )
        with self._database.writing() as connection:
            connection.execute(
                later, [{"number": number, "moment": moment} for number, moment in next_tries.items()]
            )

    def set_mail_recipients(self, mail: int, recipients: Sequence[str]) -> None:
        """Given a mail that some recipients got, leave it for the others."""
        with self._database.writing() as connection:
            connection.execute(
                update(outbox).where(outbox.c.id == mail).values(recipients=encode_texts(recipients))
            )
