"""From the suspicion that memory leaks to the verdict, and to the lines that do it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sectorwatch.observe.clock import Clock, SystemClock, as_datetime
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.profiling.allocations import GrowingLine, Growth, growing_lines
from sectorwatch.observe.profiling.leaks import LeakDetector, LeakTrend

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.profiling.frames import OwnCode

__all__ = ["LeakVerdict", "LeakWatch"]

MB = 1_000_000
_DAY_S = 86_400.0
_HOUR_S = 3_600.0
# How much of the growth lines must account for; the rest may be what the allocator wastes.
_EXPLAINED = 0.25
# Without such lines it is a library's, or none at all: that much must be gone before it is said.
_UNEXPLAINED_MB = 200.0
_FAST_S = 10.0
_FIRST_PAUSE_S = 600.0
_LONGEST_PAUSE_S = 6 * _HOUR_S


@dataclass(frozen=True, slots=True)
class LeakVerdict:
    """What is thought of memory: `state` is `none`, `suspected`, `looking` or `leak`.

    `trends` are all that could be told, the fastest scale first; `growth` the last look at the
    lines, taken at `looked`.
    """

    state: str
    bytes_per_hour: float
    since: datetime | None
    trends: tuple[LeakTrend, ...]
    growth: Growth | None
    looked: datetime | None
    is_of_this: bool = True
    """Whether that look was at this growth, and not at an earlier one."""

    @property
    def holding(self) -> tuple[GrowingLine, ...]:
        """The lines that hold what leaks; none where those that grow are too little of it."""
        growth = self.growth
        if growth is None or not self.is_of_this:
            return ()
        if growth.bytes_per_s * _HOUR_S < _EXPLAINED * self.bytes_per_hour:
            return ()
        return growth.lines

    def words(self) -> str:
        """What leaks, in a sentence."""
        if self.state != "leak":
            return "memory does not leak"
        rate = f"memory grows by {self.bytes_per_hour / MB:.0f} MB an hour"
        if not self.holding:
            return f"{rate}; no line of Python holds it: a library's own memory"
        return f"{rate}, held by " + "; ".join(map(str, self.holding[:3]))


class LeakWatch:
    """Takes memory as it is seen, looks closer where it seems to leak, and keeps the verdict.

    A look traces allocations for `trace_s` seconds at most, in a thread of its own, `most_a_day`
    times.
    """

    def __init__(
        self,
        metrics: MetricsCollector,
        own: OwnCode,
        *,
        detector: LeakDetector | None = None,
        trace_s: float = 45.0,
        most_a_day: int = 6,
        clock: Clock | None = None,
        look: Callable[[float, OwnCode], Growth | None] | None = None,
    ) -> None:
        self._gauge = metrics.gauge("memory_leak_bytes_per_hour", unit="bytes/hour")
        self._looks = metrics.counter("memory_leak_looks_total")
        self._own = own
        self._detector = detector or LeakDetector()
        self._trace_s = trace_s
        self._most_a_day = most_a_day
        self._clock = clock or SystemClock()
        self._stopped = threading.Event()
        self._look = look or (lambda seconds, own: growing_lines(seconds, own, self._stopped.wait))
        self._lock = threading.Lock()
        self._looked: deque[float] = deque()
        self._not_before_s = float("-inf")
        self._pause_s = _FIRST_PAUSE_S
        self._growth: Growth | None = None
        self._looked_at: datetime | None = None
        self._trends: tuple[LeakTrend, ...] = ()
        self._leak: LeakTrend | None = None
        self._since: datetime | None = None
        self._start_bytes = 0.0
        self._is_of_this = False
        self._suspect: LeakTrend | None = None
        self._done = threading.Event()
        self._done.set()
        self.drops = Drops()

    @property
    def verdict(self) -> LeakVerdict:
        """What is thought now."""
        with self._lock:
            state = "none"
            if self._leak is not None:
                state = "leak"
            elif not self._done.is_set():
                state = "looking"
            elif self._suspect is not None:
                state = "suspected"
            return LeakVerdict(
                state,
                0.0 if self._leak is None else self._leak.bytes_per_hour,
                self._since,
                self._trends,
                self._growth,
                self._looked_at,
                self._is_of_this,
            )

    def take_up(self, growth: Growth, looked: datetime) -> None:
        """Have the last look of an earlier run, while there is none of its own."""
        with self._lock:
            if self._growth is None:
                self._growth, self._looked_at = growth, looked

    def wait(self, seconds: float) -> bool:
        """Wait until a look that is under way is done; whether there is none any more."""
        return self._done.wait(seconds)

    def close(self) -> None:
        """Have a look that is under way given up."""
        self._stopped.set()

    def add(self, now_s: float, resident: float, blocks: float, *, busy: bool = False) -> None:
        """Take one look at the process, `now_s` monotonic; never waits."""
        trends = self._detector.add(now_s, resident, blocks, busy=busy)
        suspect = next((each for each in trends if each.is_leak), None)
        with self._lock:
            self._trends = tuple(trends)
            if suspect is None:
                # A leak that has stopped is over; so is a suspicion.
                self._leak = self._suspect = self._since = None
            else:
                if self._suspect is None:
                    self._is_of_this = False
                    self._start_bytes = resident - max(0.0, suspect.grown_bytes)
                self._suspect = suspect
                if self._leak is not None:
                    self._leak = suspect
                elif resident - self._start_bytes >= _UNEXPLAINED_MB * MB and self._done.is_set():
                    self._found(suspect)
            leak = self._leak
            looks = suspect is not None and leak is None and self._may_look(now_s)
        self._gauge.set(0.0 if leak is None else leak.bytes_per_hour)
        if looks and suspect is not None:
            try:
                threading.Thread(
                    target=self._look_closer, args=(suspect,), name="observe-leak", daemon=True
                ).start()
            except RuntimeError:
                # No thread can be had: nobody is to wait for it.
                self._done.set()
                self.drops.count("look_failed")

    def _may_look(self, now_s: float) -> bool:
        if not self._done.is_set() or now_s < self._not_before_s:
            return False
        while self._looked and now_s - self._looked[0] > _DAY_S:
            self._looked.popleft()
        if len(self._looked) >= self._most_a_day:
            # Once, and not at each pulse until one may look again.
            self.drops.count("look_budget")
            self._not_before_s = (self._looked[0] if self._looked else now_s) + _DAY_S
            return False
        self._looked.append(now_s)
        self._not_before_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        self._done.clear()
        return True

    def _look_closer(self, suspect: LeakTrend) -> None:
        seconds = min(self._trace_s, _FAST_S if suspect.scale == "minutes" else self._trace_s)
        try:
            growth = self._look(seconds, self._own)
        except Exception:  # noqa: BLE001 - a look that fails breaks nobody
            self.drops.count("look_failed")
            growth = None
        self._looks.inc()
        with self._lock:
            if growth is not None:
                self._growth = growth
                self._is_of_this = True
                self._looked_at = as_datetime(self._clock.now_us() / 1e6)
                # What it was when the look began counts: it may have got another name since.
                if (
                    self._suspect is not None
                    and growth.bytes_per_s * _HOUR_S >= _EXPLAINED * suspect.bytes_per_hour
                ):
                    self._found(self._suspect)
                    self._gauge.set(self._suspect.bytes_per_hour)
            self._done.set()

    def _found(self, leak: LeakTrend) -> None:
        self._leak = leak
        self._since = as_datetime(self._clock.now_us() / 1e6)
        self._pause_s = _FIRST_PAUSE_S
