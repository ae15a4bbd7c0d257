"""Metrics: what is counted and measured."""

from __future__ import annotations

import math
import statistics
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.clock import Clock, SystemClock, as_datetime
from sectorwatch.observe.results import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Counter", "Gauge", "MetricsCollector", "Timing"]


class Counter:
    """A count that only grows."""

    __slots__ = ("_lock", "total")

    def __init__(self) -> None:
        self.total = 0.0
        self._lock = threading.Lock()

    def inc(self, n: float = 1) -> None:
        """Count `n` more."""
        if n >= 0:
            with self._lock:
                self.total += n


class Gauge:
    """A value that goes up and down."""

    __slots__ = ("_record",)

    def __init__(self, record: Callable[[float], None]) -> None:
        self._record = record

    def set(self, value: float) -> None:
        """Say what the value is now."""
        self._record(value)


class Timing:
    """How long something takes."""

    __slots__ = ("_record",)

    def __init__(self, record: Callable[[float], None]) -> None:
        self._record = record

    def observe(self, seconds: float) -> None:
        """Record one duration in seconds."""
        self._record(seconds)


class MetricsCollector:
    """Keeps what is recorded."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._series: dict[tuple[str, frozenset[tuple[str, str]]], deque[Metric]] = {}
        self._counters: dict[tuple[str, frozenset[tuple[str, str]]], Counter] = {}

    def record_metric(
        self, name: str, value: float, tags: Mapping[str, str] | None = None, unit: str = ""
    ) -> None:
        """Keep one value; never raises."""
        if not math.isfinite(value):
            return
        tags = dict(tags or {})
        key = (name, frozenset(tags.items()))
        now = as_datetime(self._clock.now_us() / 1e6)
        kept = self._series.setdefault(key, deque(maxlen=1000))
        kept.append(Metric(name, float(value), now, tags, unit))

    def counter(self, name: str, tags: Mapping[str, str] | None = None) -> Counter:
        """The counter of this name and these tags."""
        return self._counters.setdefault((name, frozenset((tags or {}).items())), Counter())

    def gauge(self, name: str, tags: Mapping[str, str] | None = None, unit: str = "") -> Gauge:
        """The gauge of this name and these tags."""
        return Gauge(lambda value: self.record_metric(name, value, tags, unit))

    def timing(self, name: str, tags: Mapping[str, str] | None = None) -> Timing:
        """The timing of this name and these tags."""
        return Timing(lambda value: self.record_metric(name, value, tags, "seconds"))

    def get_metrics(self, name: str, hours: float = 24) -> list[Metric]:
        """Every value of this name in the last hours, oldest first."""
        since = as_datetime(self._clock.now_us() / 1e6 - hours * 3600)
        found = [m for k, kept in self._series.items() if k[0] == name for m in kept]
        return sorted((m for m in found if m.timestamp >= since), key=lambda m: m.timestamp)

    def get_metric_summary(self, name: str, hours: float = 24) -> dict[str, Any]:
        """What the values of this name in the last hours come to."""
        values = [m.value for m in self.get_metrics(name, hours)]
        if not values:
            return {"count": 0}
        return {
            "count": len(values),
            "avg": statistics.fmean(values),
            "min": min(values),
            "max": max(values),
            "median": statistics.median(values),
            "latest": values[-1],
        }
