"""How to watch any program: metrics, logs, performance and health, liftable as a library."""

from __future__ import annotations

from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.correlation import (
    LogCorrelationContext,
    carry,
    correlation_id,
    new_correlation_id,
)
from sectorwatch.observe.enums import (
    AlertSeverity,
    AlertType,
    HealthState,
    LogCategory,
    LogLevel,
    PerformanceMetric,
)
from sectorwatch.observe.health import HealthChecker
from sectorwatch.observe.logs import StructuredLogger
from sectorwatch.observe.metrics import Counter, Gauge, MetricsCollector, Timing
from sectorwatch.observe.performance import PerformanceCollector, Timed
from sectorwatch.observe.results import (
    Alert,
    HealthStatus,
    Metric,
    OptimizationRecommendation,
    PerformanceData,
)
from sectorwatch.observe.telemetry import Telemetry

__all__ = [
    "Alert",
    "AlertSeverity",
    "AlertType",
    "Clock",
    "Counter",
    "Gauge",
    "HealthChecker",
    "HealthState",
    "HealthStatus",
    "LogCategory",
    "LogCorrelationContext",
    "LogLevel",
    "Metric",
    "MetricsCollector",
    "OptimizationRecommendation",
    "PerformanceCollector",
    "PerformanceData",
    "PerformanceMetric",
    "StructuredLogger",
    "SystemClock",
    "Telemetry",
    "Timed",
    "Timing",
    "carry",
    "correlation_id",
    "new_correlation_id",
]
