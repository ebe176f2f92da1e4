"""Knows how mailing lists and recipients are read from OTYS by the words of the mapping."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from reconciler.api.ows import ApiUser, OwsClient
from reconciler.api.ows_answers import SYSTEM, Page
from reconciler.api.tape import Tape
from reconciler.api.values import Json, Missing, text, whole_number
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
from reconciler.sources.otys_fields import AskedFields, says_gone
from reconciler.sources.otys_pages import Listing, read_listing
from reconciler.sources.otys_settings import SettingsReport, integration_of, named_overrides, read_settings
from reconciler.sources.people import LookedUp, People, is_opted_out, values_of

LARGEST_PAGE = 200  # OTYS gives no more, whatever is asked for


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
        listing = self._listing(lists.service, lists.method, self._lists, sort=lists.sort, condition=None)
        # A deleted list that is still shown counts as a row, but is no list any more.
        living = [row for row in listing.rows if not self._lists.switch(row, "deleted")]
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
            about.service, about.method, self._recipients, sort=about.sort, condition=condition, tape=tape
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
        if not isinstance(detail, dict) or self._list_detail.identity(detail, "uid") != uid:
            raise UnexpectedAnswer(SYSTEM, f"{method} answered with something that is not the list asked for")
        return Fate.DELETED if self._list_detail.switch(detail, "deleted") else Fate.LIVES

    # -- reading -------------------------------------------------------------------------------------

    def _listing(
        self,
        service: str,
        method: str,
        asked: AskedFields,
        *,
        sort: str,
        condition: Json,
        tape: Tape | None = None,
    ) -> Listing:
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

        return read_listing(
            lambda limit, offset: asked.ask(partial(page, limit, offset)),
            lambda row: asked.identity(row, "uid"),
            self._page_size,
        )

    def _mailing_list(self, row: Mapping[str, Json]) -> MailingList:
        asked = self._lists
        count = asked.text(row, "recipient_count")
        reminder = asked.text(row, "permission_reminder")
        default_reminders = {word.casefold() for word in self.mapping.lists.default_reminders}
        return MailingList(
            uid=ListUid(asked.identity(row, "uid")),
            name=asked.text(row, "name"),
            description=asked.text(row, "description"),
            subject=asked.text(row, "subject"),
            owner=asked.label(row, "owner"),
            created=asked.text(row, "created"),
            category=asked.label(row, "category"),
            is_global=asked.switch(row, "global") is True,
            last_modified=asked.text(row, "last_modified"),
            last_modified_by=asked.label(row, "last_modified_by"),
            published=asked.switch(row, "published") is True,
            temporary=asked.switch(row, "temporary") is True,
            mailchimp=asked.switch(row, "mailchimp") is True,
            permission_reminder="" if reminder.casefold() in default_reminders else reminder,
            recipient_count=whole_number(count),
        )

    # -- people --------------------------------------------------------------------------------------

    def _with_people(self, listing: Listing, tape: Tape | None) -> RecipientSnapshot:
        recipients = [self._recipient(row) for row in listing.rows]
        wanted = {
            recipient.person
            for row, recipient in zip(listing.rows, recipients, strict=True)
            if self._needs_lookup(row, recipient.person)
        }
        found = self._people.look_up(wanted) if wanted else {}
        if wanted and tape is not None:
            tape.prove_nothing()  # their addresses are not in these pages
        problems = [person.problem for person in found.values() if person.problem]
        tally = listing.tally
        if problems and not tally.failure:
            # Somebody of whom nothing is known is not somebody without an address.
            failure = f"{len(problems)} lookups of people failed; the first: {problems[0]}"
            tally = replace(tally, failure=failure)
        garbled = [row for row in listing.rows if not self._recipients.is_text(row, "email")]
        if garbled and not tally.failure:
            failure = (
                f"in {len(garbled)} rows the address is no text; "
                f"the first: {self._recipients.identity(garbled[0], 'uid')}"
            )
            tally = replace(tally, failure=failure)
        completed = tuple(
            _completed(recipient, found[recipient.person]) if recipient.person in found else recipient
            for recipient in recipients
        )
        return RecipientSnapshot(completed, replace(tally, tells_opt_outs=self.mapping.tells_opt_outs))

    def _recipient(self, row: Mapping[str, Json]) -> Recipient:
        asked = self._recipients
        uid = asked.identity(row, "uid")
        kind = self.mapping.kind_of(asked.text(row, "kind"))
        # An entry typed by hand points at nobody: it is a person of its own.
        entity = asked.identity(row, "entity") or uid
        return Recipient(
            uid=uid,
            person=Person(kind, entity),
            email=asked.text(row, "email"),
            values=values_of(asked, row),
            opted_out=is_opted_out(asked, row),
        )

    def _needs_lookup(self, row: Mapping[str, Json], person: Person) -> bool:
        if not self._people.can_look_up(person.kind) or not self._recipients.identity(row, "entity"):
            return False
        email = self._recipients.sent(row, "email")
        if isinstance(email, Missing) or email is None:
            return True
        return not text(email) and self._people.leads_on(person.kind)


def _completed(recipient: Recipient, found: LookedUp) -> Recipient:
    return replace(
        recipient,
        person=found.person,
        email=found.email,
        values={**recipient.values, **found.values},
        opted_out=recipient.opted_out or found.opted_out,
    )
