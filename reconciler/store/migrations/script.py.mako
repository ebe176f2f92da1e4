"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Given the tables of `down_revision`, make them those of `revision`."""
    ${upgrades if upgrades else "pass"}
