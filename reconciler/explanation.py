"""The explanation of one address in one list: one value for text, JSON and the web page. Pure."""

from collections.abc import Mapping, Sequence

import msgspec


class RecipientDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the list in OTYS that has the address."""

    uid: str
    person: str
    email: str
    """As OTYS spells it."""
    values: Mapping[str, str]
    opted_out: bool
    gives_fields: bool
    """Whether this person's values become the merge fields; the others share the address."""


class ContactDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The contact in Mailchimp."""

    email: str
    standing: str
    fields: Mapping[str, str]
    id: str
    contact_id: str


class RowDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What was last synced."""

    state: str
    email: str
    persons: Sequence[str]
    fields: Mapping[str, str]
    contact_id: str


class NoDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A remembered no; one with `ended_at` does not count any more."""

    email: str
    """The address it was said under."""
    reason: str
    since: str | None
    ended_at: str | None
    persons: Sequence[str]
    ended_by: str = ""
    """Who released it and why; empty where the contact came back by its own action."""


class RefusalDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A write that Mailchimp refused."""

    verb: str
    kind: str
    detail: str
    since: str
    retry_after: str | None


class CellDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The cell of the decision table (docs/decision-table.md)."""

    base: str
    otys: str
    mailchimp: str
    rule: str


class PlannedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What the next pass does about the address."""

    verb: str
    email: str
    reason: str
    before: Mapping[str, str]
    after: Mapping[str, str]


class WithheldDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The guard's objection to the change."""

    message: str
    digest: str
    approvable: bool
    proposed: bool
    """Whether a pass or a plan proposed it already, so that the digest can be approved."""


class ListExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """One list and one address."""

    list: str
    list_name: str
    audience: str | None
    answer: str
    """One sentence for the person who asks."""
    notes: Sequence[str] = ()
    """What else is worth knowing."""
    recipients: Sequence[RecipientDocument] = ()
    contact: ContactDocument | None = None
    base: RowDocument | None = None
    nos: Sequence[NoDocument] = ()
    refusals: Sequence[RefusalDocument] = ()
    cell: CellDocument | None = None
    """None when the contacts of the list are not looked at."""
    change: PlannedDocument | None = None
    """What the next pass does about it; None: nothing."""
    withheld: WithheldDocument | None = None
    problem: str = ""
    """Why the list could not be read."""
