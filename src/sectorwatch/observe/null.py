"""The same faces with nothing behind them: a program runs the same with observation off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from sectorwatch.observe.alerting import AlertManager, Matcher, RuleState, Silence
from sectorwatch.observe.alerting.repair import repaired
from sectorwatch.observe.answers import NullAnswers
from sectorwatch.observe.caches import NullCaches
from sectorwatch.observe.clock import SystemClock, as_datetime
from sectorwatch.observe.drops import Drops
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
from sectorwatch.observe.health import HealthChecker
from sectorwatch.observe.instruments import Counter, Gauge, Timing
from sectorwatch.observe.log_analytics import LogAnalytics
from sectorwatch.observe.log_ring import Found, LogRing
from sectorwatch.observe.logs import LogLines, StructuredLogger
from sectorwatch.observe.metrics import MetricsCollector
from sectorwatch.observe.notifying.outbox import Outbox
from sectorwatch.observe.performance import PerformanceCollector
from sectorwatch.observe.profiling.null import NullResources, NullSampler
from sectorwatch.observe.redaction import Redactor
from sectorwatch.observe.results import Alert, HealthStatus, Metric, PerformanceData
from sectorwatch.observe.spans import NullSpans
from sectorwatch.observe.statements.null import NullStatements
from sectorwatch.observe.telemetry import Telemetry
from sectorwatch.observe.timed import Timed
from sectorwatch.observe.tuning.null import NullOptimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from sectorwatch.observe.alerting.explaining import Explanation
    from sectorwatch.observe.exposition import ExposedSeries
    from sectorwatch.observe.folding import Sample
    from sectorwatch.observe.health_probe import HealthCheck
    from sectorwatch.observe.log_ring import LogSearch
    from sectorwatch.observe.notifying.channels import Channel
    from sectorwatch.observe.notifying.kept import OutboxEntry
    from sectorwatch.observe.notifying.notification import AlertGroup, Notification
    from sectorwatch.observe.questions import MetricOverview
    from sectorwatch.observe.recent import Recent
    from sectorwatch.observe.series import Kind
    from sectorwatch.observe.summaries import Summaries

__all__ = [
    "NullAlerts",
    "NullHealth",
    "NullLogger",
    "NullMetrics",
    "NullOutbox",
    "NullPerformance",
    "NullStatements",
    "null_telemetry",
]

F = TypeVar("F", bound="Callable[..., Any]")
# ruff: noqa: ARG002, D102 - what they would do with their arguments stands in the real ones


class _NullCounter(Counter):
    def __init__(self) -> None:
        pass

    def inc(self, n: float = 1) -> None:
        pass

    @property
    def total(self) -> float:
        return 0.0

    def take(self) -> float:
        return 0.0


class _NullGauge(Gauge):
    def __init__(self) -> None:
        pass

    def set(self, value: float) -> None:
        pass

    def inc(self, n: float = 1) -> None:
        pass

    def dec(self, n: float = 1) -> None:
        pass


class _NullTiming(Timing):
    def __init__(self) -> None:
        pass

    def observe(self, seconds: float) -> None:
        pass


class _NullTimed(Timed):
    def __init__(self) -> None:
        pass

    def note(self, **context: Any) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        pass

    def __call__(self, function: F) -> F:
        return function


_COUNTER, _GAUGE, _TIMING, _TIMED = _NullCounter(), _NullGauge(), _NullTiming(), _NullTimed()


class NullMetrics(MetricsCollector):
    """Keeps nothing."""

    def __init__(self) -> None:
        self.now_s = lambda: SystemClock().now_us() / 1e6
        self.monotonic_s = SystemClock().monotonic_s
        # Whoever wants to be asked may say so; nobody ever asks.
        self.drop_sources = {}
        self.before_gather = []
        self.before_drain = []

    def record_metric(
        self, name: str, value: float, tags: Mapping[str, str] | None = None, unit: str = ""
    ) -> None:
        pass

    def counter(self, name: str, tags: Mapping[str, str] | None = None, unit: str = "") -> Counter:
        return _COUNTER

    def gauge(self, name: str, tags: Mapping[str, str] | None = None, unit: str = "") -> Gauge:
        return _GAUGE

    def timing(
        self, name: str, tags: Mapping[str, str] | None = None, unit: str = "seconds"
    ) -> Timing:
        return _TIMING

    def gauge_callback(
        self,
        name: str,
        read: Callable[[], float | None],
        tags: Mapping[str, str] | None = None,
        unit: str = "",
    ) -> None:
        pass

    def counter_callback(
        self,
        name: str,
        read: Callable[[], float],
        tags: Mapping[str, str] | None = None,
        unit: str = "",
    ) -> None:
        pass

    def describe(self, name: str, help_text: str) -> None:
        pass

    def series_id(
        self, name: str, tags: Mapping[str, str], unit: str = "", kind: Kind = "sample"
    ) -> int:
        return 0

    def keep_arrays(
        self,
        ids: NDArray[np.int64],
        time_s: NDArray[np.float64],
        values: NDArray[np.float64],
    ) -> None:
        pass

    def keep_rows(self, rows: Summaries) -> None:
        pass

    def keep_batch(self, samples: list[Sample]) -> None:
        pass

    def collect(self) -> None:
        pass

    def fold(self) -> None:
        pass

    def fill(self) -> float:
        return 0.0

    def drops_total(self) -> float:
        return 0.0

    @property
    def dropped(self) -> dict[str, int]:
        return {}

    @property
    def metrics_count(self) -> int:
        return 0

    def names(self) -> list[str]:
        return []

    def overview(self) -> list[MetricOverview]:
        return []

    def helps(self) -> dict[str, str]:
        return {}

    def exposed(self) -> list[ExposedSeries]:
        return []

    def get_metrics(
        self, name: str, hours: float = 24, tags: Mapping[str, str] | None = None
    ) -> list[Metric]:
        return []

    def get_metric_summary(
        self, name: str, hours: float = 24, tags: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        return {"count": 0}

    def get_history(
        self, name: str, hours: float, step_s: int, tags: Mapping[str, str] | None = None
    ) -> list[Metric]:
        return []

    def recent(self, windows_s: Mapping[str, float]) -> dict[str, list[Recent]]:
        return {}


class NullLogger(StructuredLogger):
    """Writes nothing."""

    def __init__(self) -> None:
        self.service = "global"
        self.level = LogLevel.CRITICAL
        # Whoever adds a sink may; no line is ever made for it.
        self.lines = LogLines((), LogRing(), Redactor(()), SystemClock())

    def for_service(self, service: str) -> Self:
        return self

    def bind(self, **context: Any) -> Self:
        return self

    def log_operation(
        self,
        operation: str,
        level: LogLevel = LogLevel.INFO,
        category: LogCategory = LogCategory.SERVICE,
        **context: Any,
    ) -> None:
        pass

    def log_performance(self, operation: str, duration: float, **context: Any) -> None:
        pass

    def log_exception(
        self,
        operation: str,
        error: BaseException,
        level: LogLevel = LogLevel.ERROR,
        category: LogCategory = LogCategory.ERROR,
        **context: Any,
    ) -> None:
        pass

    def get_log_analytics(self, hours: float = 24, service: str | None = None) -> dict[str, Any]:
        return LogAnalytics().summary(0.0, hours, service)

    def get_error_analytics(
        self, hours: float = 24, service: str | None = None, examples: int = 20
    ) -> dict[str, Any]:
        return ErrorAnalytics().get_error_analytics(hours, service, examples)

    def search(
        self,
        *,
        correlation_id: str | None = None,
        level: LogLevel | None = None,
        category: str | None = None,
        service: str | None = None,
        text: str | None = None,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        return []

    def find(self, wanted: LogSearch) -> Found:
        return Found([], None)

    def clean(self, context: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def logged_services(self) -> list[str]:
        return []

    @property
    def dropped(self) -> dict[str, int]:
        return {}


class NullPerformance(PerformanceCollector):
    """Measures nothing."""

    def __init__(self) -> None:
        self.drops = Drops()
        self.monotonic_s = SystemClock().monotonic_s

    def timed(
        self, operation: str, service: str, *, slow_s: float | None = None, **context: Any
    ) -> Timed:
        return _TIMED

    def record_metric(
        self,
        operation: str,
        service: str,
        metric_type: PerformanceMetric,
        value: float,
        unit: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        pass

    def ended(
        self, operation: str, service: str, duration_s: float, *, failed: bool = False
    ) -> None:
        pass

    def get_metric_summary(
        self, operation: str, service: str, metric_type: PerformanceMetric, hours: float = 24
    ) -> dict[str, Any]:
        return {"count": 0}

    def get_metrics(
        self, operation: str, service: str, metric_type: PerformanceMetric, hours: float = 24
    ) -> list[PerformanceData]:
        return []

    def operations(self) -> list[tuple[str, str]]:
        return []

    def fold(self) -> None:
        pass

    def collect(self) -> None:
        pass


class NullHealth(HealthChecker):
    """Looks at nothing: every service is `unknown`."""

    def __init__(self) -> None:
        pass

    def register(
        self,
        service: str,
        check: HealthCheck,
        *,
        depends_on: Iterable[str] = (),
        time_limit_s: float | None = None,
    ) -> None:
        pass

    def unregister(self, service: str) -> None:
        pass

    @property
    def registered(self) -> list[str]:
        return []

    def dependencies(self) -> dict[str, tuple[str, ...]]:
        return {}

    async def check_service_health(
        self, service_name: str, health_func: HealthCheck
    ) -> HealthStatus:
        return self.status(service_name)

    async def check_all_services(
        self, services: Mapping[str, HealthCheck] | None = None
    ) -> dict[str, HealthStatus]:
        return {name: self.status(name) for name in services or {}}

    def status(self, service: str) -> HealthStatus:
        now = as_datetime(SystemClock().now_us() / 1e6)
        return HealthStatus(service, HealthState.UNKNOWN, now)

    def latest(self, service: str) -> HealthStatus | None:
        return None

    def statuses(self) -> dict[str, HealthStatus]:
        return {}

    def unhealthy(self) -> set[str]:
        return set()

    def history(self, service: str, hours: float = 24) -> list[HealthStatus]:
        return []


class NullAlerts(AlertManager):
    """Keeps none and tells nobody: an alert that is created is over at once."""

    def __init__(self) -> None:
        self.drops = Drops()
        self.outbox = None
        self.listeners = []

    def create_alert(
        self,
        alert_type: AlertType,
        severity: AlertSeverity,
        message: str,
        service: str,
        metadata: Mapping[str, Any] | None = None,
    ) -> Alert:
        given = repaired(alert_type, severity, message, service, metadata, self.drops)
        now = as_datetime(SystemClock().now_us() / 1e6)
        return Alert(
            "alert_000000000000",
            given.type,
            given.severity,
            given.message,
            given.service,
            now,
            given.metadata,
            AlertState.RESOLVED,
            given.labels,
            updated=now,
            resolved_at=now,
        )

    def get_active_alerts(self) -> list[Alert]:
        return []

    def get(self, alert_id: str) -> Alert | None:
        return None

    def resolve_alert(self, alert_id: str, *, by: str = "") -> bool:
        return False

    def acknowledge(self, alert_id: str, author: str, note: str = "") -> Alert | None:
        return None

    def history(
        self,
        *,
        hours: float = 168,
        service: str | None = None,
        alert_type: AlertType | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Alert]:
        return []

    def silence(
        self,
        matchers: Sequence[Matcher],
        *,
        author: str,
        reason: str,
        ends_at: datetime,
        starts_at: datetime | None = None,
    ) -> Silence:
        now = as_datetime(SystemClock().now_us() / 1e6)
        return Silence(
            "silence_000000000000", tuple(matchers), author, reason, starts_at or now, ends_at
        )

    def silences(self, expired: bool = False) -> list[Silence]:
        return []

    def end_silence(self, silence_id: str) -> bool:
        return False

    def rules(self) -> list[RuleState]:
        return []

    def explain(self, rule_name: str, function: Explanation) -> None:
        pass

    def evaluate(self) -> None:
        pass

    def state(self) -> dict[str, Any]:
        return {}

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


class NullOutbox(Outbox):
    """Tells nobody."""

    def __init__(self) -> None:
        self.drops = Drops()

    def put(self, notice: AlertGroup) -> None:
        pass

    def tell(self, told: Notification) -> None:
        pass

    @property
    def pending(self) -> int:
        return 0

    @property
    def channels(self) -> list[Channel]:
        return []

    def entries(
        self,
        *,
        state: str | None = None,
        channel: str | None = None,
        hours: float = 720,
        limit: int = 100,
        offset: int = 0,
    ) -> list[OutboxEntry]:
        return []

    def state(self) -> dict[str, Any]:
        return {"is_good": True, "channels": [], "pending": 0, "oldest_pending_s": 0.0}

    def start(self) -> None:
        pass

    def stop(self, *, within_s: float = 0.0) -> None:
        pass

    def deliver(self, channel_id: str | None = None) -> float:
        return 0.0


def null_telemetry() -> Telemetry:
    """A bundle that keeps and writes nothing."""
    metrics, performance = NullMetrics(), NullPerformance()
    resources = NullResources(metrics)
    bundle = Telemetry(
        metrics,
        NullLogger(),
        performance,
        NullHealth(),
        alerts=NullAlerts(),
        spans=NullSpans(),
        statements=NullStatements(),
        caches=NullCaches(),
        answers=NullAnswers(),
        optimizer=NullOptimizer(),
        outbox=NullOutbox(),
        sampler=NullSampler(metrics, performance, resources=resources),
        resources=resources,
    )
    bundle.is_on = False
    return bundle
