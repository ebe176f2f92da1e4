"""Knows how audiences and contacts are read from Mailchimp; never writes."""

from reconciler.address import normalise
from reconciler.api.mailchimp import Mailchimp, audience_path, member_path
from reconciler.api.mailchimp_wire import (
    MEMBER_FIELDS,
    AudienceRow,
    AudiencesPage,
    ChangedPage,
    ConstraintsRow,
    ListedMember,
    MembersPage,
    MergeFieldRow,
    MergeFieldsPage,
    SingleMember,
    member_hash,
)
from reconciler.api.tape import Tape
from reconciler.audience_record import AudienceRecord
from reconciler.errors import NotFound
from reconciler.model import AudienceCatalogue, AudienceId, Contact, ContactSnapshot, Standing
from reconciler.newest import LOOKED_AT, Newest, NewestContacts, newest_of
from reconciler.sources.mailchimp_pages import Page, PageSize, Read, Span, joined, read_all
from reconciler.sources.mailchimp_record import RecordReader


class MailchimpSource:
    """The audiences of one account (ports.AudienceSource)."""

    def __init__(self, client: Mailchimp) -> None:
        self._client = client
        self._member_page = PageSize()
        self._other_page = PageSize()

    def audiences(self) -> AudienceCatalogue:
        """Return every audience and how many the account may hold. Raise RemoteError if it cannot be read."""
        constraints = ConstraintsRow()

        def fetch(span: Span) -> Page[AudienceRow]:
            nonlocal constraints
            params = {
                **span.params,
                "fields": "lists.id,lists.name,lists.permission_reminder,constraints,total_items",
                # Without it the order is not dependable, and pages could overlap (facts/mailchimp.md, 1.1).
                "sort_field": "date_created",
                "sort_dir": "ASC",
            }
            page = self._client.read("/lists", AudiencesPage, params=params, patient=span.patient)
            constraints = page.constraints
            return Page(page.lists, page.total_items)

        read = read_all(fetch, lambda row: row.id, self._other_page)
        return AudienceCatalogue(
            tuple(row.audience() for row in read.rows.values()), constraints.constraints(), read.tally
        )

    def contacts(self, audience_id: AudienceId, tape: Tape | None = None) -> ContactSnapshot:
        """Given an audience, return its contacts of every standing, archived ones too.

        Archived contacts have a listing of their own, but are taken from either (facts/mailchimp.md, 14); a
        contact archived in between stands in both, and the later one is right. Contacts without an address
        count as read and are left out (facts/mailchimp.md, 68). Raise NotFound when the audience is gone.
        """
        live = self._members(audience_id, None, tape)
        archived = self._members(audience_id, Standing.ARCHIVED, tape)
        rows = {**live.rows, **archived.rows}
        contacts = tuple(row.contact() for row in rows.values() if row.address)
        return ContactSnapshot(contacts, joined([live.tally, archived.tally]), _newest_read(live, archived))

    def newest(self, audience_id: AudienceId) -> NewestContacts | None:
        """Given an audience, return which contacts changed last; None where that cannot be compared.

        Whatever order the service really answers in: another than was asked for shows others. Raise
        RemoteError at the first failure, as there is another way.
        """
        live = self._newest(audience_id, None)
        archived = None if live is None else self._newest(audience_id, Standing.ARCHIVED)
        return None if live is None or archived is None else NewestContacts(live, archived)

    def fetch_ahead(self, tape: Tape) -> None:
        """Given a tape that knows an earlier reading, let it ask the same again."""
        tape.fetch_ahead(self._client.fetch)

    def contact(self, audience_id: AudienceId, key: str) -> Contact | None:
        """Given an audience and a contact's `contact_id` or address, look it up; None when it is not there.

        Raise RemoteError when the answer proves nothing.
        """
        key = member_hash(normalise(key)) if "@" in key else key
        try:
            params = {"fields": ",".join(MEMBER_FIELDS)}
            return self._client.read(member_path(audience_id, key), SingleMember, params=params).contact()
        except NotFound:
            return None

    def record(self, audience_id: AudienceId) -> AudienceRecord:
        """Given an audience, return everything in it, for a backup. Raise NotFound when it is gone."""
        return RecordReader(self._client, audience_id).read()

    def merge_field_tags(self, audience_id: AudienceId) -> frozenset[str]:
        """Given an audience, return the tags of its merge fields. Raise NotFound when it is gone."""
        return frozenset(row.tag for row in self.merge_fields(audience_id))

    def merge_fields(self, audience_id: AudienceId) -> tuple[MergeFieldRow, ...]:
        """Given an audience, return its merge fields. Raise NotFound when it is gone."""

        def fetch(span: Span) -> Page[MergeFieldRow]:
            params = {
                **span.params,
                "fields": "merge_fields.tag,merge_fields.required,total_items",
            }
            path = f"{audience_path(audience_id)}/merge-fields"
            page = self._client.read(path, MergeFieldsPage, params=params, patient=span.patient)
            return Page(page.merge_fields, page.total_items)

        return tuple(read_all(fetch, lambda row: row.tag, self._other_page).rows.values())

    def _members(
        self, audience_id: AudienceId, standing: Standing | None, tape: Tape | None
    ) -> Read[ListedMember]:
        def fetch(span: Span) -> Page[ListedMember]:
            params = {
                **span.params,
                "fields": ",".join(f"members.{name}" for name in MEMBER_FIELDS) + ",total_items",
                # The order that moves least while others write: newcomers come last, and no edit moves a row.
                "sort_field": "timestamp_opt",
                "sort_dir": "ASC",
            }
            if standing:
                params["status"] = standing
            path = f"{audience_path(audience_id)}/members"
            page = self._client.read(path, MembersPage, params=params, patient=span.patient, tape=tape)
            return Page(page.members, page.total_items)

        return read_all(fetch, lambda row: row.id or row.contact_id, self._member_page)

    def _newest(self, audience_id: AudienceId, standing: Standing | None) -> Newest | None:
        params = {
            "count": str(LOOKED_AT),
            "fields": "members.id,members.last_changed,total_items",
            "sort_field": "last_changed",
            "sort_dir": "DESC",
        }
        if standing:
            params["status"] = standing
        path = f"{audience_path(audience_id)}/members"
        page = self._client.read(path, ChangedPage, params=params, patient=False)
        return newest_of(((row.id, row.last_changed) for row in page.members), page.total_items)


def _newest_read(live: Read[ListedMember], archived: Read[ListedMember]) -> NewestContacts | None:
    """Only a complete reading tells what a later look must show."""
    if not live.tally.complete or not archived.tally.complete:
        return None
    newest = [
        newest_of(((row.id, row.last_changed) for row in read.rows.values()), len(read.rows))
        for read in (live, archived)
    ]
    return NewestContacts(newest[0], newest[1]) if newest[0] and newest[1] else None
