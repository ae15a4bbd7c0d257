from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from observe.made import ManualClock, MemorySink
from sectorwatch.observe import (
    LogCorrelationContext,
    MetricsCollector,
    PerformanceCollector,
    PerformanceMetric,
    StructuredLogger,
)
from sectorwatch.observe import timed as timed_module

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

RESPONSE, ERRORS, CPU = (
    PerformanceMetric.RESPONSE_TIME,
    PerformanceMetric.ERROR_RATE,
    PerformanceMetric.CPU_USAGE,
)


class World:
    """A collector with its clock, its log's sink and its metrics."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        self.sink = MemorySink()
        self.metrics = MetricsCollector(clock=self.clock)
        self.log = StructuredLogger(sinks=[self.sink], clock=self.clock)
        self.performance = PerformanceCollector(
            self.metrics, self.log, clock=self.clock, **settings
        )

    def summary(self, kind: PerformanceMetric, operation: str = "decode") -> dict[str, Any]:
        """What was measured of an operation of the collector service."""
        return self.performance.get_metric_summary(operation, "collector", kind)


@pytest.fixture
def world() -> World:
    """A world in which one second is slow."""
    return World()


def test_a_timed_block_feeds_metrics_and_analytics_and_no_line(world: World) -> None:
    """One call: response time, error rate and the log's counts, without a line while all is well."""
    for duration in (0.1, 0.2, 0.3):
        with world.performance.timed("decode", "collector"):
            world.clock.advance(duration)
    assert world.summary(RESPONSE)["avg"] == pytest.approx(0.2)
    assert world.summary(RESPONSE)["latest"] == pytest.approx(0.3)
    assert world.summary(ERRORS)["avg"] == 0.0
    assert world.sink.lines == []
    analytics = world.log.get_log_analytics()
    assert analytics["total_entries"] == analytics["performance_entries_count"] == 3
    assert analytics["average_performance"] == pytest.approx(0.2)
    assert analytics["entries_by_category"] == {"performance": 3}
    assert world.log.get_log_analytics(service="collector")["total_entries"] == 3


def test_a_run_that_was_timed_elsewhere_counts_the_same(world: World) -> None:
    """Its time, its failures and the log's counts, as of a timed block; nonsense is dropped."""
    for duration, failed in ((0.1, False), (0.3, True)):
        world.performance.ended("decode", "collector", duration, failed=failed)
    for nonsense in (-1.0, float("nan"), float("inf"), "soon"):
        world.performance.ended("decode", "collector", nonsense)  # type: ignore[arg-type]
    assert world.summary(RESPONSE)["avg"] == pytest.approx(0.2)
    assert world.summary(RESPONSE)["count"] == 2
    assert world.summary(ERRORS)["avg"] == 0.5
    assert world.sink.lines == []
    assert world.log.get_log_analytics()["performance_entries_count"] == 2
    assert world.performance.drops.counts() == {"bad_value": 4}


def test_a_slow_block_is_logged_with_what_was_noted(world: World) -> None:
    """At the threshold a warning is written, with correlation, duration and context; counted once."""
    timed = world.performance.timed("decode", "collector", rows=3)
    with LogCorrelationContext("tick-7"), timed as span:
        world.clock.advance(1.5)
        span.note(bytes=12)
    (entry,) = world.sink.entries
    assert (entry["level"], entry["category"]) == ("WARNING", "performance")
    assert (entry["service"], entry["operation"]) == ("collector", "decode")
    assert (entry["duration"], entry["slow_s"], entry["rows"], entry["bytes"]) == (1.5, 1.0, 3, 12)
    assert entry["correlation_id"] == "tick-7"
    analytics = world.log.get_log_analytics()
    assert analytics["total_entries"] == analytics["performance_entries_count"] == 1


def test_the_threshold_is_a_setting_of_all_of_one_operation_and_of_one_call() -> None:
    """The call's own limit goes before the operation's, that before the general one."""
    world = World(slow_s=10.0, slow_s_of={"collector:decode": 0.5})
    for operation, slow_s in (("decode", None), ("accept", None), ("accept", 0.1), ("decode", 5.0)):
        with world.performance.timed(operation, "collector", slow_s=slow_s):
            world.clock.advance(1)
    assert [entry["operation"] for entry in world.sink.entries] == ["decode", "accept"]
    assert [entry["slow_s"] for entry in world.sink.entries] == [0.5, 0.1]


def test_a_failure_is_counted_logged_and_passed_on(world: World) -> None:
    """The exception reaches the caller; error rate, the line and error analytics tell of it."""
    for fails in (False, True, False, True):
        reaches = pytest.raises(ValueError, match="x") if fails else contextlib.nullcontext()
        with reaches, world.performance.timed("decode", "collector", seq=7):
            world.clock.advance(0.1)
            if fails:
                raise ValueError("x")
    assert world.summary(ERRORS)["avg"] == 0.5
    assert world.summary(RESPONSE)["count"] == 4
    assert [entry["exception"]["message"] for entry in world.sink.entries] == ["x", "x"]
    assert world.sink.entries[0]["seq"] == 7
    assert world.sink.entries[0]["duration"] == pytest.approx(0.1)
    errors = world.log.get_error_analytics()
    assert errors["by_operation"] == {"collector:decode": 2}
    assert world.log.get_log_analytics()["error_rate"] == 0.5


def test_one_exception_through_several_blocks_is_told_once(world: World) -> None:
    """Each operation it passed counts as failed; one line, by the innermost."""
    outer, inner = (world.performance.timed(name, "collector") for name in ("outer", "decode"))
    with pytest.raises(ValueError, match="x"), outer, inner:
        raise ValueError("x")
    assert world.summary(ERRORS)["avg"] == world.summary(ERRORS, "outer")["avg"] == 1.0
    assert [entry["operation"] for entry in world.sink.entries] == ["decode"]


@pytest.mark.parametrize("leaving", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_leaving_is_no_failure(world: World, leaving: type[BaseException]) -> None:
    """Cancelling, interrupting and exiting are not errors of the operation."""
    with pytest.raises(leaving), world.performance.timed("decode", "collector"):
        raise leaving
    assert world.summary(ERRORS)["avg"] == 0.0
    assert world.sink.lines == []


def test_a_decorated_function_is_timed_each_time_even_inside_itself(world: World) -> None:
    """Calls keep apart, the name stays, arguments and answers go through."""

    @world.performance.timed("decode", "collector")
    def countdown(n: int) -> int:
        world.clock.advance(0.1)
        return 0 if n == 0 else 1 + countdown(n - 1)

    assert countdown(3) == 3
    assert countdown.__name__ == "countdown"
    assert world.summary(RESPONSE)["count"] == 4
    assert world.summary(RESPONSE)["max"] == pytest.approx(0.4)


def _processor_s(performance: PerformanceCollector, operation: str) -> float:
    """What an operation's one call spent: its share of its own duration, on however busy a machine."""
    share = performance.get_metric_summary(operation, "collector", CPU)["latest"]
    duration_s = performance.get_metric_summary(operation, "collector", RESPONSE)["latest"]
    return float(share) / 100 * float(duration_s)


def test_a_decorated_coroutine_function_has_only_its_own_processor_time() -> None:
    """What other tasks burn while it waits is not counted as its own."""
    metrics = MetricsCollector()
    performance = PerformanceCollector(metrics, StructuredLogger(sinks=[]))

    def burn() -> None:
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass

    @performance.timed("waits", "collector")
    async def waits() -> str:
        await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        return "done"

    @performance.timed("burns", "collector")
    async def burns() -> None:
        await asyncio.sleep(0)
        burn()

    async def both() -> str:
        return (await asyncio.gather(waits(), burns()))[0]

    assert asyncio.run(both()) == "done"
    assert _processor_s(performance, "waits") < 0.05
    assert _processor_s(performance, "burns") > 0.09


def test_coroutines_that_fail_or_are_cancelled_end_as_they_would(world: World) -> None:
    """Exceptions thrown in and out of a decorated coroutine pass through unchanged."""

    @world.performance.timed("decode", "collector")
    async def work(*, fail: bool) -> str:
        try:
            await asyncio.sleep(10 if not fail else 0)
        except asyncio.CancelledError:
            return "cleaned up"
        raise ValueError("x")

    async def run() -> str:
        with pytest.raises(ValueError, match="x"):
            await work(fail=True)
        task = asyncio.create_task(work(fail=False))
        await asyncio.sleep(0)
        task.cancel()
        return await task

    assert asyncio.run(run()) == "cleaned up"
    assert world.summary(ERRORS)["avg"] == 0.5
    left = work(fail=True)
    left.send(None)
    left.close()
    assert world.summary(RESPONSE)["count"] == 3


def test_an_async_block_is_timed_without_processor_time(world: World) -> None:
    """`async with` measures how long, and leaves out what it cannot know."""

    async def run() -> None:
        async with world.performance.timed("decode", "collector"):
            await asyncio.sleep(0)
            world.clock.advance(0.2)

    asyncio.run(run())
    assert world.summary(RESPONSE)["avg"] == pytest.approx(0.2)
    assert world.summary(CPU) == {"count": 0}


def test_generator_functions_are_refused(world: World) -> None:
    """Decorating what runs in pieces is an error that says what to do instead."""

    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    for function in (numbers, later):
        with pytest.raises(TypeError, match="time what it does in a `with` block"):
            world.performance.timed("decode", "collector")(function)


def test_processor_share_is_the_operations_own() -> None:
    """Burning gives a high share, sleeping a low one, both in percent."""
    metrics = MetricsCollector()
    performance = PerformanceCollector(metrics, StructuredLogger(sinks=[]))
    with performance.timed("sleep", "collector"):
        time.sleep(0.03)
    with performance.timed("burn", "collector"):
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass
    assert _processor_s(performance, "sleep") < 0.02
    assert _processor_s(performance, "burn") > 0.045
    assert performance.get_metric_summary("burn", "collector", CPU)["max"] <= 100


def test_memory_is_what_the_process_grew_by(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In MB, never negative, looked at every five seconds at most."""
    sizes = iter([100e6, 130e6, 200e6, 150e6])
    monkeypatch.setattr(timed_module, "_resident_bytes", lambda: next(sizes))
    for _ in range(7):
        with world.performance.timed("decode", "collector"):
            world.clock.advance(1)
    memory = world.summary(PerformanceMetric.MEMORY_USAGE)
    assert (memory["count"], memory["max"], memory["min"]) == (2, 30.0, 0.0)


def test_throughput_and_concurrency_follow_from_what_ended(world: World) -> None:
    """Operations a second, and by Little's law how many were at work at a time."""
    for _ in range(20):
        with world.performance.timed("decode", "collector"):
            world.clock.advance(0.25)
    world.clock.advance(5)
    world.metrics.collect()
    world.metrics.collect()
    assert world.summary(PerformanceMetric.THROUGHPUT)["latest"] == pytest.approx(2.0)
    concurrency = world.summary(PerformanceMetric.CONCURRENT_REQUESTS)
    assert (concurrency["count"], concurrency["latest"]) == (1, pytest.approx(0.5))


def test_measurements_can_be_recorded_by_hand_with_metadata(world: World) -> None:
    """All eight kinds; data come back with unit, time and what was said about them."""
    for kind in PerformanceMetric:
        world.performance.record_metric("decode", "collector", kind, 0.5, metadata={"rows": 3})
        assert world.summary(kind)["latest"] == 0.5
    (data,) = world.performance.get_metrics(
        "decode", "collector", PerformanceMetric.DATABASE_QUERY_TIME
    )
    assert (data.operation, data.service, data.value) == ("decode", "collector", 0.5)
    assert (data.unit, data.metadata) == ("seconds", {"rows": 3})
    assert data.metric_type is PerformanceMetric.DATABASE_QUERY_TIME
    assert world.performance.get_metrics("x", "y", RESPONSE) == []
    assert world.performance.operations() == [("decode", "collector")]


@pytest.mark.parametrize(
    ("kind", "value"),
    [(RESPONSE, float("nan")), (RESPONSE, "x"), ("splendour", 1.0), (RESPONSE, None)],
)
def test_recording_what_is_no_use_is_counted_and_never_raises(
    world: World, kind: Any, value: Any
) -> None:
    """Nonsense is dropped and counted."""
    world.performance.record_metric("decode", "collector", kind, value)
    assert world.performance.drops.counts() == {"bad_value": 1}
    assert world.summary(RESPONSE) == {"count": 0}


def test_too_many_operations_share_one(world: World) -> None:
    """An operation named by what it works on cannot fill memory: past the limit it is `other`."""
    for i in range(600):
        with world.performance.timed(f"decode {i}", "collector"):
            pass
    assert world.performance.drops.counts() == {"operation_limit": 100}
    other = world.performance.get_metric_summary("other", "other", RESPONSE)
    assert other["count"] == 100


def test_a_log_that_fails_does_not_break_the_operation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where telling of a failure fails itself, the failure still counts, the caller goes on."""

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(world.log, "log_exception", broken)
    monkeypatch.setattr(world.log, "log_operation", broken)
    with pytest.raises(ValueError, match="x"), world.performance.timed("decode", "collector"):
        raise ValueError("x")
    with world.performance.timed("decode", "collector"):
        world.clock.advance(2)
    assert world.summary(ERRORS)["avg"] == 0.5
    assert world.performance.drops.counts() == {"line_failed": 2}


def test_threads_that_time_at_once_lose_nothing() -> None:
    """Every call of six threads is in the summary and in the analytics."""
    metrics = MetricsCollector()
    log = StructuredLogger(sinks=[])
    performance = PerformanceCollector(metrics, log, fold_at=100)

    def work() -> None:
        for i in range(1_000):
            with performance.timed("decode", "collector"):
                pass
            if i % 300 == 0:
                log.get_log_analytics()
                metrics.collect()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert performance.get_metric_summary("decode", "collector", RESPONSE)["count"] == 6_000
    assert performance.get_metric_summary("decode", "collector", ERRORS)["count"] == 6_000
    assert log.get_log_analytics()["performance_entries_count"] == 6_000
    assert metrics.dropped == {}
