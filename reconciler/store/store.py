"""The store: one object for all that must survive a restart."""

from types import TracebackType
from typing import Self

from reconciler.store.base import Base
from reconciler.store.catalogues import Catalogues
from reconciler.store.comings import Comings
from reconciler.store.connection import Database
from reconciler.store.deletions import Deletions
from reconciler.store.erasures import Erasures
from reconciler.store.intents import Intents
from reconciler.store.list_refusals import ListRefusals
from reconciler.store.lists import Lists
from reconciler.store.locks import Locks
from reconciler.store.opt_outs import OptOuts
from reconciler.store.outbox import Outbox
from reconciler.store.passes import Passes
from reconciler.store.plans import Plans
from reconciler.store.proposals import Proposals
from reconciler.store.redo import Redo, TakenUpOnce, last_taken_up
from reconciler.store.releases import Releases
from reconciler.store.rests import Rests
from reconciler.store.snapshots import Snapshots
from reconciler.store.undone import UndoneChanges


class Store(
    Lists,
    ListRefusals,
    Base,
    Catalogues,
    Comings,
    Passes,
    Plans,
    Proposals,
    Intents,
    Deletions,
    Locks,
    OptOuts,
    Outbox,
    Releases,
    Rests,
    Erasures,
    Snapshots,
    UndoneChanges,
):
    """Everything that is remembered. Safe to use from several threads; every method is one transaction."""

    def __init__(self, database: Database, redo: Redo | None, *, address_key: bytes) -> None:
        self._database = database
        self._redo = redo
        self._address_key = address_key

    @property
    def place(self) -> str:
        """Where the database stands, without its password."""
        return self._database.place

    def taken_up(self) -> TakenUpOnce | None:
        """Return what the database took up last from its log of nos; None: it never lacked anything."""
        with self._database.reading() as connection:
            return last_taken_up(connection)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
