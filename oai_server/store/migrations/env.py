"""Run the migrations on the connection that :mod:`oai_server.store.schema` hands over."""

from alembic import context

from oai_server.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True,
    transactional_ddl=True,
)  # fmt: skip
context.run_migrations()
