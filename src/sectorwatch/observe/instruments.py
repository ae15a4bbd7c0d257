"""Bound instruments: a metric's name and tags looked up once, for the places that run often."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sectorwatch.observe.drops import Drops

__all__ = ["Counter", "Gauge", "Timing"]

_INFINITY = float("inf")
# No number of these comes to more than a double can hold in the time that there is.
_LARGEST_STEP = 1e300


class Sink(Protocol):
    """Where an instrument's samples go."""

    def __call__(self, series_id: int, value: float) -> None:
        """Keep one finite value of a series; never raises."""


class Counter:
    """A count that only grows; what it grew by is sampled every few seconds.

    Made by `MetricsCollector.counter`.
    """

    __slots__ = ("_drops", "_lock", "_sampled", "_total", "series_id")

    def __init__(self, series_id: int, drops: Drops) -> None:
        self.series_id = series_id
        self._drops = drops
        self._lock = threading.Lock()
        self._total: float = 0
        self._sampled: float = 0

    def inc(self, n: float = 1) -> None:
        """Count `n` more; a negative or endless `n` is dropped and counted as such."""
        try:
            if 0 <= n <= _LARGEST_STEP:
                with self._lock:
                    self._total += n
            else:
                self._drops.count("bad_value")
        except Exception:  # noqa: BLE001 - whatever `n` is, counting never raises
            self._drops.count("bad_value")

    @property
    def total(self) -> float:
        """The count since the program started."""
        return self._total

    def take(self) -> float:
        """What it grew by since this was last asked."""
        with self._lock:
            grown = self._total - self._sampled
            self._sampled = self._total
        return float(grown)


class Gauge:
    """A value that goes up and down; each setting is a sample.

    Made by `MetricsCollector.gauge`.
    """

    __slots__ = ("_drops", "_lock", "_sink", "_value", "series_id")

    def __init__(self, series_id: int, drops: Drops, sink: Sink) -> None:
        self.series_id = series_id
        self._drops = drops
        self._sink = sink
        self._lock = threading.Lock()
        self._value = 0.0

    def set(self, value: float) -> None:
        """Say what the value is now; one that is not finite is dropped and counted as such."""
        try:
            number = float(value)
            if number - number == 0.0:
                self._value = number
                self._sink(self.series_id, number)
                return
        except Exception:  # noqa: BLE001, S110 - whatever `value` is, setting never raises
            pass
        self._drops.count("bad_value")

    def inc(self, n: float = 1) -> None:
        """Move it up by `n`."""
        try:
            with self._lock:
                self.set(self._value + n)
        except Exception:  # noqa: BLE001 - whatever `n` is, moving never raises
            self._drops.count("bad_value")

    def dec(self, n: float = 1) -> None:
        """Move it down by `n`."""
        try:
            self.inc(-n)
        except Exception:  # noqa: BLE001 - as for inc
            self._drops.count("bad_value")


class Timing:
    """How long something takes, in seconds; each duration is a sample.

    Made by `MetricsCollector.timing`.
    """

    __slots__ = ("_drops", "_sink", "series_id")

    def __init__(self, series_id: int, drops: Drops, sink: Sink) -> None:
        self.series_id = series_id
        self._drops = drops
        self._sink = sink

    def observe(self, seconds: float) -> None:
        """Keep one duration; one that is negative or not finite is dropped and counted as such."""
        try:
            if 0.0 <= seconds < _INFINITY:
                self._sink(self.series_id, float(seconds))
                return
        except Exception:  # noqa: BLE001, S110 - whatever `seconds` is, observing never raises
            pass
        self._drops.count("bad_value")
