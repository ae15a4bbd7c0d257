"""The event bus: hints arrive, slow listeners skip, failures are kept in sight."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from sectorwatch.observe import LogCorrelationContext, Telemetry, correlation_id
from sectorwatch.runtime.bus import Event, EventBus

if TYPE_CHECKING:
    from collections.abc import Callable


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


def test_a_hint_reaches_async_and_sync_handlers_of_its_topic() -> None:
    """Coroutines hear in the loop, functions in a thread, each only its topics."""
    heard: list[tuple[str, str, int, bool]] = []
    main = threading.get_ident()

    async def on_loop(event: Event) -> None:
        heard.append(("async", event.topic, event.seq, threading.get_ident() == main))

    def in_thread(event: Event) -> None:
        heard.append(("sync", event.topic, event.seq, threading.get_ident() == main))

    async def scenario() -> None:
        bus = EventBus()
        bus.subscribe("a", "tick", on_loop)
        bus.start()
        bus.subscribe("b", ("tick", "health"), in_thread)
        bus.announce(7)
        bus.publish("health", name="store")
        bus.publish("nobody")
        await _until(lambda: len(heard) == 3)
        counts = bus.analytics()
        assert counts.published == 3
        assert counts.published_by_topic == {"tick": 1, "health": 1, "nobody": 1}
        await _until(lambda: bus.analytics().delivered == 3)
        bus.stop()

    asyncio.run(scenario())
    assert sorted(heard) == [
        ("async", "tick", 7, True),
        ("sync", "health", 0, False),
        ("sync", "tick", 7, False),
    ]


def test_the_bus_is_measured() -> None:
    """Events by topic, those a slow handler skipped, how long handlers take, how full lines are."""
    metrics_of = Telemetry.open(sinks=[])
    metrics = metrics_of.metrics
    may_go = asyncio.Event()

    async def slow(event: Event) -> None:
        del event
        await may_go.wait()

    def value(name: str, **labels: str) -> float:
        found = [
            one.value
            for one in metrics.exposed()
            if one.name == name and labels.items() <= one.tags.items()
        ]
        return found[0] if found else -1

    async def scenario() -> None:
        bus = EventBus(telemetry=metrics_of)
        subscription = bus.subscribe("slow", ("tick", "health"), slow)
        bus.start()
        bus.announce(1)
        await _until(lambda: bus.analytics().handlers[0].is_busy)
        for seq in (2, 3):
            bus.announce(seq)
            await _until(lambda: subscription.waiting == 1)
            await asyncio.sleep(0)
        bus.publish("health", name="store")
        await _until(lambda: subscription.waiting == 2)
        assert value("queue_fill_ratio", queue="bus") == 2 / 256
        assert value("events_published_total", topic="tick") == 3
        assert value("events_published_total", topic="health") == 1
        skipped = value("events_skipped_total", handler="slow") + value("events_conflated_total")
        assert skipped == 1
        may_go.set()
        await _until(lambda: bus.analytics().delivered == 3)
        took = metrics.get_metric_summary("event_handler_duration_seconds")
        assert took["count"] == 3
        bus.stop()

    asyncio.run(scenario())
    metrics_of.close()


def test_announcing_from_another_thread() -> None:
    """The ingestion thread announces without waiting; the newest number always arrives."""
    heard: list[int] = []

    async def on_tick(event: Event) -> None:
        heard.append(event.seq)

    async def scenario() -> None:
        bus = EventBus()
        bus.subscribe("a", "tick", on_tick)
        bus.start()

        def announce() -> None:
            for seq in range(1, 1_001):
                bus.announce(seq)

        thread = threading.Thread(target=announce)
        thread.start()
        await asyncio.to_thread(thread.join)
        await _until(lambda: bool(heard) and heard[-1] == 1_000)
        counts = bus.analytics()
        assert counts.published == 1_000
        assert counts.conflated + counts.delivered + counts.skipped == 1_000
        bus.stop()

    asyncio.run(scenario())
    assert heard == sorted(heard)


def test_a_slow_listener_skips_and_ends_with_the_newest() -> None:
    """While a handler is busy, hints of one kind give way to newer ones; others are not kept."""
    heard: list[tuple[str, int]] = []

    async def scenario() -> None:
        release = asyncio.Event()
        bus = EventBus()

        async def slow(event: Event) -> None:
            heard.append((event.name, event.seq))
            await release.wait()

        bus.subscribe("slow", "tick", slow)
        bus.start()
        bus.announce(1)
        await _until(lambda: len(heard) == 1)
        for seq in range(2, 10):
            bus.announce(seq)
            await asyncio.sleep(0)
        bus.publish("tick", seq=3, name="other")
        await asyncio.sleep(0.005)
        assert bus.analytics().handlers[0].is_busy
        assert bus.analytics().handlers[0].waiting == 2
        release.set()
        await _until(lambda: len(heard) == 3)
        counts = bus.analytics().handlers[0]
        assert counts.skipped == 7
        assert counts.longest_duration_s is not None
        bus.stop()

    asyncio.run(scenario())
    assert heard == [("", 1), ("", 9), ("other", 3)]


def test_waiting_hints_are_bounded() -> None:
    """However many names there are, a stuck handler keeps no more than its bound."""

    async def scenario() -> None:
        bus = EventBus()

        async def stuck(_event: Event) -> None:
            await asyncio.Event().wait()

        bus.subscribe("stuck", "log", stuck)
        bus.start()
        bus.publish("log", name="first")
        await _until(lambda: bus.analytics().handlers[0].is_busy)
        for number in range(1_000):
            bus.publish("log", name=str(number))
        await _until(lambda: bus.analytics().handlers[0].waiting > 0)
        assert bus.analytics().handlers[0].waiting == 256
        assert bus.analytics().skipped == 744
        bus.stop()

    asyncio.run(scenario())


def test_a_failure_becomes_a_dead_letter_and_the_rest_goes_on() -> None:
    """A handler that raises is kept in sight with its error; it hears the next hint again."""
    heard: list[int] = []

    async def scenario() -> None:
        bus = EventBus()

        async def fails(event: Event) -> None:
            heard.append(event.seq)
            if event.seq == 1:
                raise ValueError("no such sector")

        bus.subscribe("fails", "tick", fails)
        bus.start()
        with LogCorrelationContext("the-tick"):
            bus.announce(1)
        await _until(lambda: bus.analytics().failed == 1)
        bus.announce(2)
        await _until(lambda: bus.analytics().delivered == 1)
        counts = bus.analytics()
        assert counts.dead_letter_count == 1
        letter = counts.dead_letters[0]
        assert (letter.topic, letter.seq, letter.handler, letter.reason) == (
            "tick",
            1,
            "fails",
            "failed",
        )
        assert letter.error == "ValueError: no such sector"
        assert letter.correlation_id == "the-tick"
        bus.stop()
        assert bus.analytics().failed == 1

    asyncio.run(scenario())
    assert heard == [1, 2]


def test_handlers_work_under_the_publishers_correlation_id() -> None:
    """What a handler logs belongs to the tick that it heard of."""
    seen: list[str] = []

    async def on_tick(_event: Event) -> None:
        seen.append(correlation_id())

    def on_tick_too(_event: Event) -> None:
        seen.append(correlation_id())

    async def scenario() -> None:
        bus = EventBus()
        bus.subscribe("a", "tick", on_tick)
        bus.subscribe("b", "tick", on_tick_too)
        bus.start()
        with LogCorrelationContext("abc"):
            bus.announce(1)
        await _until(lambda: len(seen) == 2)
        bus.stop()

    asyncio.run(scenario())
    assert seen == ["abc", "abc"]


def test_a_handler_over_its_time_is_cancelled() -> None:
    """A coroutine that takes too long is cancelled, listed, and called again for the next hint."""
    cancelled: list[int] = []

    async def scenario() -> None:
        bus = EventBus(handler_timeout_s=0.02)

        async def slow(event: Event) -> None:
            try:
                if event.seq == 1:
                    await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(event.seq)
                raise

        bus.subscribe("slow", "tick", slow)
        bus.start()
        bus.announce(1)
        await _until(lambda: bus.analytics().timed_out == 1)
        bus.announce(2)
        await _until(lambda: bus.analytics().delivered == 1)
        assert bus.analytics().dead_letters[0].reason == "timed_out"
        bus.stop()

    asyncio.run(scenario())
    assert cancelled == [1]


def test_a_function_over_its_time_holds_up_nobody_else() -> None:
    """A thread cannot be stopped: its handler skips until it returns, others go on meanwhile."""
    heard: list[int] = []
    release = threading.Event()
    running: list[int] = []

    def stuck(event: Event) -> None:
        running.append(event.seq)
        release.wait(60)

    async def other(event: Event) -> None:
        heard.append(event.seq)

    async def scenario() -> None:
        bus = EventBus(handler_timeout_s=0.02)
        bus.subscribe("stuck", "tick", stuck)
        bus.subscribe("other", "tick", other)
        bus.start()
        bus.announce(1)
        await _until(lambda: bus.analytics().timed_out == 1)
        bus.announce(2)
        await _until(lambda: heard == [1, 2])
        assert running == [1]
        release.set()
        await _until(lambda: running == [1, 2])
        bus.stop()

    asyncio.run(scenario())


def test_closing_a_subscription() -> None:
    """Who has left hears no more, and its counts stay in the sums."""
    heard: list[int] = []

    async def on_tick(event: Event) -> None:
        heard.append(event.seq)

    async def scenario() -> None:
        bus = EventBus()
        bus.start()
        subscription = bus.subscribe("a", "tick", on_tick)
        bus.announce(1)
        await _until(lambda: heard == [1] and subscription.delivered == 1)
        subscription.close()
        subscription.close()
        bus.announce(2)
        await asyncio.sleep(0.005)
        counts = bus.analytics()
        assert counts.handlers == ()
        assert counts.delivered == 1

    asyncio.run(scenario())
    assert heard == [1]


def test_without_a_loop_hints_are_counted_only() -> None:
    """Before the start and after the loop's end publishing is harmless."""
    bus = EventBus()
    bus.announce(1)

    async def scenario() -> None:
        bus.start()

    asyncio.run(scenario())
    bus.announce(2)
    bus.announce(3)
    assert bus.analytics().published == 3
