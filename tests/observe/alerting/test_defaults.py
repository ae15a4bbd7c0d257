from __future__ import annotations

from typing import Any

import pytest

from observe.made import ManualClock
from sectorwatch.observe import (
    AlertManager,
    AlertSeverity,
    AlertType,
    MetricsCollector,
    RuleError,
)
from sectorwatch.observe.alerting import AlertLimits, checked, default_rules

OPERATION = {"operation": "advance", "service": "tracker"}
STORE = {"service": "store"}

# What is seen, as (metric, labels, well, ill), and the alert that comes of the second.
SIGNS: list[tuple[str, dict[str, str], float, float, AlertType, str]] = [
    ("service_health", STORE, 1, 0, AlertType.SERVICE_DOWN, "store"),
    ("service_health", STORE, 1, 0.5, AlertType.PERFORMANCE_DEGRADATION, "store"),
    ("operation_slowdown", OPERATION, 1, 2, AlertType.PERFORMANCE_DEGRADATION, "tracker"),
    ("loop_blocked_seconds", {}, 0.4, 2, AlertType.PERFORMANCE_DEGRADATION, "api"),
    (
        "api_request_duration_seconds", {"method": "GET", "route": "/", "status": "200"}, 0.1, 12,
        AlertType.API_TIMEOUT, "api",
    ),
    ("disk_free", {}, 9e9, 1e8, AlertType.RESOURCE_EXHAUSTION, "journal"),
    ("disk_full_in_seconds", {}, 9e5, 9e3, AlertType.RESOURCE_EXHAUSTION, "journal"),
    ("disk_over_budget", {}, 0, 1e6, AlertType.RESOURCE_EXHAUSTION, "maintenance"),
    ("memory_available_ratio", {}, 0.5, 0.01, AlertType.RESOURCE_EXHAUSTION, "system"),
    ("open_files_ratio", {}, 0.1, 0.9, AlertType.RESOURCE_EXHAUSTION, "system"),
    (
        "queue_fill_ratio", {"queue": "feeds", "service": "collector"}, 0.1, 1,
        AlertType.RESOURCE_EXHAUSTION, "collector",
    ),
    ("memory_leak_bytes_per_hour", {}, 0, 9e6, AlertType.MEMORY_LEAK, "system"),
    ("cpu_spike_percent", {}, 0, 99, AlertType.CPU_SPIKE, "system"),
    ("database_failing_seconds", {}, 0, 12, AlertType.DATABASE_ISSUE, "store"),
    ("feed_failing_seconds", {"cause": "vatsim_down"}, 0, 90, AlertType.API_TIMEOUT, "collector"),
    ("feed_overdue_seconds", {}, 20, 600, AlertType.API_TIMEOUT, "collector"),
    (
        "forecast_error_ratio", {"horizon": "1h"}, 1.1, 2, AlertType.PERFORMANCE_DEGRADATION,
        "forecast",
    ),
]  # fmt: skip


class World:
    """The rules by default over metrics of a test's own."""

    def __init__(self, limits: AlertLimits | None = None) -> None:
        self.clock = ManualClock()
        self.metrics = MetricsCollector(clock=self.clock)
        self.alerts = AlertManager(
            clock=self.clock, metrics=self.metrics, rules=default_rules(limits)
        )

    def last(self, seconds: float, *values: tuple[str, dict[str, str], float]) -> None:
        """Let this be seen for so long."""
        for _ in range(int(seconds / 15)):
            self.clock.advance(15)
            for name, labels, value in values:
                self.metrics.record_metric(name, value, labels)
            self.alerts.evaluate()


def test_every_type_has_a_rule() -> None:
    """One at least that is on, and each can be read."""
    rules = default_rules()
    assert {rule.type for rule in rules} == set(AlertType)
    for rule in rules:
        checked(rule)
        assert rule.summary
        assert rule.impact
        assert rule.advice


@pytest.mark.parametrize(
    ("name", "labels", "well", "ill", "alert_type", "service"),
    SIGNS,
    ids=[f"{sign[0]}={sign[3]:g}" for sign in SIGNS],
)
def test_what_is_ill_is_told_and_what_is_well_is_not(
    name: str,
    labels: dict[str, str],
    well: float,
    ill: float,
    alert_type: AlertType,
    service: str,
) -> None:
    """Of the right service; its words have every number filled in; it ends."""
    world = World()
    others = [(n, tags, ok) for n, tags, ok, *_ in SIGNS if n != name]
    world.last(300, *others, (name, labels, well))
    assert world.alerts.history() == []
    long = {"disk_over_budget": 3_630, "service_health": 1_830, "forecast_error_ratio": 1_830}
    world.last(long.get(name, 420), *others, (name, labels, ill))
    (alert,) = world.alerts.get_active_alerts()
    assert (alert.type, alert.service) == (alert_type, service)
    for words in (alert.message, alert.metadata["impact"], alert.metadata["advice"], alert.cause):
        assert "{" not in words
    assert alert.value == ill
    world.last(630, *others, (name, labels, well))
    assert world.alerts.get_active_alerts() == []


def test_one_failure_of_few_is_no_error_rate_and_three_are() -> None:
    """Of an operation that runs seldom, too; feeds that fail and the database tell themselves."""
    world = World()

    def runs(operation: str, failing: int, of: int) -> None:
        for number in range(of):
            value = float(number < failing)
            labels = {"operation": operation, "service": "collector"}
            world.metrics.record_metric("operation_error_rate", value, labels)

    for _ in range(20):
        runs("fetch_data", 5, 5)
        runs("seldom", 0, 1)
        world.last(15)
    runs("seldom", 1, 1)
    world.last(300)
    assert world.alerts.history() == []
    for _ in range(10):
        runs("accept", 1, 2)
        world.last(15)
    (alert,) = world.alerts.get_active_alerts()
    assert (alert.type, alert.severity) == (AlertType.HIGH_ERROR_RATE, AlertSeverity.HIGH)
    assert alert.labels == {"operation": "accept"}
    assert "50 % of accept in collector failed" in alert.message


def test_a_service_that_died_and_runs_again_is_told() -> None:
    """At the next look, though its health check saw nothing of it."""
    world = World()
    crashes = world.metrics.counter("service_crashes", {"service": "tracker"})
    world.last(60, ("service_health", {"service": "tracker"}, 1))
    crashes.inc()
    world.last(15, ("service_health", {"service": "tracker"}, 1))
    (alert,) = world.alerts.get_active_alerts()
    assert (alert.type, alert.service) == (AlertType.SERVICE_DOWN, "tracker")
    assert alert.message == "tracker died 1 times in the last minute and was started again."
    world.last(75, ("service_health", {"service": "tracker"}, 1))
    assert world.alerts.get_active_alerts() == []


def test_observation_that_loses_much_is_told() -> None:
    """Ten minutes' drops count, however they came about."""
    world = World()
    drops = world.metrics.counter("observe_drops_total")
    for _ in range(40):
        drops.inc(100)
        world.last(15)
    assert [each.service for each in world.alerts.get_active_alerts()] == ["monitoring"]


@pytest.mark.parametrize(
    ("name", "limit", "well", "ill", "labels"),
    [
        ("system:system_monitoring:cpu_usage", 80, 50, 90, {"operation": "system_monitoring"}),
        ('store:a "b":c:response_time', 0.5, 0.1, 1.5, {"operation": 'a "b":c'}),
        ("api:answers:cache_hit_rate", 0.5, 0.9, 0.1, {"operation": "answers"}),
    ],
)
def test_limits_of_single_operations(
    name: str, limit: float, well: float, ill: float, labels: dict[str, str]
) -> None:
    """In the mean of five minutes, above or below as is worse; metadata as the API shows it."""
    world = World(AlertLimits(operations={name: limit}))
    service, _, rest = name.partition(":")
    kind = rest.rpartition(":")[2]
    seen = f"operation_{kind}", {**labels, "service": service}
    world.last(600, (*seen, well))
    assert world.alerts.get_active_alerts() == []
    world.last(600, (*seen, ill))
    (alert,) = world.alerts.get_active_alerts()
    expected: dict[str, Any] = {**labels, "metric_type": kind, "threshold": limit}
    assert expected.items() <= alert.metadata.items()
    assert alert.metadata["current_value"] == pytest.approx(ill)
    assert alert.service == service


@pytest.mark.parametrize("name", ["", "a:b", "a:b:c", ":b:cpu_usage", "a::cpu_usage"])
def test_a_limit_of_nothing_is_refused(name: str) -> None:
    """With the form that was expected."""
    with pytest.raises(RuleError, match="service:operation:metric_type"):
        default_rules(AlertLimits(operations={name: 1}))
