from __future__ import annotations

import threading
import time
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from observe.made import ManualClock
from sectorwatch.observe import MetricsCollector
from sectorwatch.observe.profiling import ResourceLimits, Resources
from sectorwatch.observe.profiling.allocations import GrowingLine, Growth, growing_lines
from sectorwatch.observe.profiling.frames import OwnCode
from sectorwatch.observe.profiling.leak_watch import LeakWatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

MB = 1_000_000
LINE = GrowingLine("program/cache.py", 12, "hoard.append(answer)", "store", 1e6, 10.0)


@contextmanager
def leaking() -> Iterator[None]:
    """A thread that keeps ever more, and replaces a large thing by its like all the time."""
    stop = threading.Event()
    hoard: list[bytes] = []
    turned: dict[str, list[int]] = {}

    def leak() -> None:
        while not stop.wait(0.005):
            hoard.append(bytes(200_000))  # the leaking line
            turned["latest"] = list(range(5_000))

    thread = threading.Thread(target=leak)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_the_line_that_leaks_is_named() -> None:
    """And not the one that replaces what it made before; tracing is off again afterwards."""
    with leaking():
        growth = growing_lines(0.9, OwnCode())
    assert growth is not None
    assert growth.lines[0].file == "test_leak_watch.py"
    assert "the leaking line" in growth.lines[0].source
    assert growth.lines[0].bytes_per_s > 200_000
    assert not any("turned" in each.source for each in growth.lines)
    assert not tracemalloc.is_tracing()


def test_what_is_traced_by_another_is_left_to_them() -> None:
    """One who looks at allocations is not disturbed; and a look can be given up."""
    tracemalloc.start()
    try:
        assert growing_lines(0.01, OwnCode()) is None
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
    assert growing_lines(5, OwnCode(), wait=lambda _: True) is None
    assert not tracemalloc.is_tracing()


def watch_for(growth: Growth | None, clock: ManualClock) -> tuple[LeakWatch, MetricsCollector]:
    """A watch whose looks find `growth`."""
    metrics = MetricsCollector(clock=clock)
    return LeakWatch(metrics, OwnCode(), clock=clock, look=lambda *_: growth), metrics


def feed(watch: LeakWatch, clock: ManualClock, mb_a_s: float, seconds: float, mb: float) -> float:
    """Let memory grow for some time; gives what there is at its end."""
    for _ in range(int(seconds / 5)):
        clock.advance(5)
        mb += 5 * mb_a_s
        watch.add(clock.monotonic_s(), mb * MB, 1e6)
        assert watch.wait(60)
    return mb


def rate(metrics: MetricsCollector) -> float:
    """What is told of the leak."""
    return float(metrics.get_metric_summary("memory_leak_bytes_per_hour")["latest"])


def test_a_leak_is_told_with_its_lines_and_is_over_when_it_stops() -> None:
    """Within three minutes, and over within as many."""
    clock = ManualClock()
    watch, metrics = watch_for(Growth(10.0, 1e6, (LINE,)), clock)
    mb = feed(watch, clock, 0.0, 60, 250)
    assert rate(metrics) == 0
    mb = feed(watch, clock, 1.0, 180, mb)
    verdict = watch.verdict
    assert verdict.state == "leak"
    assert abs(rate(metrics) / 3.6e9 - 1) < 0.1
    assert "program/cache.py:12 `hoard.append(answer)`, of store, 1.0 MB/s" in verdict.words()
    assert verdict.since is not None
    feed(watch, clock, 0.0, 180, mb)
    assert rate(metrics) == 0
    assert watch.verdict.state == "none"
    assert watch.verdict.words() == "memory does not leak"
    assert metrics.counter("memory_leak_looks_total").total == 1


def test_growth_that_no_line_holds_is_a_librarys_once_it_is_much() -> None:
    """It is looked at once in ten minutes, and said from 200 MB on."""
    clock = ManualClock()
    watch, metrics = watch_for(Growth(10.0, 0.0, ()), clock)
    mb = feed(watch, clock, 0.0, 60, 250)
    mb = feed(watch, clock, 1.0, 150, mb)
    assert watch.verdict.state == "suspected"
    assert rate(metrics) == 0
    feed(watch, clock, 1.0, 120, mb)
    assert watch.verdict.state == "leak"
    assert "a library's own memory" in watch.verdict.words()
    assert metrics.counter("memory_leak_looks_total").total == 1


def test_looks_have_a_budget_and_may_fail() -> None:
    """None at all where none are wanted; one that fails breaks nothing."""
    clock = ManualClock()
    metrics = MetricsCollector(clock=clock)

    def fails(*_: object) -> Growth:
        raise RuntimeError("no eyes")

    for most, drops in ((0, "look_budget"), (1, "look_failed")):
        watch = LeakWatch(metrics, OwnCode(), clock=clock, look=fails, most_a_day=most)
        feed(watch, clock, 0.0, 60, 250)
        feed(watch, clock, 1.0, 200, 250)
        assert watch.verdict.state == "suspected"
        assert watch.drops.counts() == {drops: 1}


def test_an_alert_is_told_the_lines() -> None:
    """It waits for a look that is under way."""
    clock = ManualClock()
    resources = Resources(
        MetricsCollector(clock=clock), clock=clock, limits=ResourceLimits(leak_trace_s=0.9)
    )
    with leaking():
        mb = 250.0
        for _ in range(40):
            clock.advance(5)
            mb += 5
            resources.leaks.add(clock.monotonic_s(), mb * MB, 1e6)
        words, details = resources.explain_leak({})
        deadline = time.monotonic() + 60
        while resources.leaks.verdict.growth is None and time.monotonic() < deadline:
            time.sleep(0.05)
    assert resources.leaks.verdict.state == "leak"
    assert "test_leak_watch.py" in words
    assert "the leaking line" in details["lines"][0]["source"]


def test_where_no_thread_can_be_had_nobody_waits_for_a_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine out of threads: it is counted, and looked at again later."""
    clock = ManualClock()
    watch, _ = watch_for(Growth(10.0, 1e6, (LINE,)), clock)
    mb = feed(watch, clock, 0.0, 60, 250)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", cannot_start)
        mb = feed(watch, clock, 1.0, 150, mb)
    assert watch.wait(0)
    assert watch.verdict.state == "suspected"
    assert watch.drops.counts()["look_failed"] == 1
    feed(watch, clock, 0.2, 900, mb)


def cannot_start(_: threading.Thread) -> None:
    """As Python says it where the machine gives no more threads."""
    raise RuntimeError("can't start new thread")


def test_lines_that_hold_next_to_nothing_of_a_leak_are_not_blamed_for_it() -> None:
    """A library's leak, while a line of ours grows a little besides."""
    clock = ManualClock()
    watch, _ = watch_for(Growth(10.0, 2_000.0, (LINE._replace(bytes_per_s=2_000.0),)), clock)
    mb = feed(watch, clock, 0.0, 60, 250)
    feed(watch, clock, 1.0, 270, mb)
    assert watch.verdict.state == "leak"
    assert "a library's own memory" in watch.verdict.words()
    assert watch.verdict.holding == ()


def test_a_process_that_was_held_for_long_is_looked_at_again() -> None:
    """A container that was paused: what was before is too long ago, and nothing raises."""
    clock = ManualClock()
    watch, _ = watch_for(None, clock)
    mb = feed(watch, clock, 0.0, 300, 250)
    clock.advance(4 * 3_600)
    feed(watch, clock, 0.0, 300, mb)
    assert watch.verdict.state == "none"
