from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from observe.alerting.test_manager import BEGUN, Outbox
from observe.made import ManualClock, MemorySink
from sectorwatch.observe import (
    AlertManager,
    AlertRule,
    AlertSeverity,
    AlertState,
    AlertType,
    HealthChecker,
    Matcher,
    MetricsCollector,
    ObserveStore,
    StructuredLogger,
    Telemetry,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOT = AlertRule(
    "hot",
    AlertType.CPU_SPIKE,
    AlertSeverity.HIGH,
    "",
    "latest(heat) > 90",
    for_s=30,
    keep_firing_for_s=30,
    summary="{service} is at {value}, over {threshold}",
    impact="{room} melts",
    advice="open the window",
)


@dataclass
class World:
    """A manager over metrics, by one clock."""

    clock: ManualClock
    metrics: MetricsCollector
    alerts: AlertManager
    outbox: Outbox

    def see(self, heat: float | None = None, *, after_s: float = 15, room: str = "a") -> list[str]:
        """Let time pass, record a value, evaluate; the states of alerts that go on."""
        self.clock.advance(after_s)
        if heat is not None:
            self.metrics.record_metric("heat", heat, {"service": "oven", "room": room})
        self.alerts.evaluate()
        return [each.state.value for each in self.alerts.get_active_alerts()]


def world(*rules: AlertRule, store: ObserveStore | None = None, **given: Any) -> World:
    """The world with these rules."""
    clock = given.pop("clock", None) or ManualClock()
    metrics = MetricsCollector(clock=clock)
    alerts = AlertManager(clock=clock, metrics=metrics, rules=rules or (HOT,), store=store, **given)
    alerts.outbox = outbox = Outbox()
    return World(clock, metrics, alerts, outbox)


def test_a_rule_pends_fires_and_resolves() -> None:
    """After `for`, with words, labels and numbers; after `keep_firing_for` it is over."""
    here = world()
    assert here.see(95) == []
    (state,) = here.alerts.rules()
    assert [(r.state, r.value, r.threshold, r.for_s) for r in state.results] == [
        (AlertState.PENDING, 95, 90, 0)
    ]
    assert here.see(96) == []
    assert here.see(97) == ["firing"]
    (alert,) = here.alerts.get_active_alerts()
    assert (alert.type, alert.severity, alert.rule) == (HOT.type, HOT.severity, "hot")
    assert (alert.service, alert.labels) == ("oven", {"room": "a"})
    assert alert.message == "oven is at 97, over 90"
    assert alert.metadata == {"impact": "a melts", "advice": "open the window"}
    assert (alert.value, alert.threshold) == (97, 90)
    assert here.outbox.told() == [("firing", "oven", ["oven is at 97, over 90"])]
    assert here.see(99) == ["firing"]
    assert here.alerts.get_active_alerts()[0].value == 99
    assert [here.see(50) for _ in range(3)] == [["firing"], ["firing"], []]
    over = here.alerts.get(alert.id)
    assert over is not None
    assert (over.state, over.resolved_by) == (AlertState.RESOLVED, "the condition is over")
    assert [status for status, _, _ in here.outbox.told()] == ["resolved"]
    assert here.alerts.drops.counts() == {}


def test_what_dies_away_ends_as_nothing_more_is_known() -> None:
    """Five minutes after the samples stopped counting, and not before."""
    here = world()
    for _ in range(3):
        here.see(95)
    assert [here.see() for _ in range(40)] == [["firing"]] * 40
    assert here.see() == []
    assert here.alerts.history()[0].resolved_by == "nothing more is known of it"


def test_each_set_of_labels_has_its_own_alert_and_one_notice() -> None:
    """Those of one evaluation are told together."""
    here = world()
    for _ in range(2):
        here.see(95, room="a")
        here.see(95, room="b", after_s=0)
    here.see(95, room="a", after_s=8)
    here.see(95, room="b", after_s=0)
    here.see(after_s=15)
    assert len(here.alerts.get_active_alerts()) == 2
    assert [(s, len(names)) for s, _, names in here.outbox.told()] == [("firing", 2)]


def test_two_rules_of_one_kind_hold_one_alert() -> None:
    """It takes severity and words of the graver one, and ends with the last of them."""
    worse = replace(
        HOT, name="hotter", expression="latest(heat) > 95", for_s=0, keep_firing_for_s=0
    )
    worse = replace(worse, severity=AlertSeverity.CRITICAL)
    here = world(HOT, worse)
    for _ in range(3):
        here.see(92)
    here.see(99)
    (alert,) = here.alerts.get_active_alerts()
    assert (alert.severity, alert.count, alert.rule) == (AlertSeverity.CRITICAL, 2, "hotter")
    assert here.see(92) == ["firing"]
    assert [here.see(50) for _ in range(3)][-1] == []


def test_one_that_a_program_created_is_held_open_by_both() -> None:
    """A rule that is over does not end what was created by hand."""
    here = world()
    made = here.alerts.create_alert(
        HOT.type, HOT.severity, "hot", "oven", {"labels": {"room": "a"}}
    )
    for _ in range(3):
        here.see(95)
    assert [each.id for each in here.alerts.get_active_alerts()] == [made.id]
    for _ in range(5):
        here.see(50)
    assert here.alerts.resolve_alert(made.id)
    assert here.alerts.get_active_alerts() == []


def test_resolved_by_hand_it_opens_anew_where_the_condition_goes_on() -> None:
    """With another id, after `for` once more; an acknowledgement ended with the first."""
    here = world()
    for _ in range(3):
        here.see(95)
    first = here.alerts.get_active_alerts()[0]
    here.alerts.acknowledge(first.id, "Ann")
    assert here.see(95) == ["acknowledged"]
    assert here.alerts.resolve_alert(first.id)
    assert [here.see(95) for _ in range(3)] == [[], [], ["firing"]]
    assert here.alerts.get_active_alerts()[0].id != first.id


def test_the_same_alert_goes_on_after_a_restart(tmp_path: Path) -> None:
    """Same id, told no second time; pending begins anew; a rule that is gone ends its alerts."""
    clock = ManualClock()
    store = ObserveStore(tmp_path / "observe.db", clock=clock)
    here = world(store=store, clock=clock)
    for _ in range(3):
        here.see(95)
        here.see(95, room="b", after_s=0)
    here.see(95, room="c")
    assert len(here.outbox.told()) >= 1
    before = {each.id for each in here.alerts.get_active_alerts()}
    assert len(before) == 2
    store.close()

    store = ObserveStore(tmp_path / "observe.db", clock=clock)
    again = world(store=store, clock=clock)
    # Nothing is known yet: they go on.
    assert again.see(after_s=30) == ["firing", "firing"]
    again.see(95, room="b")
    again.see(95, room="c", after_s=0)
    assert {each.id for each in again.alerts.get_active_alerts()} == before
    # What is not met is not over yet: this run may not have found out.
    for _ in range(6):
        again.see(50, room="c", after_s=0)
        again.see(95, room="b", after_s=0)
        assert len(again.see(50)) == 2
    for _ in range(3):
        again.see(50, room="c", after_s=0)
        again.see(95, room="b", after_s=0)
        again.see(50)
    assert [each.labels["room"] for each in again.alerts.get_active_alerts()] == ["b"]
    assert [(s, len(names)) for s, _, names in again.outbox.told()] == [("resolved", 1)]
    store.close()

    store = ObserveStore(tmp_path / "observe.db", clock=clock)
    other = world(replace(HOT, name="other"), store=store, clock=clock)
    assert other.see() == []
    assert [s for s, _, _ in other.outbox.told()] == ["resolved"]
    over = [each.resolved_by for each in other.alerts.history()]
    assert sorted(over) == ["its rule is no more", "the condition is over"]


@pytest.mark.parametrize("jump_s", [8 * 3_600.0, -8 * 3_600.0, 40.0, -40.0])
def test_a_clock_that_is_set_neither_fires_nor_resolves(jump_s: float) -> None:
    """What fires goes on, what pends begins anew a minute later, what is well stays so."""
    here = world()
    for _ in range(3):
        here.see(95)
        here.see(50, room="well", after_s=0)
    here.see(95)
    here.see(95, room="pending", after_s=0)
    (before,) = here.alerts.get_active_alerts()
    here.clock.jump(jump_s)
    states = []
    for _ in range(5):
        here.see(95)
        here.see(50, room="well", after_s=0)
        states.append(here.see(95, room="pending", after_s=0))
    # 75 s: the minute of settling, and one look at which it pends.
    assert states == [["firing"]] * 5
    assert here.alerts.get_active_alerts()[0].id == before.id
    assert [here.see(95, room="pending") for _ in range(2)][-1] == ["firing", "firing"]
    # Nothing is stuck: all end as they should.
    for _ in range(4):
        here.see(50)
        here.see(50, room="pending", after_s=0)
    assert here.see(50) == []
    assert [s for s, _, _ in here.outbox.told()] == ["firing", "firing", "resolved"]


def test_a_process_that_was_stopped_concludes_nothing_at_once() -> None:
    """Both clocks went on for hours without a look: nothing that pended had its time."""
    here = world()
    here.see(95)
    assert here.see(95, after_s=8 * 3_600) == []
    assert [here.see(95) for _ in range(3)] == [[]] * 3
    assert [here.see(95) for _ in range(3)] == [[], [], ["firing"]]


def test_a_repeat_does_not_come_early_or_never_for_a_clock_that_is_set() -> None:
    """Twelve hours are twelve hours."""
    here = world()
    for _ in range(3):
        here.see(95)
    here.outbox.told()
    here.clock.jump(-30 * 86_400)
    for _ in range(47):
        here.see(95, after_s=900)
    assert here.outbox.told() == []
    for _ in range(2):
        here.see(95, after_s=900)
    assert [s for s, _, _ in here.outbox.told()] == ["firing"]


def test_after_a_start_nothing_is_concluded_for_a_while() -> None:
    """What just began is not yet as it is."""
    here = world(replace(HOT, for_s=0), settle_s=45, period_s=3_600)
    here.alerts.start()
    try:
        assert [here.see(95) for _ in range(2)] == [[], []]
        here.clock.advance(15)
        # The thread may be at its own first look just then: one at a time.
        deadline_s = time.monotonic() + 60
        while here.see(95, after_s=0) != ["firing"]:
            assert time.monotonic() < deadline_s
    finally:
        here.alerts.stop()


# What may go wrong.


def test_rules_that_cannot_be_used_are_listed_and_the_others_go_on() -> None:
    """With their error; counted and logged once."""
    sink = MemorySink()
    clock = ManualClock()
    bad = replace(HOT, name="bad", expression="latest(heat) >")
    here = world(
        bad,
        HOT,
        replace(HOT, name="text", summary="{value!r}"),
        replace(HOT, name="place", advice="{value.x}"),
        replace(HOT, name="form", impact="{value:08d}"),
        replace(HOT, name="brace", impact="{"),
        replace(HOT, name="no name"),
        HOT,
        clock=clock,
        log=StructuredLogger(sinks=[sink], clock=clock),
    )
    for _ in range(3):
        here.see(95)
    assert [each.rule for each in here.alerts.get_active_alerts()] == ["hot"]
    errors = {each.rule.name: each.error for each in here.alerts.rules()}
    assert errors["bad"] == "at 14: expected a number or $setting, found the end"
    assert errors["hot"] == ""
    assert all(errors[name] for name in ("text", "place", "form", "brace", "no name"))
    assert here.alerts.drops.counts() == {"rule_unreadable": 6, "rule_repeated": 1}
    told = [each["what"] for each in sink.entries if each["operation"] == "read_alert_rules"]
    assert len(told) == 6
    assert "bad" in told[0]


def test_an_explosion_of_labels_is_bounded() -> None:
    """A rule has a hundred alerts at most; the rest is counted."""
    here = world(replace(HOT, for_s=0))
    for number in range(150):
        here.metrics.record_metric("heat", 95, {"service": "oven", "room": f"{number}"})
    assert len(here.see()) == 100
    assert here.alerts.drops.counts() == {"label_limit": 50}
    (state,) = here.alerts.rules()
    assert (len(state.results), state.dropped) == (100, 50)


def test_a_rule_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted; nothing is known of it then, so what it held ends in time."""
    broken = replace(HOT, name="broken", expression="p95(heat) > 90", type=AlertType.MEMORY_LEAK)
    here = world(HOT, broken)
    for _ in range(3):
        here.see(95)
    assert len(here.alerts.get_active_alerts()) == 2

    def fail(*_: object) -> float:
        raise ZeroDivisionError

    monkeypatch.setitem(
        __import__("sectorwatch.observe.alerting.expressions", fromlist=["x"]).FUNCTIONS,
        "p95",
        fail,
    )
    for _ in range(20):
        assert len(here.see(95)) == 2
    assert len(here.see(95)) == 1
    assert here.alerts.drops.counts() == {"rule_failed": 21}
    assert here.metrics.get_metric_summary("alert_rules_failed_total")["sum"] == 20


# Causes.


def test_the_cause_is_asked_for_when_an_alert_begins() -> None:
    """Words, and details for the evidence; people are told with it."""
    here = world(replace(HOT, for_s=0))
    asked: list[Mapping[str, str]] = []

    def explain(labels: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        asked.append(labels)
        return "the door is open", {"degrees": float("nan"), "token": "abc"}

    here.alerts.explain("hot", explain)
    here.see(95)
    here.see(95)
    assert asked == [{"service": "oven", "room": "a"}]
    (notice,) = here.outbox.notices
    assert notice.alerts[0].cause == "the door is open"
    assert notice.alerts[0].metadata["evidence"] == {"degrees": None, "token": "[redacted]"}


@pytest.mark.parametrize("answer", [None, "", RuntimeError("no idea")])
def test_who_knows_no_cause_keeps_nobody_from_being_told(answer: Any) -> None:
    """The rule's own words stand then; one that raises is counted."""
    here = world(replace(HOT, for_s=0, cause="{value} degrees"))

    def explain(labels: Mapping[str, str]) -> str | None:
        del labels
        if isinstance(answer, Exception):
            raise answer
        return str(answer) if answer == "" else None

    here.alerts.explain("hot", explain)
    here.see(95)
    assert here.outbox.notices[0].alerts[0].cause == "95 degrees"
    assert here.alerts.drops.counts() == ({"explanation_failed": 1} if answer else {})


def test_who_hangs_over_a_cause_holds_nothing_up() -> None:
    """People are told without it in time; it is not asked a hundred times over."""
    here = world(replace(HOT, for_s=0), explain_s=0.01)
    release = threading.Event()

    def hang(labels: Mapping[str, str]) -> str:
        release.wait(60)
        return labels["room"]

    here.alerts.explain("hot", hang)
    for number in range(10):
        here.see(95, room=f"{number}", after_s=0)
    here.see(after_s=1)
    assert sum(len(n.alerts) for n in here.outbox.notices if len(n.alerts) == 10) == 10
    assert here.alerts.drops.counts() == {"explanation_hangs": 2}
    release.set()


def test_what_depends_on_a_service_that_is_down_is_inhibited_across_a_restart(
    tmp_path: Path,
) -> None:
    """The service below was down before: nobody is told of those above, then or now."""
    clock = ManualClock()

    def health() -> HealthChecker:
        checker = HealthChecker(clock=clock)
        checker.register("oven", lambda: None, depends_on=["gas"])
        checker.register("gas", lambda: None)
        return checker

    store = ObserveStore(tmp_path / "observe.db", clock=clock)
    here = world(store=store, clock=clock, health=health())
    here.alerts.create_alert(AlertType.SERVICE_DOWN, AlertSeverity.HIGH, "no gas", "gas")
    for _ in range(3):
        here.see(95)
    assert here.outbox.told() == [("firing", "gas", ["no gas"])]
    store.close()
    store = ObserveStore(tmp_path / "observe.db", clock=clock)
    again = world(store=store, clock=clock, health=health())
    for _ in range(3):
        again.see(95)
    assert again.outbox.told() == []
    found = {each.service: each for each in again.alerts.get_active_alerts()}
    assert (found["oven"].inhibited_by, found["gas"].affects) == ("gas", ("oven",))
    assert found["oven"].cause == "gas is down, and oven depends on it"


def test_a_silence_over_a_rule_marks_its_alerts() -> None:
    """By any label, the rule's name among them."""
    here = world()
    here.alerts.silence(
        [Matcher("rule", "=", "hot"), Matcher("room", "=~", "a|b")],
        author="Ann",
        reason="baking",
        ends_at=BEGUN + timedelta(hours=1),
    )
    for _ in range(3):
        here.see(95)
    assert here.alerts.get_active_alerts()[0].silenced_by
    assert here.outbox.told() == []


def test_performance_alerts_say_what_was_measured() -> None:
    """Operation, kind of measurement, threshold and current value, which goes on."""
    slow = AlertRule(
        "slow", AlertType.PERFORMANCE_DEGRADATION, AlertSeverity.LOW, "",
        "latest(operation_slowdown) > 2",
    )  # fmt: skip
    here = world(slow)
    labels = {"operation": "bake", "service": "oven"}
    for value in (3, 4):
        here.metrics.record_metric("operation_slowdown", value, labels)
        here.see()
        (alert,) = here.alerts.get_active_alerts()
        assert alert.metadata == {
            "operation": "bake", "metric_type": "response_time", "threshold": 2,
            "current_value": value,
        }  # fmt: skip


def test_health_is_measured_and_what_starts_is_not_ill() -> None:
    """By each service's own state; one that was never well gets time to start."""
    import asyncio  # noqa: PLC0415

    clock = ManualClock()
    telemetry = Telemetry.open(sinks=[], clock=clock)
    answers = {"a": True, "b": False}
    telemetry.health.register("a", lambda: answers["a"], depends_on=["b"])
    telemetry.health.register("b", lambda: answers["b"])

    def shown() -> dict[str, float]:
        asyncio.run(telemetry.health.check_all_services())
        telemetry.metrics.fold()
        found = telemetry.metrics.recent({"service_health": 60})["service_health"]
        return {dict(each.key[1])["service"]: float(each.values[-1]) for each in found}

    assert shown() == {"a": 1.0}
    clock.advance(100)
    assert shown() == {"a": 1.0}
    clock.advance(200)
    assert shown() == {"a": 1.0, "b": 0.0}
    answers["a"] = False
    assert shown()["a"] == 0.0
    telemetry.close()
