"""Knows how to sum a world up: its lists and audiences with their counts, never its secrets."""

from collections import Counter

import msgspec

from reconciler.sandbox.mailchimp.state import Audience
from reconciler.sandbox.otys.state import MailingList
from reconciler.sandbox.world import World


class ListOverview(msgspec.Struct, frozen=True, kw_only=True):
    """One mailing list."""

    uid: str
    name: str
    recipients: int
    flagged: bool
    deleted: bool


class AudienceOverview(msgspec.Struct, frozen=True, kw_only=True):
    """One audience with its contacts by status."""

    id: str
    name: str
    contacts: dict[str, int]


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """One world."""

    seed: int
    lists: list[ListOverview]
    audiences: list[AudienceOverview]
    people: dict[str, int]
    sessions: int


def overview(world: World) -> Overview:
    """Given a world, return what it holds."""
    flagged = set(world.otys.flagged())
    return Overview(
        seed=world.seed,
        lists=[_list_overview(row, flagged=row.uid in flagged) for row in world.otys.lists.values()],
        audiences=[_audience_overview(audience) for audience in world.mailchimp.audiences.values()],
        people={kind: len(entities) for kind, entities in world.otys.entities.items()},
        sessions=sum(1 for session in world.otys.sessions.values() if not session.ended),
    )


def _list_overview(row: MailingList, *, flagged: bool) -> ListOverview:
    return ListOverview(
        uid=row.uid, name=row.name, recipients=len(row.recipients), flagged=flagged, deleted=row.deleted
    )


def _audience_overview(audience: Audience) -> AudienceOverview:
    counts = Counter(str(contact.status) for contact in audience.contacts.values())
    return AudienceOverview(id=audience.id, name=audience.name, contacts=dict(counts))
