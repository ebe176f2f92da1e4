"""Knows how everything about one audience is read from Mailchimp, for a backup; never writes."""

from datetime import UTC, datetime

import msgspec

from reconciler.api.mailchimp import Mailchimp, audience_path, member_path
from reconciler.api.mailchimp_errors import SYSTEM
from reconciler.api.mailchimp_wire import AudienceRow
from reconciler.audience_record import SHOWN_TAGS, AudienceRecord, ContactRecord, MergeFieldRecord, TagRecord
from reconciler.errors import UnexpectedAnswer
from reconciler.model import AudienceId, Standing
from reconciler.sources.mailchimp_pages import Page, PageSize, Read, Span, joined, read_all


class _Stats(msgspec.Struct, frozen=True):
    campaign_last_sent: str | None = None


class _AudienceAnswer(AudienceRow, frozen=True):
    stats: _Stats = _Stats()


class _MembersPage(msgspec.Struct, frozen=True):
    members: list[ContactRecord]
    total_items: int


class _MergeFieldsPage(msgspec.Struct, frozen=True):
    merge_fields: list[MergeFieldRecord]
    total_items: int


class _TagsPage(msgspec.Struct, frozen=True):
    tags: list[TagRecord]
    total_items: int


_MEMBER_FIELDS = ",".join(f"members.{name}" for name in ContactRecord.__struct_encode_fields__)
_MERGE_FIELDS = ",".join(f"merge_fields.{name}" for name in MergeFieldRecord.__struct_encode_fields__)


class RecordReader:
    """Reads one audience whole."""

    def __init__(self, client: Mailchimp, audience_id: AudienceId) -> None:
        self._client = client
        self._id = audience_id
        self._path = audience_path(audience_id)
        self._page = PageSize()

    def read(self) -> AudienceRecord:
        """Return the audience with everything in it. Raise NotFound when it is gone."""
        params = {"fields": "id,name,permission_reminder,stats.campaign_last_sent"}
        head = self._client.read(self._path, _AudienceAnswer, params=params)
        merge_fields = read_all(self._merge_fields, lambda row: row.tag, self._page)
        live, archived = self._contacts(None), self._contacts(Standing.ARCHIVED)
        # A contact archived in between stands in both listings, and the later one is right.
        rows = {**live.rows, **archived.rows}
        return AudienceRecord(
            audience=head.audience(),
            campaign_last_sent=_moment(head.stats.campaign_last_sent or ""),
            merge_fields=tuple(merge_fields.rows.values()),
            contacts=tuple(self._with_all_tags(row) for row in rows.values()),
            tally=joined([merge_fields.tally, live.tally, archived.tally]),
        )

    def _contacts(self, standing: Standing | None) -> Read[ContactRecord]:
        def fetch(span: Span) -> Page[ContactRecord]:
            params = {
                **span.params,
                "fields": f"{_MEMBER_FIELDS},total_items",
                "sort_field": "timestamp_opt",
                "sort_dir": "ASC",
            }
            if standing:
                params["status"] = standing
            page = self._client.read(
                f"{self._path}/members", _MembersPage, params=params, patient=span.patient
            )
            return Page(page.members, page.total_items)

        return read_all(fetch, lambda row: row.id or row.contact_id or "", self._page)

    def _merge_fields(self, span: Span) -> Page[MergeFieldRecord]:
        params = {**span.params, "fields": f"{_MERGE_FIELDS},total_items"}
        page = self._client.read(
            f"{self._path}/merge-fields", _MergeFieldsPage, params=params, patient=span.patient
        )
        return Page(page.merge_fields, page.total_items)

    def _with_all_tags(self, contact: ContactRecord) -> ContactRecord:
        if contact.tags_count <= SHOWN_TAGS:
            return contact

        def fetch(span: Span) -> Page[TagRecord]:
            path = f"{member_path(self._id, contact.id)}/tags"
            params = {**span.params, "fields": "tags.name,total_items"}
            page = self._client.read(path, _TagsPage, params=params, patient=span.patient)
            return Page(page.tags, page.total_items)

        read = read_all(fetch, lambda row: row.name, self._page)
        return msgspec.structs.replace(contact, tags=tuple(read.rows.values()))


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UnexpectedAnswer(
            SYSTEM, "the moment of an audience's last campaign cannot be understood"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
