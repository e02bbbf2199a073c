"""Alembic's entry: it runs on the connection, and inside the transaction, that `store/migrate.py` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
