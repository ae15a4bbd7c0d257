from __future__ import annotations

import asyncio
import dataclasses
import inspect
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

import sectorwatch.observe as room
from observe.made import ManualClock, MemorySink
from sectorwatch.observe import (
    AlertManager,
    AlertSeverity,
    AlertState,
    AlertType,
    HealthChecker,
    HealthState,
    LogCategory,
    LogLevel,
    Matcher,
    MetricsCollector,
    PerformanceCollector,
    PerformanceMetric,
    StatementLog,
    StructuredLogger,
    Telemetry,
    exposition,
)
from sectorwatch.observe import null as nulls

SPECIFICATION = Path(__file__).resolve().parents[2] / "docs" / "specification.md"


def test_the_words_are_those_of_the_specification() -> None:
    """Eight alert types, four severities, nine categories, eight measurements, named as there."""
    text = SPECIFICATION.read_text()
    for words, count in (
        (AlertType, 8),
        (AlertSeverity, 4),
        (LogCategory, 9),
        (PerformanceMetric, 8),
    ):
        assert len(words) == count
        for word in words:
            assert f"`{word.name}`" in text
            assert word.value == word.name.lower()
    assert [level.value for level in LogLevel] == ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


@pytest.mark.parametrize(
    ("result", "fields"),
    [
        ("Metric", "name value timestamp tags unit"),
        ("HealthStatus", "service status timestamp response_time error_count details"),
        ("Alert", "id type severity message service timestamp metadata"),
        ("PerformanceData", "operation service metric_type value timestamp unit metadata"),
        (
            "OptimizationRecommendation",
            "id operation service recommendation_type description expected_improvement implementation_difficulty priority timestamp",
        ),
    ],
)
def test_results_are_frozen_and_have_the_fields_of_the_responses(result: str, fields: str) -> None:
    """Each result type has at least those fields and cannot be changed."""
    kind = getattr(room, result)
    assert set(fields.split()) <= {field.name for field in dataclasses.fields(kind)}
    assert kind.__dataclass_params__.frozen


def test_what_the_room_hands_out_is_there() -> None:
    """Every public name can be imported, and none is listed twice."""
    assert sorted(set(room.__all__)) == sorted(room.__all__)
    for name in room.__all__:
        assert hasattr(room, name)


def test_the_room_stands_alone() -> None:
    """Importing it loads nothing else of the program: it can be lifted out."""
    program = (
        "import sys, sectorwatch.observe\n"
        "print([n for n in sys.modules if n.startswith('sectorwatch.') "
        "and not n.startswith('sectorwatch.observe')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_bundle_lives_through_open_start_and_close(tmp_path: Path) -> None:
    """Threads come and go with it; the machine's sampler has something from the start."""
    # Another test's program may run in this process, too; its threads come and go.
    others = set(threading.enumerate())
    telemetry = Telemetry.open(tmp_path / "observe.db", sinks=[], sample_every_s=0.05)
    telemetry.start()
    telemetry.start()
    summary: dict[str, Any] = {"count": 0}
    deadline = time.monotonic() + 60
    while summary["count"] < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
        summary = telemetry.performance.get_metric_summary(
            "system_monitoring", "system", PerformanceMetric.CPU_USAGE
        )
    telemetry.close()
    telemetry.close()
    assert 0 <= summary["avg"] <= 100
    left = {each.name for each in set(threading.enumerate()) - others}
    assert not [name for name in left if name.startswith("observe")]
    again = Telemetry.open(tmp_path / "observe.db", sinks=[])
    for kind, most in (
        (PerformanceMetric.RESPONSE_TIME, 5.0),
        (PerformanceMetric.MEMORY_USAGE, 100.0),
        (PerformanceMetric.CPU_USAGE, 100.0),
    ):
        found = again.performance.get_metric_summary("system_monitoring", "system", kind)
        assert found["count"] >= 2
        assert 0 <= found["max"] <= most
    assert again.metrics.get_metric_summary("disk_free")["latest"] > 0
    again.close()


def test_a_sampler_that_fails_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that cannot be asked is counted, and asked again."""

    def fail(*_: Any) -> float:
        raise RuntimeError("no /proc")

    telemetry = Telemetry.open(sinks=[], sample_every_s=0.02)
    sampler = telemetry.sampler
    monkeypatch.setattr(psutil, "virtual_memory", fail)
    telemetry.start()
    deadline = time.monotonic() + 60
    while sampler.failed < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert telemetry.metrics.folder.relieved
    telemetry.close()
    assert sampler.failed >= 2
    assert not telemetry.metrics.folder.relieved


def test_the_samplers_thread_folds_for_those_who_record() -> None:
    """While it runs, whoever records only wakes it."""
    telemetry = Telemetry.open(sinks=[], limits=room.MetricLimits(fold_at=50), sample_every_s=60)
    telemetry.start()
    time.sleep(0.02)
    deadline = time.monotonic() + 60
    for i in range(200):
        telemetry.metrics.record_metric("m", float(i))
    while len(telemetry.metrics._waiting) >= 50 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(telemetry.metrics._waiting) < 50
    assert telemetry.metrics.get_metric_summary("m")["count"] == 200
    telemetry.close()


def test_services_share_everything_but_the_logs_name() -> None:
    """A service's bundle speaks for it, and keeps what it sees in the same place."""
    sink = MemorySink()
    telemetry = Telemetry.open(sinks=[sink], clock=ManualClock())
    store = telemetry.for_service("store")
    store.log.info("commit")
    store.metrics.counter("rows").inc(2)
    with store.timed("commit", "store"):
        pass
    assert sink.entries[0]["service"] == "store"
    assert telemetry.metrics.counter("rows").total == 2
    assert telemetry.performance.operations() == [("commit", "store")]
    assert store.store is telemetry.store
    telemetry.close()


def test_drops_of_every_part_are_metrics() -> None:
    """Log and performance losses appear beside those of the metrics."""
    sink = MemorySink()
    sink.failure = OSError("full")
    telemetry = Telemetry.open(sinks=[sink], clock=ManualClock())
    telemetry.log.info("x")
    telemetry.performance.record_metric("a", "b", PerformanceMetric.CPU_USAGE, float("nan"))
    text = exposition(telemetry.metrics).decode()
    assert 'observe_dropped_total{part="log",reason="sink_failed"} 1.0' in text
    assert 'observe_dropped_total{part="performance",reason="bad_value"} 1.0' in text
    assert "\nobserve_drops_total 2.0" in text
    telemetry.close()


def _use(telemetry: Telemetry) -> list[Any]:
    """Everything a service does with a bundle; what it answers."""
    metrics, log, performance, health = (
        telemetry.metrics,
        telemetry.log,
        telemetry.performance,
        telemetry.health,
    )
    metrics.record_metric("m", 1.0, {"a": "b"}, "seconds")
    metrics.counter("c").inc()
    metrics.counter("c").take()
    gauge = metrics.gauge("g")
    gauge.set(1)
    gauge.inc()
    gauge.dec()
    metrics.timing("t").observe(0.1)
    metrics.gauge_callback("cb", lambda: 1.0)
    metrics.describe("m", "help")
    metrics.collect()
    metrics.fold()
    for service_log in (log, log.for_service("s"), log.bind(a=1)):
        service_log.log_operation("x", LogLevel.ERROR, LogCategory.API, a=1)
        service_log.log_performance("x", 0.1)
        service_log.log_exception("x", ValueError("x"))
        service_log.info("x")
    with telemetry.timed("o", "s") as span:
        span.note(a=1)
    with pytest.raises(ValueError, match="x"), telemetry.timed("o", "s"):
        raise ValueError("x")

    async def use_async() -> int:
        async with telemetry.timed("o", "s"):
            pass
        await health.check_service_health("s", lambda: True)
        return await telemetry.timed("o", "s")(asyncio.sleep)(0, 7)

    alerts = telemetry.alerts
    until = datetime(2999, 1, 1, tzinfo=UTC)
    alerts.create_alert(AlertType.CPU_SPIKE, AlertSeverity.LOW, "m", "s")
    alerts.listeners.append(lambda _: None)
    silence = alerts.silence([Matcher("a", "=", "b")], author="A", reason="r", ends_at=until)
    alerts.explain("rule", lambda _: "why")
    alerts.evaluate()
    health.register("s", lambda: True, depends_on=["t"])
    answers = [
        asyncio.run(use_async()),
        asyncio.run(health.check_all_services({"s": lambda: True})).keys(),
        health.status("nobody").status,
        health.latest("nobody"),
        health.history("nobody"),
        health.unhealthy(),
        (silence.author, silence.reason, silence.ends_at),
        alerts.get("nobody"),
        alerts.resolve_alert("nobody"),
        alerts.acknowledge("nobody", "A"),
        alerts.end_silence("nobody"),
        alerts.silences(expired=True),
        alerts.history(service="nobody"),
        metrics.get_metrics("nobody"),
        metrics.get_metric_summary("nobody"),
        metrics.get_history("nobody", 1, 60),
        performance.get_metrics("x", "y", PerformanceMetric.CPU_USAGE),
        performance.get_metric_summary("x", "y", PerformanceMetric.CPU_USAGE),
        log.get_log_analytics(24, "nobody"),
        log.get_error_analytics(24, "nobody"),
        log.search(text="nothing of that kind"),
    ]
    performance.record_metric("o", "s", PerformanceMetric.CPU_USAGE, 1.0)
    health.unregister("s")
    return answers


def test_a_program_runs_the_same_with_observation_off() -> None:
    """The null bundle takes every call and answers questions about nothing as the real one does."""
    real, off = Telemetry.open(sinks=[]), Telemetry.null()
    assert _use(off) == _use(real)
    real.close()
    assert exposition(off.metrics) == b""
    assert off.metrics.dropped == {}
    assert off.metrics.metrics_count == 0
    assert off.metrics.names() == []
    assert off.log.dropped == {}
    assert off.performance.operations() == []
    assert off.health.registered == []
    assert off.health.statuses() == {}
    assert off.health.dependencies() == {}
    assert asyncio.run(off.health.check_all_services()) == {}
    assert off.health.status("x").status is HealthState.UNKNOWN
    assert off.metrics.counter("c").total == 0
    made = off.alerts.create_alert(AlertType.CPU_SPIKE, AlertSeverity.LOW, "m", "s")
    assert (made.message, made.state) == ("m", AlertState.RESOLVED)
    assert off.alerts.get(made.id) is None
    assert off.metrics.series_id("m", {}) == 0
    assert off.store is None
    off.for_service("s").start()
    off.close()


# What only the parts of the room itself call of each other, never through a bundle.
_INNER = {
    "load", "save", "prune", "ended_badly", "keep_memory", "make_room",
    "debug", "info", "warning", "error", "critical",
}  # fmt: skip


@pytest.mark.parametrize(
    ("real", "null"),
    [
        (MetricsCollector, nulls.NullMetrics),
        (StructuredLogger, nulls.NullLogger),
        (PerformanceCollector, nulls.NullPerformance),
        (HealthChecker, nulls.NullHealth),
        (AlertManager, nulls.NullAlerts),
        (StatementLog, nulls.NullStatements),
    ],
)
def test_every_public_method_has_its_null(real: type, null: type) -> None:
    """Nothing of the real thing can be reached by way of the null one."""
    public = {
        name
        for name, member in inspect.getmembers(real)
        if not name.startswith("_") and (callable(member) or isinstance(member, property))
    }
    assert public - _INNER - set(vars(null)) == set()


# Where the real ones keep what they have, of use to their own room alone.
_HELD = {
    "folder", "history", "recent_rows", "series", "finished", "fold_at", "keep_span", "pasts",
    "slowdowns",
}  # fmt: skip


def test_every_public_attribute_has_its_null() -> None:
    """Whoever registers with a part finds the place to do so with observation off, too."""
    real, off = Telemetry.open(sinks=[]), Telemetry.null()
    missing = [
        f"{part}.{name}"
        for part in vars(real)
        if not part.startswith("_")
        for name in dir(getattr(real, part))
        if not name.startswith("_") and name not in _HELD and not hasattr(getattr(off, part), name)
    ]
    real.close()
    assert missing == []
