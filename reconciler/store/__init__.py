"""What must survive a restart, in SQLite or PostgreSQL.

`open_store` gives a `Store`; the other modules are its parts, one idea each.
"""

from reconciler.store.check import DatabaseReport, check_database
from reconciler.store.copy import StateCopy, Tell, copy_state
from reconciler.store.erasures import Erased
from reconciler.store.locks import HeldLock
from reconciler.store.open import Upgrade, open_store, upgrade_database
from reconciler.store.outbox import NewMail, Told, WaitingMail
from reconciler.store.records import (
    Intent,
    IntentKind,
    ListCounts,
    LockRecord,
    OutcomeRecord,
    PassRecord,
    Remembered,
    RememberedNo,
    StoredProposal,
)
from reconciler.store.releases import Release
from reconciler.store.snapshots import KeptBody
from reconciler.store.store import Store

__all__ = [
    "DatabaseReport",
    "Erased",
    "HeldLock",
    "Intent",
    "IntentKind",
    "KeptBody",
    "ListCounts",
    "LockRecord",
    "NewMail",
    "OutcomeRecord",
    "PassRecord",
    "Release",
    "Remembered",
    "RememberedNo",
    "StateCopy",
    "Store",
    "StoredProposal",
    "Tell",
    "Told",
    "Upgrade",
    "WaitingMail",
    "check_database",
    "copy_state",
    "open_store",
    "upgrade_database",
]
