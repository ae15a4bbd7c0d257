"""Everything a service needs to be watched, in one bundle."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Self

from sectorwatch.observe.alerting import AlertManager, default_rules
from sectorwatch.observe.alerting.causes import (
    error_of_operation,
    state_of_service,
)
from sectorwatch.observe.answers import AnswerLog
from sectorwatch.observe.caches import CacheLog
from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.described import OWN_METRICS
from sectorwatch.observe.enums import AlertSeverity
from sectorwatch.observe.health import HealthChecker
from sectorwatch.observe.logs import StructuredLogger
from sectorwatch.observe.metrics import MetricsCollector
from sectorwatch.observe.notifying.outbox import Outbox
from sectorwatch.observe.performance import PerformanceCollector
from sectorwatch.observe.profiling.resources import Resources
from sectorwatch.observe.reports import Reports
from sectorwatch.observe.sampler import SystemSampler
from sectorwatch.observe.spans import SpanRing
from sectorwatch.observe.statements import StatementLog
from sectorwatch.observe.store import ObserveStore
from sectorwatch.observe.tuning.optimizer import PerformanceOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from sectorwatch.observe.alerting import AlertRule
    from sectorwatch.observe.enums import LogLevel
    from sectorwatch.observe.notifying.channels import Channel
    from sectorwatch.observe.profiling.resources import ResourceLimits
    from sectorwatch.observe.series import MetricLimits
    from sectorwatch.observe.sinks import LogSink

__all__ = ["Telemetry"]


class Telemetry:
    """Metrics, log, performance, health, alerts and resources of one program.

    Made by `Telemetry.open`, or put together from parts; `Telemetry.null` has everything off.
    """

    def __init__(
        self,
        metrics: MetricsCollector,
        log: StructuredLogger,
        performance: PerformanceCollector,
        health: HealthChecker,
        *,
        statements: StatementLog | None = None,
        caches: CacheLog | None = None,
        answers: AnswerLog | None = None,
        store: ObserveStore | None = None,
        sampler: SystemSampler | None = None,
        alerts: AlertManager | None = None,
        spans: SpanRing | None = None,
        optimizer: PerformanceOptimizer | None = None,
        outbox: Outbox | None = None,
        resources: Resources | None = None,
    ) -> None:
        self.metrics = metrics
        self.log = log
        self.performance = performance
        self.health = health
        self.statements = statements or StatementLog(metrics)
        self.caches = caches or CacheLog(metrics, performance)
        self.answers = answers or AnswerLog(SystemClock())
        self.timed = performance.timed
        self.reports = Reports(log)
        self.alerts = alerts or AlertManager(
            store=store, metrics=metrics, health=health, log=log.for_service("monitoring")
        )
        self.spans = SpanRing() if spans is None else spans
        self.statements.spans = self.spans
        self.statements.log = log
        self.optimizer = optimizer or PerformanceOptimizer(metrics)
        self.outbox = outbox or Outbox(metrics=metrics, log=log)
        self.alerts.outbox = self.outbox
        self._store = store
        self.resources = resources or Resources(metrics)
        self.profiler = self.resources.profiler
        self.sampler = sampler or SystemSampler(metrics, performance, resources=self.resources)

    @classmethod
    def open(
        cls,
        path: Path | None = None,
        *,
        namespace: str = "",
        environment: str = "production",
        level: LogLevel | None = None,
        levels: Mapping[str, LogLevel] | None = None,
        sinks: Sequence[LogSink] | None = None,
        redact: Iterable[str] = (),
        slow_s: float = 1.0,
        slow_s_of: Mapping[str, float] | None = None,
        health_time_limit_s: float = 5.0,
        sample_every_s: float = 15.0,
        flush_every_s: float = 60.0,
        slowdown_least_s: float = 0.005,
        warm_up_s: float = 300.0,
        version: str = "",
        limits: MetricLimits | None = None,
        channels: Sequence[Channel] = (),
        notify_from: AlertSeverity = AlertSeverity.HIGH,
        resource_limits: ResourceLimits | None = None,
        alert_rules: Sequence[AlertRule] | None = None,
        alert_settings: Mapping[str, float] | None = None,
        repeat_s: float = 12 * 3_600.0,
        health_starting_s: float = 300.0,
        clock: Clock | None = None,
    ) -> Self:
        """The whole bundle, kept in the SQLite file `path`; None keeps it in memory.

        `alert_rules` None are those by default; `channels` are told of alerts from `notify_from`
        up; `namespace` stands before the names of metrics where Prometheus reads them. Threads run
        from `start` to `close`. Raises ValueError for an unknown environment; a file that cannot
        be used is put aside or done without, and counted.
        """
        clock = clock or SystemClock()
        store = ObserveStore(path, clock=clock, flush_every_s=flush_every_s)
        metrics = MetricsCollector(namespace=namespace, clock=clock, store=store, limits=limits)
        for each in OWN_METRICS:
            metrics.describe(each.name, each.says)
        log = StructuredLogger(
            environment=environment,
            level=level,
            levels=levels,
            sinks=sinks,
            redact=redact,
            clock=clock,
            store=store,
        )
        spans = SpanRing(clock=clock)
        performance = PerformanceCollector(
            metrics, log, clock=clock, slow_s=slow_s, slow_s_of=slow_s_of, spans=spans
        )
        health = HealthChecker(
            time_limit_s=health_time_limit_s,
            clock=clock,
            store=store,
            metrics=metrics,
            starting_s=health_starting_s,
        )
        resources = Resources(
            metrics,
            disk=None if path is None else path.parent,
            limits=resource_limits,
            clock=clock,
            store=store,
        )
        for name, fill in (("metric_samples", metrics.fill), ("observe_jobs", store.fill)):
            whose = {"queue": name, "service": "monitoring"}
            metrics.gauge_callback("queue_fill_ratio", fill, whose, "ratio")
        sampler = SystemSampler(
            metrics, performance, period_s=sample_every_s, clock=clock, resources=resources
        )
        alerts = AlertManager(
            clock=clock,
            store=store,
            metrics=metrics,
            health=health,
            log=log.for_service("monitoring"),
            rules=default_rules() if alert_rules is None else alert_rules,
            settings=alert_settings,
            notify_from=notify_from,
            repeat_s=repeat_s,
        )
        for rule in ("service_crashed", "service_down", "service_degraded"):
            alerts.explain(rule, partial(state_of_service, health))
        alerts.explain("error_rate", partial(error_of_operation, log))
        alerts.explain("cpu_spike", resources.explain_cpu)
        alerts.explain("memory_leak", resources.explain_leak)
        alerts.explain("loop_blocked", resources.explain_block)
        alerts.explain("disk_filling", resources.explain_disk)
        optimizer = PerformanceOptimizer(
            metrics,
            clock=clock,
            store=store,
            spans=spans,
            errors=log.lines.errors,
            least_s=slowdown_least_s,
            warm_up_s=warm_up_s,
            version=version,
        )
        alerts.explain("operation_slow", optimizer.why_slow)
        optimizer.add_source(resources.evidence)
        outbox = Outbox(
            channels,
            metrics=metrics,
            log=log,
            store=store,
            clock=clock,
            timed=performance.timed,
        )
        metrics.drop_sources |= {
            "log": log.lines.drops,
            "performance": performance.drops,
            "alerts": alerts.drops,
            "tuning": optimizer.drops,
            "outbox": outbox.drops,
            "resources": resources.drops,
            "profiler": resources.profiler.drops,
            "leaks": resources.leaks.drops,
        }
        metrics.counter_callback("observe_drops_total", metrics.drops_total)
        return cls(
            metrics,
            log,
            performance,
            health,
            store=store,
            sampler=sampler,
            alerts=alerts,
            spans=spans,
            optimizer=optimizer,
            outbox=outbox,
            resources=resources,
        )

    @classmethod
    def null(cls) -> Telemetry:
        """The same with everything off: it keeps nothing, writes nothing, and costs next to it."""
        from sectorwatch.observe.null import null_telemetry  # noqa: PLC0415 - it needs this module

        return null_telemetry()

    is_on = True
    """Whether anything is observed; False for `Telemetry.null`."""

    @property
    def store(self) -> ObserveStore | None:
        """Where all of it is kept; None where that is off or the parts' own affair."""
        return self._store

    def for_service(self, service: str) -> Self:
        """The same bundle, its log speaking for another service."""
        other = copy.copy(self)
        other.log = self.log.for_service(service)
        return other

    def start(self) -> None:
        """Start the threads that write and sample; a second time does nothing."""
        if self._store is not None:
            self._store.start()
        self.resources.start()
        self.sampler.start()
        self.optimizer.start()
        if self.alerts.outbox is not None:
            self.outbox.start()
        self.alerts.start()

    def mute(self) -> None:
        """Tell nobody of alerts, before `start`; what waits in the outbox stays there."""
        self.alerts.outbox = None

    def close(self) -> None:
        """Stop the threads and write everything that is new; a second time does nothing."""
        self.alerts.stop()
        self.optimizer.stop()
        self.outbox.stop()
        self.sampler.stop()
        self.resources.close()
        if self._store is not None:
            self._store.close()
