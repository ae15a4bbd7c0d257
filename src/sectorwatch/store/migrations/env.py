"""Runs the migrations on the connection that `sectorwatch.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from sectorwatch.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
