"""What a forecast has to beat, on demand made by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from forecast.backtest.made_bins import DAY_S, LOCAL, START_S, WEEK_S, noisy, weekly
from sectorwatch.forecast.backtest.baselines import HourOfWeek, Persistence, WeeklyNaive
from sectorwatch.forecast.backtest.bins import Bins
from sectorwatch.forecast.backtest.smoothing import AutoEts
from sectorwatch.forecast.horizon import BIN_S, LEADS
from sectorwatch.forecast.local_time import LocalTime

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.forecast.backtest.method import Method

# The first four days after the clock was put forward.
MOMENTS = START_S + 4 * WEEK_S + np.arange(0, 4 * DAY_S, 3_600)


def test_bins_are_found_by_time() -> None:
    """Outside what there is nothing is known; between bins there is none."""
    bins = Bins(900, np.array([[1.0, 2.0, 3.0]], dtype=np.float32))
    found = bins.at(np.array([[0, 900], [2_700, 3_600]]))
    assert found.shape == (1, 2, 2)
    assert np.array_equal(found[0], [[np.nan, 1], [3, np.nan]], equal_nan=True)
    assert bins.end_s == 3_600
    assert bins.until(2_700).mean.tolist() == [[1.0, 2.0]]
    assert bins.until(2_699).mean.tolist() == [[1.0]]
    with pytest.raises(ValueError, match="every 900 s"):
        bins.at(np.array([901]))


def test_bins_may_overlap() -> None:
    """One every 5 min: those that had ended by a moment, and those of the quarters alone."""
    bins = Bins(300, np.arange(8, dtype=np.float32)[None], 300)
    assert bins.at(np.array([600, 2_400]))[0].tolist() == [1, 7]
    assert bins.end_s == 3_300
    assert bins.until(1_500).mean.shape == (1, 2)
    assert bins.until(1_499).mean.shape == (1, 1)
    assert bins.until(0).mean.shape == (1, 0)
    quarters = bins.quarters()
    assert (quarters.start_s, quarters.step_s) == (900, 900)
    assert quarters.mean.tolist() == [[2, 5]]


def test_last_week_is_that_of_the_clock_on_the_wall() -> None:
    """Summer time begins: what recurs by local time is met exactly, in UTC it is an hour off."""
    bins = weekly()
    truth = bins.at(MOMENTS[:, None] + LEADS)
    assert np.array_equal(WeeklyNaive(bins, LOCAL).forecast(MOMENTS, LEADS).mean, truth)
    in_utc = WeeklyNaive(bins, None).forecast(MOMENTS, LEADS).mean
    assert np.abs(in_utc - truth).mean() > 2


def test_the_mean_of_an_hour_is_that_of_its_quarters_over_the_weeks() -> None:
    """Four weeks of it, all alike, so the mean of one hour's four bins."""
    bins = weekly()
    said = HourOfWeek(bins, LOCAL).forecast(MOMENTS, LEADS).mean
    hours = MOMENTS[:, None] + LEADS // 3_600 * 3_600
    assert np.allclose(said, bins.at(hours[..., None] + np.arange(0, 3_600, BIN_S)).mean(axis=-1))


def test_an_hour_begins_where_the_wall_clock_says() -> None:
    """In Adelaide that is at half past by UTC."""
    adelaide = LocalTime("Australia/Adelaide")
    rise = Bins(0, np.tile(np.arange(672, dtype=np.float32), (1, 4)))
    moment = np.array([3 * WEEK_S + 7_200])
    said = HourOfWeek(rise, adelaide).forecast(moment, np.array([0, 1_800])).mean
    assert said.tolist() == [[[7.5, 11.5]]]


def test_of_one_week_there_is_no_mean() -> None:
    """One week is no more than that week; of an unknown week nothing counts."""
    bins = weekly(weeks=3)
    method = HourOfWeek(bins, LOCAL)
    assert np.isnan(method.forecast(START_S + WEEK_S + np.array([0]), LEADS).mean).all()
    assert np.isfinite(method.forecast(START_S + 2 * WEEK_S + np.array([0]), LEADS).mean).all()
    bins.mean[:, :672] = np.nan
    assert np.isnan(method.forecast(START_S + 2 * WEEK_S + np.array([0]), LEADS).mean).all()


def test_it_stays_as_it_is() -> None:
    """The occupancy of the minute, whatever the lead; of an unknown minute nothing is said."""
    occupancy = np.arange(120, dtype=np.int16).reshape(2, 60)
    known = np.ones(60, dtype=bool)
    known[30] = False
    said = Persistence(600, occupancy, known).forecast(np.array([600, 2_400]), LEADS).mean
    assert said.shape == (2, 2, LEADS.size)
    assert (said[0, 0] == 0).all()
    assert (said[1, 0] == 60).all()
    assert np.isnan(said[:, 1]).all()


def test_exponential_smoothing_learns_the_day() -> None:
    """A day that recurs: it is met far better than by what is now, with intervals in order."""
    times = np.arange(10 * 96)
    chance = np.random.default_rng(4).normal(0, 1, times.size)
    wave = 30 + 20 * np.sin(2 * np.pi * times / 96) + chance
    bins = Bins(START_S, np.stack([wave, np.zeros(times.size)]).astype(np.float32))
    moments = START_S + 8 * DAY_S + np.arange(0, DAY_S, 10_800)
    method = AutoEts(bins, np.array([0]))
    said = method.forecast(moments, LEADS)
    truth = bins.at(moments[:, None] + LEADS)
    assert np.abs(said.mean[0] - truth[0]).mean() < 2.5
    assert np.isnan(said.mean[1]).all()
    assert said.quantiles is not None
    assert (np.diff(said.quantiles[0], axis=-1) >= 0).all()
    assert method.seconds_a_fit > 0
    later = method.forecast(moments + 300, LEADS).mean[0]
    # A third of the way to the next quarter's forecast.
    between = (2 * said.mean[0][:, :-1] + said.mean[0][:, 1:]) / 3
    assert np.allclose(later[:, :-1], between, atol=1e-4)
    too_early = method.forecast(START_S + 2 * DAY_S + np.array([0]), LEADS)
    assert np.isnan(too_early.mean).all()


def test_days_are_left_out_of_smoothing_evenly() -> None:
    """Of every three days one is fitted; a hole in the series is filled, not forgotten."""
    bins = noisy(2, 1)
    bins.mean[0, 96 * 7 + 5 : 96 * 7 + 20] = np.nan
    method = AutoEts(bins, np.array([0]), every=3)
    fitted = [
        bool(
            np.isfinite(
                method.forecast(START_S + (8 + day) * DAY_S + np.array([0]), LEADS[:1]).mean
            ).all()
        )
        for day in range(4)
    ]
    assert fitted == [True, False, False, True]


METHODS: dict[str, Callable[[Bins], Method]] = {
    "naive": lambda bins: WeeklyNaive(bins, LOCAL),
    "utc": lambda bins: WeeklyNaive(bins, None),
    "hour": lambda bins: HourOfWeek(bins, LOCAL),
    "ets": lambda bins: AutoEts(bins, np.array([0])),
}


@pytest.mark.parametrize("name", METHODS)
def test_nothing_after_the_moment_is_seen(name: str) -> None:
    """The future made another: what was said does not change."""
    before = noisy(4, 2)
    after = Bins(before.start_s, before.mean.copy())
    moment = START_S + 3 * WEEK_S
    after.mean[:, (moment - START_S) // BIN_S :] += 50
    said = [
        METHODS[name](bins).forecast(np.array([moment]), LEADS).mean for bins in (before, after)
    ]
    assert np.array_equal(said[0], said[1], equal_nan=True)
