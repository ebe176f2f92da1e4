"""Which lists of a pass are at rest: those that on both sides are as when there was nothing to do."""

import sys
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from pathlib import Path

import email_validator
import msgspec

from reconciler.client import Client
from reconciler.guard import Guarded
from reconciler.model import Verb
from reconciler.pairing import Pairing
from reconciler.plan import Sides
from reconciler.quiet import due
from reconciler.resting import AtRest, Found, Rules
from reconciler.running import Pass
from reconciler.sides import Tapes


def rules_of(client: Client) -> Rules:
    """Given a client, return what its lists are decided by in this process."""
    programs = (_program(), sys.version, email_validator.__version__)
    chosen = (client.templates, client.policy, client.limits)
    kept = (client.mode, client.snapshot_days)
    told = msgspec.msgpack.encode((programs, chosen, kept, client.mapping), order="deterministic")
    return Rules(client.name, blake2b(told, digest_size=16).digest())


@cache
def _program() -> bytes:
    """Return a digest of the program itself: the number of a version is easily forgotten to be raised."""
    told = blake2b(digest_size=16)
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        told.update(source.read_bytes())
    return told.digest()


def came_to_rest(running: Pass, pairing: Pairing) -> AtRest | None:
    """Given a list as it is now, return it as it came to rest if nothing but its bytes can differ."""
    client = running.client
    before = client.unchanged.take(pairing, running.now())
    if before is None or not _may_rest(running, pairing):
        return None
    if before.row is not None:
        client.catalogue_watch.recall(pairing.list_uid, before.row)
    return before


def wake(running: Pass, pairing: Pairing) -> None:
    """Given a list that is decided anew, let the database forget that it was at rest, before all else."""
    client = running.client
    if running.lock is not None and running.sink is not None and client.unchanged.wake(pairing.list_uid):
        client.store.end_rest(client.name, pairing.list_uid)


def stay_at_rest(running: Pass, before: AtRest, tapes: Tapes) -> None:
    """Given a list that is as it came to rest, remember it as seen so now."""
    contacts_seen = tapes.contacts.began or tapes.began
    running.client.unchanged.keep(replace(before, recipients_seen=tapes.began, contacts_seen=contacts_seen))


def come_to_rest(running: Pass, pairing: Pairing, tapes: Tapes, found: Found) -> None:
    """Given a list about which there was nothing to do, remember it, if its bytes tell all about it."""
    recipients, contacts = tapes.recipients.trace, tapes.contacts.trace
    if not _may_rest(running, pairing) or not recipients or not contacts:
        return
    client, now = running.client, running.now()
    at_rest = AtRest(
        pairing=pairing,
        recipients=recipients,
        contacts=contacts,
        found=found,
        since=now,
        due=due(pairing.list_uid, now, client.limits, client.zone),
        recipients_seen=tapes.began,
        contacts_seen=tapes.contacts.began or tapes.began,
        row=client.catalogue_watch.seen(pairing.list_uid),
    )
    client.unchanged.keep(at_rest)
    if running.lock is None or running.sink is None or at_rest.due <= now:
        return
    written = client.unchanged.write_down(at_rest)
    if written is not None:
        client.store.keep_rest(running.lock, pairing.list_uid, written)


def nothing_to_do(sides: Sides, guarded: Guarded) -> bool:
    """Given a list and what was decided about it, return whether the same bytes would come to the same.

    Whatever is done, or may be decided otherwise as time goes by, speaks against it; what is held for good
    does not.
    """
    plan = guarded.plan
    complete = sides.recipients.tally.complete and sides.contacts.tally.complete
    only_held = all(change.verb is Verb.HOLD for change in plan.changes)
    remembers = plan.moves or plan.outdated
    expires = any(refusal.retry_after is not None for refusal in sides.base.refusals)
    return complete and only_held and not remembers and not expires


def _may_rest(running: Pass, pairing: Pairing) -> bool:
    """Without the lock, somebody else may be at work; what was cut off has to be found out first."""
    complete = pairing.audience is not None and pairing.link is not None and pairing.syncs
    unusual = pairing.starts_anew or pairing.heir_of or pairing.emptied or pairing.waits or pairing.changes
    cut_off = running.cut_off.get(pairing.list_uid)
    return running.lock is not None and complete and not unusual and not cut_off
