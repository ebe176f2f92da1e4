"""Writes to history what an operator did about one address."""

from datetime import datetime

from sqlalchemy import Connection

from reconciler.model import Deed, PassId, Result
from reconciler.store.history import Entry, write_history


def record_deed(  # noqa: PLR0917 (of which pass and list, what, and when)
    connection: Connection,
    pass_id: PassId,
    list_id: int,
    deed: Deed,
    address_key: str,
    result: Result,
    reason: str,
    detail: str,
    now: datetime,
) -> None:
    """Given what was done about an address, add it to history; neither text may name anybody."""
    entry = Entry(deed.value, result.value, reason, detail)
    write_history(connection, pass_id, list_id, [(bytes.fromhex(address_key), entry)], now)
