"""Runs the migrations on the connection that `sectorwatch.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from sectorwatch.store.schema import metadata

# Alembic fills its `context` only while it migrates; who merely imports this runs nothing.
if hasattr(context, "config"):
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    context.run_migrations()
