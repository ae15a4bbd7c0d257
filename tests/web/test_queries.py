from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.observe import PerformanceMetric

if TYPE_CHECKING:
    from web.system import Client, System


def test_statements_are_shown_with_who_ran_them(client: Client) -> None:
    """The tick's inserts by `commit`, a route's questions by the route, the costliest first."""
    assert client.get("/api/flights?at=2025-01-01T00:00:00Z").status in {200, 404, 422}
    shown = client.get("/api/performance/queries").json()
    assert shown["not_kept"] == {}
    queries = shown["queries"]
    totals = [each["total_s"] for each in queries]
    assert totals == sorted(totals, reverse=True)
    visits = next(each for each in queries if each["statement"].startswith("INSERT INTO visit"))
    assert "commit" in {use["operation"] for use in visits["uses"]}
    assert visits["rows"] > 0
    operations = {use["operation"] for each in queries for use in each["uses"]}
    assert any(name.startswith("/api/") for name in operations), operations


def test_statements_of_one_operation_by_number(client: Client) -> None:
    """Filtered and sorted as asked."""
    shown = client.get("/api/performance/queries?operation=commit&sort=count&limit=3").json()
    counts = [each["count"] for each in shown["queries"]]
    assert counts == sorted(counts, reverse=True)
    assert len(counts) == 3
    assert all("commit" in {use["operation"] for use in q["uses"]} for q in shown["queries"])


def test_what_is_asked_again_and_again_is_found_by_replay(client: Client, system: System) -> None:
    """A route without a cache of its own, really asked: its answers would have been there."""
    telemetry = system.application.telemetry
    for _ in range(12):
        assert client.get("/api/traffic/summary").status == 200
        assert client.get("/api/sectors").status == 200
        assert client.get("/api/errors/analytics").status == 200
    replayed = {one.route: one for one in telemetry.answers.replayed()}
    assert replayed["/api/traffic/summary"].hits >= 11
    assert replayed["/api/traffic/summary"].saved_s > 0
    # What can change at any time is not the same answer, however often it is asked for.
    assert "/api/errors/analytics" not in replayed


def test_the_caches_of_answers_have_a_hit_rate(client: Client, system: System) -> None:
    """One of the eight measurements, from production code."""
    for _ in range(3):
        client.get("/api/sectors")
    telemetry = system.application.telemetry
    telemetry.metrics.collect()
    kind = PerformanceMetric.CACHE_HIT_RATE
    assert telemetry.performance.get_metric_summary("hot_answers", "api", kind)["count"]
