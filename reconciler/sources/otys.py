"""Knows how mailing lists and recipients are read from OTYS by the words of the mapping."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import NamedTuple, TypeVar

from reconciler.api.ows import ApiUser, OwsClient
from reconciler.api.ows_answers import SYSTEM, Page
from reconciler.api.tape import Tape
from reconciler.api.values import Json, Row, whole_number
from reconciler.errors import RemoteError, UnexpectedAnswer
from reconciler.model import (
    Catalogue,
    Fate,
    Integration,
    ListUid,
    MailingList,
    Person,
    Recipient,
    RecipientSnapshot,
)
from reconciler.sources.mapping import OtysMapping, method_name
from reconciler.sources.otys_fields import AskedFields, Sent, says_gone
from reconciler.sources.otys_pages import Listing, read_listing
from reconciler.sources.otys_settings import SettingsReport, integration_of, named_overrides, read_settings
from reconciler.sources.people import LookedUp, People, is_opted_out, values_of

T = TypeVar("T")

LARGEST_PAGE = 200  # OTYS gives no more, whatever is asked for
KINDS_KEPT = 100


class OtysSource:
    """The lists of one OTYS client; a `ListSource`. Keep it between passes: it remembers refused fields."""

    def __init__(
        self,
        ows: OwsClient,
        mapping: OtysMapping,
        settings_overrides: Mapping[str, str] | None = None,
        page_size: int = LARGEST_PAGE,
    ) -> None:
        self.mapping = mapping
        self._ows = ows
        self._overrides = named_overrides(mapping.settings, settings_overrides or {})
        self._page_size = min(page_size, LARGEST_PAGE)
        self._user: ApiUser | None = None
        self._lists = AskedFields(mapping.lists.service, mapping.lists.fields)
        self._list_detail = AskedFields(
            mapping.lists.service,
            {name: field for name, field in mapping.lists.fields.items() if name in ("uid", "deleted")},
        )
        self._recipients = AskedFields(mapping.recipients.service, mapping.recipients.fields)
        self._people = People(ows, mapping)
        self._kind_of = lru_cache(maxsize=KINDS_KEPT)(mapping.kind_of)

    def integration(self) -> Integration:
        """Return the client's settings. A pass begins here: people looked up before are forgotten.

        Raise RemoteError when they cannot be read, SettingsError when one of them cannot be used.
        """
        self.forget_cache()
        return integration_of(self.settings_report())

    def settings_report(self) -> SettingsReport:
        """Return every setting of the integration as it was found, for `doctor`."""
        if self._user is None:
            self._user = self._ows.check()
        return read_settings(self._ows, self.mapping, self._user.client_id, self._overrides)

    def forget_cache(self) -> None:
        """Forget the people that were looked up."""
        self._people.forget()

    def catalogue(self) -> Catalogue:
        """Return every list. A page that fails leaves an incomplete tally; a first page that fails raises."""
        lists = self.mapping.lists
        listing = self._listing(
            lists.service, lists.method, self._lists, lambda row: row, sort=lists.sort, condition=None
        )
        # A deleted list that is still shown counts as a row, but is no list any more.
        living = [row for row in listing.rows if not row.switch("deleted")]
        return Catalogue(tuple(map(self._mailing_list, living)), listing.tally)

    def recipients(self, mailing_list: MailingList, tape: Tape | None = None) -> RecipientSnapshot:
        """Given a list, return its recipients; incomplete when a page fails or the totals disagree.

        Raise RemoteError when the first page fails, or when people cannot be looked up.
        """
        about = self.mapping.recipients
        condition: Json = {
            "type": "COND",
            "field": about.list_condition,
            "op": "EQ",
            "param": str(mailing_list.uid),
        }
        listing = self._listing(
            about.service,
            about.method,
            self._recipients,
            self._recipient,
            sort=about.sort,
            condition=condition,
            tape=tape,
        )
        return self._with_people(listing, tape)

    def fetch_ahead(self, tape: Tape) -> None:
        """Given a tape that knows an earlier reading, let it ask the same again."""
        tape.fetch_ahead(self._ows.fetch)

    def fate(self, uid: ListUid) -> Fate:
        """Given a list's uid, look that one list up. Raise RemoteError when the answer proves nothing."""
        lists = self.mapping.lists
        method = method_name(lists.service, lists.detail_method)
        try:
            detail = self._list_detail.ask(lambda what: self._ows.call(method, str(uid), what))
        except RemoteError as error:
            if says_gone(error, lists.gone_messages):
                return Fate.DELETED
            raise
        shown = self._list_detail.sent(detail) if isinstance(detail, dict) else None
        if shown is None or shown.identity("uid") != uid:
            raise UnexpectedAnswer(SYSTEM, f"{method} answered with something that is not the list asked for")
        return Fate.DELETED if shown.switch("deleted") else Fate.LIVES

    # -- reading -------------------------------------------------------------------------------------

    def _listing(
        self,
        service: str,
        method: str,
        asked: AskedFields,
        keep: Callable[[Sent], T],
        *,
        sort: str,
        condition: Json,
        tape: Tape | None = None,
    ) -> Listing[T]:
        name = method_name(service, method)

        def page(limit: int, offset: int, what: Json) -> Page:
            arguments: dict[str, Json] = {
                "what": what,
                "condition": condition,
                "limit": limit,
                "offset": offset,
                "sort": {sort: "ASC"},
                "getTotalCount": 1,
            }
            return self._ows.page(name, arguments, tape=tape)

        def read(row: Row) -> tuple[str, T]:
            sent = asked.sent(row)
            return sent.identity("uid"), keep(sent)

        return read_listing(
            lambda limit, offset: asked.ask(partial(page, limit, offset)), read, self._page_size
        )

    def _mailing_list(self, row: Sent) -> MailingList:
        count = row.text("recipient_count")
        reminder = row.text("permission_reminder")
        default_reminders = {word.casefold() for word in self.mapping.lists.default_reminders}
        return MailingList(
            uid=ListUid(row.identity("uid")),
            name=row.text("name"),
            description=row.text("description"),
            subject=row.text("subject"),
            owner=row.label("owner"),
            created=row.text("created"),
            category=row.label("category"),
            is_global=row.switch("global") is True,
            last_modified=row.text("last_modified"),
            last_modified_by=row.label("last_modified_by"),
            published=row.switch("published") is True,
            temporary=row.switch("temporary") is True,
            mailchimp=row.switch("mailchimp") is True,
            permission_reminder="" if reminder.casefold() in default_reminders else reminder,
            recipient_count=whole_number(count),
        )

    # -- people --------------------------------------------------------------------------------------

    def _with_people(self, listing: Listing["_Listed"], tape: Tape | None) -> RecipientSnapshot:
        wanted = {row.recipient.person for row in listing.rows if row.needs_lookup}
        found = self._people.look_up(wanted) if wanted else {}
        if wanted and tape is not None:
            tape.prove_nothing()  # their addresses are not in these pages
        problems = [person.problem for person in found.values() if person.problem]
        tally = listing.tally
        if problems and not tally.failure:
            # Somebody of whom nothing is known is not somebody without an address.
            failure = f"{len(problems)} lookups of people failed; the first: {problems[0]}"
            tally = replace(tally, failure=failure)
        garbled = [row.recipient.uid for row in listing.rows if row.garbled]
        if garbled and not tally.failure:
            failure = f"in {len(garbled)} rows the address is no text; the first: {garbled[0]}"
            tally = replace(tally, failure=failure)
        recipients = (row.recipient for row in listing.rows)
        completed = tuple(
            _completed(one, found[one.person]) if one.person in found else one for one in recipients
        )
        return RecipientSnapshot(completed, replace(tally, tells_opt_outs=self.mapping.tells_opt_outs))

    def _recipient(self, row: Sent) -> "_Listed":
        uid, entity = row.identity("uid"), row.identity("entity")
        # An entry typed by hand points at nobody: it is a person of its own.
        person = Person(self._kind_of(row.text("kind")), entity or uid)
        recipient = Recipient(
            uid=uid,
            person=person,
            email=row.text("email"),
            values=values_of(row),
            opted_out=is_opted_out(row),
        )
        needs_lookup = bool(entity) and self._needs_lookup(row, recipient)
        return _Listed(recipient, needs_lookup, not row.is_text("email"))

    def _needs_lookup(self, row: Sent, recipient: Recipient) -> bool:
        kind = recipient.person.kind
        if not self._people.can_look_up(kind):
            return False
        return row.values.get("email") is None or (not recipient.email and self._people.leads_on(kind))


class _Listed(NamedTuple):
    """A recipient, and what its row lacks."""

    recipient: Recipient
    needs_lookup: bool
    garbled: bool
    """Whether there is something in place of its address that is none."""


def _completed(recipient: Recipient, found: LookedUp) -> Recipient:
    return replace(
        recipient,
        person=found.person,
        email=found.email,
        values={**recipient.values, **found.values},
        opted_out=recipient.opted_out or found.opted_out,
    )
