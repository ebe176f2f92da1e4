"""Recalls from the backup of a deleted audience who had said no in it.

The database knows them all, unless it was restored from a copy that is older than the deletion.
"""

from collections.abc import Iterable, Iterator

from reconciler.backup import SavedContact, newest_backup, read_backup
from reconciler.client import Client
from reconciler.deletion import NO_OF_STANDING
from reconciler.model import BaseMove, ListUid, No
from reconciler.running import Pass


def recalled_nos(client: Client, list_uid: ListUid) -> tuple[No, ...]:
    """Given a list that gets another audience, return the nos of its last one that did not end since.

    None if we deleted no audience of it. Raise BackupError when its newest backup cannot be trusted.
    """
    path = newest_backup(client.backups, client.name, list_uid)
    if path is None:
        return ()
    backup = read_backup(path)
    ended = client.store.ended_nos(client.name, list_uid, since=backup.head.saved_at)
    return tuple(no for no in saved_nos(backup.contacts) if no.address not in ended)


def keep_recalled(running: Pass, list_uid: ListUid) -> None:
    """Given a list that gets another audience, make those nos durable. Raise like `recalled_nos`."""
    client = running.client
    recalled = recalled_nos(client, list_uid)
    if running.sink is None or not recalled:
        return
    rows = client.store.base(client.name, list_uid).rows
    moves = [BaseMove(address=no.address, row=rows.get(no.address), no=no) for no in recalled]
    client.store.move(running.id, client.name, list_uid, moves, running.now())


def saved_nos(contacts: Iterable[SavedContact]) -> Iterator[No]:
    """Given the contacts of a backup, return the nos that their own standings show."""
    for saved in contacts:
        reason = NO_OF_STANDING.get(saved.contact.standing)
        if reason is not None and saved.contact.address:
            persons = () if saved.row is None else saved.row.persons
            yield No(address=saved.contact.address, persons=persons, reason=reason)
