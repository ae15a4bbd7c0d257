"""Each response of the specification, read from its page, held against a running demo."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from asking import TRACED, filled
from end_to_end.instance import instance
from sectorwatch.observe import LogCategory, PerformanceMetric
from specified import SHAPES, differences, held

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from end_to_end.instance import Instance

SERVED = list(SHAPES)
# A system that is well has none of these.
EMPTY_WHEN_WELL = {
    "/api/monitoring/alerts",
    "/api/performance/alerts",
    "/api/performance/recommendations",
    "/api/ml/anomalies",
    # Of some hours nothing can recur.
    "/api/ml/patterns",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the demo runs in; its data are in `kept`."""
    return tmp_path_factory.mktemp("held")


@pytest.fixture(scope="module")
def demo(home: Path) -> Iterator[Instance]:
    """`sectorwatch demo` with some hours of history."""
    words = ("demo", "--port", 0, "--history-days", 0.25, "--speed", 20, "--data-dir", "kept")
    with instance(*words, cwd=home) as made:
        made.wait_for("/api/status", lambda status: (status["history"] or {}).get("complete"), 300)
        yield made


def asked(demo: Instance, path: str) -> Any:
    """What the demo answers, with the specification's own names where it has them."""
    answer = demo.get(filled(path, callsign="", sector="YSSY_CTR"))
    assert answer.status == 200, (path, answer.body)
    return answer.json()


def test_the_specification_is_read() -> None:
    """Ten endpoints."""
    assert len(SHAPES) == 10


def test_the_comparison_finds_what_differs() -> None:
    """It could not hold anything, else."""
    shape = {"a": 1, "b": [{"c": 0.5}], "t": "2025-08-06T21:00:00Z"}
    good: Mapping[str, Any] = {"a": 2, "b": [{"c": 1}], "t": "2026-01-01T00:00:00Z", "more": None}
    assert list(differences(shape, good, "")) == []
    changes: list[dict[str, Any]] = [
        {"a": "1"},
        {"a": 1.5},
        {"b": [{"c": "x"}]},
        {"b": {}},
        {"t": "now"},
    ]
    for change in changes:
        assert list(differences(shape, {**good, **change}, "")), change
    assert list(differences(shape, {"a": 1, "b": []}, ""))


@pytest.mark.parametrize("path", SERVED)
def test_each_response_is_as_specified(demo: Instance, path: str) -> None:
    """Fields, names and types exactly; lists are bare arrays, with something in them."""
    demo.get("/api/status", correlation_id=TRACED)
    answer = asked(demo, path)
    held(path, answer)
    if path not in EMPTY_WHEN_WELL:
        assert answer


@pytest.mark.parametrize("path", ["/api/monitoring/health/{service_name}"])
def test_the_specifications_own_service_answers(demo: Instance, path: str) -> None:
    """`data_service`, as its example has it."""
    held(path, demo.get("/api/monitoring/health/data_service").json())


def test_entries_of_all_nine_categories_come_from_production_code(demo: Instance) -> None:
    """A demo that was started and looked at has written lines of each kind."""
    demo.get("/api/flights")
    wanted = {category.value for category in LogCategory}
    said = demo.wait_for(
        "/api/logging/analytics",
        lambda answer: answer["entries_by_category"].keys() >= wanted,
    )
    assert said["total_entries"] == sum(said["entries_by_level"].values())
    assert all(level == level.upper() for level in said["entries_by_level"])
    assert said["performance_entries_count"] > 0


def test_samples_of_all_eight_kinds_come_from_production_code(demo: Instance) -> None:
    """Each kind of performance metric is measured of some operation of the demo."""
    wanted = {f"operation_{kind.value}" for kind in PerformanceMetric}
    # Of caches there is something to measure once somebody has asked.
    for _ in range(2):
        demo.get("/api/flights")
    said = demo.wait_for(
        "/api/monitoring/metrics",
        lambda answer: {one["name"] for one in answer["metrics"]} >= wanted,
    )
    for one in said["metrics"]:
        if one["name"] in wanted:
            assert one["latest"] is not None, one


def test_alerts_are_as_specified_when_there_are_some(demo: Instance, home: Path) -> None:
    """The demo's database is really locked from outside, until it says so."""
    database = home / "kept/sectorwatch.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        raised = demo.wait_for("/api/monitoring/alerts", bool, 120)
        other.execute("ROLLBACK")
    held("/api/monitoring/alerts", raised)
    assert {"database_issue"} & {alert["type"] for alert in raised}
