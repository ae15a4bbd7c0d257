"""The rules that are on by default: one at least for each type of alert.

A rule over a metric that nobody records is silent. Their table, with the reasons, is in
`docs/monitoring.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sectorwatch.observe.alerting.rules import AlertRule
from sectorwatch.observe.alerting.silences import RuleError
from sectorwatch.observe.enums import AlertSeverity, AlertType, PerformanceMetric

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AlertLimits", "default_rules", "threshold_rules"]

_LOW, _MEDIUM, _HIGH, _CRITICAL = AlertSeverity
# Less of these is worse.
_FALLING = (PerformanceMetric.THROUGHPUT, PerformanceMetric.CACHE_HIT_RATE)


@dataclass(frozen=True, slots=True)
class AlertLimits:
    """From when on the rules by default count something; seconds, bytes, and ratios from 0 to 1.

    `operations` are limits of single operations by `service:operation:metric_type`, in the units
    that these are recorded in.
    """

    error_rate: float = 0.1
    slowdown: float = 1.3
    loop_blocked_s: float = 1.0
    disk_reserve_bytes: float = 200e6
    disk_full_s: float = 6 * 3_600.0
    memory_available_ratio: float = 0.05
    open_files_ratio: float = 0.8
    queue_fill_ratio: float = 0.8
    database_failing_s: float = 2.0
    feed_failing_s: float = 60.0
    feed_age_s: float = 300.0
    request_s: float = 10.0
    leak_bytes_an_hour: float = 0.0
    cpu_percent: float = 50.0
    forecast_error: float = 1.5
    operations: Mapping[str, float] = field(default_factory=dict)


def default_rules(limits: AlertLimits | None = None) -> list[AlertRule]:
    """The rules by default, and one for each limit of a single operation.

    Raises RuleError for such a limit whose name is none.
    """
    limits = limits or AlertLimits()
    return [
        *_of_services(),
        *_of_work(limits),
        *_of_resources(limits),
        *_of_data(limits),
        *threshold_rules(limits.operations),
    ]


def _of_services() -> list[AlertRule]:
    return [
        AlertRule(
            "service_crashed",
            AlertType.SERVICE_DOWN,
            _HIGH,
            "",
            "increase(service_crashes[60s]) >= 1",
            summary="{service} died {value} times in the last minute and was started again.",
            impact="What it does stands still until it runs, and so does all that depends on it.",
            advice="Its log says why: /api/logging/entries?service={service}&level=ERROR.",
        ),
        AlertRule(
            "service_down",
            AlertType.SERVICE_DOWN,
            _CRITICAL,
            "",
            "latest(service_health) == 0",
            for_s=30,
            summary="{service} is down: its health check fails.",
            impact="What it does stands still, and so does all that depends on it.",
            advice="/api/monitoring/health/{service} says why; try POST "
            "/api/services/{service}/restart.",
        ),
        AlertRule(
            "service_degraded",
            AlertType.PERFORMANCE_DEGRADATION,
            _MEDIUM,
            "",
            "latest(service_health) == 0.5",
            for_s=1_800,
            keep_firing_for_s=120,
            summary="{service} has been degraded for half an hour.",
            impact="It works, but not as well as it should.",
            advice="/api/monitoring/health/{service} says why.",
            operation="health",
        ),
    ]


def _of_work(limits: AlertLimits) -> list[AlertRule]:
    return [
        AlertRule(
            "error_rate",
            AlertType.HIGH_ERROR_RATE,
            _HIGH,
            "",
            # Of these, others tell: that feeds fail, and that the database does.
            f'avg(operation_error_rate{{operation!~"fetch_.*"}}[5m]) > {limits.error_rate:g}'
            " and sum(operation_error_rate[5m]) >= 3"
            # Errors of a time without a database are in the window as long as that time is.
            " unless max(database_failing_seconds[5m]) > 0",
            for_s=60,
            summary="{value:%} of {operation} in {service} failed in the last 5 min.",
            impact="What it should have done was not done, or was done late.",
            advice="/api/errors/analytics?service={service} has the errors with their stacks.",
        ),
        AlertRule(
            "operation_slow",
            AlertType.PERFORMANCE_DEGRADATION,
            _MEDIUM,
            "",
            f"latest(operation_slowdown) >= {limits.slowdown:g}",
            for_s=60,
            keep_firing_for_s=60,
            summary="{operation} in {service} takes {value} times as long as it ever did.",
            impact="What waits for it comes late.",
            advice="/api/performance/metrics/{operation}?service={service} has its trend, "
            "/api/performance/recommendations what would help.",
        ),
        AlertRule(
            "loop_blocked",
            AlertType.PERFORMANCE_DEGRADATION,
            _HIGH,
            "api",
            f"latest(loop_blocked_seconds) > {limits.loop_blocked_s:g}",
            for_s=30,
            keep_firing_for_s=15,
            summary="The event loop stood still for {value:time}: nobody was answered meanwhile.",
            impact="Requests and event streams wait, and feeds are fetched late.",
            advice="The cause names the code that held it up; such work belongs in a thread.",
            operation="event_loop",
        ),
        AlertRule(
            "request_slow",
            AlertType.API_TIMEOUT,
            _MEDIUM,
            "api",
            f"p95(api_request_duration_seconds[5m]) > {limits.request_s:g}"
            " and count(api_request_duration_seconds[5m]) >= 3",
            for_s=60,
            summary="{method} {route} takes {value:time}, over the limit of {threshold:time}.",
            impact="Whoever asks for it gives up.",
            advice="/api/performance/operations shows where its time goes.",
        ),
    ]


def _of_resources(limits: AlertLimits) -> list[AlertRule]:
    return [
        AlertRule(
            "disk_low",
            AlertType.RESOURCE_EXHAUSTION,
            _CRITICAL,
            "journal",
            f"latest(disk_free) < {limits.disk_reserve_bytes:g}",
            summary="The disk of the data directory has {value:MB} left; below {threshold:MB} "
            "nothing more is written.",
            impact="Feeds are not kept while there is no room: they will be missing.",
            advice="Make room on the disk, or let less be kept: disk_budget_gb, journal_keep_gb.",
            cause="{value:MB} are free, and disk_reserve_mb is {threshold:MB}",
            labels={"resource": "disk"},
        ),
        AlertRule(
            "disk_filling",
            AlertType.RESOURCE_EXHAUSTION,
            _HIGH,
            "journal",
            f"latest(disk_full_in_seconds) < {limits.disk_full_s:g}",
            for_s=300,
            keep_firing_for_s=300,
            summary="The disk of the data directory will be full in {value:time}.",
            impact="Feeds will not be kept then.",
            advice="See what grows there, make room, or let less be kept: disk_budget_gb.",
            labels={"resource": "disk"},
        ),
        AlertRule(
            "disk_over_budget",
            AlertType.RESOURCE_EXHAUSTION,
            _MEDIUM,
            "maintenance",
            "latest(disk_over_budget) > 0",
            for_s=3_600,
            summary="The data directory holds {value:MB} more than disk_budget_gb, and nothing "
            "more of it may go.",
            impact="It grows past what it was given.",
            advice="Raise disk_budget_gb, or keep less: journal_keep_days, segments_keep_days.",
            labels={"resource": "disk_budget"},
        ),
        AlertRule(
            "memory_low",
            AlertType.RESOURCE_EXHAUSTION,
            _HIGH,
            "system",
            f"max(memory_available_ratio[60s]) < {limits.memory_available_ratio:g}",
            for_s=120,
            keep_firing_for_s=60,
            summary="{value:%} of the memory that there is can still be had.",
            impact="The machine will end programs, this one perhaps.",
            advice="See what takes it: /api/performance/profile.",
            labels={"resource": "memory"},
        ),
        AlertRule(
            "files_low",
            AlertType.RESOURCE_EXHAUSTION,
            _HIGH,
            "system",
            f"latest(open_files_ratio) > {limits.open_files_ratio:g}",
            for_s=60,
            keep_firing_for_s=60,
            summary="{value:%} of the files that this program may hold open are open.",
            impact="Past the limit no connection is accepted and no file written.",
            advice="Raise the limit (ulimit -n, LimitNOFILE), and see who holds connections open.",
            labels={"resource": "open_files"},
        ),
        AlertRule(
            "queue_filling",
            AlertType.RESOURCE_EXHAUSTION,
            _HIGH,
            "",
            f"min(queue_fill_ratio[60s]) > {limits.queue_fill_ratio:g}",
            for_s=60,
            keep_firing_for_s=60,
            summary="The queue {queue} is {value:%} full.",
            impact="Once it is full, what comes is dropped or has to wait.",
            advice="See what is slow behind it: /api/performance/operations.",
        ),
        AlertRule(
            "observation_drops",
            AlertType.RESOURCE_EXHAUSTION,
            _MEDIUM,
            "monitoring",
            "increase(observe_drops_total[10m]) > 1000",
            for_s=300,
            summary="Observation dropped {value} samples and lines in ten minutes.",
            impact="Figures and logs have gaps; alerts may be missing.",
            advice="sectorwatch_observe_dropped_total in /metrics says which and why.",
            labels={"resource": "telemetry"},
        ),
        AlertRule(
            "memory_leak",
            AlertType.MEMORY_LEAK,
            _HIGH,
            "system",
            f"latest(memory_leak_bytes_per_hour) > {limits.leak_bytes_an_hour:g}",
            for_s=60,
            keep_firing_for_s=60,
            summary="Memory grows by {value:MB} an hour and does not come back.",
            impact="In the end the machine ends the program.",
            advice="The cause names the lines that take it; a restart wins time.",
        ),
        AlertRule(
            "cpu_spike",
            AlertType.CPU_SPIKE,
            _HIGH,
            "system",
            f"latest(cpu_spike_percent) >= {limits.cpu_percent:g}",
            for_s=30,
            keep_firing_for_s=30,
            summary="This program takes {value} % of a processor core, far more than usual.",
            impact="All else in it is slower meanwhile.",
            advice="The cause names the function that burns it.",
        ),
    ]


def _of_data(limits: AlertLimits) -> list[AlertRule]:
    return [
        AlertRule(
            "database_down",
            AlertType.DATABASE_ISSUE,
            _CRITICAL,
            "store",
            f"latest(database_failing_seconds) > {limits.database_failing_s:g}",
            summary="The database has not answered for {value:time}.",
            impact="Nothing new is shown; feeds wait in the journal and are caught up in order.",
            advice="See whether it runs, who holds it locked, and whether there is room.",
        ),
        AlertRule(
            "feed_failing",
            AlertType.API_TIMEOUT,
            _HIGH,
            "collector",
            f"latest(feed_failing_seconds) > {limits.feed_failing_s:g}",
            summary="No feed has come from the network for {value:time}.",
            impact="What is shown grows old, and this time will be missing.",
            advice="The cause says whose trouble it is; it goes on by itself once feeds come.",
        ),
        AlertRule(
            "feed_stale",
            AlertType.API_TIMEOUT,
            _MEDIUM,
            "collector",
            f"latest(feed_overdue_seconds) > {limits.feed_age_s:g}"
            " unless max by () (latest(feed_failing_seconds)) > 0",
            for_s=120,
            keep_firing_for_s=60,
            summary="The newest feed is {value:time} old although the network answers.",
            impact="What is shown is that old.",
            advice="The network sends old data, or ingestion lags: /api/network/status.",
            labels={"cause": "stale"},
        ),
        AlertRule(
            "forecasts_worse",
            AlertType.PERFORMANCE_DEGRADATION,
            _MEDIUM,
            "forecast",
            f"latest(forecast_error_ratio) > {limits.forecast_error:g}",
            for_s=1_800,
            keep_firing_for_s=300,
            summary="Forecasts {horizon} ahead have been off {value} times as far as they use to.",
            impact="Expected loads and the times when positions are said to be needed mislead.",
            advice="/api/ml/accuracy shows of which sectors and hours. See whether feeds are "
            "missing (/api/network/status) or sectors were drawn anew; a model is trained anew by "
            "itself.",
            operation="forecast",
        ),
    ]


def threshold_rules(limits: Mapping[str, float]) -> list[AlertRule]:
    """A rule for each limit of one operation: `service:operation:metric_type` and its number.

    Raises RuleError for a name that is none of that form.
    """
    found = []
    for number, (name, limit) in enumerate(sorted(limits.items()), start=1):
        service, _, rest = name.partition(":")
        operation, _, kind = rest.rpartition(":")
        if not service or not operation or kind not in list(PerformanceMetric):
            raise RuleError(
                f"{name[:80]!r} is no service:operation:metric_type, the last one of "
                f"{', '.join(PerformanceMetric)}"
            )
        sign = "<" if kind in _FALLING else ">"
        labels = f'operation="{_quoted(operation)}", service="{_quoted(service)}"'
        found.append(
            AlertRule(
                f"threshold_{number}",
                AlertType.PERFORMANCE_DEGRADATION,
                _MEDIUM,
                service,
                f"avg(operation_{kind}{{{labels}}}[5m]) {sign} {limit:.15g}",
                for_s=60,
                keep_firing_for_s=60,
                summary=f"{kind} of {{operation}} in {{service}} is {{value}}, and {{threshold}} "
                "is the limit that was set.",
                advice="/api/performance/metrics/{operation}?service={service} has its trend.",
                metric_type=kind,
            )
        )
    return found


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
