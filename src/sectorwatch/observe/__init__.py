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
    current_span,
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
from sectorwatch.observe.log_ring import Found, LogSearch
from sectorwatch.observe.log_tail import read_tail
from sectorwatch.observe.logs import StructuredLogger
from sectorwatch.observe.metrics import MetricsCollector
from sectorwatch.observe.performance import PerformanceCollector
from sectorwatch.observe.propagation import outgoing_headers, trace_id_of, traceparent
from sectorwatch.observe.reports import Reports, Since
from sectorwatch.observe.results import (
    Alert,
    HealthStatus,
    Metric,
    OptimizationRecommendation,
    PerformanceData,
)
from sectorwatch.observe.sampler import SystemSampler
from sectorwatch.observe.secrets_in_text import scrub
from sectorwatch.observe.series import MetricLimits
from sectorwatch.observe.sinks import FileSink, LogSink, StreamSink, TerminalSink
from sectorwatch.observe.spans import OpenSpan, Span, SpanRing, span_text
from sectorwatch.observe.statements import StatementFigures, StatementLog
from sectorwatch.observe.stdlib_logs import StdlibBridge, bridge_stdlib
from sectorwatch.observe.store import ObserveStore
from sectorwatch.observe.telemetry import Telemetry
from sectorwatch.observe.timed import Timed
from sectorwatch.observe.trace import Trace, TraceNode, trace_of
from sectorwatch.observe.tuning import PerformanceOptimizer
from sectorwatch.observe.uncaught import UncaughtErrors

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
    "Found",
    "Gauge",
    "HealthChecker",
    "HealthState",
    "HealthStatus",
    "LogCategory",
    "LogCorrelationContext",
    "LogLevel",
    "LogSearch",
    "LogSink",
    "Matcher",
    "Metric",
    "MetricLimits",
    "MetricsCollector",
    "Notice",
    "ObserveStore",
    "OpenSpan",
    "OptimizationRecommendation",
    "PerformanceCollector",
    "PerformanceData",
    "PerformanceMetric",
    "PerformanceOptimizer",
    "Reports",
    "RuleError",
    "RuleState",
    "Silence",
    "Since",
    "Span",
    "SpanRing",
    "StatementFigures",
    "StatementLog",
    "StdlibBridge",
    "StreamSink",
    "StructuredLogger",
    "SystemClock",
    "SystemSampler",
    "Telemetry",
    "TerminalSink",
    "Timed",
    "Timing",
    "Trace",
    "TraceNode",
    "UncaughtErrors",
    "bridge_stdlib",
    "carry",
    "correlation_id",
    "current_span",
    "exposition",
    "new_correlation_id",
    "outgoing_headers",
    "read_tail",
    "scrub",
    "span_text",
    "trace_id_of",
    "trace_of",
    "traceparent",
]
