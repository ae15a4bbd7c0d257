"""Performance: how long operations take."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any, Self

from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.enums import PerformanceMetric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from sectorwatch.observe.logs import StructuredLogger
    from sectorwatch.observe.metrics import MetricsCollector

__all__ = ["PerformanceCollector", "Timed"]


class Timed:
    """One timed block or function."""

    def __init__(self, collector: PerformanceCollector, operation: str, service: str) -> None:
        self._collector = collector
        self._operation = operation
        self._service = service
        self._start = 0.0

    def note(self, **context: Any) -> None:
        """Add context for the log line, should one be written."""

    def __enter__(self) -> Self:
        self._start = self._collector.clock.monotonic_s()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        duration = self._collector.clock.monotonic_s() - self._start
        self._collector.record_metric(
            self._operation, self._service, PerformanceMetric.RESPONSE_TIME, duration, "seconds"
        )

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.__exit__(exc_type, exc_val, exc_tb)

    def __call__(self, function: Callable[..., Any]) -> Any:
        """`function`, each call timed."""
        collector, operation, service = self._collector, self._operation, self._service
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def timed_async(*args: Any, **kwargs: Any) -> Any:
                with Timed(collector, operation, service):
                    return await function(*args, **kwargs)

            return timed_async

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with Timed(collector, operation, service):
                return function(*args, **kwargs)

        return timed


class PerformanceCollector:
    """Keeps what operations take."""

    def __init__(
        self, metrics: MetricsCollector, log: StructuredLogger, *, clock: Clock | None = None
    ) -> None:
        self._metrics = metrics
        self._log = log
        self.clock = clock or SystemClock()

    def record_metric(
        self,
        operation: str,
        service: str,
        metric_type: PerformanceMetric,
        value: float,
        unit: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep one measurement of an operation."""
        del metadata
        self._metrics.record_metric(
            f"operation_{metric_type}", value, {"operation": operation, "service": service}, unit
        )

    def timed(self, operation: str, service: str) -> Timed:
        """A context manager and decorator that times what it holds."""
        return Timed(self, operation, service)
