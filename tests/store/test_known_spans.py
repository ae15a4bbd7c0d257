from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.store.known_spans import known_spans
from sectorwatch.store.queries_network import Known
from sectorwatch.traffic.tick import Gap

SECONDS = st.integers(0, 120)
PERIODS = st.tuples(SECONDS, SECONDS).map(lambda ends: (min(ends), max(ends)))


@given(PERIODS, PERIODS, st.lists(PERIODS, max_size=5), st.lists(PERIODS, min_size=1, max_size=5))
def test_known_seconds_are_those_counted_one_by_one(
    feeds: tuple[int, int],
    asked: tuple[int, int],
    gaps: list[tuple[int, int]],
    parts: list[tuple[int, int]],
) -> None:
    """From the first snapshot to the last, in no gap: any part of any period, second by second."""
    first_s, last_s = feeds
    known = Known(first_s, last_s, None, tuple(Gap(*gap) for gap in gaps))
    spans = known_spans(known, *asked)
    seconds = {
        second
        for second in range(*asked)
        if first_s <= second < last_s and not any(start <= second < end for start, end in gaps)
    }
    assert spans.total_s() == len(seconds)
    starts, ends = np.array(parts, np.int64).T
    expected = [len(seconds.intersection(range(*part))) for part in parts]
    assert spans.seconds(starts, ends).tolist() == expected
    of, start_s, end_s = spans.parts(starts, ends)
    found: list[set[int]] = [set() for _ in parts]
    for at, start, end in zip(of.tolist(), start_s.tolist(), end_s.tolist(), strict=True):
        assert found[at].isdisjoint(range(start, end))
        found[at] |= set(range(start, end))
    assert found == [seconds.intersection(range(*part)) for part in parts]
    assert np.all(spans.start_s < spans.end_s)
    assert np.all(spans.end_s[:-1] < spans.start_s[1:] + 1)


def test_nothing_is_known_where_nothing_was_ever_kept() -> None:
    """Without a snapshot there is no span, and no second of any period."""
    spans = known_spans(Known(None, None, None, ()), 0, 900)
    assert spans.total_s() == 0
    assert spans.seconds(np.array([0]), np.array([900])).tolist() == [0]
    assert [len(each) for each in spans.parts(np.array([0]), np.array([900]))] == [0, 0, 0]
