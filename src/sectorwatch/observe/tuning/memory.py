"""Operations during which the program grows, while the program as a whole goes on growing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.observe.enums import PerformanceMetric
from sectorwatch.observe.performance import metric_name
from sectorwatch.observe.tuning.findings import (
    Difficulty,
    Finding,
    Measure,
    RecommendationType,
)
from sectorwatch.observe.tuning.trends import Verdict, trend_of
from sectorwatch.observe.tuning.words import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.observe.metrics import MetricsCollector

__all__ = ["GrowingOperations"]

_RESIDENT = "process_resident_memory"
_HOURS = 6
_STEP_S = 600
_LEAST_STEPS = 18
_LEAST_MB_PER_HOUR = 5.0
_LEAST_SHARE = 0.4
_MEGABYTE = 1e6


class GrowingOperations:
    """The operation during which most of the memory came that the program has grown by.

    Only while the whole program grows, by a robust trend over the last three to six hours and
    over their second half too: what warms up grows less and less.
    """

    name = "memory"

    def __init__(self, metrics: MetricsCollector) -> None:
        self._metrics = metrics

    def collect(self, now_s: float) -> Sequence[Finding]:
        """Everything found now."""
        del now_s
        steps = self._metrics.get_history(_RESIDENT, _HOURS, _STEP_S)
        if len(steps) < _LEAST_STEPS:
            return []
        time_s = np.array([one.timestamp.timestamp() for one in steps])
        memory = np.array([one.value for one in steps]) / _MEGABYTE
        half = len(steps) // 2
        trends = [trend_of(time_s, memory), trend_of(time_s[half:], memory[half:])]
        if any(one.verdict is not Verdict.SLOWER for one in trends):
            return []
        slopes = [one.slope_s_per_hour or 0.0 for one in trends]
        if min(slopes) < _LEAST_MB_PER_HOUR:
            return []
        grown = self._grown_by_operation()
        all_mb = sum(grown.values())
        if all_mb <= 0:
            return []
        (operation, service), most_mb = max(grown.items(), key=lambda each: each[1])
        share = most_mb / all_mb
        if share < _LEAST_SHARE:
            return []
        return [
            Finding(
                service=service,
                operation=operation,
                type=RecommendationType.MEMORY_GROWTH,
                key="grows with it",
                description=(
                    f"The program grows by {slopes[1]:.3g} MB an hour, and {percent(share)} of what"
                    f" operations grew it by came during {operation}."
                ),
                fix="Look for what it keeps: lists, caches and closures that outlive a run.",
                difficulty=Difficulty.HIGH,
                expected_improvement=round(share, 4),
                reason="measured: the part of the growth seen in operations that came during it",
                cost_share=min(slopes[1] / max(float(memory[-1]), 1.0), 1.0),
                evidence={
                    "mb_per_hour": slopes[1],
                    "probability": trends[1].probability,
                    "resident_mb": float(memory[-1]),
                    "share_of_growth": share,
                    "since": steps[0].timestamp.isoformat(),
                },
                measure=Measure(
                    metric_name(PerformanceMetric.MEMORY_USAGE),
                    {"operation": operation, "service": service},
                    "megabytes",
                    "mean",
                ),
            )
        ]

    def _grown_by_operation(self) -> dict[tuple[str, str], float]:
        name = metric_name(PerformanceMetric.MEMORY_USAGE)
        grown: dict[tuple[str, str], float] = {}
        for one in self._metrics.get_history(name, _HOURS, _STEP_S):
            # Of the machine's sampler it is percent in use.
            if one.unit == "megabytes" and one.tags.keys() >= {"operation", "service"}:
                key = (one.tags["operation"], one.tags["service"])
                grown[key] = grown.get(key, 0.0) + one.value * one.count
        return grown
