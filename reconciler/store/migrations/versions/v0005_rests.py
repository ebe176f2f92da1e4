"""Lists at rest; whatever they rest on ends their rest, whoever changes it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_OF_ITS_LIST = "list_id = {row}.list_id"
_OF_THE_LIST = "list_id = {row}.id"
_OF_THE_CLIENT = "list_id IN (SELECT id FROM lists WHERE client = {row}.client)"

_ENDING = (
    *(
        (table, event, _OF_ITS_LIST)
        for table in ("base_rows", "nos", "refusals")
        for event in ("INSERT", "UPDATE", "DELETE")
    ),
    # A link is always written whole; a list's name alone does not matter.
    ("lists", "UPDATE OF audience_id", _OF_THE_LIST),
    ("erasures", "INSERT", _OF_THE_CLIENT),
)
"""On which event of which table whose rest ends. A table that is made anew needs its triggers made anew."""


def upgrade() -> None:
    """Given tables of version 0004, add that of lists at rest, and what keeps it true."""
    op.create_table(
        "rests",
        sa.Column("list_id", sa.Integer, sa.ForeignKey("lists.id"), primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for table, event, whose in _ENDING:
        name = f"{table}_{event.partition(' ')[0].lower()}_ends_rest"
        row = "OLD" if event == "DELETE" else "NEW"
        ending = f"DELETE FROM rests WHERE {whose.format(row=row)};"  # noqa: S608 # nosec B608 (our tables)
        if on_sqlite:
            op.execute(f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {ending} END")
        else:
            op.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql "
                f"AS $$ BEGIN {ending} RETURN NULL; END $$"
            )
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
            )
