"""Mails that wait for their server, and what was told by mail."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Given tables of version 0001, add those of the mails."""
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("recipients", sa.Text, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.Column("written_at", _MOMENT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try", _MOMENT, nullable=False),
    )
    op.create_table(
        "told",
        sa.Column("client", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("list_uid", sa.Text, primary_key=True),
        sa.Column("verb", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("told_at", _MOMENT, nullable=False),
        sa.Column("over", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
