"""The small protocols between a pass and the world; each has one contract test suite."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.api.tape import Tape
from reconciler.audience_record import AudienceRecord, MergeFieldRecord
from reconciler.model import (
    Address,
    Audience,
    AudienceCatalogue,
    AudienceId,
    Catalogue,
    Change,
    Contact,
    ContactSnapshot,
    Fate,
    Integration,
    ListUid,
    MailingList,
    OptOut,
    Outcome,
    RecipientSnapshot,
)
from reconciler.newest import NewestContacts


class ListSource(Protocol):
    """Where mailing lists are read. Must never write, and must never show an outage as an empty list."""

    def integration(self) -> Integration:
        """Return the client's settings. Raise RemoteError when they cannot be read."""

    def catalogue(self) -> Catalogue:
        """Return every list. A page that fails leaves an incomplete tally; a first page that fails raises."""

    def recipients(self, mailing_list: MailingList, tape: Tape | None = None) -> RecipientSnapshot:
        """Given a list, return its recipients; incomplete when a page fails or the totals disagree.

        What is asked for that is noted on the tape, if one is given.
        """

    def fetch_ahead(self, tape: Tape) -> None:
        """Given a tape that knows an earlier reading, let it ask the same again, where that can be done."""

    def fate(self, uid: ListUid) -> Fate:
        """Given a list's uid, look that one list up. Raise RemoteError when the answer proves nothing."""


class AudienceSource(Protocol):
    """Where audiences and contacts are read."""

    def audiences(self) -> AudienceCatalogue:
        """Return every audience and how many the account may hold."""

    def contacts(self, audience_id: AudienceId, tape: Tape | None = None) -> ContactSnapshot:
        """Given an audience, return its contacts of every standing, archived ones too.

        What is asked for that is noted on the tape, if one is given. Raise NotFound when the audience is
        gone.
        """

    def fetch_ahead(self, tape: Tape) -> None:
        """Given a tape that knows an earlier reading, let it ask the same again, where that can be done."""

    def newest(self, audience_id: AudienceId) -> NewestContacts | None:
        """Given an audience, return which contacts changed last; None where that cannot be compared.

        Equal to what a complete reading told, it shows that nothing changed since. Raise RemoteError if it
        cannot be had at the first attempt, as the pages are another way.
        """

    def contact(self, audience_id: AudienceId, key: str) -> Contact | None:
        """Given an audience and a contact's `contact_id` or address, look that one up; None: not there.

        A listing that shifts while it is read can leave a contact out; this proves an absence.
        """

    def record(self, audience_id: AudienceId) -> AudienceRecord:
        """Given an audience, return everything in it, for a backup. Raise NotFound when it is gone."""

    def merge_field_tags(self, audience_id: AudienceId) -> frozenset[str]:
        """Given an audience, return the tags of its merge fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAudience:
    """What is needed to create an audience."""

    name: str
    permission_reminder: str


class AudienceSink(Protocol):
    """Where a pass writes. Exists only in apply mode, so that plan mode cannot write."""

    def create(self, wanted: NewAudience) -> Audience:
        """Create an audience. Raise PermissionDenied when the plan's limit is reached."""

    def edit(
        self, audience_id: AudienceId, *, name: str | None = None, permission_reminder: str | None = None
    ) -> Audience:
        """Given an audience, change its name or reminder, or both. Raise NotFound when it is gone."""

    def delete(self, audience_id: AudienceId) -> None:
        """Given an audience, delete it for good. An audience already gone is fine."""

    def erase(self, audience_id: AudienceId, contact: Contact) -> None:
        """Given a contact as it was seen, delete it for good. One that is gone already is fine."""

    def create_merge_field(
        self, audience_id: AudienceId, tag: str, *, like: MergeFieldRecord | None = None
    ) -> None:
        """Given an audience, add a merge field with this tag: a text one, or one like another."""

    def tag(self, audience_id: AudienceId, name: str, addresses: Sequence[Address]) -> None:
        """Given a tag and addresses of contacts, let each have the tag. One that has it already is fine."""

    def apply(self, audience_id: AudienceId, changes: Sequence[Change]) -> Iterator[Sequence[Outcome]]:
        """Given changes (add, adopt, update, rename, remove), write them; yield outcomes as they are known.

        Order: renames, adds, adopts and updates, removals. One refused contact never stops another. A
        network failure yields `retry_later` for what it touched and for what was not tried any more.
        Never sends a status with an update or rename, never `update_existing` with an add. An error that
        concerns the whole audience or account (NotFound, CredentialsRejected, PermissionDenied) is raised
        after the outcomes known so far were yielded.
        """

    def read_back(self, audience_id: AudienceId, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Given outcomes that claim to be true, re-read every removal and a sample of the rest.

        Return a `not_true` outcome for each that is not.
        """


@dataclass(frozen=True, slots=True)
class Telling:
    """What became of telling OTYS of one opt-out."""

    opt_out: OptOut
    problem: str = ""
    """Why OTYS does not know of it; empty when it does."""


class OptOutSink(Protocol):
    """Where OTYS is told who opted out in Mailchimp. Exists only in apply mode, and only where asked for."""

    def can_tell(self, opt_out: OptOut) -> bool:
        """Given an opt-out, return whether there is a call for anybody behind it."""

    def tell(self, opt_outs: Sequence[OptOut]) -> Iterator[Sequence[Telling]]:
        """Given opt-outs that can be told, tell them; yield what became of them as it is known.

        Telling one twice does no harm. One that is refused never stops another; raise RemoteError when OTYS
        cannot be told anything at all, after what is known so far was yielded.
        """
