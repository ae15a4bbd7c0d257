from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import numpy as np
import pytest

from observe.made import START_S, ManualClock
from sectorwatch.observe import MetricLimits, MetricsCollector, ObserveStore

if TYPE_CHECKING:
    from pathlib import Path

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400


def _open(
    path: Path | None, clock: ManualClock, limits: MetricLimits | None = None
) -> tuple[ObserveStore, MetricsCollector]:
    store = ObserveStore(path, clock=clock)
    return store, MetricsCollector(clock=clock, store=store, limits=limits)


def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_history_survives_a_restart(tmp_path: Path) -> None:
    """Values, tags and units recorded before the end are there after the next start, as minutes."""
    clock = ManualClock()
    store, collector = _open(tmp_path / "observe.db", clock)
    collector.record_metric("m", 1.0, {"a": "b"}, "seconds")
    collector.record_metric("m", 3.0, {"a": "b"}, "seconds")
    collector.counter("c").inc(5)
    store.close()
    clock.advance(120)
    store, collector = _open(tmp_path / "observe.db", clock)
    assert collector.names() == ["c", "m"]
    (metric,) = collector.get_metrics("m")
    assert (metric.value, metric.count, metric.unit, metric.resolution_s) == (2.0, 2, "seconds", 60)
    assert metric.tags == {"a": "b"}
    collector.record_metric("m", 5.0, {"a": "b"}, "seconds")
    collector.counter("c").inc(2)
    collector.collect()
    assert collector.get_metric_summary("m")["count"] == 3
    assert collector.get_metric_summary("m")["latest"] == 5.0
    assert collector.get_metric_summary("c")["sum"] == 7.0
    store.close()


def test_a_minute_cut_by_a_restart_is_whole_again(tmp_path: Path) -> None:
    """Two runs within one minute give one summary of that minute, raw values of the second run."""
    clock = ManualClock()
    for value in (1.0, 2.0, 3.0):
        store, collector = _open(tmp_path / "observe.db", clock)
        collector.record_metric("m", value)
        clock.advance(5)
        store.close()
    store, collector = _open(tmp_path / "observe.db", clock)
    (metric,) = collector.get_metrics("m")
    assert (metric.count, metric.minimum, metric.maximum) == (3, 1.0, 3.0)
    store.close()


def test_hours_move_to_their_series_and_days_to_ten_minutes(tmp_path: Path) -> None:
    """Over four days minutes become rows a series and hour, then ten-minute rows; nothing is lost."""
    clock = ManualClock()
    path = tmp_path / "observe.db"
    store, collector = _open(path, clock)
    for i in range(4 * 24 * 4):
        collector.record_metric("m", float(i), {"k": "1"})
        collector.record_metric("n", 1.0)
        clock.advance(15 * MINUTE_S)
        store.flush()
    assert store.drops.counts() == {}
    assert _rows(path, "SELECT count(*) FROM metric_block")[0][0] in {0, 1}
    assert set(_rows(path, "SELECT DISTINCT step_s FROM metric_chunk")) == {(60,), (600,)}
    found = collector.get_metrics("m", hours=24 * 5)
    assert sum(metric.count for metric in found) == 384
    assert {metric.resolution_s for metric in found} == {0, 60, 600}
    assert sorted(metric.timestamp for metric in found) == [metric.timestamp for metric in found]
    oldest_fine = min(m.timestamp.timestamp() for m in found if m.resolution_s == 60)
    assert clock.wall_s - oldest_fine >= 2 * DAY_S
    summary = collector.get_metric_summary("m", hours=24 * 5)
    assert (summary["count"], summary["min"], summary["max"]) == (384, 0.0, 383.0)
    assert summary["sum"] == sum(range(384))
    assert summary["median"] == pytest.approx(191.5, rel=0.02)
    assert summary["latest"] == 383.0
    day = collector.get_metric_summary("m", hours=24)
    assert day["count"] in {96, 97}
    store.close()


def test_what_is_older_than_thirty_days_goes_and_so_do_its_series(tmp_path: Path) -> None:
    """After the time kept nothing is left of a metric that stopped, not even its name."""
    clock = ManualClock()
    path = tmp_path / "observe.db"
    store, collector = _open(path, clock)
    collector.record_metric("old", 1.0)
    for _ in range(35):
        collector.record_metric("new", 1.0)
        store.flush()
        clock.advance(DAY_S)
        store.flush()
    assert collector.get_metrics("old", hours=24 * 40) == []
    assert collector.names() == ["new"]
    assert _rows(path, "SELECT name FROM metric_series") == [("new",)]
    assert len(collector.get_metrics("new", hours=24 * 40)) in {30, 31, 32}
    store.close()


def test_a_series_that_rests_keeps_its_id_and_its_past(tmp_path: Path) -> None:
    """A tag set unused for a day leaves the table, and goes on where it was when it comes back."""
    clock = ManualClock()
    limits = MetricLimits(series=2)
    store, collector = _open(tmp_path / "observe.db", clock, limits)
    collector.record_metric("m", 1.0, {"day": "1"})
    collector.record_metric("m", 1.0, {"day": "2"})
    collector.record_metric("m", 1.0, {"day": "3"})
    assert collector.dropped == {"series_limit": 1}
    for _ in range(30):
        clock.advance(HOUR_S)
        store.flush()
    collector.record_metric("m", 3.0, {"day": "3"})
    collector.record_metric("m", 2.0, {"day": "1"})
    assert collector.dropped == {"series_limit": 1}
    assert [m.value for m in collector.get_metrics("m", 48, {"day": "1"})] == [1.0, 2.0]
    assert collector.get_metric_summary("m", 48)["count"] == 4
    store.close()


def test_a_flush_that_fails_is_made_up_for(tmp_path: Path) -> None:
    """While the file is locked nothing is lost and nothing is kept twice."""
    clock = ManualClock()
    path = tmp_path / "observe.db"
    store, collector = _open(path, clock)
    store._writer.execute("PRAGMA busy_timeout=0")
    collector.record_metric("m", 1.0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert not store.flush()
    collector.record_metric("m", 2.0)
    clock.advance(60)
    assert not store.flush()
    other.execute("ROLLBACK")
    other.close()
    collector.record_metric("m", 4.0)
    assert store.flush()
    assert store.drops.counts() == {"write_failed_locked": 2}
    assert collector.get_metric_summary("m")["sum"] == 7.0
    store.close()
    store, collector = _open(path, clock)
    summary = collector.get_metric_summary("m")
    assert (summary["count"], summary["sum"]) == (3, 7.0)
    store.close()


def test_memory_is_bounded_while_nothing_can_be_written(tmp_path: Path) -> None:
    """With the disk away for long, the oldest minutes are given up, and counted."""
    clock = ManualClock()
    store, collector = _open(tmp_path / "observe.db", clock, MetricLimits(recent_rows=10))
    store._writer.execute("PRAGMA query_only=1")
    for _ in range(30):
        collector.record_metric("m", 1.0)
        collector.collect()
        clock.advance(60)
        assert not store.flush()
    assert collector.dropped["history_lost"] == 20
    store._writer.execute("PRAGMA query_only=0")
    assert store.flush()
    store.close()


class _Failing:
    """A part whose saving fails, and takes the whole transaction with it."""

    tables = ""

    def load(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Nothing."""

    def save(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Fail."""
        del connection, now_s
        raise RuntimeError("no")

    def prune(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Nothing."""


def test_memory_is_bounded_while_another_part_fails() -> None:
    """Blocks that were ready to be written are given up too, oldest first, when there are too many."""
    clock = ManualClock()
    store, collector = _open(None, clock, MetricLimits(recent_rows=10))
    store.attach(_Failing())
    for _ in range(30):
        collector.record_metric("m", 1.0)
        clock.advance(60)
        assert not store.flush()
    assert collector.dropped["history_lost"] == 20
    assert collector.get_metric_summary("m", hours=1)["count"] == 10
    store.close()


def test_damaged_blocks_are_left_out_and_counted(tmp_path: Path) -> None:
    """A block that cannot be read costs its own minutes alone."""
    clock = ManualClock()
    path = tmp_path / "observe.db"
    store, collector = _open(path, clock)
    collector.record_metric("m", 1.0)
    clock.advance(HOUR_S)
    store.flush()
    collector.record_metric("m", 2.0)
    store.close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE metric_chunk SET data = x'00'")
        connection.execute("INSERT INTO metric_block VALUES (99, x'0102')")
    connection.close()
    store, collector = _open(path, clock)
    assert [metric.value for metric in collector.get_metrics("m", 48)] == [2.0]
    assert collector.dropped == {"damaged_block": 2}
    clock.advance(HOUR_S)
    collector.record_metric("m", 3.0)
    assert store.flush()
    assert collector.get_metric_summary("m", 48)["sum"] == 5.0
    store.close()


def test_late_rows_join_the_hour_they_belong_to(tmp_path: Path) -> None:
    """Samples stamped before a clock's jump are merged into chunks that were closed long ago."""
    clock = ManualClock()
    store, collector = _open(tmp_path / "observe.db", clock)
    collector.record_metric("m", 1.0)
    clock.advance(HOUR_S)
    store.flush()
    clock.jump(-HOUR_S)
    collector.record_metric("m", 2.0)
    clock.jump(HOUR_S)
    store.flush()
    clock.advance(2 * HOUR_S)
    (metric,) = collector.get_metrics("m", 48)
    assert (metric.count, metric.value) == (2, 1.5)
    assert metric.timestamp.timestamp() == START_S
    store.close()


def test_questions_are_answered_from_memory_when_the_file_is_gone() -> None:
    """A store that is closed, or a file that cannot be read, leaves the last hour."""
    clock = ManualClock()
    store, collector = _open(None, clock)
    collector.record_metric("m", 1.0)
    store.close()
    assert collector.get_metric_summary("m")["count"] == 1
    assert collector.dropped == {"history_unreadable": 1}


def test_a_day_of_many_series_stays_small(tmp_path: Path) -> None:
    """A day of 50 series that move, four samples a minute, takes under 50 bytes a minute each."""
    clock = ManualClock()
    path = tmp_path / "observe.db"
    store, collector = _open(path, clock)
    generator = np.random.default_rng(1)
    ids = np.repeat([collector.series_id("m", {"k": str(k)}) for k in range(50)], 4)
    for _ in range(24 * 60):
        times = clock.wall_s + np.tile([0.0, 15.0, 30.0, 45.0], 50)
        collector.keep_arrays(ids, times, generator.normal(50, 5, 200))
        clock.advance(60)
        if clock.wall_s % 600 == 0:
            store.flush()
    assert collector.get_metric_summary("m", 30)["count"] == 24 * 60 * 200
    store.close()
    assert path.stat().st_size / (50 * 24 * 60) < 50
