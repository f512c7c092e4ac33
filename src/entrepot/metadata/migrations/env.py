"""Run by Alembic for each of its commands."""

from alembic import context

from entrepot.metadata.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
