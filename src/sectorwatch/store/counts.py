"""What the store counts of its own work: rows and bytes written, sealed, let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sectorwatch.observe import Counter, MetricsCollector
    from sectorwatch.store.budget import Freed
    from sectorwatch.store.segments import SegmentFile

__all__ = ["StoreCounts", "WrittenCounts"]


class WrittenCounts:
    """Counts rows by table as ticks are committed; each counter is looked up once."""

    def __init__(self, metrics: MetricsCollector) -> None:
        self._metrics = metrics
        self._rows: dict[str, Counter] = {}
        self._positions = metrics.counter("store_position_bytes_total", unit="bytes")

    def tick(self, rows: Mapping[str, int], positions_bytes: int) -> None:
        """A tick was committed, with so many rows of each table, and its positions packed."""
        for table, count in rows.items():
            counter = self._rows.get(table)
            if counter is None:
                tags = {"table": table}
                counter = self._metrics.counter("store_rows_written_total", tags)
                self._rows[table] = counter
            counter.inc(count)
        self._positions.inc(positions_bytes)


class StoreCounts:
    """Counts what is sealed and what is let go, some times an hour."""

    def __init__(self, metrics: MetricsCollector) -> None:
        self._metrics = metrics

    def sealed(self, files: Iterable[SegmentFile]) -> None:
        """These files were made."""
        for file in files:
            tags = {"kind": file.kind}
            self._metrics.counter("store_sealed_files_total", tags).inc()
            self._metrics.counter("store_sealed_rows_total", tags).inc(file.row_count)
            self._metrics.counter("store_sealed_bytes_total", tags, "bytes").inc(file.size_bytes)

    def let_go(self, freed: Freed) -> None:
        """This was let go."""
        for path in freed.segments:
            tags = {"kind": path.partition("/")[0]}
            self._metrics.counter("retention_segments_total", tags).inc()
        for table, count in freed.rows.items():
            self._metrics.counter("retention_rows_total", {"table": table}).inc(count)
