from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.observe.rings import RawBudget, RawRing


def _fill(ring: RawRing, times: list[float]) -> None:
    ring.extend(np.array(times, float), np.array(times, float) * 10)


@given(st.lists(st.integers(1, 9), max_size=30), st.integers(1, 40))
def test_a_ring_holds_the_latest_samples_whatever_the_portions(
    portions: list[int], limit: int
) -> None:
    """After any sequence of portions the last `limit` samples are there, by time."""
    ring = RawRing(limit, RawBudget(1_000))
    told = 0
    for portion in portions:
        _fill(ring, [float(told + i) for i in range(portion)])
        told += portion
    times, values = ring.since(-1.0)
    expected = list(range(max(0, told - limit), told))
    assert times.tolist() == expected
    assert values.tolist() == [10 * t for t in expected]


def test_the_budget_stops_growth_and_the_oldest_make_room() -> None:
    """Where all rings together are full, a ring goes on with the room it has."""
    budget = RawBudget(20)
    first, second = RawRing(1_000, budget), RawRing(1_000, budget)
    _fill(first, list(range(16)))
    _fill(second, list(range(16)))
    assert second.size == 0
    _fill(first, list(range(16, 40)))
    assert first.since(0.0)[0].tolist() == list(range(24, 40))
    first.free()
    _fill(second, list(range(16)))
    assert second.size == 16


def test_samples_that_come_late_are_given_in_order() -> None:
    """Batches of several threads may overtake each other; answers are by time all the same."""
    ring = RawRing(10, RawBudget(100))
    _fill(ring, [5.0, 6.0])
    _fill(ring, [3.0, 4.0])
    assert ring.since(0.0)[0].tolist() == [3.0, 4.0, 5.0, 6.0]
    assert ring.since(4.5)[0].tolist() == [5.0, 6.0]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), max_size=60), st.integers(0, 50))
def test_a_tail_is_what_came_in_last_within_bounds(
    batches: list[tuple[int, int]], since: int
) -> None:
    """From the newest back to the first outside, in the order of coming in, wrapped or not."""
    ring = RawRing(100, RawBudget(1_000))
    told: list[tuple[float, float]] = []
    for at, (time_s, n) in enumerate(batches):
        ring.extend(np.full(n, float(time_s)), np.full(n, float(at)))
        told += [(float(time_s), float(at))] * n
    expected: list[tuple[float, float]] = []
    for one in reversed(told[-100:]):
        if not since <= one[0] <= 40:
            break
        expected.insert(0, one)
    times, values = ring.tail(since, 40)
    assert list(zip(times.tolist(), values.tolist(), strict=True)) == expected
