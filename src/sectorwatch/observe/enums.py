"""The words of the specification: kinds of alert, log line, measurement and state."""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "AlertSeverity",
    "AlertState",
    "AlertType",
    "HealthState",
    "LogCategory",
    "LogLevel",
    "PerformanceMetric",
]


class AlertType(StrEnum):
    """What an alert is about."""

    SERVICE_DOWN = "service_down"
    HIGH_ERROR_RATE = "high_error_rate"
    PERFORMANCE_DEGRADATION = "performance_degradation"
    RESOURCE_EXHAUSTION = "resource_exhaustion"
    DATABASE_ISSUE = "database_issue"
    API_TIMEOUT = "api_timeout"
    MEMORY_LEAK = "memory_leak"
    CPU_SPIKE = "cpu_spike"


class AlertSeverity(StrEnum):
    """How much an alert matters, least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place, from 0 for the least, for comparing.

        >>> AlertSeverity.HIGH.rank
        2
        """
        return _RANKS[self.value]


_RANKS = {"low": 0, "medium": 1, "high": 2, "critical": 3}


class AlertState(StrEnum):
    """How far an alert is."""

    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class LogCategory(StrEnum):
    """What part of a program a log line is about."""

    SERVICE = "service"
    API = "api"
    DATABASE = "database"
    CACHE = "cache"
    NETWORK = "network"
    SECURITY = "security"
    PERFORMANCE = "performance"
    ERROR = "error"
    SYSTEM = "system"


class LogLevel(StrEnum):
    """How grave a log line is, least first; upper case wherever it is shown."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"

    @property
    def number(self) -> int:
        """The standard library's number of this level, for comparing.

        >>> LogLevel.WARNING.number
        30
        """
        return _NUMBERS[self.value]


_NUMBERS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


class PerformanceMetric(StrEnum):
    """What is measured of an operation."""

    RESPONSE_TIME = "response_time"
    THROUGHPUT = "throughput"
    MEMORY_USAGE = "memory_usage"
    CPU_USAGE = "cpu_usage"
    DATABASE_QUERY_TIME = "database_query_time"
    CACHE_HIT_RATE = "cache_hit_rate"
    ERROR_RATE = "error_rate"
    CONCURRENT_REQUESTS = "concurrent_requests"


class HealthState(StrEnum):
    """How a service is, best first; `unknown` where nobody has looked yet."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
