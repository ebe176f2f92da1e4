"""Knows a folder of exported lists as a stand-in for OTYS (docs/csv.md)."""

import re
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

from reconciler.api.tape import Tape
from reconciler.api.values import switch, whole_number
from reconciler.errors import NotFound, UnexpectedAnswer
from reconciler.model import (
    Catalogue,
    Fate,
    Integration,
    ListUid,
    MailingList,
    Person,
    Recipient,
    RecipientSnapshot,
    Tally,
)
from reconciler.sources.csv_table import ADVICE, SYSTEM, Line, Table, read_table
from reconciler.sources.mapping import VALUES, load_mapping
from reconciler.sources.otys_settings import (
    SETTING_NAMES,
    Setting,
    SettingOrigin,
    SettingsReport,
    integration_of,
    named_overrides,
)

CATALOGUE_FILE = "lists.csv"
SAFE_UID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


class CsvSource:
    """The lists of one client as files: `lists.csv` and a file a list; a `ListSource`."""

    def __init__(self, folder: Path, settings_overrides: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._mapping = load_mapping(None)
        self._overrides = named_overrides(self._mapping.settings, settings_overrides or {})

    def integration(self) -> Integration:
        """Return the settings given by the configuration; without them: on, and the flagged lists."""
        return integration_of(self.settings_report())

    def settings_report(self) -> SettingsReport:
        """Return every setting of the integration, for `doctor`."""
        assumed = {"integration": "1", "synchronised_lists": ",".join(self._flagged())}
        return SettingsReport(tuple(self._setting(name, assumed) for name in SETTING_NAMES))

    def catalogue(self) -> Catalogue:
        """Return every list. Raise RemoteError, naming file and line, if `lists.csv` cannot be read."""
        table = self._lists_table()
        return Catalogue(tuple(map(_mailing_list, table.lines)), _complete(table))

    def recipients(self, mailing_list: MailingList, _tape: Tape | None = None) -> RecipientSnapshot:
        """Given a list, return its recipients. Raise RemoteError if its file is missing or wrong."""
        table = read_table(self._file_of(mailing_list.uid), needed=("email",))
        rows: dict[str, Recipient] = {}
        for line in table.lines:
            recipient = self._recipient(line)
            if recipient.uid in rows:
                raise table.problem(line.number, "this recipient is already there further up")
            rows[recipient.uid] = recipient
        return RecipientSnapshot(tuple(rows.values()), _complete(table))

    def fetch_ahead(self, tape: Tape) -> None:
        """Ask nobody: a file is read anew every time."""

    def fate(self, uid: ListUid) -> Fate:
        """Given a list's uid, return DELETED if its row and its file are gone.

        Raise RemoteError if only its row is gone, which proves nothing.
        """
        if any(line.text("uid") == uid for line in self._lists_table().lines):
            return Fate.LIVES
        if self._file_of(uid).exists():
            raise UnexpectedAnswer(
                SYSTEM,
                f"{CATALOGUE_FILE} no longer names the list {uid}, but {uid}.csv is still there",
                advice="Delete the file too if the list is gone, or put its row back.",
            )
        return Fate.DELETED

    def _flagged(self) -> list[str]:
        table = self._lists_table()
        return [
            line.text("uid")
            for line in table.lines
            if "mailchimp" not in table.columns or switch(line.text("mailchimp"))
        ]

    def _setting(self, name: str, assumed: Mapping[str, str]) -> Setting:
        code = str(getattr(self._mapping.settings, name))
        value = self._overrides.get(name, assumed.get(name, ""))
        return Setting(name, code, SettingOrigin.CONFIGURATION, value)

    def _lists_table(self) -> Table:
        table = read_table(self._folder / CATALOGUE_FILE, needed=("uid", "name"))
        seen: set[str] = set()
        for line in table.lines:
            uid = line.text("uid")
            if not SAFE_UID.fullmatch(uid):
                raise table.problem(line.number, "the uid is empty, or cannot be the name of a file")
            if uid in seen:
                raise table.problem(line.number, f"the uid {uid} is already there further up")
            seen.add(uid)
        return table

    def _file_of(self, uid: ListUid) -> Path:
        if not SAFE_UID.fullmatch(uid):
            raise NotFound(SYSTEM, "a list's uid cannot be the name of a file", advice=ADVICE)
        return self._folder / f"{uid}.csv"

    def _recipient(self, line: Line) -> Recipient:
        email = line.text("email")
        kind = self._mapping.kind_of(line.text("kind") or "manual")
        # Without any uid the address is all there is to tell one entry from another; a digest of it may be
        # shown where an address may not.
        entity = line.text("entity") or line.text("uid") or _digest(email)
        return Recipient(
            uid=line.text("uid") or f"{kind}:{entity}",
            person=Person(kind, entity),
            email=email,
            values={name: line.cells[name] for name in VALUES if name in line.cells},
            opted_out=switch(line.text("opted_out")) is not False,
        )


def _mailing_list(line: Line) -> MailingList:
    count = line.text("recipient_count")
    reminder = line.text("permission_reminder")
    return MailingList(
        uid=ListUid(line.text("uid")),
        name=line.text("name"),
        description=line.text("description"),
        subject=line.text("subject"),
        owner=line.text("owner"),
        created=line.text("created"),
        category=line.text("category"),
        is_global=switch(line.text("global")) is True,
        last_modified=line.text("last_modified"),
        last_modified_by=line.text("last_modified_by"),
        published=switch(line.text("published")) is True,
        temporary=switch(line.text("temporary")) is True,
        mailchimp=switch(line.text("mailchimp")) is True,
        permission_reminder="" if reminder.casefold() == "standaard" else reminder,
        recipient_count=whole_number(count),
    )


def _digest(email: str) -> str:
    return blake2b(email.casefold().encode(), digest_size=8).hexdigest()


def _complete(table: Table) -> Tally:
    rows = len(table.lines)
    return Tally(rows=rows, declared_before=rows, declared_after=rows)
