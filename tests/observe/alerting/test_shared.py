"""What several rules have to do with one alert, and one alert with its words and its blame."""

from __future__ import annotations

from dataclasses import replace

from observe.alerting.test_manager import Outbox
from observe.alerting.test_rules import HOT, world
from observe.made import ManualClock
from sectorwatch.observe import (
    AlertManager,
    AlertRule,
    AlertSeverity,
    AlertType,
    HealthChecker,
    MetricsCollector,
)
from sectorwatch.observe.alerting import AlertLimits, default_rules

DOWN = AlertType.SERVICE_DOWN


class Instance:
    """The rules by default over metrics of a test's own."""

    def __init__(self, limits: AlertLimits | None = None) -> None:
        self.clock = ManualClock()
        self.metrics = MetricsCollector(clock=self.clock)
        self.alerts = AlertManager(
            clock=self.clock, metrics=self.metrics, rules=default_rules(limits)
        )
        self.alerts.outbox = self.outbox = Outbox()

    def last(self, seconds: float, *values: tuple[str, dict[str, str], float]) -> None:
        """Let this be seen for so long."""
        for _ in range(int(seconds / 15)):
            self.clock.advance(15)
            for name, labels, value in values:
                self.metrics.record_metric(name, value, labels)
            self.alerts.evaluate()


def test_an_event_loop_that_stands_still_is_told_although_its_service_is_degraded() -> None:
    """They are about different things: each has its alert, its words and its notice."""
    here = Instance()
    degraded = ("service_health", {"service": "api"}, 0.5)
    here.last(1_900, degraded)
    assert [each.rule for each in here.alerts.get_active_alerts()] == ["service_degraded"]
    here.last(90, degraded, ("loop_blocked_seconds", {}, 4.0))
    found = here.alerts.get_active_alerts()
    assert [each.rule for each in found] == ["service_degraded", "loop_blocked"]
    assert [(each.service, each.labels["operation"]) for each in found] == [
        ("api", "health"),
        ("api", "event_loop"),
    ]
    assert [told[1] for told in here.outbox.told()] == ["api"]


def test_two_limits_of_one_operation_have_an_alert_each() -> None:
    """How long it takes is not how much processor it takes."""
    names = {"api:answer:response_time": 1.0, "api:answer:cpu_usage": 50.0}
    here = Instance(AlertLimits(operations=names))
    labels = {"operation": "answer", "service": "api"}
    here.last(150, ("operation_response_time", labels, 3.0), ("operation_cpu_usage", labels, 90.0))
    found = here.alerts.get_active_alerts()
    assert {each.labels["metric_type"] for each in found} == {"response_time", "cpu_usage"}
    assert {each.metadata["metric_type"] for each in found} == {"response_time", "cpu_usage"}


def test_one_that_died_and_stays_down_is_not_said_to_have_been_started_again() -> None:
    """The graver rule has the word, and whoever is left has it when the first one is over."""
    here = Instance()
    crashes = here.metrics.counter("service_crashes", {"service": "store"})
    here.last(30, ("service_health", {"service": "store"}, 1.0))
    crashes.inc()
    here.last(15, ("service_health", {"service": "store"}, 1.0))
    (alert,) = here.alerts.get_active_alerts()
    assert (alert.rule, alert.severity) == ("service_crashed", AlertSeverity.HIGH)
    here.last(600, ("service_health", {"service": "store"}, 0.0))
    (now,) = here.alerts.get_active_alerts()
    assert (now.id, now.rule, now.severity) == (alert.id, "service_down", AlertSeverity.CRITICAL)
    assert now.message == "store is down: its health check fails."
    assert (now.value, now.threshold) == (0.0, 0.0)
    assert "restart" in now.metadata["advice"]


def test_the_words_of_a_rule_that_is_over_give_way_to_those_of_one_that_is_not() -> None:
    """Of equal gravity, the first has the word while it lasts."""
    cold = replace(
        HOT, name="cold", expression="latest(heat) < 95", for_s=0, summary="{value} is cold"
    )
    here = world(HOT, cold)
    for heat in (92, 93, 94):
        here.see(heat)
    assert [each.message for each in here.alerts.get_active_alerts()] == ["92 is cold"]
    for heat in (99, 99, 99, 99):
        here.see(heat)
    (alert,) = here.alerts.get_active_alerts()
    assert (alert.rule, alert.message) == ("hot", "oven is at 99, over 90")


def test_what_found_no_room_is_told_once_there_is_some() -> None:
    """A condition that goes on is not forgotten because there were too many alerts once."""
    here = world(replace(HOT, for_s=0))
    made = [
        here.alerts.create_alert(DOWN, AlertSeverity.LOW, "down", f"service_{n}")
        for n in range(500)
    ]
    here.see(95)
    assert "oven" not in {each.service for each in here.alerts.get_active_alerts()}
    assert here.alerts.drops.counts()["alert_limit"] == 1
    for each in made[:10]:
        here.alerts.resolve_alert(each.id)
    here.see(96)
    here.see(96)
    assert "oven" in {each.service for each in here.alerts.get_active_alerts()}


def test_whom_nobody_blames_any_more_is_not_named_as_the_cause() -> None:
    """The store is well again; what the API still has is not the store's."""
    clock = ManualClock()
    health = HealthChecker(clock=clock)
    health.register("api", lambda: True, depends_on=["store"])
    health.register("store", lambda: True)
    alerts = AlertManager(clock=clock, health=health)
    down = alerts.create_alert(DOWN, AlertSeverity.HIGH, "down", "store")
    slow = alerts.create_alert(AlertType.PERFORMANCE_DEGRADATION, AlertSeverity.HIGH, "slow", "api")
    assert slow.inhibited_by == "store"
    assert slow.cause == "store is down, and api depends on it"
    alerts.resolve_alert(down.id)
    alerts.evaluate()
    (left,) = alerts.get_active_alerts()
    assert (left.inhibited_by, left.cause) == ("", "")


def test_after_the_database_was_away_its_errors_are_told_no_second_time() -> None:
    """They are in the window for five minutes more; errors of later are told as ever."""
    here = Instance()
    labels = {"operation": "commit", "service": "store"}
    here.last(120, ("operation_error_rate", labels, 1.0), ("database_failing_seconds", {}, 60.0))
    assert {each.type for each in here.alerts.get_active_alerts()} == {AlertType.DATABASE_ISSUE}
    here.last(600, ("operation_error_rate", labels, 0.0), ("database_failing_seconds", {}, 0.0))
    assert {each.type for each in here.alerts.history()} == {AlertType.DATABASE_ISSUE}
    here.last(150, ("operation_error_rate", labels, 1.0), ("database_failing_seconds", {}, 0.0))
    assert [each.type for each in here.alerts.get_active_alerts()] == [AlertType.HIGH_ERROR_RATE]


def test_all_rules_that_settings_may_have_are_there() -> None:
    """A hundred of one's own, a hundred limits of single operations, and those by default."""
    limits = AlertLimits(operations={f"api:op{n}:response_time": 1.0 for n in range(100)})
    own = [
        AlertRule(f"own_{n}", DOWN, AlertSeverity.LOW, "api", "latest(x) > 1") for n in range(100)
    ]
    rules = [*default_rules(limits), *own]
    alerts = AlertManager(clock=ManualClock(), rules=rules)
    assert len(alerts.rules()) == len(rules)
    assert alerts.drops.counts() == {}
