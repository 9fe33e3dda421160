"""Runs the migrations on the connection, and in the transaction, that `gateway.store.migrate` opened.

The table classes are not imported: a migration says what it does by itself, whatever the classes have become.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
context.run_migrations()
