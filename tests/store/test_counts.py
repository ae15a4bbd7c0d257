from __future__ import annotations

from sectorwatch.observe import MetricsCollector
from sectorwatch.store.budget import Freed
from sectorwatch.store.counts import StoreCounts


def test_what_is_let_go_is_counted_by_kind_and_table() -> None:
    """A file of segments by its kind, rows by their table; nothing let go counts nothing."""
    metrics = MetricsCollector()
    counts = StoreCounts(metrics)
    counts.let_go(Freed())
    assert "retention_rows_total" not in metrics.names()
    counts.let_go(Freed(["visits/date=2025-08-06/visits-2.parquet"], {"flight": 3}, 5, 0))
    counts.let_go(Freed([], {"flight": 4, "session": 1}))
    assert metrics.counter("retention_segments_total", {"kind": "visits"}).total == 1
    assert metrics.counter("retention_rows_total", {"table": "flight"}).total == 7
    assert metrics.counter("retention_rows_total", {"table": "session"}).total == 1
