"""Writes to history what an operator did about one address."""

from datetime import datetime

from sqlalchemy import Connection, insert

from reconciler.model import Deed, PassId, Result
from reconciler.store.tables import outcomes


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
    connection.execute(
        insert(outcomes).values(
            pass_id=pass_id,
            list_id=list_id,
            verb=deed.value,
            address_key=address_key,
            result=result.value,
            reason=reason,
            detail=detail,
            at=now,
        )
    )
