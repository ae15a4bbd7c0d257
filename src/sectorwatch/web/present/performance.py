"""What was measured of operations as answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorwatch.clock import format_s
from sectorwatch.observe import PerformanceMetric
from sectorwatch.web.answers.performance import (
    MeasureSummary,
    OperationAnswer,
    OperationMetrics,
    SlowdownAnswer,
    TrendAnswer,
)

if TYPE_CHECKING:
    from sectorwatch.observe import Telemetry
    from sectorwatch.observe.tuning import Slowdown, Trend
    from sectorwatch.observe.tuning.figures import OperationFigures

__all__ = ["operation_answer", "operation_metrics"]

_ALWAYS = {
    PerformanceMetric.RESPONSE_TIME,
    PerformanceMetric.MEMORY_USAGE,
    PerformanceMetric.CPU_USAGE,
}


def operation_metrics(
    telemetry: Telemetry, operation: str, service: str, hours: int
) -> OperationMetrics:
    """Show what was measured of one operation in the last hours."""
    measured: dict[str, Any] = {}
    for kind in PerformanceMetric:
        summary = telemetry.performance.get_metric_summary(operation, service, kind, hours)
        if summary["count"] or kind in _ALWAYS:
            measured[kind.value] = MeasureSummary(**summary)
    optimizer = telemetry.optimizer
    trend = _trend(
        optimizer.trend(operation, service, hours), optimizer.slowdown(operation, service)
    )
    return OperationMetrics(
        operation=operation, service=service, hours=hours, trend=trend, **measured
    )


def operation_answer(
    figures: OperationFigures, trend: Trend, slowdown: Slowdown | None
) -> OperationAnswer:
    """Show one operation in figures."""
    return OperationAnswer(
        operation=figures.operation,
        service=figures.service,
        count=figures.count,
        total_s=round(figures.total_s, 6),
        avg_s=round(figures.avg_s, 9),
        median_s=round(figures.median_s, 9),
        p95_s=round(figures.p95_s, 9),
        max_s=round(figures.max_s, 9),
        time_share=round(figures.time_share, 6),
        busy_share=round(figures.busy_share, 6),
        error_rate=None if figures.error_rate is None else round(figures.error_rate, 6),
        errors=figures.errors,
        trend=trend.verdict.value,
        slowdown=1.0 if slowdown is None else round(slowdown.ratio, 3),
    )


def _trend(trend: Trend, slowdown: Slowdown | None) -> TrendAnswer:
    return TrendAnswer(
        verdict=trend.verdict.value,
        probability=trend.probability,
        slope_s_per_hour=trend.slope_s_per_hour,
        slope_low_s_per_hour=trend.slope_low,
        slope_high_s_per_hour=trend.slope_high,
        slope_percent_per_hour=trend.slope_percent_per_hour,
        before_s=trend.before,
        after_s=trend.after,
        since=None if trend.since_s is None else format_s(int(trend.since_s)),
        points=trend.points,
        freed_of_day=trend.freed_of_day,
        slowdown=None if slowdown is None else _slowdown(slowdown),
    )


def _slowdown(slowdown: Slowdown) -> SlowdownAnswer:
    return SlowdownAnswer(
        ratio=round(slowdown.ratio, 3),
        median_s=slowdown.median_s,
        past_median_s=slowdown.past_median_s,
        probability=slowdown.probability,
        since=format_s(int(slowdown.since_s)),
    )
