"""Knows how many contacts get a tag at once: a tag is a static segment (facts/mailchimp.md, 51)."""

from collections.abc import Sequence

import msgspec

from reconciler.api.mailchimp import Mailchimp, audience_path
from reconciler.api.mailchimp_wire import Nothing
from reconciler.model import Address, AudienceId
from reconciler.sources.mailchimp_pages import Page, PageSize, Span, read_all

ADDRESSES_IN_A_REQUEST = 500  # more are refused as a whole (facts/mailchimp.md, 51)


class _Segment(msgspec.Struct, frozen=True):
    id: int
    name: str = ""


class _SegmentsPage(msgspec.Struct, frozen=True):
    segments: list[_Segment]
    total_items: int


class AudienceTags:
    """The tags of one audience."""

    def __init__(self, client: Mailchimp, audience_id: AudienceId) -> None:
        self._client = client
        self._path = f"{audience_path(audience_id)}/segments"

    def give(self, name: str, addresses: Sequence[Address]) -> None:
        """Given a tag and addresses of contacts, let each have the tag. Raise RemoteError if that failed."""
        known = self._find(name)
        for start in range(0, len(addresses), ADDRESSES_IN_A_REQUEST):
            group = list(addresses[start : start + ADDRESSES_IN_A_REQUEST])
            if known is None:
                body = {"name": name, "static_segment": group}
                known = self._client.write("POST", self._path, body, _Segment).id
            else:
                self._client.write("POST", f"{self._path}/{known}", {"members_to_add": group}, Nothing)

    def _find(self, name: str) -> int | None:
        def fetch(span: Span) -> Page[_Segment]:
            params = {**span.params, "type": "static", "fields": "segments.id,segments.name,total_items"}
            page = self._client.read(self._path, _SegmentsPage, params=params, patient=span.patient)
            return Page(page.segments, page.total_items)

        rows = read_all(fetch, lambda row: str(row.id), PageSize()).rows.values()
        return next((row.id for row in rows if row.name.casefold() == name.casefold()), None)
