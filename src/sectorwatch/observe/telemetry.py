"""Everything a service needs to be watched, in one bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.observe.health import HealthChecker
from sectorwatch.observe.logs import StructuredLogger
from sectorwatch.observe.metrics import MetricsCollector
from sectorwatch.observe.performance import PerformanceCollector

if TYPE_CHECKING:
    from sectorwatch.observe.performance import Timed

__all__ = ["Telemetry"]


class Telemetry:
    """Metrics, log, performance and health of one program."""

    def __init__(
        self,
        metrics: MetricsCollector,
        log: StructuredLogger,
        performance: PerformanceCollector,
        health: HealthChecker,
    ) -> None:
        self.metrics = metrics
        self.log = log
        self.performance = performance
        self.health = health
        self.timed = performance.timed

    @classmethod
    def null(cls) -> Telemetry:
        """The same with everything off."""
        from sectorwatch.observe.null import null_telemetry  # noqa: PLC0415 - it needs this module

        return null_telemetry()

    def for_service(self, service: str) -> Telemetry:
        """The same bundle, its log speaking for another service."""
        return Telemetry(self.metrics, self.log.for_service(service), self.performance, self.health)
