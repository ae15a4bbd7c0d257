"""What is measured of the running instance, asked for over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sectorwatch.observe import AlertSeverity, AlertType, PerformanceMetric
from sectorwatch.observe.tuning import Difficulty, Finding, RecommendationType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web.system import Client, System

SPECIFIED = ["operation", "service", "hours", "response_time", "memory_usage", "cpu_usage"]
SUMMARY = ["count", "avg", "min", "max", "median", "latest"]


def figures(client: Client, operation: str, **query: object) -> Any:
    """What `/api/performance/metrics/{operation}` says."""
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    answer = client.get(f"/api/performance/metrics/{operation}?{asked}")
    assert answer.status == 200, answer.body
    return answer.json()


def test_the_fields_of_the_specification_come_first(client: Client) -> None:
    """The operation that the specification asks for, without parameters, in its order."""
    found = figures(client, "system_monitoring")
    assert list(found)[: len(SPECIFIED)] == SPECIFIED
    assert (found["operation"], found["service"], found["hours"]) == (
        "system_monitoring",
        "system",
        24,
    )
    for kind in SPECIFIED[3:]:
        assert list(found[kind])[: len(SUMMARY)] == SUMMARY
        assert found[kind]["count"] >= 1
        assert found[kind]["min"] <= found[kind]["median"] <= found[kind]["max"]
    assert found["trend"]["verdict"] in {"too_few", "steady", "slower", "faster"}


def test_figures_are_the_operations_own(client: Client, system: System) -> None:
    """As many as there were ticks, each within what the whole took."""
    latest = system.application.latest
    assert latest is not None
    advanced = figures(client, "advance", service="tracker", hours=1)
    assert advanced["response_time"]["count"] >= 100
    assert 0 < advanced["response_time"]["median"] < 5
    assert 0 <= advanced["cpu_usage"]["max"] <= 100
    assert advanced["error_rate"] == {
        **advanced["error_rate"],
        "max": 0.0,
        "count": advanced["response_time"]["count"],
    }


@pytest.mark.parametrize(
    "path", ["api/services/status", "/api/services/status", "%2Fapi%2Fservices%2Fstatus"]
)
def test_a_route_of_this_api_is_an_operation_too(client: Client, path: str) -> None:
    """With its slashes, with or without the first."""
    client.get("/api/services/status")
    found = figures(client, path, service="api")
    assert found["operation"] == "/api/services/status"
    assert found["response_time"]["count"] >= 1
    assert found["cpu_usage"] == {"count": 0}


def test_a_name_with_a_parameter_in_it_can_be_asked_for(client: Client) -> None:
    """A route is named by its template."""
    client.get("/api/services/collector/status")
    found = figures(client, "api/services/%7Bname%7D/status")
    assert found["service"] == "api"


def test_the_only_service_that_has_it_need_not_be_named(client: Client) -> None:
    """Nobody has to know who decodes."""
    assert figures(client, "decode")["service"] == "collector"


def test_of_several_services_one_has_to_be_named(client: Client) -> None:
    """`start` is an operation of each: the answer names them."""
    answer = client.get("/api/performance/metrics/start")
    assert answer.status == 404
    assert "collector" in answer.json()["nearest"]
    assert "?service=" in answer.json()["detail"]
    other = client.get("/api/performance/metrics/decode?service=tracker")
    assert other.status == 404
    assert other.json()["nearest"] == ["collector"]


def test_an_unknown_operation_is_told_the_nearest(client: Client) -> None:
    """`decoed` is `decode`."""
    answer = client.get("/api/performance/metrics/decoed")
    assert answer.status == 404
    assert answer.json()["nearest"][0] == "decode"


def test_all_operations_with_what_they_cost(client: Client) -> None:
    """The dearest first; shares come to one; the page after the first has the rest."""
    found = client.get("/api/performance/operations?hours=1").json()
    shown = found["operations"]
    assert found["total"] == len(shown) > 10
    assert [each["total_s"] for each in shown] == sorted(
        (each["total_s"] for each in shown), reverse=True
    )
    assert sum(each["time_share"] for each in shown) == pytest.approx(1, abs=0.001)
    by_name = {(each["service"], each["operation"]): each for each in shown}
    assert by_name[("tracker", "advance")]["error_rate"] == 0
    assert by_name[("tracker", "advance")]["slowdown"] == 1
    assert all(each["median_s"] <= each["max_s"] * 1.01 for each in shown)
    first = client.get("/api/performance/operations?hours=1&service=collector&limit=1")
    assert len(first.json()["operations"]) == 1
    assert "offset=1" in first.headers["link"]
    assert "service=collector" in first.headers["link"]


@pytest.mark.parametrize("kind", PerformanceMetric)
def test_production_code_measures_it(
    system: System, client: Client, kind: PerformanceMetric
) -> None:
    """Somewhere in the running instance there are samples of each of the eight kinds."""
    performance = system.application.telemetry.performance
    # Rates are taken of five seconds or more; this instance may be younger.
    performance._rates_taken_s -= 5
    client.get("/api/flights")
    system.application.telemetry.metrics.collect()
    assert any(
        performance.get_metric_summary(operation, service, kind, 1)["count"]
        for operation, service in performance.operations()
    )


RECOMMENDED = [
    "id",
    "operation",
    "service",
    "recommendation_type",
    "description",
    "expected_improvement",
    "implementation_difficulty",
    "priority",
    "timestamp",
]
ALERT = [
    "id",
    "operation",
    "service",
    "metric_type",
    "threshold",
    "current_value",
    "severity",
    "message",
    "timestamp",
]


class OneFinding:
    """A source that finds an index that is missing, until it is told not to."""

    name = "a test"

    def __init__(self) -> None:
        self.finds = True

    def collect(self, now_s: float) -> list[Finding]:
        """It, and one more."""
        del now_s
        found = [
            Finding(
                service="store",
                operation=operation,
                type=RecommendationType.DATABASE_INDEX,
                key="a statement",
                description="It reads every row.",
                fix="Make an index.",
                difficulty=Difficulty.LOW,
                expected_improvement=0.4,
                reason="measured: on a copy",
                cost_share=share,
                evidence={"plan": ["SCAN flight"]},
            )
            for operation, share in (("commit", 0.3), ("seal", 0.001))
        ]
        return found if self.finds else []


@pytest.fixture(scope="module")
def found(system: System) -> Iterator[None]:
    """The running instance with two recommendations."""
    source = OneFinding()
    optimizer = system.application.telemetry.optimizer
    optimizer.add_source(source)
    optimizer.collect()
    yield
    source.finds = False
    optimizer.collect()


@pytest.mark.usefixtures("found")
def test_a_recommendation_has_the_fields_of_the_specification_first(client: Client) -> None:
    """A bare list, the most important first; its evidence stands behind."""
    answer = client.get("/api/performance/recommendations?service=store").json()
    of_test = [each for each in answer if each["source"] == "a test"]
    assert [each["operation"] for each in of_test] == ["commit", "seal"]
    first = of_test[0]
    assert list(first)[: len(RECOMMENDED)] == RECOMMENDED
    assert first["expected_improvement"] == 0.4
    assert first["priority"] == "high"
    assert first["implementation_difficulty"] == "low"
    assert first["status"] == "open"
    assert first["evidence"] == {"plan": ["SCAN flight"]}
    assert first["first_seen"] <= first["last_seen"] == first["timestamp"]


@pytest.mark.usefixtures("found")
def test_recommendations_can_be_filtered_and_paged(client: Client) -> None:
    """By priority; the next page is in the Link header; a word that is none is refused."""
    path = "/api/performance/recommendations?service=store"
    low = client.get(f"{path}&priority=low").json()
    assert [each["operation"] for each in low if each["source"] == "a test"] == ["seal"]
    first = client.get(f"{path}&limit=1")
    assert len(first.json()) == 1
    assert "offset=1" in first.headers["link"]
    assert client.get(f"{path}&status=applied").json() == []
    assert client.get(f"{path}&priority=urgent").status == 422


def test_an_alert_about_performance_is_shown_in_the_other_shape(
    client: Client, system: System
) -> None:
    """It is the same alert, with operation, measurement, limit and value; others are not here."""
    alerts = system.application.telemetry.alerts
    made = alerts.create_alert(
        AlertType.PERFORMANCE_DEGRADATION,
        AlertSeverity.MEDIUM,
        "advance takes 60 ms, 5 before",
        "tracker",
        {
            "operation": "advance",
            "metric_type": "response_time",
            "threshold": 0.02,
            "current_value": 0.06,
        },
    )
    other = alerts.create_alert(AlertType.DATABASE_ISSUE, AlertSeverity.LOW, "a test", "store", {})
    try:
        shown = client.get("/api/performance/alerts").json()
        (one,) = [each for each in shown if each["id"] == made.id]
        assert list(one)[: len(ALERT)] == ALERT
        assert (one["operation"], one["metric_type"], one["severity"]) == (
            "advance",
            "response_time",
            "medium",
        )
        assert (one["threshold"], one["current_value"]) == (0.02, 0.06)
        assert other.id not in {each["id"] for each in shown}
    finally:
        alerts.resolve_alert(made.id)
        alerts.resolve_alert(other.id)
    assert made.id not in {each["id"] for each in client.get("/api/performance/alerts").json()}
