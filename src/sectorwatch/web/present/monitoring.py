"""Metrics and health as answers."""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec

from sectorwatch.clock import format_us
from sectorwatch.observe import HealthState
from sectorwatch.runtime.order import dependants_of
from sectorwatch.web.answers.monitoring import (
    Figures,
    HealthAnswer,
    HealthChecked,
    HealthOverview,
    MetricAnswer,
    MetricHistory,
    MetricPoint,
    MetricSeries,
    MonitoringMetrics,
    ServiceHealth,
)
from sectorwatch.web.present.system import health_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sectorwatch.observe import HealthChecker, HealthStatus, Metric, MetricsCollector, Telemetry
    from sectorwatch.runtime import Application

__all__ = [
    "health_answer",
    "health_overview",
    "metric_history",
    "moment",
    "monitoring_metrics",
    "step_for",
]

_MOST_SERIES = 100
_MOST_POINTS = 400
# Of all series in one answer: some six megabytes of it.
_MOST_TOGETHER = 50_000
_MINUTE_S = 60
_WORST_FIRST = (
    HealthState.UNHEALTHY,
    HealthState.DEGRADED,
    HealthState.UNKNOWN,
    HealthState.HEALTHY,
)


def monitoring_metrics(telemetry: Telemetry) -> MonitoringMetrics:
    """Say what is watched, in numbers, and name every metric."""
    metrics, helps = telemetry.metrics, telemetry.metrics.helps()
    alerts = telemetry.alerts.get_active_alerts()
    by_severity: dict[str, int] = defaultdict(int)
    for alert in alerts:
        by_severity[alert.severity.value] += 1
    shown = metrics.overview()
    return MonitoringMetrics(
        metrics_count=metrics.metrics_count,
        active_alerts=len(alerts),
        health_checks=len(telemetry.health.registered),
        alerts_by_severity=dict(by_severity),
        silenced_alerts=sum(bool(alert.silenced_by) for alert in alerts),
        inhibited_alerts=sum(bool(alert.inhibited_by) for alert in alerts),
        samples_dropped=metrics.dropped,
        metrics=[
            MetricAnswer(
                name=one.name,
                kind=one.kind,
                unit=one.unit,
                help=helps.get(one.name, ""),
                series=one.series,
                latest=one.latest,
                latest_time=None if one.latest_time is None else moment(one.latest_time),
            )
            for one in shown
        ],
    )


def moment(time: datetime) -> str:
    """Write a time as every answer does."""
    return format_us(round(time.timestamp() * 1e6))


def step_for(hours: float) -> int:
    """Give the seconds of a step, in whole minutes, by which so many hours make a plot.

    >>> step_for(1), step_for(24), step_for(24 * 30)
    (60, 240, 6480)
    """
    return max(_MINUTE_S, -(-int(hours * 3_600) // _MOST_POINTS // _MINUTE_S) * _MINUTE_S)


def metric_history(
    metrics: MetricsCollector,
    name: str,
    hours: float,
    step_s: int,
    tags: Mapping[str, str],
) -> MetricHistory:
    """Show a metric's last hours in steps; with `step_s` 0 as it was recorded, where that is kept.

    At most 100 series and 50 000 points together, the series with most values first.
    """
    if step_s:
        found = metrics.get_history(name, hours, step_s, tags)
    else:
        found = metrics.get_metrics(name, hours, tags)
    series: dict[tuple[tuple[str, str], ...], list[Metric]] = defaultdict(list)
    for one in found:
        series[tuple(sorted(one.tags.items()))].append(one)
    fullest = sorted(series.items(), key=lambda each: (-sum(m.count for m in each[1]), each[0]))
    together = accumulate(len(values) for _, values in fullest)
    shown = [
        each
        for number, (each, points) in enumerate(zip(fullest, together, strict=True))
        if number == 0 or (number < _MOST_SERIES and points <= _MOST_TOGETHER)
    ]
    return MetricHistory(
        name=name,
        unit=found[-1].unit if found else "",
        help=metrics.helps().get(name, ""),
        hours=hours,
        step_s=step_s,
        summary=msgspec.convert(metrics.get_metric_summary(name, hours, tags), Figures),
        series=[MetricSeries(dict(key), [_point(one) for one in values]) for key, values in shown],
        series_left_out=len(fullest) - len(shown),
    )


def _point(one: Metric) -> MetricPoint:
    low = one.value if one.minimum is None else one.minimum
    high = one.value if one.maximum is None else one.maximum
    return MetricPoint(moment(one.timestamp), one.count, one.value, low, high)


def health_overview(application: Application) -> HealthOverview:
    """Show how every service is, and what stands on what."""
    health = application.telemetry.health
    graph = health.dependencies()
    shown = [_service(application, name, graph) for name in application.supervisor.order]
    states = {HealthState(one.status) for one in shown}
    return HealthOverview(
        status=next(state.value for state in _WORST_FIRST if state in states),
        services=shown,
        graph={name: list(below) for name, below in graph.items()},
    )


def health_answer(application: Application, name: str, hours: float) -> HealthAnswer:
    """Show how one service is, and when in the last hours it was otherwise."""
    health = application.telemetry.health
    own = _service(application, name, health.dependencies())
    checks = health.history(name, hours)
    bad = sum(one.status is HealthState.UNHEALTHY for one in checks)
    return HealthAnswer(
        **msgspec.structs.asdict(own),
        hours=hours,
        availability=round(1 - bad / len(checks), 6) if checks else None,
        changes=list(_changes(checks)),
    )


def _changes(checks: Iterable[HealthStatus]) -> Iterable[HealthChecked]:
    before = None
    for one in checks:
        if one.status is not before:
            before = one.status
            yield HealthChecked(
                moment(one.timestamp), one.status.value, round(one.response_time, 6)
            )


def _service(
    application: Application, name: str, graph: Mapping[str, tuple[str, ...]]
) -> ServiceHealth:
    checker: HealthChecker = application.telemetry.health
    checked = checker.status(name)
    known = None if checked.status is HealthState.UNKNOWN else checked
    (status,) = application.supervisor.status(name)
    return ServiceHealth(
        service=name,
        status=health_of(status, known).value,
        timestamp=moment(checked.timestamp),
        response_time=round(checked.response_time, 6),
        error_count=checked.error_count,
        details=dict(checked.details),
        depends_on=list(graph.get(name, ())),
        affects=sorted(dependants_of(name, graph)),
    )
