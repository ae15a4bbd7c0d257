"""Python's garbage collector: how often it ran, how long it held everything up, what it left.

What the collector calls may run within any allocation, also while the same thread holds a lock of
the metrics. So nothing is recorded there: it is noted, and taken from there by the sampler.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.observe.metrics import MetricsCollector

__all__ = ["GarbageWatch"]

_MOST_NOTED = 2_000
_GENERATIONS = 3
_LOOK_EVERY_S = 600.0


class GarbageWatch:
    """Times collections from `start` to `stop`, and records them when it is asked to."""

    def __init__(self, metrics: MetricsCollector) -> None:
        self._pauses = metrics.timing("gc_pause_seconds")
        self._collections = [
            metrics.counter("gc_collections_total", {"generation": str(each)})
            for each in range(_GENERATIONS)
        ]
        self._uncollectable = metrics.counter("gc_uncollectable_total")
        self._objects = [
            metrics.gauge("gc_objects", {"generation": str(each)}) for each in range(_GENERATIONS)
        ]
        self._noted: deque[tuple[int, float, int]] = deque(maxlen=_MOST_NOTED)
        self._begun_s = 0.0
        self._looked_s: float | None = None

    def start(self) -> None:
        """Listen to the collector; again does nothing."""
        if self._note not in gc.callbacks:
            gc.callbacks.append(self._note)

    def stop(self) -> None:
        """Listen no more."""
        if self._note in gc.callbacks:
            gc.callbacks.remove(self._note)

    def record(self, now_s: float) -> None:
        """Record what was noted; `now_s` is monotonic."""
        while self._noted:
            generation, pause_s, uncollectable = self._noted.popleft()
            self._pauses.observe(pause_s)
            self._collections[min(generation, _GENERATIONS - 1)].inc()
            self._uncollectable.inc(uncollectable)
        self._objects[0].set(gc.get_count()[0])
        # To list a generation costs some 10 ns an object, and nobody else runs meanwhile.
        if self._looked_s is None or now_s - self._looked_s >= _LOOK_EVERY_S:
            self._looked_s = now_s
            for generation in range(1, _GENERATIONS):
                self._objects[generation].set(len(gc.get_objects(generation=generation)))

    def _note(self, phase: str, about: Mapping[str, Any]) -> None:
        if phase == "start":
            self._begun_s = time.perf_counter()
        elif self._begun_s:
            pause_s = time.perf_counter() - self._begun_s
            self._noted.append((about["generation"], pause_s, about["uncollectable"]))
