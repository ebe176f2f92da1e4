"""Knows how to play a whole Mailchimp account in memory, for tests and for trying a pass without network."""

from collections.abc import Iterator, Sequence

from reconciler.api.tape import Tape
from reconciler.audience_record import AudienceRecord, MergeFieldRecord
from reconciler.errors import NotFound, PermissionDenied
from reconciler.model import (
    Address,
    Audience,
    AudienceCatalogue,
    AudienceId,
    Change,
    Constraints,
    Contact,
    ContactSnapshot,
    Outcome,
    Standing,
    Tally,
    Verb,
)
from reconciler.newest import NewestContacts
from reconciler.ports import NewAudience
from reconciler.sinks.mailchimp_outcomes import not_true
from reconciler.sinks.memory_audience import MemoryAudience

SYSTEM = "memory"
OUTCOMES_AT_A_TIME = 500
_ORDER = (Verb.RENAME, Verb.ADD, Verb.ADOPT, Verb.UPDATE, Verb.REMOVE)


class MemoryAudiences:
    """An account (ports.AudienceSource and ports.AudienceSink)."""

    def __init__(self, *, maximum: int | None = None) -> None:
        self.maximum = maximum
        self._audiences: dict[AudienceId, MemoryAudience] = {}
        self._created = 0

    def audience(self, audience_id: AudienceId) -> MemoryAudience:
        """Given an audience's id, return it, to do to it what people do. Raise NotFound if it is gone."""
        try:
            return self._audiences[audience_id]
        except KeyError:
            raise NotFound(SYSTEM, f"there is no audience {audience_id}") from None

    def audiences(self) -> AudienceCatalogue:
        """Return every audience and how many the account may hold."""
        found = tuple(audience.seen() for audience in self._audiences.values())
        constraints = Constraints(may_create=self._may_create(), maximum=self.maximum, current=len(found))
        return AudienceCatalogue(found, constraints, _complete(len(found)))

    def contacts(self, audience_id: AudienceId, _tape: Tape | None = None) -> ContactSnapshot:
        """Given an audience, return its contacts of every standing. Raise NotFound when it is gone."""
        found = self.audience(audience_id).contacts()
        return ContactSnapshot(found, _complete(len(found)))

    def fetch_ahead(self, tape: Tape) -> None:
        """Ask nobody: what is in memory is never asked for."""

    def newest(self, audience_id: AudienceId) -> NewestContacts | None:  # noqa: ARG002 (of no audience)
        """Return None: nothing tells."""
        return None

    def contact(self, audience_id: AudienceId, key: str) -> Contact | None:
        """Given an audience and a contact's `contact_id` or address, return it; None when it is not there."""
        everybody = self.audience(audience_id).contacts()
        return next((one for one in everybody if key in (one.contact_id, one.address)), None)

    def record(self, audience_id: AudienceId) -> AudienceRecord:
        """Given an audience, return everything in it. Raise NotFound when it is gone."""
        return self.audience(audience_id).record()

    def merge_field_tags(self, audience_id: AudienceId) -> frozenset[str]:
        """Given an audience, return the tags of its merge fields. Raise NotFound when it is gone."""
        return frozenset(self.audience(audience_id).tags)

    def create(self, wanted: NewAudience) -> Audience:
        """Create an audience. Raise PermissionDenied when the limit is reached."""
        if not self._may_create():
            raise PermissionDenied(SYSTEM, f"the limit of {self.maximum} audiences is reached")
        self._created += 1
        audience = MemoryAudience(
            AudienceId(f"audience-{self._created}"),
            name=wanted.name,
            permission_reminder=wanted.permission_reminder,
        )
        self._audiences[audience.id] = audience
        return audience.seen()

    def edit(
        self, audience_id: AudienceId, *, name: str | None = None, permission_reminder: str | None = None
    ) -> Audience:
        """Given an audience, change its name or reminder, or both. Raise NotFound when it is gone."""
        audience = self.audience(audience_id)
        if name is not None:
            audience.name = name
        if permission_reminder is not None:
            audience.permission_reminder = permission_reminder
        return audience.seen()

    def delete(self, audience_id: AudienceId) -> None:
        """Given an audience, delete it for good. An audience already gone is fine."""
        self._audiences.pop(audience_id, None)

    def erase(self, audience_id: AudienceId, contact: Contact) -> None:
        """Given a contact as it was seen, delete it for good. One that is gone already is fine."""
        audience = self.audience(audience_id)
        if audience.find(contact.address) is not None:
            audience.delete_permanently(contact.address)

    def create_merge_field(
        self, audience_id: AudienceId, tag: str, *, like: MergeFieldRecord | None = None
    ) -> None:
        """Given an audience, add a merge field with this tag. Raise NotFound when it is gone."""
        self.audience(audience_id).add_merge_field(like or MergeFieldRecord(tag=tag, name=tag))

    def tag(self, audience_id: AudienceId, name: str, addresses: Sequence[Address]) -> None:
        """Given a tag and addresses of contacts, let each have the tag. One that has it already is fine."""
        self.audience(audience_id).tag(name, addresses)

    def apply(self, audience_id: AudienceId, changes: Sequence[Change]) -> Iterator[Sequence[Outcome]]:
        """Given changes, write them in the order of ports.AudienceSink; yield what became of them."""
        audience = self.audience(audience_id)
        ordered = sorted(changes, key=lambda change: _ORDER.index(change.verb))
        for start in range(0, len(ordered), OUTCOMES_AT_A_TIME):
            yield [audience.write(change) for change in ordered[start : start + OUTCOMES_AT_A_TIME]]

    def read_back(self, audience_id: AudienceId, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Given outcomes, return a `not_true` one for each that is not true any more."""
        audience = self.audience(audience_id)
        return [
            not_true(outcome.change, "the account shows otherwise")
            for outcome in outcomes
            if outcome.result.moves_base and not _is_true(audience, outcome.change)
        ]

    def _may_create(self) -> bool:
        return self.maximum is None or len(self._audiences) < self.maximum


def _is_true(audience: MemoryAudience, change: Change) -> bool:
    if change.verb is Verb.REMOVE:
        seen = change.contact.contact_id if change.contact else ""
        here = (contact for contact in audience.contacts() if contact.contact_id == seen)
        return all(contact.standing is Standing.ARCHIVED for contact in here)
    there = audience.find(change.address)
    if there is None or (change.verb is Verb.ADD and there.standing is not Standing.SUBSCRIBED):
        return False
    return all(there.fields.get(tag) == value for tag, value in change.fields.items())


def _complete(rows: int) -> Tally:
    return Tally(rows=rows, declared_before=rows, declared_after=rows)
