"""The list view of the vendor's manual, with what is remembered of each list beside it."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from reconciler.client import Client
from reconciler.errors import ReconcilerError, in_words
from reconciler.model import Catalogue, Link, LinkState, ListUid, MailingList
from reconciler.store import ListCounts


class Linked(StrEnum):
    """The column MailChimp: where a list stands."""

    LINKED = "linked"
    SELECTED = "selected, not linked"
    """Named by setting GE203, and a pass has not linked it yet."""
    DESELECTED = "linked, not selected"
    """Still linked, and no longer named by GE203: the next pass unlinks it."""
    GONE = "linked, not in OTYS"
    UNKNOWN = "selected, not in OTYS"
    UNLINKED = "unlinked"
    """Was linked before; its nos are remembered."""
    NO = "not selected"


class ListRow(msgspec.Struct, frozen=True, kw_only=True):
    """One list."""

    uid: str
    name: str
    description: str = ""
    subject: str = ""
    owner: str = ""
    created: str = ""
    category: str = ""
    is_global: bool | None = None
    """None for a list that OTYS does not show, as with the other two switches."""
    last_modified: str = ""
    last_modified_by: str = ""
    published: bool | None = None
    temporary: bool | None = None
    recipients: int | None = None
    """How many OTYS counts; None when it does not say."""
    mailchimp: Linked = Linked.NO
    audience: str | None = None
    contacts: int = 0
    """Contacts that are ours and subscribed, as last synced."""
    nos: int = 0
    refusals: int = 0

    @property
    def concerns_us(self) -> bool:
        """Whether it is selected for Mailchimp or linked."""
        return self.mailchimp not in (Linked.NO, Linked.UNLINKED)


class ListView(msgspec.Struct, frozen=True, kw_only=True):
    """The lists of one client."""

    client: str
    lists: Sequence[ListRow] = ()
    notes: Sequence[str] = ()
    problems: Sequence[str] = ()
    """What could not be read."""


def view_lists(client: Client) -> ListView:
    """Given a client, return its lists as OTYS shows them now. Raise ReconcilerError if it shows none."""
    notes: list[str] = []
    problems: list[str] = []
    flagged: tuple[ListUid, ...] = ()
    try:
        integration = client.lists.integration()
    except ReconcilerError as error:
        problems.append(f"which lists are selected is not known: {in_words(error)}")
    else:
        flagged = integration.flagged
        if not integration.enabled:
            notes.append("the integration is switched off in OTYS (setting 3109), so no list is selected")
    catalogue = client.lists.catalogue()
    if not catalogue.tally.complete:
        problems.append(f"the lists were not read completely: {catalogue.tally.problem}")
    rows = list_rows(
        catalogue,
        flagged=flagged,
        links=client.store.links(client.name),
        counts=client.store.counts(client.name),
    )
    return ListView(client=client.name, lists=rows, notes=notes, problems=problems)


def list_rows(
    catalogue: Catalogue,
    *,
    flagged: Sequence[ListUid],
    links: Sequence[Link],
    counts: Mapping[ListUid, ListCounts],
) -> tuple[ListRow, ...]:
    """Given what OTYS shows and what is remembered, return the lists by name; those it lost come last."""
    known = {one.uid: one for one in catalogue.lists}
    by_list = {link.list_uid: link for link in links}
    lost = [uid for uid in dict.fromkeys((*flagged, *by_list)) if uid not in known]
    shown = sorted(catalogue.lists, key=lambda one: (one.name.casefold(), one.uid))
    rows = (
        _row(one, by_list.get(one.uid), counts.get(one.uid), known=True, selected=one.uid in flagged)
        for one in shown
    )
    missing = (
        _row(
            MailingList(uid=uid, name=by_list[uid].list_name if uid in by_list else ""),
            by_list.get(uid),
            counts.get(uid),
            known=False,
            selected=uid in flagged,
        )
        for uid in lost
    )
    return (*rows, *missing)


def _row(
    one: MailingList, link: Link | None, counts: ListCounts | None, *, known: bool, selected: bool
) -> ListRow:
    return ListRow(
        uid=one.uid,
        name=one.name,
        description=one.description,
        subject=one.subject,
        owner=one.owner,
        created=one.created,
        category=one.category,
        is_global=one.is_global if known else None,
        last_modified=one.last_modified,
        last_modified_by=one.last_modified_by,
        published=one.published if known else None,
        temporary=one.temporary if known else None,
        recipients=one.recipient_count,
        mailchimp=_linked(link, known=known, selected=selected),
        audience=None if link is None else link.audience_id,
        contacts=0 if counts is None else counts.active,
        nos=0 if counts is None else counts.nos,
        refusals=0 if counts is None else counts.refusals,
    )


def _linked(link: Link | None, *, known: bool, selected: bool) -> Linked:
    if link is not None and link.state is LinkState.LINKED:
        if not known:
            return Linked.GONE
        return Linked.LINKED if selected else Linked.DESELECTED
    if selected:
        return Linked.SELECTED if known else Linked.UNKNOWN
    return Linked.NO if link is None else Linked.UNLINKED
