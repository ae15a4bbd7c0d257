from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.store.steps import first_rows, from_steps, to_steps


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-(2**31), 2**31 - 1)), max_size=60))
def test_steps_lead_back(rows: list[tuple[int, int]]) -> None:
    """Whatever the values, also where a step overflows, they come back, group by group."""
    keys = np.array(sorted(key for key, _ in rows), np.int64)
    values = np.array([value for _, value in rows], np.int32)
    first = first_rows(keys)
    steps = to_steps(values, first)
    assert steps.dtype == np.int32
    assert np.array_equal(steps[first], values[first])
    assert np.array_equal(from_steps(steps, first), values)


def test_groups_begin_where_keys_change() -> None:
    """The first row of every run of equal keys is found; of no rows, none."""
    assert first_rows(np.array([5, 5, 7, 9, 9])).tolist() == [0, 2, 3]
    assert first_rows(np.array([], np.int64)).tolist() == []
