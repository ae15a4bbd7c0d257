"""Watching any program: metrics, logs, performance, health, alerts; liftable as a library."""

from __future__ import annotations

from sectorwatch.observe.alerting import (
    AlertManager,
    AlertRule,
    Matcher,
    Notice,
    RuleError,
    RuleState,
    Silence,
)
from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.correlation import (
    LogCorrelationContext,
    carry,
    correlation_id,
    new_correlation_id,
)
from sectorwatch.observe.enums import (
    AlertSeverity,
    AlertState,
    AlertType,
    HealthState,
    LogCategory,
    LogLevel,
    PerformanceMetric,
)
from sectorwatch.observe.error_analytics import ErrorAnalytics
from sectorwatch.observe.exposition import exposition
from sectorwatch.observe.health import HealthChecker
from sectorwatch.observe.instruments import Counter, Gauge, Timing
from sectorwatch.observe.logs import StructuredLogger
from sectorwatch.observe.metrics import MetricsCollector
from sectorwatch.observe.performance import PerformanceCollector
from sectorwatch.observe.results import (
    Alert,
    HealthStatus,
    Metric,
    OptimizationRecommendation,
    PerformanceData,
)
from sectorwatch.observe.sampler import SystemSampler
from sectorwatch.observe.series import MetricLimits
from sectorwatch.observe.sinks import FileSink, LogSink, StreamSink, TerminalSink
from sectorwatch.observe.stdlib_logs import StdlibBridge, bridge_stdlib
from sectorwatch.observe.store import ObserveStore
from sectorwatch.observe.telemetry import Telemetry
from sectorwatch.observe.timed import Timed

__all__ = [
    "Alert",
    "AlertManager",
    "AlertRule",
    "AlertSeverity",
    "AlertState",
    "AlertType",
    "Clock",
    "Counter",
    "ErrorAnalytics",
    "FileSink",
    "Gauge",
    "HealthChecker",
    "HealthState",
    "HealthStatus",
    "LogCategory",
    "LogCorrelationContext",
    "LogLevel",
    "LogSink",
    "Matcher",
    "Metric",
    "MetricLimits",
    "MetricsCollector",
    "Notice",
    "ObserveStore",
    "OptimizationRecommendation",
    "PerformanceCollector",
    "PerformanceData",
    "PerformanceMetric",
    "RuleError",
    "RuleState",
    "Silence",
    "StdlibBridge",
    "StreamSink",
    "StructuredLogger",
    "SystemClock",
    "SystemSampler",
    "Telemetry",
    "TerminalSink",
    "Timed",
    "Timing",
    "bridge_stdlib",
    "carry",
    "correlation_id",
    "exposition",
    "new_correlation_id",
]
