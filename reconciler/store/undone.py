"""Remembers what a person undid, so that no pass does it again."""

from collections.abc import Sequence

from reconciler.model import ListUid, Refusal
from reconciler.store.connection import Database
from reconciler.store.lists import ensure_list
from reconciler.store.moves import save_refusals


class UndoneChanges:
    """What is held back because it was undone, among the refusals of a list."""

    _database: Database

    def hold_back(self, client: str, list_uid: ListUid, undone: Sequence[Refusal]) -> None:
        """Given what a pass would do again to a list, remember that it is not to."""
        if not undone:
            return
        with self._database.writing() as connection:
            save_refusals(connection, ensure_list(connection, client, list_uid), undone)
