"""A PostgreSQL of our own, for tests and benchmarks that compare with a real one."""

from __future__ import annotations

from sectorwatch.gameday.postgres import PostgresServer, installed, running_postgres

__all__ = ["PostgresServer", "installed", "running_postgres"]
