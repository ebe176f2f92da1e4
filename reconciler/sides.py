"""Reads one list on all three sides at the same time, and looks up what a shifting listing left out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event

from reconciler.api.tape import Tape
from reconciler.heir import take_over
from reconciler.hidden import Hidden
from reconciler.model import (
    AudienceId,
    Contact,
    ContactSnapshot,
    ListBase,
    MailingList,
    RecipientSnapshot,
    Tally,
    Verb,
)
from reconciler.pairing import Pairing
from reconciler.plan import ListPlan, Sides, plan_list
from reconciler.recall import recalled_nos
from reconciler.report import Look
from reconciler.resting import AtRest
from reconciler.running import Pass
from reconciler.shortcuts import contacts_stand, note_recipients, recipients_stand
from reconciler.threads import threads

LOOKUPS_AT_A_TIME = 4
NOTHING_THERE = Tally(rows=0, declared_before=0, declared_after=0)


@dataclass(frozen=True, slots=True)
class Tapes:
    """What is asked to read both services' sides of a list."""

    recipients: Tape
    contacts: Tape
    began: datetime
    """When the first of it was asked, by our clock."""

    @property
    def same(self) -> bool:
        """Whether on both sides every answer is as it was."""
        return self.recipients.same and self.contacts.same

    @property
    def look(self) -> Look:
        """How it was found out that they are, if they are."""
        if not self.same:
            return Look.WHOLE
        return Look.SHORT if self.recipients.spared or self.contacts.spared else Look.PAGES


@contextmanager
def fetched_ahead(running: Pass, before: AtRest | None) -> Iterator[Tapes]:
    """Given a list as it came to rest, if it did, yield its answers now, fetched as long as none differs.

    A side that is shown to be as it was in a shorter way is not fetched.
    """
    differs = Event()
    known = ((), ()) if before is None else (before.recipients, before.contacts)
    seed = running.client.store.page_seed
    with (
        Tape(known[0], seed=seed, stop=differs) as recipients,
        Tape(known[1], seed=seed, stop=differs) as contacts,
    ):
        tapes = Tapes(recipients, contacts, running.now())
        if before is not None:
            with threads(2, "pages") as both:
                ahead = [
                    both.submit(_recipients_ahead, running, before, recipients),
                    both.submit(_contacts_ahead, running, before, contacts),
                ]
                for side in ahead:
                    side.result()
        yield tapes


def _recipients_ahead(running: Pass, before: AtRest, tape: Tape) -> None:
    if recipients_stand(running, before):
        tape.spare()
    else:
        running.client.lists.fetch_ahead(tape)


def _contacts_ahead(running: Pass, before: AtRest, tape: Tape) -> None:
    if contacts_stand(running, before):
        tape.spare()
    else:
        running.source.fetch_ahead(tape)


def read_sides(running: Pass, pairing: Pairing, tapes: Tapes | None = None) -> Sides:
    """Given a pass and a pairing, return all three sides of the list.

    Raise RemoteError without them, and BackupError when a deleted audience's backup cannot be trusted.
    """
    audience_id = None if pairing.audience is None else pairing.audience.id
    recipients, contacts = _snapshots(running, pairing, audience_id, tapes)
    client = running.client
    client.stop.check("OTYS")  # snapshots that were cut short are no reason to decide anything
    hidden = Hidden(client.store, client.name)
    return Sides(
        client=client.name,
        mailing_list=pairing.mailing_list or MailingList(uid=pairing.list_uid, name=pairing.list_name),
        audience_id=audience_id,
        recipients=hidden.in_list(recipients),
        contacts=hidden.in_audience(contacts),
        base=read_base(running, pairing),
        synced_once=pairing.link is not None and pairing.link.synced_once,
    )


def read_base(running: Pass, pairing: Pairing) -> ListBase:
    """Given a pass and a pairing, return what is remembered of the list and this audience.

    Raise BackupError when a deleted audience's backup cannot be trusted.
    """
    client = running.client
    base = client.store.base(client.name, pairing.list_uid)
    if pairing.starts_anew:
        known = {(no.address, no.reason) for no in base.nos}
        recalled = recalled_nos(client, pairing.list_uid)
        forgotten = [no for no in recalled if (no.address, no.reason) not in known]
        base = replace(base, rows={}, refusals=(), nos=(*base.nos, *forgotten))
    return take_over(base, (client.store.base(client.name, uid) for uid in pairing.heir_of))


def plan_sides(running: Pass, sides: Sides) -> tuple[Sides, ListPlan]:
    """Given a list on all three sides, return its plan, and the sides with everybody looked up for it.

    Raise RemoteError when a look-up fails.
    """
    plan = _plan_of(running, sides)
    overlooked = _overlooked(running, plan)
    if not overlooked:
        return sides, plan
    seen = replace(sides.contacts, contacts=(*sides.contacts.contacts, *overlooked))
    sides = replace(sides, contacts=seen)
    return sides, _plan_of(running, sides)


def _plan_of(running: Pass, sides: Sides) -> ListPlan:
    client = running.client
    return plan_list(sides, templates=client.templates, policy=client.policy, now=running.now())


def _overlooked(running: Pass, plan: ListPlan) -> tuple[Contact, ...]:
    """Look up one by one those of ours that the listing did not show: its rows shift while others write.

    Taking such a contact for gone would keep a person out for ever. One that took an erased address is
    nobody's business; one that is still at its own is, where an erasure was cut off.
    """
    audience_id, source = plan.audience_id, running.source
    doubted = [
        change.row_before
        for change in plan.changes
        if change.verb in (Verb.SUPPRESS, Verb.FORGET) and change.contact is None and change.row_before
    ]
    if audience_id is None or not doubted or not plan.facts.live or not plan.facts.contacts.complete:
        return ()
    with threads(LOOKUPS_AT_A_TIME, "look-up") as workers:
        found = workers.map(lambda row: source.contact(audience_id, row.contact_id or row.address), doubted)
        hidden = running.client.store.is_erased(running.client.name)
        return tuple(
            contact
            for row, contact in zip(doubted, found, strict=True)
            if contact is not None and (contact.address == row.address or not hidden(contact.address))
        )


def _snapshots(
    running: Pass, pairing: Pairing, audience_id: AudienceId | None, tapes: Tapes | None
) -> tuple[RecipientSnapshot, ContactSnapshot]:
    """Both sides are read at the same time, so that the moments they show are close."""
    with threads(2, "snapshot") as both:
        recipients = both.submit(_recipients, running, pairing, None if tapes is None else tapes.recipients)
        contacts = both.submit(_contacts, running, audience_id, None if tapes is None else tapes.contacts)
        return recipients.result(), contacts.result()


def _recipients(running: Pass, pairing: Pairing, tape: Tape | None) -> RecipientSnapshot:
    if pairing.emptied or pairing.mailing_list is None:
        return RecipientSnapshot((), NOTHING_THERE)
    snapshot = running.client.lists.recipients(pairing.mailing_list, tape)
    if tape is not None:
        note_recipients(running, pairing.mailing_list, snapshot, tape)
    return snapshot


def _contacts(running: Pass, audience_id: AudienceId | None, tape: Tape | None) -> ContactSnapshot:
    if audience_id is None:
        return ContactSnapshot((), NOTHING_THERE)
    return running.source.contacts(audience_id, tape)
