from __future__ import annotations

import math
import statistics
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.made import START_S, ManualClock
from sectorwatch.observe import MetricLimits, MetricsCollector, Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def clock() -> ManualClock:
    """A clock at the beginning of an hour."""
    return ManualClock()


@pytest.fixture
def collector(clock: ManualClock) -> MetricsCollector:
    """A collector that keeps everything in memory."""
    return MetricsCollector(clock=clock)


def test_no_data_gives_the_empty_answers(collector: MetricsCollector) -> None:
    """A metric nobody recorded is an empty list and a count of zero."""
    assert collector.get_metrics("nothing") == []
    assert collector.get_metric_summary("nothing") == {"count": 0}
    assert collector.get_history("nothing", 24, 600) == []


def test_a_recorded_value_comes_back_as_it_went_in(
    collector: MetricsCollector, clock: ManualClock
) -> None:
    """Name, value, tags, unit and an aware time in UTC are those of the recording."""
    collector.record_metric("feed_age", 12.5, {"source": "live"}, "seconds")
    (metric,) = collector.get_metrics("feed_age")
    assert (metric.name, metric.value, metric.unit) == ("feed_age", 12.5, "seconds")
    assert metric.tags == {"source": "live"}
    assert metric.timestamp == datetime.fromtimestamp(clock.wall_s, tz=UTC)
    assert metric.resolution_s == 0


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50))
def test_a_summary_of_raw_samples_is_exact(values: list[float]) -> None:
    """While all samples are kept raw, the summary is what statistics would say."""
    clock = ManualClock()
    collector = MetricsCollector(clock=clock)
    for value in values:
        clock.advance(1)
        collector.record_metric("m", value)
    summary = collector.get_metric_summary("m")
    assert summary["count"] == len(values)
    assert summary["avg"] == pytest.approx(statistics.fmean(values))
    assert summary["min"] == min(values)
    assert summary["max"] == max(values)
    assert summary["median"] == pytest.approx(statistics.median(values))
    assert summary["latest"] == values[-1]
    assert summary["p95"] == pytest.approx(float(np.quantile(values, 0.95)))
    assert summary["p99"] == pytest.approx(float(np.quantile(values, 0.99)))
    assert summary["sum"] == pytest.approx(math.fsum(values), abs=1e-3)


def test_tags_separate_series_and_pick_them(collector: MetricsCollector) -> None:
    """All tag sets answer together, one alone where its tags are asked for, in any order."""
    collector.record_metric("t", 1.0, {"a": "1", "b": "2"})
    collector.record_metric("t", 2.0, {"b": "2", "a": "1"})
    collector.record_metric("t", 10.0, {"a": "2", "b": "2"})
    assert collector.get_metric_summary("t")["count"] == 3
    assert collector.get_metric_summary("t", 24, {"a": "1"})["count"] == 2
    assert collector.get_metric_summary("t", 24, {"b": "2"})["sum"] == 13.0
    assert collector.get_metric_summary("t", 24, {"b": "3"}) == {"count": 0}
    assert collector.names() == ["t"]
    assert collector.metrics_count == 1


def test_tags_that_are_no_text_are_told_apart(collector: MetricsCollector) -> None:
    """1, True and "1" are equal keys to Python, and different tags to a reader."""
    for value in (1, True, "1"):
        collector.record_metric("t", 1.0, {"a": value})  # type: ignore[dict-item]
    tags = sorted(metric.tags["a"] for metric in collector.get_metrics("t"))
    assert tags == ["1", "1", "True"]


@pytest.mark.parametrize(
    ("name", "value", "tags", "reason"),
    [
        ("m", math.nan, None, "bad_value"),
        ("m", math.inf, None, "bad_value"),
        ("m", -math.inf, {"a": "b"}, "bad_value"),
        ("m", "much", None, "bad_value"),
        ("m", None, None, "bad_value"),
        ("m", 10**400, None, "bad_value"),
        ("m", [1.0], None, "bad_value"),
        ("m", 1j, None, "bad_value"),
        ("", 1.0, None, "bad_name"),
        (None, 1.0, None, "bad_name"),
        ("a\nb", 1.0, None, "bad_name"),
        ("n" * 1_000_000, 1.0, None, "long_name"),
        ([], 1.0, None, "bad_value"),
        ("m", 1.0, {str(i): "x" for i in range(100)}, "too_many_tags"),
        ("m", 1.0, {"a": "x" * 1_000_000}, "long_tag"),
        ("m", 1.0, {"a" * 1_000: "x"}, "long_tag"),
        ("m", 1.0, ["a"], "bad_value"),
        ("m", 1.0, {"a": {}}, "bad_value"),
        ("m", 1, {}, None),
        ("m", np.float32(2.5), None, None),
        ("m", True, None, None),
    ],
)
def test_what_is_no_use_is_counted_and_never_raises(
    collector: MetricsCollector, name: Any, value: Any, tags: Any, reason: str | None
) -> None:
    """Bad values, names and tags are dropped by reason; odd but usable ones are kept."""
    collector.record_metric(name, value, tags)
    assert collector.dropped == ({reason: 1} if reason else {})
    assert len(collector.get_metrics("m")) == (0 if reason else 1)


def test_an_explosion_of_tags_is_capped_by_name_and_in_all(clock: ManualClock) -> None:
    """A name that runs wild fills its own share alone; past the cap on all, nothing new begins."""
    collector = MetricsCollector(clock=clock, limits=MetricLimits(series=30, series_per_name=20))
    for i in range(50):
        collector.record_metric("wild", 1.0, {"id": str(i)})
    assert collector.dropped == {"series_per_name_limit": 30}
    for i in range(20):
        collector.record_metric(f"calm{i}", 1.0)
    assert collector.dropped == {"series_per_name_limit": 30, "series_limit": 10}
    assert collector.get_metric_summary("wild")["count"] == 20
    collector.record_metric("wild", 1.0, {"id": "3"})
    assert collector.get_metric_summary("wild")["count"] == 21


def test_counters_are_kept_as_what_they_grew_by(
    collector: MetricsCollector, clock: ManualClock
) -> None:
    """Each sampling keeps the increment since the last; the sum over time is the count."""
    counter = collector.counter("ticks", {"k": "v"})
    counter.inc()
    counter.inc(2.5)
    collector.collect()
    clock.advance(15)
    collector.collect()
    clock.advance(15)
    counter.inc(4)
    collector.collect()
    assert counter.total == 7.5
    assert [metric.value for metric in collector.get_metrics("ticks")] == [3.5, 0.0, 4.0]
    assert collector.get_metric_summary("ticks")["sum"] == 7.5
    assert collector.counter("ticks", {"k": "v"}) is counter


@pytest.mark.parametrize("bad", [-1, math.nan, math.inf, "x", None])
def test_instruments_drop_what_is_no_use(collector: MetricsCollector, bad: Any) -> None:
    """A counter never goes back, a duration is never negative, nothing is ever not a number."""
    collector.counter("c").inc(bad)
    collector.timing("t").observe(bad)
    gauge = collector.gauge("g")
    gauge.set(math.nan)
    gauge.set("x")  # type: ignore[arg-type]
    gauge.inc("x")  # type: ignore[arg-type]
    gauge.dec("x")  # type: ignore[arg-type]
    collector.collect()
    assert collector.dropped["bad_value"] == 6
    assert collector.get_metrics("t") == []
    assert collector.get_metrics("g") == []
    assert collector.counter("c").total == 0


def test_gauges_and_timings_keep_each_sample(collector: MetricsCollector) -> None:
    """Setting, moving up and down, and observing are samples."""
    gauge = collector.gauge("open", unit="streams")
    gauge.set(3)
    gauge.inc()
    gauge.dec(2)
    collector.timing("fetch").observe(0.25)
    assert [metric.value for metric in collector.get_metrics("open")] == [3.0, 4.0, 2.0]
    (timing,) = collector.get_metrics("fetch")
    assert (timing.value, timing.unit) == (0.25, "seconds")


def test_a_level_and_a_count_do_not_share_a_name(collector: MetricsCollector) -> None:
    """What began as a counter takes no other samples, nor the reverse; both are counted."""
    collector.counter("n").inc(2)
    collector.record_metric("n", 100.0)
    collector.record_metric("n", 100.0, {"other": "tags"})
    collector.gauge("n").set(5)
    collector.timing("n").observe(5)
    collector.record_metric("level", 1.0)
    collector.counter("level").inc()
    collector.collect()
    assert collector.get_metric_summary("n")["sum"] == 2.0
    assert collector.get_metric_summary("level")["count"] == 1
    assert collector.dropped == {"other_kind": 5, "no_series": 2}


def test_one_name_is_one_instrument_of_one_kind(collector: MetricsCollector) -> None:
    """Asking for a timing where there is a gauge gives something that records nothing."""
    collector.gauge("g").set(1.0)
    collector.timing("g").observe(2.0)
    collector.record_metric("g", 3.0)
    assert [metric.value for metric in collector.get_metrics("g")] == [1.0, 3.0]


def test_instruments_with_impossible_tags_are_harmless(collector: MetricsCollector) -> None:
    """A name or tags that cannot be used give an instrument that drops and counts."""
    collector.gauge("g", {"a": "x" * 1_000}).set(1.0)
    collector.counter("c", ["no", "mapping"]).inc()  # type: ignore[arg-type]
    assert collector.series_id("x", 3) == 0  # type: ignore[arg-type]
    assert collector.dropped["no_series"] == 1
    assert collector.dropped["bad_tags"] == 2


def test_callbacks_are_read_at_each_collection(collector: MetricsCollector) -> None:
    """A callback gauge gives what it reads; one that raises or gives no number is counted."""
    readings = iter([4.0, math.nan, 5.0])
    collector.gauge_callback("depth", lambda: next(readings))
    collector.gauge_callback("bad", lambda: 1 / 0)
    for _ in range(3):
        collector.collect()
    assert [metric.value for metric in collector.get_metrics("depth")] == [4.0, 5.0]
    assert collector.dropped == {"callback_failed": 3, "bad_value": 1}


def test_raw_for_an_hour_then_minutes(collector: MetricsCollector, clock: ManualClock) -> None:
    """A value is given as recorded for an hour, after that as the summary of its minute."""
    for value in (1.0, 2.0, 6.0):
        collector.record_metric("m", value)
        clock.advance(10)
    assert [metric.resolution_s for metric in collector.get_metrics("m")] == [0, 0, 0]
    clock.advance(3_600)
    collector.record_metric("m", 9.0)
    old, new = collector.get_metrics("m")
    assert (old.resolution_s, old.value, old.count) == (60, 3.0, 3)
    assert (old.minimum, old.maximum) == (1.0, 6.0)
    assert old.timestamp == datetime.fromtimestamp(START_S, tz=UTC)
    assert (new.resolution_s, new.value) == (0, 9.0)
    assert collector.get_metric_summary("m")["count"] == 4
    assert collector.get_metric_summary("m", hours=0.5)["count"] == 1


def test_more_samples_than_a_ring_holds_are_still_all_counted(clock: ManualClock) -> None:
    """Where the raw ring is too small for its hour, minutes stand in for what it lost."""
    collector = MetricsCollector(clock=clock, limits=MetricLimits(raw_per_series=150))
    for i in range(300):
        collector.record_metric("m", float(i))
        clock.advance(1)
    found = collector.get_metrics("m")
    assert sum(metric.count for metric in found) == 300
    assert [metric.value for metric in found if not metric.resolution_s][-1] == 299.0
    assert collector.get_metric_summary("m")["median"] == pytest.approx(149.5, rel=0.02)


def test_history_in_steps(collector: MetricsCollector, clock: ManualClock) -> None:
    """A history has one value for each step of time and tag set."""
    for i in range(30):
        collector.record_metric("m", float(i), {"a": "1"})
        collector.record_metric("m", 100.0, {"a": "2"})
        clock.advance(60)
    steps = collector.get_history("m", 1, 600, {"a": "1"})
    assert [(step.value, step.count, step.resolution_s) for step in steps] == [
        (4.5, 10, 600),
        (14.5, 10, 600),
        (24.5, 10, 600),
    ]
    assert len(collector.get_history("m", 1, 1)) == 60


@pytest.mark.parametrize("hours", [-1, math.nan, math.inf, "x", None, 1e9])
def test_any_hours_are_answered(collector: MetricsCollector, hours: Any) -> None:
    """A strange number of hours raises nothing."""
    collector.record_metric("m", 1.0)
    assert collector.get_metric_summary("m", hours)["count"] in {0, 1}


def test_a_clock_that_runs_back_loses_nothing(
    collector: MetricsCollector, clock: ManualClock
) -> None:
    """Samples from before and after a jump of the wall clock are all kept."""
    collector.record_metric("m", 1.0)
    clock.jump(-7_200)
    collector.record_metric("m", 2.0)
    clock.jump(7_200)
    collector.record_metric("m", 3.0)
    assert collector.get_metric_summary("m")["count"] == 3
    assert collector.get_metric_summary("m")["latest"] == 3.0


def test_values_at_the_edge_of_doubles_are_summed_up_to_something_finite(
    collector: MetricsCollector,
) -> None:
    """No summary holds an infinity, which JSON has no word for."""
    for value in (1.7e308, 1.7e308, -1.7e308, 5e-324, 0.0):
        collector.record_metric("m", value)
    assert all(math.isfinite(value) for value in collector.get_metric_summary("m").values())
    assert collector.get_metric_summary("m")["max"] == 1.7e308


def _on_threads(work: Callable[[int], None], threads: int = 6) -> None:
    running = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def test_threads_that_record_at_once_lose_nothing() -> None:
    """Six threads record, count and ask at once; every sample is there at the end."""
    collector = MetricsCollector(limits=MetricLimits(fold_at=128))
    counter = collector.counter("shared")

    def work(number: int) -> None:
        for i in range(3_000):
            collector.record_metric("m", float(i), {"thread": str(number), "odd": str(i % 2)})
            counter.inc()
            if i % 1_000 == 0:
                collector.get_metric_summary("m")
                collector.collect()

    _on_threads(work)
    assert counter.total == 18_000
    summary = collector.get_metric_summary("m")
    assert summary["count"] == 18_000
    assert summary["sum"] == 6 * sum(range(3_000))
    assert collector.get_metric_summary("m", 24, {"thread": "2"})["count"] == 3_000
    collector.collect()
    assert collector.get_metric_summary("shared")["sum"] == 18_000
    assert collector.dropped == {}


def test_recording_while_another_thread_folds_never_waits() -> None:
    """With the fold held up by someone else, samples queue, then the oldest are dropped, counted."""
    collector = MetricsCollector(limits=MetricLimits(fold_at=4, waiting=8))
    collector.record_metric("m", 0.0)
    with collector.folder._keeping:
        for i in range(4 * 200):
            collector.record_metric("m", float(i))
    dropped = collector.dropped["queue_full"]
    assert dropped > 0
    assert collector.get_metric_summary("m")["count"] == 801 - dropped


def test_a_thread_that_relieves_is_woken_instead() -> None:
    """Where another thread folds, recording wakes it; past the limit it helps itself."""
    collector = MetricsCollector(limits=MetricLimits(fold_at=10, waiting=20))
    collector.folder.relieved = True
    for i in range(15):
        collector.record_metric("m", float(i))
    assert collector.folder.crowded.is_set()
    assert len(collector._waiting) == 15
    for i in range(10):
        collector.record_metric("m", float(i))
    assert len(collector._waiting) < 20
    assert collector.get_metric_summary("m")["count"] == 25


def test_a_callback_with_nothing_to_say_gives_no_sample() -> None:
    """None is neither a value nor a fault."""
    collector = MetricsCollector(clock=ManualClock())
    given: list[float | None] = [None, 3.0]
    collector.gauge_callback("age", lambda: given.pop(0))
    collector.collect()
    assert collector.get_metric_summary("age") == {"count": 0}
    collector.collect()
    assert collector.get_metric_summary("age")["latest"] == 3.0
    assert collector.dropped == {}


def test_a_total_that_is_kept_elsewhere_is_a_counter_here() -> None:
    """It catches up when asked, begins anew where the total does, and a fault of it is counted."""
    collector = MetricsCollector(clock=ManualClock())
    totals: list[float | Exception] = [5, 5, 9, 2, ValueError("gone"), math.nan, 3]

    def read() -> float:
        found = totals.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    collector.counter_callback("published_total", read, {"topic": "tick"})
    seen = []
    while totals:
        collector.collect()
        seen.append(collector.counter("published_total", {"topic": "tick"}).total)
    assert seen == [5, 5, 9, 11, 11, 11, 12]
    assert collector.dropped == {"callback_failed": 1, "bad_value": 1}


def test_an_overview_names_each_metric_once_with_its_newest_value(clock: ManualClock) -> None:
    """However many series it has, and also where only minutes are kept of it."""
    bundle = Telemetry.open(None, clock=clock, sinks=())
    bundle.metrics.record_metric("fuel", 3, {"tank": "left"}, "kilograms")
    clock.advance(1)
    bundle.metrics.record_metric("fuel", 5, {"tank": "right"}, "kilograms")
    with suppress(ValueError), bundle.timed("pour", "pump"):
        raise ValueError
    shown = {one.name: one for one in bundle.metrics.overview()}
    fuel = shown["fuel"]
    assert (fuel.series, fuel.latest, fuel.unit, fuel.kind) == (2, 5.0, "kilograms", "sample")
    assert shown["operation_error_rate"].latest == 1.0
    assert shown["operation_error_rate"].latest_time is not None
    assert list(shown) == sorted(shown)
