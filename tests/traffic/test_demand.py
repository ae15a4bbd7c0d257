"""Which minutes are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.traffic.demand import known_minutes
from sectorwatch.traffic.tick import Gap

HOUR_S = 1_700_006_400


def test_known_is_from_the_first_snapshot_to_the_last_final_minute() -> None:
    """And nothing is before any minute is final."""
    known = known_minutes(
        HOUR_S, HOUR_S + 600, first_s=HOUR_S + 61, final_minute_s=HOUR_S + 300, gaps=[]
    )
    assert np.flatnonzero(known).tolist() == [2, 3, 4, 5]
    none = known_minutes(HOUR_S, HOUR_S + 600, first_s=HOUR_S, final_minute_s=None, gaps=[])
    assert not none.any()


@given(st.integers(0, 3000), st.integers(301, 1500))
def test_a_minute_that_a_gap_touches_is_unknown(start_s: int, length_s: int) -> None:
    """A minute is known where all of it lies outside the gap."""
    gap = Gap(HOUR_S + start_s, HOUR_S + start_s + length_s)
    known = known_minutes(
        HOUR_S, HOUR_S + 6000, first_s=HOUR_S, final_minute_s=HOUR_S + 5940, gaps=[gap]
    )
    for minute, is_known in enumerate(known.tolist()):
        seconds = range(60 * minute, 60 * minute + 60)
        touched = any(start_s <= second < start_s + length_s for second in seconds)
        assert is_known is not touched


def test_a_period_that_begins_within_a_minute_is_refused() -> None:
    """Whose minutes these are would not be clear."""
    with pytest.raises(ValueError, match="whole minute"):
        known_minutes(
            HOUR_S + 1, HOUR_S + 901, first_s=HOUR_S, final_minute_s=HOUR_S + 900, gaps=[]
        )
