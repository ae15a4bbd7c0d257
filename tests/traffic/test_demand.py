"""Minutes to bins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.traffic.demand import demand_bins, known_minutes
from sectorwatch.traffic.tick import Demand, Gap

HOUR_S = 1_700_006_400


def rows(*given_rows: tuple[int, int, int, int]) -> Demand:
    """Demand from (minute, sector, occupancy, entries), minutes since HOUR_S."""
    table = np.array(given_rows, dtype=np.int64).reshape(-1, 4)
    return Demand(
        HOUR_S + 60 * table[:, 0],
        table[:, 1],
        table[:, 2].astype(np.int32),
        table[:, 3].astype(np.int32),
        np.full(len(table), -1, np.int32),
    )


ALL = np.ones(60, dtype=bool)


def test_a_bin_has_the_mean_and_the_peak_of_its_minutes() -> None:
    """Minutes without a row are empty ones; rows of other sectors and times do not count."""
    demand = rows(
        (0, 7, 3, 2), (14, 7, 6, 1), (15, 7, 4, 4), (15, 8, 9, 9), (-1, 7, 5, 5), (60, 7, 5, 5)
    )
    bins = demand_bins(demand, [7, 9], HOUR_S, HOUR_S + 3600, ALL)
    assert bins.mean[0].tolist() == [9 / 15, 4 / 15, 0, 0]
    assert bins.peak[0].tolist() == [6, 4, 0, 0]
    assert bins.entries[0].tolist() == [3, 4, 0, 0]
    assert not bins.mean[1].any()
    assert bins.known.tolist() == [15] * 4


def test_minutes_that_are_unknown_do_not_count() -> None:
    """The mean is over what is known; a bin of which nothing is known has none."""
    known = ALL.copy()
    known[5:30] = False
    bins = demand_bins(rows((0, 7, 5, 1), (6, 7, 50, 1)), [7], HOUR_S, HOUR_S + 3600, known)
    assert bins.known.tolist() == [5, 0, 15, 15]
    assert bins.mean[0, 0] == 1.0
    assert np.isnan(bins.mean[0, 1])
    assert bins.peak[0].tolist() == [5, 0, 0, 0]


def test_bins_may_have_another_length() -> None:
    """An hour is sixty minutes."""
    bins = demand_bins(rows((0, 7, 60, 1)), [7], HOUR_S, HOUR_S + 3600, ALL, bin_s=3600)
    assert (bins.mean.tolist(), bins.bin_s, bins.start_s) == ([[1.0]], 3600, HOUR_S)


@pytest.mark.parametrize(
    ("start_s", "end_s", "bin_s", "minutes"),
    [
        (HOUR_S, HOUR_S + 3600, 90, 60),
        (HOUR_S, HOUR_S + 3600, 0, 60),
        (HOUR_S, HOUR_S + 1000, 900, 17),
        (HOUR_S, HOUR_S - 900, 900, 0),
        (HOUR_S + 1, HOUR_S + 901, 900, 15),
        (HOUR_S, HOUR_S + 3600, 900, 59),
    ],
)
def test_periods_that_are_none_are_refused(
    start_s: int, end_s: int, bin_s: int, minutes: int
) -> None:
    """Whole minutes a bin, whole bins a period, and as many known minutes as there are."""
    with pytest.raises(ValueError, match=r"cut into bins|whole minute|minutes"):
        demand_bins(rows(), [7], start_s, end_s, np.ones(minutes, dtype=bool), bin_s=bin_s)


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


@given(
    st.dictionaries(
        st.integers(0, 59), st.tuples(st.integers(0, 40), st.integers(0, 9)), max_size=60
    ),
    st.sets(st.integers(0, 59)),
)
def test_bins_are_what_the_minutes_say(
    minutes: dict[int, tuple[int, int]], unknown: set[int]
) -> None:
    """Worked out one minute after another, the same comes out."""
    known = ALL.copy()
    known[list(unknown)] = False
    demand = rows(*((minute, 7, *values) for minute, values in minutes.items()))
    bins = demand_bins(demand, [7], HOUR_S, HOUR_S + 3600, known)
    for number in range(4):
        mine = [m for m in range(15 * number, 15 * number + 15) if m not in unknown]
        counts = [minutes.get(minute, (0, 0)) for minute in mine]
        assert bins.known[number] == len(mine)
        assert bins.entries[0, number] == sum(entries for _, entries in counts)
        if mine:
            assert bins.mean[0, number] == pytest.approx(sum(o for o, _ in counts) / len(mine))
            assert bins.peak[0, number] == max(occupancy for occupancy, _ in counts)
