"""The event bus: hints that something is new, never the thing itself.

An event is a topic, a number and a name. Whoever hears it reads the state it points to, so a
listener that is slow may skip: of several events with the same topic and name only the newest
waits. A handler that fails or takes too long loses nothing but its turn; what happened stands in
the list of dead letters.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sectorwatch.clock import Clock, SystemClock
from sectorwatch.observe import (
    LogCategory,
    LogCorrelationContext,
    LogLevel,
    Telemetry,
    correlation_id,
    current_span,
    scrub,
)
from sectorwatch.runtime.threads import call_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["BusAnalytics", "DeadLetter", "Event", "EventBus", "HandlerCounts", "Subscription"]

TICK = "tick"
_MOST_WAITING = 256
_MOST_DEAD_LETTERS = 100


@dataclass(frozen=True, slots=True)
class Event:
    """A hint: `seq` says which state is meant (a tick's number), `name` of what (a service, ...).

    `published_us` is the wall clock's time, `correlation_id` and `span` those of whoever published.
    """

    topic: str
    seq: int
    name: str
    published_us: int
    correlation_id: str
    span: int = 0


AsyncHandler: TypeAlias = "Callable[[Event], Coroutine[Any, Any, None]]"
SyncHandler: TypeAlias = "Callable[[Event], None]"
Handler: TypeAlias = "AsyncHandler | SyncHandler"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a handler did not deal with, and why: `failed` or `timed_out`."""

    time_us: int
    topic: str
    seq: int
    name: str
    handler: str
    reason: str
    error: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class HandlerCounts:
    """What became of one handler's events; durations in seconds, None before the first."""

    handler: str
    topics: tuple[str, ...]
    delivered: int
    skipped: int
    failed: int
    timed_out: int
    waiting: int
    is_busy: bool
    mean_duration_s: float | None
    longest_duration_s: float | None


@dataclass(frozen=True, slots=True)
class BusAnalytics:
    """The bus in numbers since its start, and its last dead letters, newest first."""

    published: int
    published_by_topic: dict[str, int]
    conflated: int
    """Replaced by a newer one of the same topic and name before the loop came to them."""
    delivered: int
    skipped: int
    failed: int
    timed_out: int
    dead_letter_count: int
    handlers: tuple[HandlerCounts, ...]
    dead_letters: tuple[DeadLetter, ...]


class Subscription:
    """One handler's place on the bus; `close` ends it."""

    def __init__(self, bus: EventBus, name: str, topics: tuple[str, ...], handler: Handler) -> None:
        self.name = name
        self.topics = topics
        self.delivered = self.skipped = self.failed = self.timed_out = 0
        self._bus = bus
        self._handler = handler
        self._is_async = inspect.iscoroutinefunction(handler)
        self._waiting: dict[tuple[str, str], Event] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_busy = False
        self._spent_s = 0.0
        self._longest_s = 0.0
        tags = {"handler": name}
        self._took = bus.metrics.timing("event_handler_duration_seconds", tags)
        self._skips = bus.metrics.counter("events_skipped_total", tags)

    @property
    def waiting(self) -> int:
        """How many events wait for the handler."""
        return len(self._waiting)

    def offer(self, event: Event) -> None:
        """Put an event in line; one of the same topic and name that still waits gives way to it."""
        key = (event.topic, event.name)
        if self._waiting.pop(key, None) is not None:
            self._skip()
        elif len(self._waiting) >= _MOST_WAITING:
            self._waiting.pop(next(iter(self._waiting)))
            self._skip()
        self._waiting[key] = event
        self._wake.set()

    def _skip(self) -> None:
        self.skipped += 1
        self._skips.inc()

    def start(self) -> None:
        """Begin to deal with events; called in the event loop."""
        self._task = asyncio.create_task(self._run(), name=f"bus:{self.name}")

    def close(self) -> None:
        """Hear nothing any more; a call under way is cancelled."""
        self._bus.forget(self)
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                event = self._waiting.pop(next(iter(self._waiting)))
                await self._deliver(event)

    async def _deliver(self, event: Event) -> None:
        started = time.perf_counter()
        self._is_busy = True
        with (
            LogCorrelationContext(event.correlation_id or None, span=event.span),
            self._bus.spans.span(f"handle_{event.topic}", "bus", handler=self.name) as span,
        ):
            call = self._call(event)
            try:
                await asyncio.wait({call}, timeout=self._bus.handler_timeout_s)
                if not call.done():
                    self.timed_out += 1
                    span.status = "failed"
                    self._bus.bury(
                        event, self.name, "timed_out", f"over {self._bus.handler_timeout_s:g} s"
                    )
                    if self._is_async:
                        call.cancel()
                    # One call at a time, even where it cannot be stopped (a thread never can).
                    # Others on the bus go on; this handler skips.
                    await asyncio.wait({call})
                elif (error := call.exception()) is not None:
                    self.failed += 1
                    span.status = "failed"
                    self._bus.bury(event, self.name, "failed", f"{type(error).__name__}: {error}")
                else:
                    self.delivered += 1
            finally:
                call.cancel()
                duration_s = time.perf_counter() - started
                self._spent_s += duration_s
                self._took.observe(duration_s)
                self._longest_s = max(self._longest_s, duration_s)
                self._is_busy = False

    def _call(self, event: Event) -> asyncio.Future[None]:
        if self._is_async:
            return asyncio.ensure_future(cast("AsyncHandler", self._handler)(event))
        handler = cast("SyncHandler", self._handler)
        return call_in_thread(lambda: handler(event), f"bus:{self.name}")

    def counts(self) -> HandlerCounts:
        """How this handler does."""
        calls = self.delivered + self.failed + self.timed_out
        return HandlerCounts(
            handler=self.name,
            topics=self.topics,
            delivered=self.delivered,
            skipped=self.skipped,
            failed=self.failed,
            timed_out=self.timed_out,
            waiting=len(self._waiting),
            is_busy=self._is_busy,
            mean_duration_s=self._spent_s / calls if calls else None,
            longest_duration_s=self._longest_s if calls else None,
        )


class _Sums:
    """What handlers that are gone did."""

    def __init__(self) -> None:
        self.delivered = self.skipped = self.failed = self.timed_out = 0

    def add(self, subscription: Subscription) -> None:
        self.delivered += subscription.delivered
        self.skipped += subscription.skipped
        self.failed += subscription.failed
        self.timed_out += subscription.timed_out


class EventBus:
    """Topics, who listens to them, and what became of each event.

    `publish` and `announce` may be called from any thread, at any time, and never wait; everything
    else belongs to the event loop. Before `start` and after `stop` events are counted and not
    delivered: whoever begins to listen reads the state first.
    """

    def __init__(
        self,
        *,
        telemetry: Telemetry | None = None,
        clock: Clock | None = None,
        handler_timeout_s: float = 5.0,
    ) -> None:
        self.handler_timeout_s = handler_timeout_s
        telemetry = telemetry or Telemetry.null()
        self.spans = telemetry.spans
        self.metrics = telemetry.metrics
        self._log = telemetry.for_service("bus").log
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_scheduled = False
        self._pending: dict[tuple[str, str], Event] = {}
        self._conflated = 0
        self._published: Counter[str] = Counter()
        self._subscriptions: list[Subscription] = []
        self._ended = _Sums()
        self._dead: deque[DeadLetter] = deque(maxlen=_MOST_DEAD_LETTERS)
        self._dead_count = 0
        self.metrics.counter_callback("events_conflated_total", lambda: self._conflated)
        self.metrics.gauge_callback(
            "queue_fill_ratio", self._fill, {"queue": "bus", "service": "bus"}, "ratio"
        )

    def announce(self, seq: int) -> None:
        """Say that the tick `seq` is committed."""
        self.publish(TICK, seq=seq)

    def publish(self, topic: str, *, seq: int = 0, name: str = "") -> None:
        """Say that something is new under `topic`."""
        event = Event(
            topic, seq, name, self._clock.now_us(), correlation_id() or "", current_span()
        )
        with self._lock:
            is_first = topic not in self._published
            self._published[topic] += 1
        if is_first:
            self.metrics.counter_callback(
                "events_published_total", lambda: self._published[topic], {"topic": topic}
            )
        with self._lock:
            loop = self._loop
            if loop is None:
                return
            # The newest of a kind stands for those before it: a replay publishes faster than any
            # loop turns, and this stays as small as there are topics and names.
            self._conflated += (topic, name) in self._pending
            self._pending[topic, name] = event
            if self._is_scheduled:
                return
            self._is_scheduled = True
            try:
                loop.call_soon_threadsafe(self._hand_out)
            except RuntimeError:
                # The loop has just ended; so has everybody who listened.
                self._is_scheduled = False
                self._pending.clear()

    def subscribe(self, name: str, topics: str | tuple[str, ...], handler: Handler) -> Subscription:
        """Call `handler` for events of `topics`: a coroutine in the loop, a function in a thread.

        `name` is what it is called in counts and dead letters.
        """
        wanted = (topics,) if isinstance(topics, str) else topics
        subscription = Subscription(self, name, wanted, handler)
        self._subscriptions.append(subscription)
        if self._loop is not None:
            subscription.start()
        return subscription

    def start(self) -> None:
        """Begin to deliver, in the event loop that runs now."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._is_scheduled = False
        for subscription in self._subscriptions:
            subscription.start()

    def stop(self) -> None:
        """Deliver no more, and end every subscription."""
        with self._lock:
            self._loop = None
            self._pending.clear()
        for subscription in list(self._subscriptions):
            subscription.close()

    def forget(self, subscription: Subscription) -> None:
        """Take a subscription off the list; `Subscription.close` calls this."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            self._ended.add(subscription)

    def bury(self, event: Event, handler: str, reason: str, error: str) -> None:
        """Keep an event that a handler did not deal with, and say so in log and metrics."""
        letter = DeadLetter(
            time_us=self._clock.now_us(),
            topic=event.topic,
            seq=event.seq,
            name=event.name,
            handler=handler,
            reason=reason,
            error=scrub(error[:2_000])[:500],
            correlation_id=event.correlation_id,
        )
        self._dead.appendleft(letter)
        self._dead_count += 1
        self.metrics.counter("event_handler_errors", {"handler": handler, "reason": reason}).inc()
        self._log.log_operation(
            "handle_event",
            LogLevel.ERROR,
            LogCategory.ERROR,
            handler=handler,
            topic=event.topic,
            seq=event.seq,
            name=event.name,
            reason=reason,
            error_message=letter.error,
        )

    def analytics(self) -> BusAnalytics:
        """The bus in numbers since its start; subscriptions that ended count in the sums."""
        with self._lock:
            published, conflated = dict(self._published), self._conflated
        handlers = tuple(subscription.counts() for subscription in self._subscriptions)
        return BusAnalytics(
            published=sum(published.values()),
            published_by_topic=published,
            conflated=conflated,
            delivered=self._ended.delivered + sum(each.delivered for each in handlers),
            skipped=self._ended.skipped + sum(each.skipped for each in handlers),
            failed=self._ended.failed + sum(each.failed for each in handlers),
            timed_out=self._ended.timed_out + sum(each.timed_out for each in handlers),
            dead_letter_count=self._dead_count,
            handlers=handlers,
            dead_letters=tuple(self._dead),
        )

    def _fill(self) -> float:
        """How full the fullest handler's line is."""
        return max((each.waiting for each in list(self._subscriptions)), default=0) / _MOST_WAITING

    def _hand_out(self) -> None:
        with self._lock:
            events = list(self._pending.values())
            self._pending.clear()
            self._is_scheduled = False
        for event in events:
            for subscription in self._subscriptions:
                if event.topic in subscription.topics:
                    subscription.offer(event)
