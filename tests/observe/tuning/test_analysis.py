from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.observe import PerformanceData, PerformanceMetric, PerformanceOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

START = datetime(2025, 8, 6, 21, tzinfo=UTC)
TYPES = {
    "response_time_optimization",
    "database_index",
    "query_batching",
    "caching",
    "memory_growth",
    "cpu_hotspot",
    "error_reduction",
    "loop_blocking",
}


def measured(
    kind: PerformanceMetric, values: Iterable[float], operation: str = "decode"
) -> dict[str, Sequence[PerformanceData]]:
    """A measurement a minute of an operation of the collector."""
    data = [
        PerformanceData(operation, "collector", kind, float(value), START + timedelta(minutes=n))
        for n, value in enumerate(values)
    ]
    return {f"collector:{operation}:{kind.value}": data}


def noise(n: int, seed: int = 1) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Heavy-tailed factors around 1."""
    return np.asarray(np.exp(0.05 * np.random.default_rng(seed).standard_t(3, n)), np.float64)


def test_what_became_slower_is_found_in_figures_alone() -> None:
    """From 10 to 15 ms at once: the improvement is what a return would save, measured."""
    values = np.where(np.arange(240) >= 120, 0.015, 0.010) * noise(240)
    (one,) = PerformanceOptimizer().analyze_performance(
        measured(PerformanceMetric.RESPONSE_TIME, values)
    )
    assert (one.operation, one.service) == ("decode", "collector")
    assert one.recommendation_type == "response_time_optimization"
    assert one.expected_improvement == pytest.approx(1 / 3, abs=0.03)
    assert one.reason.startswith("measured")
    assert "22:" in one.description or "23:" in one.description
    assert one.timestamp == START + timedelta(minutes=239)
    assert one.id.startswith("opt_")
    assert len(one.id) == len("opt_") + 12


def test_what_is_as_it_was_recommends_nothing() -> None:
    """Ten milliseconds with noise, now and then an error: all is well."""
    optimizer = PerformanceOptimizer()
    well = measured(PerformanceMetric.RESPONSE_TIME, 0.010 * noise(300))
    well |= measured(PerformanceMetric.ERROR_RATE, [0.0] * 299 + [1.0])
    well |= measured(PerformanceMetric.MEMORY_USAGE, noise(60, 2))
    well |= measured(PerformanceMetric.CACHE_HIT_RATE, [0.9] * 20)
    assert optimizer.analyze_performance(well) == []
    assert optimizer.analyze_performance({}) == []


def test_the_same_thing_has_the_same_id_whatever_its_figures() -> None:
    """Ids can be remembered: they go by what it is about."""
    optimizer = PerformanceOptimizer()
    ids = {
        optimizer.analyze_performance(
            measured(PerformanceMetric.RESPONSE_TIME, slow_s * noise(50))
        )[0].id
        for slow_s in (2.0, 3.0, 40.0)
    }
    assert len(ids) == 1


def test_what_always_took_long_says_that_nobody_measured_what_could_be_saved() -> None:
    """No constant stands in for a measurement."""
    slow = measured(PerformanceMetric.RESPONSE_TIME, 2 * noise(50))
    (plain,) = PerformanceOptimizer().analyze_performance(slow)
    assert plain.expected_improvement is None
    assert plain.reason.startswith("not measured")
    (burning,) = PerformanceOptimizer().analyze_performance(
        slow | measured(PerformanceMetric.CPU_USAGE, [95.0] * 50)
    )
    assert burning.recommendation_type == "cpu_hotspot"
    (asking,) = PerformanceOptimizer().analyze_performance(
        slow | measured(PerformanceMetric.DATABASE_QUERY_TIME, 1.5 * noise(50, 3))
    )
    assert "of it in the database" in asking.description


def test_errors_memory_and_caches_are_found_too() -> None:
    """A third of the runs fail; memory grows by the hour; the cache is asked in vain."""
    found = PerformanceOptimizer().analyze_performance(
        measured(PerformanceMetric.ERROR_RATE, [0, 0, 1] * 20)
        | measured(PerformanceMetric.MEMORY_USAGE, (1 + np.arange(120) / 30) * noise(120), "hear")
        | measured(PerformanceMetric.CACHE_HIT_RATE, [0.1] * 20, "look_up")
    )
    by_type = {one.recommendation_type: one for one in found}
    assert set(by_type) == {"error_reduction", "memory_growth", "caching"}
    assert by_type["error_reduction"].evidence["error_rate"] == pytest.approx(1 / 3)
    assert by_type["error_reduction"].priority == "medium"
    assert by_type["memory_growth"].operation == "hear"


@given(
    st.dictionaries(
        st.one_of(
            st.text(max_size=30),
            st.sampled_from([f"api:/x/{{y}}:{kind.value}" for kind in PerformanceMetric]),
        ),
        st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40),
        max_size=8,
    )
)
def test_whatever_is_handed_over_is_answered(given_: dict[str, list[float]]) -> None:
    """Odd keys, no numbers, infinities: recommendations by the rules, and no exception."""
    metrics = {
        key: [
            PerformanceData(
                "x", "api", PerformanceMetric.RESPONSE_TIME, value, START + timedelta(minutes=n)
            )
            for n, value in enumerate(values)
        ]
        for key, values in given_.items()
    }
    for one in PerformanceOptimizer().analyze_performance(metrics):
        assert one.recommendation_type in TYPES
        assert one.priority in {"low", "medium", "high", "critical"}
        assert one.implementation_difficulty in {"low", "medium", "high"}
        assert one.expected_improvement is None or 0 <= one.expected_improvement <= 1
        assert one.reason
