"""The invariants I1 to I10 after a pass that was killed, read from both services and from our memory."""

from collections.abc import Iterator

from reconciler.model import Link, ListUid, PassResult
from reconciler.sandbox.mailchimp.state import subscriber_hash
from reconciler.store import Store
from tests.crashes.day import (
    ADDRESSES,
    LEARNT_LATE,
    OWED,
    REFUSED,
    SAID_NO,
    STRANGER,
    WITHHELD,
    list_called,
)
from tests.crashes.death import IN_THE_LOG_ONLY
from tests.crashes.harness import Day
from tests.crashes.ledger import Ledger, differences
from tests.passes.agency import Agency

Remembered = frozenset[str]


def broken_promises(done: Day, undisturbed: Remembered) -> list[str]:
    """Given a day and what is remembered after one that nothing disturbed, return what should not be so.

    What stood in the log of nos alone errs on the safe side: a refusal is known as the no that it proves, and
    an approval is asked for again.
    """
    checks = (
        ("I1, I2, I4, I6", _reached(done.acme)),
        ("I1", _no_write_to_who_said_no(done)),
        ("I2", _no_write_to_a_stranger(done)),
        ("I3", done.writes_at_rest),
        ("I7", _history(done)),
        ("I8", _addresses_in_history(done)),
        ("I9", _hidden(done)),
        ("I10", _nos_that_came_late(done)),
        ("remembered", _misremembered(remembered(done.acme.store), undisturbed)),
    )
    on_the_safe_side = ("I9", "remembered") if IN_THE_LOG_ONLY in done.died_at else ()
    return [f"{name}: {line}" for name, lines in checks for line in lines if name not in on_the_safe_side]


def remembered(store: Store) -> Remembered:
    """Given a store, return a line for all it remembers but what a kill may change: numbers and moments."""
    return frozenset(
        [
            *(f"open: {intent}" for intent in store.open_intents("acme")),
            *(line for link in store.links("acme") for line in _of_link(store, link)),
        ]
    )


def _of_link(store: Store, link: Link) -> Iterator[str]:
    base, name = store.base("acme", link.list_uid), link.list_name
    yield f"{name}: {link.state}, {link.name}, {link.permission_reminder}, in step: {link.synced_once}"
    for email, row in base.rows.items():
        yield f"{name}: {email} {row.state} {sorted(row.persons)} {sorted(row.fields.items())}"
    for no in base.nos:
        yield f"{name}: {no.address} said no: {no.reason} {sorted(no.persons)}"
    for refusal in base.refusals:
        yield f"{name}: {refusal.verb} {refusal.address} refused: {refusal.kind}"


def _reached(acme: Agency) -> Iterator[str]:
    audiences = acme.world.mailchimp.audiences.values()
    if sorted(audience.name for audience in audiences) != sorted(OWED):
        yield f"audiences: {sorted(audience.name for audience in audiences)}"
    for audience in audiences:
        found = {one.email_address: str(one.status) for one in audience.contacts.values()}
        for email, status in found.items() ^ OWED.get(audience.name, {}).items():
            yield f"{audience.name}: {email} {status} on one side only"


def _no_write_to_who_said_no(done: Day) -> Iterator[str]:
    for request in done.acme.sandbox.log.writes(after=done.log_from):
        for email in set().union(*SAID_NO.values()) - LEARNT_LATE:
            if email.encode() in request.body:
                yield f"{email} said no, and {request.method} {request.path} names it"


def _no_write_to_a_stranger(done: Day) -> Iterator[str]:
    for request in done.acme.sandbox.log.writes(after=done.log_from):
        if STRANGER.encode() in request.body or subscriber_hash(STRANGER) in request.path:
            yield f"{request.method} {request.path}"


def _history(done: Day) -> Iterator[str]:
    ledger = Ledger(done.acme.store, ADDRESSES, REFUSED)
    sent = ledger.sent(done.acme.sandbox.log.writes(after=done.log_from))
    yield from differences(sent, ledger.told(done.pass_id))
    shown = dict(ledger.documents(done.pass_id))
    for entry in sent:
        change = shown.get(entry)
        if change is None:
            yield f"no operator is shown: {entry}"
        elif not change.reason:
            yield f"no reason: {entry}"
        elif entry.written and not entry.written.items() <= change.after.items() and entry.address:
            yield f"{dict(entry.written)} was written, and the history tells {dict(change.after)}: {entry}"


def _addresses_in_history(done: Day) -> Iterator[str]:
    for outcome in done.acme.store.history("acme", limit=1000):
        if "@" in outcome.reason + outcome.detail:
            yield f"{outcome.verb}: {outcome.reason} {outcome.detail}"


def _hidden(done: Day) -> Iterator[str]:
    store, report = done.acme.store, done.next_pass
    if report.result is not PassResult.WITHHELD:
        yield f"the pass after it ended {report.result}: {'; '.join(report.all_problems)}"
    waiting = [one.list_uid for one in store.proposals("acme", now=done.acme.now)]
    if waiting != [_uid(done.acme, WITHHELD)]:
        yield f"waiting for an approval: {waiting}"
    refused = {
        refusal.address
        for link in store.links("acme")
        for refusal in store.base("acme", link.list_uid).refusals
    }
    if refused != REFUSED:
        yield f"refused: {sorted(refused)}"


def _nos_that_came_late(done: Day) -> Iterator[str]:
    for name, said in SAID_NO.items():
        kept = done.nos_at_death.get(ListUid(_uid(done.acme, name)), frozenset())
        if done.written and said - LEARNT_LATE - kept:
            yield f"{name}: {sorted(said - LEARNT_LATE - kept)} not durable before the first write"


def _misremembered(found: Remembered, undisturbed: Remembered) -> Iterator[str]:
    yield from (f"forgotten: {line}" for line in sorted(undisturbed - found))
    yield from (f"made up: {line}" for line in sorted(found - undisturbed))


def _uid(acme: Agency, name: str) -> str:
    return list_called(acme, name).uid
