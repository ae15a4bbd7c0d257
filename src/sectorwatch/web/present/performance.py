"""What was measured of operations as answers."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sectorwatch.clock import format_s, format_us
from sectorwatch.observe import AlertType, PerformanceMetric
from sectorwatch.web.answers.performance import (
    EffectAnswer,
    MeasureSummary,
    OperationAnswer,
    OperationMetrics,
    PerformanceAlert,
    Recommendation,
    SlowdownAnswer,
    TrendAnswer,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sectorwatch.observe import Alert, OptimizationRecommendation, Telemetry
    from sectorwatch.observe.tuning import Slowdown, Trend
    from sectorwatch.observe.tuning.figures import OperationFigures

__all__ = ["operation_answer", "operation_metrics", "performance_alerts", "recommendation"]

# What an alert of a type is about, where it does not say so itself.
_METRIC_OF = {
    AlertType.PERFORMANCE_DEGRADATION: PerformanceMetric.RESPONSE_TIME,
    AlertType.API_TIMEOUT: PerformanceMetric.RESPONSE_TIME,
    AlertType.HIGH_ERROR_RATE: PerformanceMetric.ERROR_RATE,
    AlertType.CPU_SPIKE: PerformanceMetric.CPU_USAGE,
    AlertType.MEMORY_LEAK: PerformanceMetric.MEMORY_USAGE,
}
_OF_THE_WHOLE = {
    AlertType.PERFORMANCE_DEGRADATION,
    AlertType.CPU_SPIKE,
    AlertType.MEMORY_LEAK,
}
_WHOLE = "system_monitoring"

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


def recommendation(one: OptimizationRecommendation) -> Recommendation:
    """Show a recommendation, and what became of it."""
    effect = one.measured_effect
    return Recommendation(
        id=one.id,
        operation=one.operation,
        service=one.service,
        recommendation_type=one.recommendation_type,
        description=one.description,
        expected_improvement=one.expected_improvement,
        implementation_difficulty=one.implementation_difficulty,
        priority=one.priority,
        timestamp=_text(one.timestamp),
        fix=one.fix,
        reason=one.reason,
        cost_share=round(one.cost_share, 6),
        status=one.status,
        outcome=one.outcome,
        measured_effect=None if effect is None else EffectAnswer(**asdict(effect)),
        first_seen=None if one.first_seen is None else _text(one.first_seen),
        last_seen=None if one.last_seen is None else _text(one.last_seen),
        decided_at=None if one.decided_at is None else _text(one.decided_at),
        source=one.source,
        evidence=dict(one.evidence),
    )


def performance_alerts(alerts: list[Alert]) -> list[PerformanceAlert]:
    """Show those alerts that are about performance, newest first.

    These are the alerts that name an operation, and those of the whole program's time, processor
    and memory.
    """
    found = []
    for alert in sorted(alerts, key=lambda one: one.timestamp, reverse=True):
        said = {**alert.labels, **alert.metadata}
        operation = str(said.get("operation", ""))
        kind = str(said.get("metric_type", "")) or _METRIC_OF.get(alert.type, "")
        if not kind or (not operation and alert.type not in _OF_THE_WHOLE):
            continue
        found.append(
            PerformanceAlert(
                id=alert.id,
                operation=operation or _WHOLE,
                service=alert.service,
                metric_type=str(kind),
                threshold=_number(alert.threshold, said.get("threshold")),
                current_value=_number(alert.value, said.get("current_value")),
                severity=alert.severity.value,
                message=alert.message,
                timestamp=_text(alert.timestamp),
                type=alert.type.value,
                state=alert.state.value,
                cause=alert.cause,
            )
        )
    return found


def _number(*given: object) -> float | None:
    """Give the first of these that is a finite number."""
    for each in given:
        if isinstance(each, int | float) and math.isfinite(each):
            return float(each)
    return None


def _text(time: datetime) -> str:
    return format_us(round(time.timestamp() * 1e6))


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
