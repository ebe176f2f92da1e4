"""Lists and audiences as a pass finds them, and a pair of them as it leaves them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model import (
    Audience,
    AudienceCatalogue,
    AudienceId,
    Catalogue,
    Fate,
    Fields,
    Link,
    ListChange,
    ListUid,
    ListVerb,
    MailingList,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A creation whose outcome is unknown."""

    name: str
    """What was asked for: the list may be called otherwise by now."""
    existing: frozenset[AudienceId]
    """The audiences that were there before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Lists and audiences of one client as one pass finds them."""

    flagged: tuple[ListUid, ...]
    catalogue: Catalogue
    audiences: AudienceCatalogue
    links: tuple[Link, ...]
    default_reminder: str
    fates: Mapping[ListUid, Fate] = field(default_factory=dict)
    """What a lookup said of the linked lists that are not in the catalogue."""
    pairs: Mapping[ListUid, AudienceId] = field(default_factory=dict)
    """Pairs that the configuration names."""
    begun: Mapping[ListUid, Begun] = field(default_factory=dict)
    """Creations whose outcome is unknown."""
    refused: Mapping[tuple[ListUid, ListVerb], tuple[Fields, str]] = field(default_factory=dict)
    """What Mailchimp refused to do to an audience, and in which words."""
    unanswered: Mapping[ListUid, int] = field(default_factory=dict)
    """Of which lists nobody has said yet whether so many of our contacts were taken out of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """One list, its audience, and what is to be done about the pair."""

    list_uid: ListUid
    list_name: str
    mailing_list: MailingList | None = None
    audience: Audience | None = None
    link: Link | None = None
    """The link as it stands once the changes are true, but for what an edit writes; None: none comes."""
    changes: tuple[ListChange, ...] = ()
    syncs: bool = False
    """Whether the contacts are reconciled in this pass."""
    starts_anew: bool = False
    """Whether what the base knows is about another audience, so that only its nos count."""
    heir_of: tuple[ListUid, ...] = ()
    """The lists that its audience belonged to before: whoever said no to them said it to this one."""
    emptied: bool = False
    """Whether the list counts as empty, so that our contacts leave the audience."""
    waits: str = ""
    """Why a change is not due yet."""


def is_deletion(pairing: Pairing) -> bool:
    """Given a pairing, return whether its audience is to be deleted."""
    return any(change.verb is ListVerb.DELETE for change in pairing.changes)
