"""How the audience of a deleted list is deleted: only when nothing and nobody in it gets lost by that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from reconciler.audience_record import AudienceRecord, ContactRecord
from reconciler.backup import Backup, SavedHead, prune_backups, save_audience
from reconciler.errors import BackupError, BadRequest, PermissionDenied, in_words
from reconciler.hidden import Hidden
from reconciler.model import (
    AudienceId,
    BaseMove,
    BaseRow,
    BaseState,
    Contact,
    Link,
    LinkState,
    ListBase,
    ListChange,
    ListOutcome,
    ListVerb,
    No,
    NoReason,
    PassId,
    Person,
    Result,
    Standing,
)
from reconciler.policy import RemovedInMailchimp
from reconciler.ports import AudienceSink
from reconciler.running import Pass
from reconciler.store import Intent, IntentKind

_log = structlog.get_logger(__name__)

REACHABLE = frozenset({Standing.SUBSCRIBED, Standing.PENDING, Standing.TRANSACTIONAL})
"""Those who would lose something: who said no or was archived is remembered, and is in the backup."""

NO_OF_STANDING = {Standing.UNSUBSCRIBED: NoReason.UNSUBSCRIBED, Standing.CLEANED: NoReason.BOUNCED}
"""The no that a contact's own standing shows."""


def remember_nos_before_deletion(running: Pass, change: ListChange) -> None:
    """Given a deletion that is due, remember every no in its audience, before the pass writes anything.

    Raise RemoteError when the audience cannot be read.
    """
    hidden = Hidden(running.client.store, running.client.name)
    seen = hidden.in_audience(running.source.contacts(_audience_of(change)))
    _remember_nos(running, change, seen.contacts, complete=seen.tally.complete)


def delete_audience(running: Pass, sink: AudienceSink, link: Link, change: ListChange) -> ListOutcome:
    """Given a linked list that is proved deleted and whose grace is over, delete its audience.

    Held if it holds anybody who is not ours or was mailed lately. Before the request everything in it is
    saved, and every no in it is durable. Raise RemoteError when it is not known what came of the request.
    """
    audience_id = _audience_of(change)
    record = running.source.record(audience_id)
    if not record.tally.complete:
        why = f"the audience could not be read completely for its backup: {record.tally.problem}"
        return ListOutcome(change=change, result=Result.RETRY_LATER, detail=why)
    client = running.client
    base = client.store.base(client.name, change.list_uid)
    held = _strangers(record, base) or _lately_mailed(
        record, timedelta(days=client.limits.recent_campaign_days), running.now()
    )
    if held:
        return ListOutcome(change=change, result=Result.WITHHELD, detail=held)
    record = Hidden(client.store, client.name).in_record(record)
    try:
        backup = _save(running, change, record, base)
    except BackupError as error:
        return ListOutcome(change=change, result=Result.RETRY_LATER, detail=in_words(error))
    # Whoever said no since the pass looked.
    _remember_nos(running, change, record.contacts, complete=True)
    return _delete(running, sink, link, change, backup)


def settle_deletion(running: Pass, intent: Intent, link: Link) -> None:
    """Given the intent of a deletion whose audience is gone, let history tell of it and unlink the list.

    It is told of the pass that asked for it.
    """
    _conclude(
        running,
        link,
        ListChange(
            verb=ListVerb.DELETE,
            list_uid=intent.list_uid,
            list_name=link.list_name,
            audience_id=AudienceId(intent.detail["audience"]),
            reason="deleted in OTYS",
        ),
        f"saved as {intent.detail['backup']}; found done: the pass was cut off before it could record it",
        intent_id=intent.id,
        pass_id=intent.pass_id,
    )


def drop_old_backups(running: Pass) -> None:
    """Given a pass that is nearly over, delete the backups that are older than they are to be kept."""
    client = running.client
    if running.lock is None or not client.backup_days:
        return
    oldest = running.now() - timedelta(days=client.backup_days)
    try:
        prune_backups(client.backups, client.name, older_than=oldest)
    except OSError as error:
        _log.warning("old_backup_not_deleted", reason=error.strerror)


def _delete(running: Pass, sink: AudienceSink, link: Link, change: ListChange, backup: Backup) -> ListOutcome:
    store, client = running.client.store, running.client.name
    audience_id = _audience_of(change)
    detail = {"audience": audience_id, "backup": backup.path.name}
    running.require_lock()
    intent = store.intend(
        client, change.list_uid, IntentKind.DELETE_AUDIENCE, detail, running.id, running.now()
    )
    try:
        sink.delete(audience_id)
    except (BadRequest, PermissionDenied) as error:
        store.settle(intent, result=Result.REFUSED, detail={}, now=running.now())
        words = (error.detail if isinstance(error, BadRequest) else "") or str(error)
        outcome = ListOutcome(change=change, result=Result.REFUSED, detail=words)
        store.record_list(running.id, client, outcome, running.now())
        return outcome
    saved = f"saved as {backup.path.name}"
    return _conclude(running, link, change, saved, intent_id=intent, pass_id=running.id)


def _conclude(
    running: Pass, link: Link, change: ListChange, detail: str, *, intent_id: int, pass_id: PassId
) -> ListOutcome:
    outcome = ListOutcome(change=change, result=Result.APPLIED, detail=detail)
    running.client.store.audience_deleted(
        pass_id,
        running.client.name,
        outcome,
        replace(link, state=LinkState.UNLINKED),
        intent_id=intent_id,
        now=running.now(),
    )
    return outcome


def _save(running: Pass, change: ListChange, record: AudienceRecord, base: ListBase) -> Backup:
    head = SavedHead(
        client=running.client.name,
        list_uid=change.list_uid,
        list_name=change.list_name,
        audience=record.audience.id,
        name=record.audience.name,
        permission_reminder=record.audience.permission_reminder,
        saved_at=running.now(),
        contacts=len(record.contacts),
        merge_fields=record.merge_fields,
    )
    ours = _Ours.of(base)
    rows = {contact.id: row for contact in record.contacts if (row := ours.row(contact)) is not None}
    return save_audience(running.client.backups, head, record.contacts, rows)


# -- who must not get lost ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ours:
    """The active rows of a list, by what names a contact."""

    by_address: dict[str, BaseRow]
    by_contact_id: dict[str, BaseRow]

    @classmethod
    def of(cls, base: ListBase) -> "_Ours":
        rows = [row for row in base.rows.values() if row.state is BaseState.ACTIVE]
        return cls(
            {row.address: row for row in rows}, {row.contact_id: row for row in rows if row.contact_id}
        )

    def row(self, contact: Contact | ContactRecord) -> BaseRow | None:
        """Given a contact, return its row if it is ours, also when it changed its address by itself."""
        by_id = self.by_contact_id.get(contact.contact_id or "")
        return by_id or self.by_address.get(contact.address or "")

    def has(self, contact: ContactRecord) -> bool:
        """Given a contact, return whether it is ours: one that took the address of ours is not."""
        row = self.row(contact)
        return row is not None and row.may_be_of(contact.contact_id)


def _strangers(record: AudienceRecord, base: ListBase) -> str:
    ours = _Ours.of(base)
    count = sum(contact.standing in REACHABLE and not ours.has(contact) for contact in record.contacts)
    if not count:
        return ""
    return (
        f"it holds {count} contacts that are not ours: archive or move them in Mailchimp, and it is deleted "
        'by the next pass; or keep it with policy.list_deleted = "keep"'
    )


def _lately_mailed(record: AudienceRecord, pause: timedelta, now: datetime) -> str:
    """Mailchimp itself refuses it for a while after a send (facts/mailchimp.md, 38)."""
    sent = record.campaign_last_sent
    if sent is None or now >= sent + pause:
        return ""
    return (
        f"a campaign went to it on {sent:%Y-%m-%d %H:%M} UTC, whose bounces and opt-outs still arrive: "
        f"it is deleted after {sent + pause:%Y-%m-%d %H:%M} UTC"
    )


def _remember_nos(
    running: Pass, change: ListChange, contacts: Sequence[Contact | ContactRecord], *, complete: bool
) -> None:
    """Mailchimp forgets every no with the audience, so that we are the only ones who still know them."""
    store, client = running.client.store, running.client.name
    moves = tuple(_nos(running, contacts, store.base(client, change.list_uid), complete=complete))
    store.move(running.id, client, change.list_uid, moves, running.now())


def _nos(
    running: Pass, contacts: Sequence[Contact | ContactRecord], base: ListBase, *, complete: bool
) -> Iterator[BaseMove]:
    ours = _Ours.of(base)
    for contact in contacts:
        row = ours.row(contact)
        reason = NO_OF_STANDING.get(contact.standing)
        if contact.standing is Standing.ARCHIVED and row is not None:
            reason = _taken_out(running)
        if reason is not None and contact.address:
            persons: tuple[Person, ...] = () if row is None else row.persons
            yield _remembering(base, No(address=contact.address, persons=persons, reason=reason))
    shown = {row.address for contact in contacts if (row := ours.row(contact)) is not None}
    taken_out = _taken_out(running) if complete else None
    for row in ours.by_address.values():
        if row.address not in shown and taken_out is not None:
            yield _remembering(base, No(address=row.address, persons=row.persons, reason=taken_out))


def _remembering(base: ListBase, no: No) -> BaseMove:
    return BaseMove(address=no.address, row=base.rows.get(no.address), no=no)


def _taken_out(running: Pass) -> NoReason | None:
    respected = running.client.policy.removed_in_mailchimp is RemovedInMailchimp.RESPECT
    return NoReason.TAKEN_OUT if respected else None


def _audience_of(change: ListChange) -> AudienceId:
    if change.audience_id is None:
        raise ValueError("a list without an audience has nothing to delete")
    return change.audience_id
