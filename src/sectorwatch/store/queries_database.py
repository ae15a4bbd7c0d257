"""How the database and what lies beside it are doing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import func, inspect, select, text

from sectorwatch.errors import StoreError
from sectorwatch.store import schema
from sectorwatch.store.files import tree_bytes

if TYPE_CHECKING:
    from collections import deque

    from sqlalchemy import Connection

    from sectorwatch.store.directory import DataDirectory
    from sectorwatch.store.sources import Sources

__all__ = ["DatabaseQueries", "DatabaseStatus", "Latency"]


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the last operations took, seconds; None where there was none yet."""

    count: int
    median_s: float | None
    p95_s: float | None
    last_s: float | None

    @classmethod
    def of(cls, seconds: deque[float]) -> Latency:
        """The figures of the last few durations."""
        values = list(seconds)
        if not values:
            return cls(0, None, None, None)
        median, p95 = np.percentile(values, [50, 95]).tolist()
        return cls(len(values), median, p95, values[-1])


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """The database and the data directory; sizes in bytes.

    `rows` are estimates, good to some percent, for counting would read every table. `away` says why
    the database does not answer, and is None where it does; then what only it knows is None.
    `unsealed_ticks` have their positions in the database still.
    """

    engine: str
    label: str
    away: str | None
    version: str | None
    schema_revision: str | None
    size_bytes: int | None
    segments: int | None
    segment_bytes: int | None
    missing_segments: int | None
    rows: dict[str, int]
    last_seq: int | None
    last_snapshot_time_us: int | None
    unsealed_ticks: int | None
    journal_bytes: int
    directory_bytes: int
    free_bytes: int
    writes: Latency
    reads: Latency


class DatabaseQueries:
    """Asks how the database is."""

    def __init__(self, sources: Sources, directory: DataDirectory) -> None:
        self._sources = sources
        self._directory = directory

    def status(self) -> DatabaseStatus:
        """The state of things; never raises for a database that is away, but says so."""
        database = self._sources.database
        away, facts = None, _Facts()
        try:
            with database.read("asking how the database is") as connection:
                facts = _facts(connection, database.dialect)
        except StoreError as error:
            away = str(error)
        return DatabaseStatus(
            engine=database.dialect,
            label=database.label,
            away=away,
            version=facts.version,
            schema_revision=facts.schema_revision,
            size_bytes=facts.size_bytes,
            segments=facts.segments,
            segment_bytes=facts.segment_bytes,
            missing_segments=facts.missing_segments,
            rows=facts.rows or {},
            last_seq=facts.last_seq,
            last_snapshot_time_us=facts.last_snapshot_time_us,
            unsealed_ticks=facts.unsealed_ticks,
            journal_bytes=tree_bytes(self._directory.journal),
            directory_bytes=tree_bytes(self._directory.path),
            free_bytes=shutil.disk_usage(self._directory.path).free,
            writes=Latency.of(database.write_latencies_s),
            reads=Latency.of(database.read_latencies_s),
        )


@dataclass(slots=True)
class _Facts:
    version: str | None = None
    schema_revision: str | None = None
    size_bytes: int | None = None
    segments: int | None = None
    segment_bytes: int | None = None
    missing_segments: int | None = None
    rows: dict[str, int] | None = None
    last_seq: int | None = None
    last_snapshot_time_us: int | None = None
    unsealed_ticks: int | None = None


def _facts(connection: Connection, dialect: str) -> _Facts:
    tick, segment = schema.tick.c, schema.segment.c
    facts = _Facts()
    if dialect == "sqlite":
        facts.version = connection.scalar(text("SELECT sqlite_version()"))
        pages = connection.scalar(text("PRAGMA page_count")) or 0
        facts.size_bytes = pages * (connection.scalar(text("PRAGMA page_size")) or 0)
    else:
        facts.version = connection.scalar(text("SHOW server_version"))
        facts.size_bytes = connection.scalar(text("SELECT pg_database_size(current_database())"))
    facts.schema_revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    in_use = segment.replaced_at_us.is_(None)
    count, size = connection.execute(
        select(func.count(), func.sum(segment.size_bytes)).where(in_use, segment.missing.is_(False))
    ).one()
    facts.segments, facts.segment_bytes = count, int(size or 0)
    facts.missing_segments = connection.scalar(
        select(func.count()).select_from(schema.segment).where(in_use, segment.missing)
    )
    last = connection.execute(
        select(tick.seq, tick.snapshot_time_us).order_by(tick.seq.desc()).limit(1)
    ).one_or_none()
    if last is not None:
        facts.last_seq, facts.last_snapshot_time_us = last
    facts.unsealed_ticks = connection.scalar(
        select(func.count(tick.snapshot_time_us)).where(tick.positions.is_not(None))
    )
    facts.rows = _estimates(connection, dialect)
    return facts


def _estimates(connection: Connection, dialect: str) -> dict[str, int]:
    names = [table.name for table in schema.metadata.sorted_tables]
    if dialect == "sqlite":
        known = {}
        if inspect(connection).has_table("sqlite_stat1"):
            # "rows rows-per-key ..." for each index, as the last ANALYZE found.
            stats = connection.execute(text("SELECT tbl, stat FROM sqlite_stat1"))
            known = {table: int(stat.split()[0]) for table, stat in stats}
    else:
        stats = connection.execute(
            text("SELECT relname, reltuples FROM pg_class WHERE relname = ANY(:names)"),
            {"names": names},
        )
        known = {table: int(rows) for table, rows in stats if rows >= 0}
    for table in schema.metadata.sorted_tables:
        # Never analysed means small: counting costs little.
        if table.name not in known:
            counted = connection.scalar(select(func.count()).select_from(table))
            known[table.name] = int(counted or 0)
    return {name: known[name] for name in sorted(names)}
