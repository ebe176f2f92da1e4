"""Runs the steps on the connection that `reconciler.store.schema` hands over."""

from alembic import context

from reconciler.store.schema import VERSION_TABLE
from reconciler.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # also on SQLite, whose transactions `reconciler.store.connection` begins
)
with context.begin_transaction():
    context.run_migrations()
