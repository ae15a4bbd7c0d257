"""The same faces with nothing behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorwatch.observe.enums import LogCategory, LogLevel
from sectorwatch.observe.health import HealthChecker
from sectorwatch.observe.logs import StructuredLogger
from sectorwatch.observe.metrics import MetricsCollector
from sectorwatch.observe.performance import PerformanceCollector
from sectorwatch.observe.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["null_telemetry"]


class NullMetrics(MetricsCollector):
    """Keeps nothing."""

    def record_metric(
        self, name: str, value: float, tags: Mapping[str, str] | None = None, unit: str = ""
    ) -> None:
        """Nothing."""


class NullLogger(StructuredLogger):
    """Writes nothing."""

    def for_service(self, service: str) -> StructuredLogger:
        """Itself."""
        del service
        return self

    def log_operation(
        self,
        operation: str,
        level: LogLevel = LogLevel.INFO,
        category: LogCategory = LogCategory.SERVICE,
        **context: Any,
    ) -> None:
        """Nothing."""


def null_telemetry() -> Telemetry:
    """A bundle that keeps and writes nothing."""
    metrics, log = NullMetrics(), NullLogger()
    return Telemetry(metrics, log, PerformanceCollector(metrics, log), HealthChecker())
