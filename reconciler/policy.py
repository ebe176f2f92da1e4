"""What a client may choose: the policies of the decision table and the limits of the guards."""

from dataclasses import dataclass
from enum import StrEnum


class ArchivedStranger(StrEnum):
    """A listed person whose contact somebody else archived before we ever owned it."""

    HOLD = "hold"
    ADD = "add"


class RemovedInMailchimp(StrEnum):
    """Somebody took our contact out in Mailchimp while OTYS still lists the person."""

    RESPECT = "respect"
    RESTORE = "restore"


class FieldConflicts(StrEnum):
    """Which side wins a merge field that changed on both."""

    OTYS = "otys"
    MAILCHIMP = "mailchimp"


class AudienceGone(StrEnum):
    """The audience of a list was deleted in Mailchimp."""

    HOLD = "hold"
    RECREATE = "recreate"


class Unselected(StrEnum):
    """A list that lives on in OTYS is no longer flagged in GE203."""

    KEEP = "keep"
    ARCHIVE_MEMBERS = "archive-members"


class ListDeleted(StrEnum):
    """A list was deleted in OTYS."""

    DELETE = "delete"
    ARCHIVE_MEMBERS = "archive-members"
    KEEP = "keep"


class OptOutsToOtys(StrEnum):
    """What happens in OTYS when somebody opts out in Mailchimp."""

    REPORT = "report"
    WRITE = "write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A client's choices, each with the safe default."""

    archived_stranger: ArchivedStranger = ArchivedStranger.HOLD
    removed_in_mailchimp: RemovedInMailchimp = RemovedInMailchimp.RESPECT
    archive_opted_out: bool = False
    """Archive an unsubscribed contact that left the list; the no stays remembered for ever."""
    field_conflicts: FieldConflicts = FieldConflicts.OTYS
    audience_gone: AudienceGone = AudienceGone.HOLD
    unselected: Unselected = Unselected.KEEP
    list_deleted: ListDeleted = ListDeleted.DELETE
    opt_outs_to_otys: OptOutsToOtys = OptOutsToOtys.REPORT
    """Who opted out in Mailchimp is reported, to be entered in OTYS by hand; `write` enters it where the
    mapping names a call for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Above these a guard withholds the dangerous verb of one list."""

    removals_percent: int = 10
    """Removals of a list above this share of its active contacts are withheld."""
    removals_count: int = 500
    """Removals of a list above this number are withheld, whatever their share."""
    removals_free: int = 10
    """So many removals of a list are never withheld for their number."""
    growth_percent: int = 100
    """Adds above this share of an established list's active contacts are withheld."""
    growth_above: int = 200
    """A list with more active contacts than this that was in step before is established."""
    flap_turns: int = 2
    """A contact that was added and removed by turns more often than this within `flap_hours` is held."""
    flap_hours: float = 24.0
    """Hours that are looked back on for contacts that are added and removed again and again."""
    canaries: tuple[str, ...] = ()
    """Addresses that must be on every list; where one is missing, removals are withheld."""
    grace_snapshots: int = 3
    """Complete snapshots in a row that must prove a list deleted before its audience is deleted."""
    grace_hours: float = 24.0
    """Hours a list must have been proved deleted before its audience is deleted."""
    recent_campaign_days: float = 7.0
    """Days after a campaign in which its audience is not deleted, though its list was."""
    reread_hours: float = 24.0
    """Hours within which every list is read whole and decided anew, though nothing shows that it changed; 0:
    in every pass."""
    quiet_hours: str = "20:00-06:00"
    """Hours of the day (in the daemon's time zone) that this is done in where it can be, evenly spread."""
    trust_catalogue: bool = True
    """Whether a list may go unread in OTYS while its Last modified stands still, once OTYS has shown in many
    changes that it moves with every one; one lie ends that for good."""
    proposal_hours: float = 72.0
    """Hours after which a withheld plan can no longer be approved."""
