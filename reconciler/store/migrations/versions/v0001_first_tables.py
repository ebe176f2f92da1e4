"""The first tables, and the key that turns addresses into hashes."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MOMENT = sa.DateTime(timezone=True)
_OPEN_NO = sa.text("ended_at IS NULL")
_LINKED = sa.text("state = 'linked'")


def upgrade() -> None:
    """Given an empty database, create the tables of version 0001."""
    _create_meta()
    _create_lists()
    _create_memory()
    _create_passes()
    _create_plans()
    _create_locks()


def _create_meta() -> None:
    meta = op.create_table(
        "meta",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.bulk_insert(meta, [{"name": "address_key", "value": secrets.token_hex(32)}])


def _create_lists() -> None:
    op.create_table(
        "lists",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("list_uid", sa.Text, nullable=False),
        sa.Column("list_name", sa.Text, nullable=False),
        sa.Column("state", sa.Text),
        sa.Column("audience_id", sa.Text),
        sa.Column("agreed_name", sa.Text, nullable=False),
        sa.Column("agreed_reminder", sa.Text, nullable=False),
        sa.Column("synced_once", sa.Boolean, nullable=False),
        sa.Column("absent_passes", sa.Integer, nullable=False),
        sa.Column("absent_since", _MOMENT),
    )
    op.create_index("ux_lists_client_list_uid", "lists", ["client", "list_uid"], unique=True)
    op.create_index(
        "ux_lists_linked_audience",
        "lists",
        ["client", "audience_id"],
        unique=True,
        sqlite_where=_LINKED,
        postgresql_where=_LINKED,
    )


def _create_memory() -> None:
    op.create_table(
        "base_rows",
        sa.Column("list_id", sa.Integer, sa.ForeignKey("lists.id"), primary_key=True),
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("persons", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("contact_id", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "nos",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("list_id", sa.Integer, sa.ForeignKey("lists.id"), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("persons", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
    )
    op.create_index("ix_nos_list_address", "nos", ["list_id", "address"])
    op.create_index(
        "ux_nos_open",
        "nos",
        ["list_id", "address", "reason"],
        unique=True,
        sqlite_where=_OPEN_NO,
        postgresql_where=_OPEN_NO,
    )
    op.create_table(
        "list_refusals",
        sa.Column("list_id", sa.Integer, sa.ForeignKey("lists.id"), primary_key=True),
        sa.Column("verb", sa.Text, primary_key=True),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "refusals",
        sa.Column("list_id", sa.Integer, sa.ForeignKey("lists.id"), primary_key=True),
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("verb", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("retry_after", _MOMENT),
        sqlite_with_rowid=False,
    )


def _create_passes() -> None:
    op.create_table(
        "passes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("called_by", sa.Text, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("result", sa.Text),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("problems", sa.Text, nullable=False),
        sa.Column("plan_digest", sa.Text, nullable=False),
    )
    op.create_index("ix_passes_client", "passes", ["client", "id"])
    op.create_table(
        "outcomes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("pass_id", sa.Integer, sa.ForeignKey("passes.id"), nullable=False),
        sa.Column("list_id", sa.Integer, sa.ForeignKey("lists.id"), nullable=False),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("address_key", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_index("ix_outcomes_pass", "outcomes", ["pass_id"])
    op.create_table(
        "intents",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("list_id", sa.Integer, sa.ForeignKey("lists.id"), nullable=False),
        sa.Column("pass_id", sa.Integer, sa.ForeignKey("passes.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("intended_at", _MOMENT, nullable=False),
        sa.Column("settled_at", _MOMENT),
        sa.Column("result", sa.Text),
        sa.Column("settled_detail", sa.Text),
    )


def _create_plans() -> None:
    op.create_table(
        "plan_bodies",
        sa.Column("list_id", sa.Integer, sa.ForeignKey("lists.id"), primary_key=True),
        sa.Column("pass_id", sa.Integer, sa.ForeignKey("passes.id"), primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("planned_at", _MOMENT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("list_id", sa.Integer, sa.ForeignKey("lists.id"), nullable=False),
        sa.Column("pass_id", sa.Integer, sa.ForeignKey("passes.id"), nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("plan_digest", sa.Text, nullable=False),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("first_seen", _MOMENT, nullable=False),
        sa.Column("expires", _MOMENT, nullable=False),
        sa.Column("superseded_at", _MOMENT),
        sa.Column("approved_at", _MOMENT),
        sa.Column("approved_by", sa.Text),
        sa.Column("used_at", _MOMENT),
        sa.Column("used_in", sa.Integer, sa.ForeignKey("passes.id")),
    )
    op.create_index("ix_proposals_digest", "proposals", ["digest"])


def _create_locks() -> None:
    op.create_table(
        "locks",
        sa.Column("client", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("expires", _MOMENT, nullable=False),
    )
