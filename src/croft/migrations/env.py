"""Alembic's entry: runs the revisions on the connection that `core.migrate` (or a test) hands over."""

from alembic import context

from croft.core.db import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
