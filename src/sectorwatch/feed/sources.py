"""Where feeds come from: the protocol that every source keeps, and those that need a clock.

Live, replay and demo are one pipeline with another source. A source yields what came in, in time
order, and says what "now" is: the wall clock when live, the recording's own time when replayed.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Protocol

from sectorwatch.clock import Clock, SystemClock
from sectorwatch.observe import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sectorwatch.feed.records import RawFeed

__all__ = ["LiveSource", "PacedSource", "Source"]

_IDLE_S = 1.0


class Source(Protocol):
    """Yields feeds in time order, for one consumer, once."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def is_live(self) -> bool:
        """Whether it is the network as it is now."""

    @property
    def is_simulated(self) -> bool:
        """Whether it is made, not flown by anybody."""

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds."""

    def now_us(self) -> int:
        """What time it is for this source, microseconds since 1970; 0 before the first feed."""

    def close(self) -> None:
        """End the iteration, from any thread, also where it waits."""


class LiveSource:
    """What the client fetched, for a thread that takes it one by one.

    `offer` never waits: where more than `capacity` feeds lie unread the oldest is let go and
    counted in `dropped`, for the newest says most about now.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        capacity: int = 16,
        telemetry: Telemetry | None = None,
        name: str = "VATSIM",
        is_simulated: bool = False,
    ) -> None:
        self.name = name
        self.is_simulated = is_simulated
        self.dropped = 0
        self.on_idle: Callable[[], None] | None = None
        """Called now and then by whoever iterates, in its thread, while nothing comes."""
        self._clock = clock or SystemClock()
        self._capacity = capacity
        self._waiting: deque[RawFeed] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._ahead_us: int | None = None
        """How much later it is in a simulated network than here, None before its first feed."""
        metrics = (telemetry or Telemetry.null()).metrics
        self._depth = metrics.gauge("feed_queue_depth")
        self._dropped = metrics.counter("feed_queue_dropped_total")
        metrics.gauge_callback(
            "queue_fill_ratio",
            lambda: len(self._waiting) / self._capacity,
            {"queue": "feeds", "service": "collector"},
            "ratio",
        )

    @property
    def is_live(self) -> bool:
        """It is."""
        return True

    def now_us(self) -> int:
        """The wall clock; of a simulated network its own time, which goes on from its last feed."""
        if not self.is_simulated:
            return self._clock.now_us()
        return 0 if self._ahead_us is None else self._clock.now_us() + self._ahead_us

    def tell_time(self, time_us: int, received_at_us: int) -> None:
        """A feed of `time_us` was taken that came at `received_at_us`, by the wall clock."""
        self._ahead_us = time_us - received_at_us

    def has_room(self) -> bool:
        """Whether what comes can wait in line without anything being let go."""
        return len(self._waiting) < self._capacity // 2

    def offer(self, raw: RawFeed) -> None:
        """Put a feed in line; after `close` it is dropped."""
        with self._changed:
            if self._closed or len(self._waiting) >= self._capacity:
                self.dropped += 1
                self._dropped.inc()
                if self._closed:
                    return
                self._waiting.popleft()
            self._waiting.append(raw)
            self._depth.set(len(self._waiting))
            self._changed.notify()

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds as they come; waits for the next, ends when closed and nothing is left."""
        while True:
            raw = None
            with self._changed:
                if not self._waiting and not self._closed:
                    self._changed.wait(_IDLE_S)
                if self._waiting:
                    raw = self._waiting.popleft()
                    self._depth.set(len(self._waiting))
                elif self._closed:
                    return
            # Outside the lock: whoever offers must never wait for what is done meanwhile.
            if raw is not None:
                yield raw
            elif self.on_idle is not None:
                self.on_idle()

    def close(self) -> None:
        """Take nothing more in; what is in line is still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class PacedSource:
    """Plays a recording as it was received, `speed` times as fast.

    What was received before `at_once_until_us()`, asked for each feed, comes as fast as it is
    taken. Where the recording has a gap it waits no longer than `longest_wait_s` (by the wall
    clock), and time in the source jumps. `wait(seconds)` is given by tests; it returns True to end.
    """

    def __init__(
        self,
        source: Source,
        speed: float = 1.0,
        *,
        clock: Clock | None = None,
        longest_wait_s: float = 60.0,
        at_once_until_us: Callable[[], int] = int,
        wait: Callable[[float], bool | None] | None = None,
    ) -> None:
        if not speed > 0:
            raise ValueError(f"a speed of {speed} plays nothing: give one above 0")
        self.speed = speed
        self._source = source
        self._clock = clock or SystemClock()
        self._longest_wait_s = longest_wait_s
        self._at_once_until_us = at_once_until_us
        self._ended = threading.Event()
        self._wait = wait or self._ended.wait
        self._anchor: tuple[float, int] | None = None
        """A moment by the monotonic clock, and what time it was in the recording then."""
        self._next_us: int | None = None

    @property
    def name(self) -> str:
        """The recording's name."""
        return self._source.name

    @property
    def is_live(self) -> bool:
        """A recording is never live, however it is played."""
        return False

    @property
    def is_simulated(self) -> bool:
        """Whether the recording is of a made network."""
        return self._source.is_simulated

    def now_us(self) -> int:
        """The recording's time: it runs on between feeds, and never past the next one."""
        if self._anchor is None:
            return 0
        then_s, then_us = self._anchor
        now_us = then_us + round((self._clock.monotonic_s() - then_s) * self.speed * 1_000_000)
        return now_us if self._next_us is None else min(now_us, self._next_us)

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds, each at its time; ends at once when closed."""
        for raw in self._source:
            at_once = raw.received_at_us < self._at_once_until_us()
            if self._anchor is not None and not at_once:
                self._next_us = raw.received_at_us
                if self._waited_out(raw.received_at_us):
                    return
            if self._ended.is_set():
                return
            if at_once:
                self._anchor = (self._clock.monotonic_s(), raw.received_at_us)
            elif self._anchor is None or self._anchor[1] < raw.received_at_us:
                # Anchored to what was played, lateness does not add up: see `_waited_out`.
                self._anchor = (self._due_s(raw.received_at_us), raw.received_at_us)
            yield raw
        self._next_us = None

    def close(self) -> None:
        """End the iteration, also where it waits."""
        self._ended.set()
        self._source.close()

    def _due_s(self, received_at_us: int) -> float:
        """When a feed is due by the monotonic clock: now, if we are late or had cut a gap short."""
        now_s = self._clock.monotonic_s()
        if self._anchor is None:
            return now_s
        then_s, then_us = self._anchor
        due_s = then_s + (received_at_us - then_us) / 1_000_000 / self.speed
        return due_s if abs(now_s - due_s) < 1.0 else now_s

    def _waited_out(self, received_at_us: int) -> bool:
        """Wait until a feed is due; True where it was closed meanwhile."""
        assert self._anchor is not None  # noqa: S101 - asked only once something was played
        then_s, then_us = self._anchor
        due_s = then_s + (received_at_us - then_us) / 1_000_000 / self.speed
        left_s = min(due_s - self._clock.monotonic_s(), self._longest_wait_s)
        return left_s > 0 and bool(self._wait(left_s))
