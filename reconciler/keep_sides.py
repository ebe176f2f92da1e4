"""Keeps what each list of a pass was decided from, so that it can be decided again with other rules."""

from datetime import timedelta

from reconciler.guard import Guarded
from reconciler.model import ListUid
from reconciler.plan import Sides
from reconciler.running import Pass
from reconciler.snapshots import decided_of, freeze, pack


def keep_sides(running: Pass, sides: Sides, guarded: Guarded) -> None:
    """Given the sides of a list and what was decided from them, keep both unless they are the last kept.

    A look at the plan keeps nothing: it takes no lock, and what another pass kept meanwhile would not follow.
    """
    client, list_uid = running.client, sides.mailing_list.uid
    if not note_seen(running, list_uid):
        return
    frozen = freeze(sides, decided_of(guarded))
    last, mark = client.store.snapshot_mark(client.name, list_uid) or (None, b"")
    if mark == frozen.mark:
        return
    before = client.store.snapshot_bodies(client.name, list_uid)
    body = pack(frozen, [kept.body for kept in before if not kept.unseen])
    client.store.save_snapshot(running.id, client.name, list_uid, body, running.now(), after=last)


def note_seen(running: Pass, list_uid: ListUid) -> bool:
    """Given a list that is decided about, note it; return whether this pass keeps what lists are made of."""
    kept = running.lock is not None and running.client.snapshot_days > 0
    if kept:
        running.seen.add(list_uid)
    return kept


def close_sides(running: Pass, only: ListUid | None) -> None:
    """Given a pass that looked at all of its lists, note which ones it did not see, and drop what is old."""
    client, store = running.client, running.client.store
    if running.lock is None:
        return
    if not client.snapshot_days:
        store.forget_snapshots(client.name, None)
        return
    store.note_unseen(running.id, client.name, running.seen, running.now(), only=only)
    store.forget_snapshots(client.name, running.now() - timedelta(days=client.snapshot_days))
