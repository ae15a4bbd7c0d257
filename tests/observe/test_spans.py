"""Spans: who is part of whom, over tasks and threads, and what is kept of them."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from typing import Any

import pytest

from observe.made import ManualClock, MemorySink
from sectorwatch.observe import (
    LogCorrelationContext,
    MetricsCollector,
    PerformanceCollector,
    Span,
    SpanRing,
    StructuredLogger,
    Telemetry,
    carry,
    current_span,
    span_text,
)
from sectorwatch.observe.correlation import enter_span
from sectorwatch.observe.spans import next_span


def _parts() -> tuple[SpanRing, PerformanceCollector, MemorySink, ManualClock]:
    clock, sink = ManualClock(), MemorySink()
    spans = SpanRing(clock=clock)
    log = StructuredLogger(sinks=[sink], clock=clock)
    metrics = MetricsCollector(clock=clock)
    return spans, PerformanceCollector(metrics, log, clock=clock, spans=spans), sink, clock


def _named(spans: list[Span]) -> dict[str, Span]:
    return {span.operation: span for span in spans}


def test_timed_blocks_within_a_correlation_are_spans_within_each_other() -> None:
    """Each knows its parent, when it began by the wall clock, how long it took, how it ended."""
    spans, performance, _, clock = _parts()
    with LogCorrelationContext("tick-7"), performance.timed("take", "collector", rows=3):
        clock.advance(0.25)
        with contextlib.suppress(ValueError), performance.timed("commit", "store"):
            clock.advance(0.5)
            raise ValueError
    found = _named(spans.of("tick-7"))
    take, commit = found["take"], found["commit"]
    assert (take.parent, commit.parent) == (0, take.number)
    assert (take.duration_s, commit.duration_s) == (0.75, 0.5)
    assert commit.started_s == pytest.approx(clock.wall_s - 0.5)
    assert (take.status, commit.status) == ("ok", "failed")
    assert (take.service, commit.service) == ("collector", "store")
    assert dict(take.attributes) == {"rows": 3}
    assert current_span() == 0


def test_nothing_is_kept_outside_a_correlation() -> None:
    """A span that nobody could ask for takes no room."""
    spans, performance, _, _ = _parts()
    with performance.timed("sample", "system"):
        pass
    with spans.span("x", "y"):
        pass
    spans.record("x", "y", 0.1)
    assert len(spans) == 0


def test_concurrent_tasks_are_children_of_who_began_them() -> None:
    """Each task has a span of its own; none is taken for the parent of its neighbour."""
    spans, performance, _, _ = _parts()

    async def part(name: str) -> None:
        async with performance.timed(name, "api"):
            await asyncio.sleep(0)

    async def work() -> None:
        with LogCorrelationContext("r"):
            async with performance.timed("both", "api"):
                await asyncio.gather(part("a"), part("b"))

    asyncio.run(work())
    found = _named(spans.of("r"))
    assert found["a"].parent == found["b"].parent == found["both"].number


def test_a_thread_goes_on_within_what_it_was_begun_in() -> None:
    """`carry` takes the open span along, as it does the correlation id."""
    spans, performance, _, _ = _parts()

    def beside() -> None:
        with performance.timed("write", "journal"):
            pass

    with LogCorrelationContext("t"), performance.timed("take", "collector"):
        thread = threading.Thread(target=carry(beside))
        thread.start()
        thread.join()
    found = _named(spans.of("t"))
    assert found["write"].parent == found["take"].number


def test_another_correlation_begins_without_a_parent_unless_it_is_told_one() -> None:
    """A span is never part of one with another id; the same id, bound again, stays within it."""
    spans, performance, _, _ = _parts()
    with LogCorrelationContext("a"), performance.timed("outer", "s"):
        outer = current_span()
        with LogCorrelationContext("b"), performance.timed("other", "s"):
            pass
        with LogCorrelationContext("a"), performance.timed("same", "s"):
            pass
    with LogCorrelationContext("a", span=outer), performance.timed("told", "s"):
        pass
    assert _named(spans.of("b"))["other"].parent == 0
    found = _named(spans.of("a"))
    assert found["same"].parent == found["told"].parent == found["outer"].number == outer


def test_a_line_says_which_span_it_was_written_in() -> None:
    """Also the line that a slow or failed operation writes of itself; outside there is none."""
    spans, performance, sink, clock = _parts()
    log = StructuredLogger(sinks=[sink], clock=clock)
    log.info("before")
    with LogCorrelationContext("t"), performance.timed("take", "s"):
        log.info("within")
        clock.advance(2)
    (take,) = spans.of("t")
    before, within, slow = sink.entries
    assert "span_id" not in before
    assert within["span_id"] == slow["span_id"] == span_text(take.number)


def test_an_open_span_can_be_named_and_failed_late() -> None:
    """What a request was is known at its end: service, operation, status and notes count then."""
    spans, _, _, _ = _parts()
    with LogCorrelationContext("r"), spans.span("request", "api", a=1) as span:
        span.operation, span.status = "GET /x", "failed"
        span.note(status=503)
    (kept,) = spans.of("r")
    assert (kept.operation, kept.status) == ("GET /x", "failed")
    assert dict(kept.attributes) == {"a": 1, "status": 503}


def test_cancelling_is_no_failure() -> None:
    """A task that is cancelled ends its span as that."""
    spans, performance, _, _ = _parts()

    async def work() -> None:
        with LogCorrelationContext("c"):
            async with performance.timed("wait", "s"), spans.span("inner", "s"):
                await asyncio.sleep(60)

    async def both() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(both())
    assert {span.status for span in spans.of("c")} == {"cancelled"}


def test_the_oldest_make_room() -> None:
    """At most so many are kept, and the ring says when some may be gone."""
    spans = SpanRing(3)
    for number in range(5):
        with LogCorrelationContext(f"r{number}"), spans.span("x", "s"):
            pass
    assert (len(spans), spans.is_full) == (3, True)
    assert spans.recent() == ["r4", "r3", "r2"]
    assert spans.of("r0") == []


def test_leaving_in_another_context_does_no_harm() -> None:
    """A span entered in one context and left in another neither raises nor changes that one."""
    spans, performance, _, _ = _parts()
    for block in (performance.timed("x", "s"), spans.span("x", "s")):
        with LogCorrelationContext("t"):
            contextvars.copy_context().run(block.__enter__)
            block.__exit__(None, None, None)
        assert current_span() == 0


def test_with_observation_off_nothing_is_kept() -> None:
    """The null form has the same face."""
    telemetry = Telemetry.null()
    with LogCorrelationContext("t"), telemetry.spans.span("x", "s", a=1) as span:
        span.note(b=2)
        span.status = "failed"
        telemetry.spans.record("y", "s", 0.1)
        about: Any = telemetry.timed("z", "s")
        with about:
            assert current_span() == 0
    assert telemetry.spans.of("t") == []
    assert telemetry.spans.recent() == []


def test_a_span_keeps_its_number_whatever_is_left_open_in_it() -> None:
    """What was entered and never left takes neither its place nor what is above it."""
    spans, _, _, _ = _parts()
    with LogCorrelationContext("tick-8"), spans.span("take", "collector"):
        mine = current_span()
        with spans.span("commit", "store"):
            own = current_span()
            enter_span(next_span())
    found = _named(spans.of("tick-8"))
    assert found["take"].number == mine
    assert found["commit"].parent == mine
    assert found["commit"].number == own
