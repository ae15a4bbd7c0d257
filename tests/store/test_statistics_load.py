from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.store.statistics_load import QUARTER_S, Series, online, peak_keys

SPANS = st.lists(
    st.tuples(st.integers(0, 6_000), st.integers(0, 3_000)).map(lambda t: (t[0], t[0] + t[1])),
    max_size=12,
)


@given(SPANS)
def test_how_many_were_online_is_counted_second_by_second(spans: list[tuple[int, int]]) -> None:
    """Mean, peak and the first moment of the peak of each quarter; who came and went at once counts."""
    from_s, to_s = 900, 4_500
    starts, ends = (
        (np.array(each, np.int64) for each in zip(*spans, strict=True))
        if spans
        else (
            np.empty(0, np.int64),
            np.empty(0, np.int64),
        )
    )
    found = online(starts, ends, from_s, to_s)
    open_at = [
        sum(start <= second < end or start == end == second for start, end in spans)
        for second in range(from_s, to_s)
    ]
    lasting = [sum(start <= second < end for start, end in spans) for second in range(from_s, to_s)]
    for number in range(4):
        part = open_at[number * QUARTER_S : (number + 1) * QUARTER_S]
        mean = sum(lasting[number * QUARTER_S : (number + 1) * QUARTER_S]) / QUARTER_S
        assert abs(found.mean[number] - mean) < 1e-9
        assert found.peak[number] == max(part)
        assert found.peak_s[number] == from_s + number * QUARTER_S + part.index(max(part))


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 50), st.integers(1, 899)),
        max_size=30,
        unique_by=lambda t: (t[0], t[2]),
    ),
    st.lists(st.integers(0, 900), min_size=4, max_size=4),
)
def test_quarters_are_taken_together_by_what_is_known_of_them(
    samples: list[tuple[int, int, int]], known: list[int]
) -> None:
    """The mean is weighted by known seconds, the peak is the greatest, at its earliest."""
    quarter, values, into = (np.array([each[i] for each in samples], np.int64) for i in range(3))
    times = quarter * QUARTER_S + into
    counts = np.bincount(quarter, minlength=4).astype(np.int64)
    series = Series.of(quarter, values, peak_keys(values, times), counts)
    known_s = np.array(known, np.int64)
    whole = series.grouped(np.zeros(4, np.int64), 1, known_s)
    means = [
        (sum(v for q, v, _ in samples if q == n) / counts[n], known[n])
        for n in range(4)
        if counts[n]
    ]
    weight = sum(seconds for _, seconds in means)
    if weight:
        expected = sum(mean * seconds for mean, seconds in means) / weight
        assert abs(whole.mean[0] - expected) < 1e-9
    else:
        assert np.isnan(whole.mean[0])
    if samples:
        peak = max(v for _, v, _ in samples)
        assert whole.peak[0] == peak
        assert whole.peak_s[0] == min(q * QUARTER_S + t for q, v, t in samples if v == peak)
    else:
        assert (whole.peak[0], whole.peak_s[0]) == (0, -1)
