"""What a list takes over with the audience of another one. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.model import BaseMove, BaseState, ListBase


def take_over(own: ListBase, before: Iterable[ListBase]) -> ListBase:
    """Given the bases of a list and of those that had its audience before, return what counts for it.

    Whoever said no to them said it to this one, and whom we archived for them may come back on this one. What
    the list itself remembers of the audience is older.
    """
    for base in before:
        nos = (*own.nos, *base.nos)
        silent = {no.address for no in nos}
        archived = {
            address: row
            for address, row in base.rows.items()
            if row.state is BaseState.REMOVED and address not in silent
        }
        own = replace(own, rows={**own.rows, **archived}, nos=nos)
    return own


def taken_over(own: ListBase, before: Iterable[ListBase]) -> tuple[BaseMove, ...]:
    """Given the same, return the moves that make all of it the list's own."""
    known = take_over(own, before)
    nos = (no for no in known.nos if no not in own.nos)
    rows = (row for address, row in known.rows.items() if own.rows.get(address) != row)
    return (
        *(BaseMove(address=no.address, row=known.rows.get(no.address), no=no) for no in nos),
        *(BaseMove(address=row.address, row=row) for row in rows),
    )
