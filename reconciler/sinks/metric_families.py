"""Knows every metric: its name, type, unit, labels, and what it means to an operator.

docs/metrics.md is made from this table. No address, list name or key is ever a label, and nothing is
labelled by list: a client has hundreds of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reconciler.failure import FailureKind
from reconciler.model import ListVerb, PassResult, RefusalKind, Result, Standing, Verb
from reconciler.report import Look
from reconciler.trust import TrustState

PREFIX: Final = "reconciler_"
PASS_BUCKETS: Final = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
REQUEST_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


Series = tuple[str, ...]
"""The values of a metric's labels."""


class Side(StrEnum):
    """Where contacts are counted."""

    OTYS = "otys"
    MAILCHIMP = "mailchimp"
    BASE = "base"


class Way(StrEnum):
    """How OTYS gets to know of an opt-out."""

    CALL = "call"
    HAND = "hand"


class ListState(StrEnum):
    """How a list stood when the last pass was done with it; the first that applies, in this order."""

    FAILED = "failed"
    WITHHELD = "withheld"
    WAITING = "waiting"
    LINKED = "linked"
    UNLINKED = "unlinked"


class RequestOutcome(StrEnum):
    """How a service answered, as far as the HTTP status tells."""

    OK = "ok"
    REJECTED = "rejected"
    THROTTLED = "throttled"
    FAILED = "failed"
    NO_ANSWER = "no_answer"


class Form(StrEnum):
    """The type of a metric."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric."""

    name: str
    """Without the prefix, and as Prometheus shows it."""
    form: Form
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    buckets: Sequence[float] = ()

    @property
    def full_name(self) -> str:
        """The name an operator looks for."""
        return PREFIX + self.name


_AGE = "Grows between passes. 0: there is none"

LAST_ATTEMPT: Final = Family(
    "last_attempt_timestamp_seconds",
    Form.GAUGE,
    "When the last pass of the client began, in seconds since 1970.",
    ("client",),
    "seconds",
)
LAST_SUCCESS: Final = Family(
    "last_success_timestamp_seconds",
    Form.GAUGE,
    "When the last pass of the client that did not fail ended, in seconds since 1970. 0: never.",
    ("client",),
    "seconds",
)
PASS_DURATION: Final = Family(
    "pass_duration_seconds",
    Form.HISTOGRAM,
    "How long passes take, from the first look at OTYS to the report.",
    ("client",),
    "seconds",
    PASS_BUCKETS,
)
PASSES: Final = Family(
    "passes_total", Form.COUNTER, "Passes that ended, by how they ended.", ("client", "result")
)
FAILURES: Final = Family(
    "failures_total",
    Form.COUNTER,
    "Errors that ended a pass, or the work on one list of it, by kind.",
    ("client", "kind"),
)
CONSECUTIVE_FAILURES: Final = Family(
    "consecutive_failures", Form.GAUGE, "Passes that failed since the last one that did not.", ("client",)
)
CLIENT_STALE: Final = Family(
    "client_stale",
    Form.GAUGE,
    "1 when the client's last good pass is older than two intervals of its schedule, as /readyz says, or 0.",
    ("client",),
)
SNAPSHOT_MEMBERS: Final = Family(
    "snapshot_members",
    Form.GAUGE,
    "What the last snapshots of all lists held: addresses on the lists in OTYS, contacts in Mailchimp, and "
    "in the base the contacts that are ours and subscribed as last synced.",
    ("client", "side", "status"),
)
SNAPSHOT_INCOMPLETE: Final = Family(
    "snapshot_incomplete_total",
    Form.COUNTER,
    "Snapshots of a list or an audience that were not complete; nothing is removed on the word of one.",
    ("client", "side"),
)
PLANNED_CHANGES: Final = Family(
    "planned_changes",
    Form.GAUGE,
    "Changes that the last pass planned, of contacts and of audiences.",
    ("client", "verb"),
)
CHANGES: Final = Family(
    "changes_total", Form.COUNTER, "What became of changes.", ("client", "verb", "result")
)
WITHHELD_CHANGES: Final = Family(
    "withheld_changes",
    Form.GAUGE,
    "Changes that wait for a person: withheld by a guard, or held because an audience's case is not clear.",
    ("client", "verb"),
)
HELD_CONTACTS: Final = Family(
    "held_contacts",
    Form.GAUGE,
    "Contacts that are left as they are until a person decides; `reconciler status` says why.",
    ("client",),
)
REFUSED_CONTACTS: Final = Family(
    "refused_contacts",
    Form.GAUGE,
    "Contacts whose change Mailchimp refuses, by reason; not tried again until the data changes.",
    ("client", "reason"),
)
FOREIGN_CONTACTS: Final = Family(
    "foreign_contacts",
    Form.GAUGE,
    "Subscribed contacts of linked audiences that are neither ours nor on the list; they are left alone.",
    ("client",),
)
LISTS: Final = Family(
    "lists", Form.GAUGE, "Lists the client's passes look after, by state.", ("client", "state")
)
LISTS_LOOKED_AT: Final = Family(
    "lists_looked_at_total",
    Form.COUNTER,
    "Lists that passes looked at, by how: both sides read whole and decided about; every page fetched and as "
    "it was; or a side or both shown by OTYS' catalogue or Mailchimp's newest contacts to be as they were.",
    ("client", "look"),
)
CATALOGUE: Final = Family(
    "catalogue",
    Form.GAUGE,
    "1 for what the Last modified of the client's lists in OTYS is good for: watched until it has proved "
    "itself, trusted, forbidden by the configuration, or lied, which ends it for good. 0 for the others.",
    ("client", "trust"),
)
OLDEST_UNSYNCED: Final = Family(
    "oldest_unsynced_change_seconds",
    Form.GAUGE,
    "Seconds since the oldest change that was planned but is not true yet first appeared. Holds and refused "
    f"changes do not count, nor do changes in plan mode. {_AGE}.",
    ("client",),
    "seconds",
)
OLDEST_OPT_OUT: Final = Family(
    "oldest_undelivered_opt_out_seconds",
    Form.GAUGE,
    "Seconds since the oldest change that honours a no (an opt-out in OTYS, say) was planned without being "
    f"true in Mailchimp yet. {_AGE}.",
    ("client",),
    "seconds",
)
UNTOLD_OPT_OUTS: Final = Family(
    "untold_opt_outs",
    Form.GAUGE,
    "Opt-outs in Mailchimp that OTYS does not know of, by how it gets to know: by a call of each pass, or by "
    "hand from the list of `reconciler optouts`.",
    ("client", "way"),
)
OLDEST_UNTOLD: Final = Family(
    "oldest_untold_opt_out_seconds",
    Form.GAUGE,
    f"Seconds since the oldest opt-out in Mailchimp was seen that OTYS does not know of. {_AGE}.",
    ("client",),
    "seconds",
)
HTTP_REQUESTS: Final = Family(
    "http_requests_total", Form.COUNTER, "Requests to the two services, by outcome.", ("system", "outcome")
)
HTTP_DURATION: Final = Family(
    "http_request_duration_seconds",
    Form.HISTOGRAM,
    "How long requests to the two services take.",
    ("system",),
    "seconds",
    REQUEST_BUCKETS,
)
HTTP_BYTES: Final = Family(
    "http_response_bytes_total",
    Form.COUNTER,
    "Bytes of the two services' answers, unpacked.",
    ("system",),
    "bytes",
)
THROTTLED: Final = Family(
    "throttled_seconds_total",
    Form.COUNTER,
    "Seconds spent waiting because a service asked for patience.",
    ("system",),
    "seconds",
)
MAIL_FAILURES: Final = Family(
    "mail_failures_total", Form.COUNTER, "Attempts to hand a mail to the mail server that failed."
)
RELOAD_FAILURES: Final = Family(
    "config_reload_failures_total",
    Form.COUNTER,
    "Configurations that were not taken over because they have mistakes; the old settings stay.",
)
STATE_FREE: Final = Family(
    "state_disk_free_bytes", Form.GAUGE, "Free space where state and backups are kept.", unit="bytes"
)
STATE_SIZE: Final = Family(
    "state_disk_size_bytes", Form.GAUGE, "Size of the disk where state and backups are kept.", unit="bytes"
)
BUILD: Final = Family("build_info", Form.INFO, "The version that runs; always 1.", ("version", "python"))

ALL: Final = (
    LAST_ATTEMPT,
    LAST_SUCCESS,
    PASS_DURATION,
    PASSES,
    FAILURES,
    CONSECUTIVE_FAILURES,
    CLIENT_STALE,
    SNAPSHOT_MEMBERS,
    SNAPSHOT_INCOMPLETE,
    PLANNED_CHANGES,
    CHANGES,
    WITHHELD_CHANGES,
    HELD_CONTACTS,
    REFUSED_CONTACTS,
    FOREIGN_CONTACTS,
    LISTS,
    LISTS_LOOKED_AT,
    CATALOGUE,
    OLDEST_UNSYNCED,
    OLDEST_OPT_OUT,
    UNTOLD_OPT_OUTS,
    OLDEST_UNTOLD,
    HTTP_REQUESTS,
    HTTP_DURATION,
    HTTP_BYTES,
    THROTTLED,
    MAIL_FAILURES,
    RELOAD_FAILURES,
    STATE_FREE,
    STATE_SIZE,
    BUILD,
)

VERBS: Final = tuple(dict.fromkeys(str(verb) for verb in (*Verb, *ListVerb)))
OTYS_STATUSES: Final = ("listed", "opted_out", "invalid")
BASE_STATUSES: Final = ("active",)
VALUES: Final[dict[str, tuple[str, ...]]] = {
    "kind": tuple(FailureKind),
    "look": tuple(Look),
    "outcome": tuple(RequestOutcome),
    "reason": tuple(RefusalKind),
    "result": tuple(dict.fromkeys((*PassResult, *Result))),
    "side": tuple(Side),
    "state": tuple(ListState),
    "status": (*OTYS_STATUSES, *(one for one in Standing if one is not Standing.ABSENT), *BASE_STATUSES),
    "system": (Side.OTYS, Side.MAILCHIMP),
    "trust": tuple(TrustState),
    "verb": VERBS,
    "way": tuple(Way),
}
"""What a label may say; `client`, `version` and `python` are free."""
