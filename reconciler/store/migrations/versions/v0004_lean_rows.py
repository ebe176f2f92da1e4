"""History says once what it says of many, and ids stand in their bytes: half of the room a contact took."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_MOMENT = sa.DateTime(timezone=True)
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_BATCH = 1000


def upgrade() -> None:
    """Given tables of version 0003, write history and base rows anew."""
    _say_once_what_history_says_of_many()
    _keep_ids_in_bytes()


def _say_once_what_history_says_of_many() -> None:
    op.drop_index("ix_outcomes_pass", "outcomes")
    _set_aside("outcomes")
    entries = op.create_table(
        "entries",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("pass_id", sa.Integer, sa.ForeignKey("passes.id"), nullable=False),
        sa.Column("list_id", sa.Integer, sa.ForeignKey("lists.id"), nullable=False),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_index("ix_entries_pass", "entries", ["pass_id"])
    outcomes = op.create_table(
        "outcomes",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("entry_id", _NUMBER, sa.ForeignKey("entries.id"), nullable=False),
        sa.Column("address_key", sa.LargeBinary, nullable=False),
    )
    numbers: dict[tuple[object, ...], int] = {}
    words = ("pass_id", "list_id", "verb", "result", "reason", "detail", "at")
    columns = [sa.column("id"), sa.column("address_key"), *(entries.c[name] for name in words)]
    for rows in _take_back("outcomes", [sa.column(c.name, c.type) for c in columns], order=("id",)):
        for row in rows:
            if row[2:] not in numbers:
                new = entries.insert().values(dict(zip(words, row[2:], strict=True)))
                numbers[row[2:]] = op.get_bind().execute(new.returning(entries.c.id)).scalar_one()
        op.bulk_insert(
            outcomes,
            [
                {"id": row[0], "entry_id": numbers[row[2:]], "address_key": bytes.fromhex(row[1])}
                for row in rows
            ],
        )
    _forget_aside("outcomes")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('outcomes', 'id'), "
            "(SELECT coalesce(max(id), 0) + 1 FROM outcomes), false)"
        )


def _keep_ids_in_bytes() -> None:
    _set_aside("base_rows")
    base_rows = op.create_table(
        "base_rows",
        sa.Column("list_id", sa.Integer, sa.ForeignKey("lists.id"), primary_key=True),
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("persons", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("contact_id", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    names = ("list_id", "address", "state", "persons", "fields", "contact_id")
    for rows in _take_back("base_rows", [sa.column(name) for name in names], order=names[:2]):
        op.bulk_insert(
            base_rows,
            [{**dict(zip(names, row, strict=True)), "contact_id": _in_bytes(row[5])} for row in rows],
        )
    _forget_aside("base_rows")


def _in_bytes(text: str) -> bytes:
    if _HEX.fullmatch(text):
        return b"\0" + bytes.fromhex(text)
    return b"\1" + text.encode() if text else b""


def _set_aside(name: str) -> None:
    op.execute(f"CREATE TABLE {name}_before AS SELECT * FROM {name}")  # noqa: S608 # nosec B608 (our table)
    op.drop_table(name)


def _take_back(
    name: str, columns: Sequence[sa.ColumnClause[Any]], order: Sequence[str]
) -> Iterator[Sequence[tuple[Any, ...]]]:
    query = sa.select(*columns).select_from(sa.table(f"{name}_before")).order_by(*map(sa.column, order))
    few_at_once = {"stream_results": True, "yield_per": _BATCH}
    with op.get_bind().execute(query, execution_options=few_at_once) as result:
        for rows in result.partitions():
            yield [tuple(row) for row in rows]


def _forget_aside(name: str) -> None:
    op.drop_table(f"{name}_before")
