"""What Alembic runs around the steps: it uses the caller's connection and transaction, so that all happen or none."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
