"""Operations recorded as a running program would record them, by a clock that a test turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from observe.made import START_S, ManualClock
from sectorwatch.observe import MetricsCollector, ObserveStore, PerformanceMetric
from sectorwatch.observe.performance import metric_name
from sectorwatch.observe.tuning import PerformanceOptimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SERVICE = "tracker"
STEP_S = 15.0


class Program:
    """A program whose operations run once every 15 s, looked at as often."""

    def __init__(
        self,
        *,
        warm_up_s: float = 300.0,
        path: Path | None = None,
        start_s: float = START_S,
    ) -> None:
        self.clock = ManualClock(start_s)
        self.store = ObserveStore(path, clock=self.clock)
        self.metrics = MetricsCollector(clock=self.clock, store=self.store)
        self.optimizer = PerformanceOptimizer(
            self.metrics, clock=self.clock, store=self.store, warm_up_s=warm_up_s
        )
        self.begun_s = self.clock.wall_s
        self.slow: list[tuple[float, str, float]] = []
        """When which operation was called how many times slower."""

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self.clock.wall_s - self.begun_s

    def record(self, took_s: Mapping[str, float], kind: PerformanceMetric) -> None:
        """Keep one measurement of each operation."""
        unit = "seconds" if kind is PerformanceMetric.RESPONSE_TIME else ""
        ids = [
            self.metrics.series_id(
                metric_name(kind), {"operation": name, "service": SERVICE}, unit, "timing"
            )
            for name in took_s
        ]
        now = np.full(len(ids), self.clock.wall_s)
        self.metrics.keep_arrays(np.array(ids), now, np.array(list(took_s.values())))

    def run(self, duration_s: float, took: Callable[[float], Mapping[str, float]]) -> None:
        """Let time pass; `took` says what each operation takes at so many seconds since start."""
        until_s = self.elapsed_s + duration_s
        while self.elapsed_s < until_s:
            self.clock.advance(STEP_S)
            self.record(took(self.elapsed_s), PerformanceMetric.RESPONSE_TIME)
            self.optimizer.look()
            self.slow += [
                (self.elapsed_s, one.operation, one.ratio) for one in self.optimizer.slowdowns.slow
            ]
