"""Who ended a no and when OTYS learnt of it; erased people; snapshots to replay old decisions with."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Given tables of version 0002, add what the promises need."""
    op.add_column("nos", sa.Column("ended_by", sa.Text))
    op.add_column("nos", sa.Column("told_at", _MOMENT))
    op.create_table(
        "erasures",
        sa.Column("client", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("erased_at", _MOMENT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "snapshots",
        sa.Column("list_id", sa.Integer, sa.ForeignKey("lists.id"), primary_key=True),
        sa.Column("pass_id", sa.Integer, sa.ForeignKey("passes.id"), primary_key=True),
        sa.Column("taken_at", _MOMENT, nullable=False),
        sa.Column("whole", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
