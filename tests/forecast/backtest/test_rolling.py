"""Rolling through a past that was made by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecast.backtest.made_bins import DAY_S, LOCAL, START_S, WEEK_S, noisy, weekly
from sectorwatch.forecast.backtest.baselines import HourOfWeek, WeeklyNaive
from sectorwatch.forecast.backtest.figures import method_figures
from sectorwatch.forecast.backtest.method import Forecasts
from sectorwatch.forecast.backtest.rolling import Period, SectorSet, roll
from sectorwatch.forecast.backtest.tally import Case, Tally
from sectorwatch.forecast.horizon import BIN_S, LEADS_S
from sectorwatch.forecast.issued import QUANTILES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.backtest.bins import Bins

FROM_S = START_S + 3 * WEEK_S
PERIOD = Period(FROM_S, FROM_S + 8 * DAY_S, 3_600, FROM_S, WEEK_S)
ALL = SectorSet("made:fir", "fir", np.arange(6))


class Knowing:
    """Knows by which law the counts were drawn, and says so; remembers when it was taught."""

    name, label = "model", "Model"

    def __init__(self, law: Bins) -> None:
        self.law = law
        self.taught: list[int] = []
        self.moments: list[int] = []

    def retrain(self, until_s: int) -> str | None:
        self.taught.append(until_s)
        return None

    def forecast(self, as_of_s: NDArray[np.int64], leads_s: NDArray[np.int64]) -> Forecasts:
        assert self.taught[-1] <= as_of_s[0]
        self.moments += as_of_s.tolist()
        counts = 15 * self.law.at(as_of_s[:, None] + leads_s).astype(np.float64)
        levels = stats.poisson.ppf(np.array(QUANTILES), counts[..., None]) / 15
        return Forecasts(
            (counts / 15).astype(np.float32),
            levels.astype(np.float32),
            np.exp(-counts).astype(np.float32),
        )


class Unteachable(Knowing):
    """Never had enough to learn from."""

    name, label = "plan", "Plans"

    def retrain(self, until_s: int) -> str | None:
        return f"nothing was known at {until_s}"


def test_who_knows_the_law_is_right_and_reliable() -> None:
    """Half as wrong again as one must be is last week; intervals hold 80 % wherever one looks."""
    law, bins = weekly(5, 6), noisy(5, 6)
    method = Knowing(law)
    answer = roll(
        bins, [method, WeeklyNaive(bins, LOCAL), HourOfWeek(bins, LOCAL)], [ALL], PERIOD, LOCAL
    )
    [figures] = answer["sets"]
    model, naive, hourly = figures["methods"]
    assert (figures["name"], figures["sectors"], answer["moments"]) == ("made:fir", 6, 192)
    assert [row["lead_s"] for row in model["leads"]] == list(LEADS_S)
    for row, plain, mean in zip(model["leads"], naive["leads"], hourly["leads"], strict=True):
        # Two equal chances differ by root two more than one of them from their mean.
        assert row["ratio_to_weekly_naive"] == pytest.approx(1 / np.sqrt(2), abs=0.05)
        assert row["ratio_low"] < row["ratio_to_weekly_naive"] < row["ratio_high"]
        assert plain["ratio_to_weekly_naive"] == 1.0
        assert plain["coverage_80"] is None
        assert plain["mae_median"] is plain["ratio_median_to_weekly_naive"] is None
        of_median = row["mae_median"] / plain["mae"]
        assert row["ratio_median_to_weekly_naive"] == pytest.approx(of_median, abs=0.001)
        assert row["mae_median"] == pytest.approx(row["mae"], rel=0.02)
        assert mean["mae"] > row["mae"]
        assert row["coverage_80"] == pytest.approx(0.8, abs=0.05)
        assert sum(row["pit_histogram"]) == pytest.approx(1, abs=0.001)
        assert abs(row["bias"]) < 0.1
        assert row["cases"] == 192 * 6
        assert row["mase"] == pytest.approx(1 / np.sqrt(2), abs=0.06)
    for part in (model["coverage_by_block"], model["coverage_by_size_decile"]):
        assert all(row["coverage_80"] == pytest.approx(0.8, abs=0.06) for row in part)
    assert len(model["coverage_by_block"]) == 6
    means = [row["mean_demand"] for row in model["coverage_by_size_decile"]]
    assert means == sorted(means)
    assert len(means) == 6


def test_it_is_taught_on_schedule_of_the_past_alone() -> None:
    """First of what came before the period, then every week; never of what is yet to come."""
    weekly_taught, once = Knowing(weekly(5, 6)), Knowing(weekly(5, 6))
    early = Period(FROM_S, FROM_S + 8 * DAY_S, 3_600, FROM_S - DAY_S, WEEK_S)
    roll(noisy(5, 6), [weekly_taught], [ALL], early, LOCAL)
    assert weekly_taught.taught == [FROM_S - DAY_S, FROM_S + WEEK_S]
    roll(noisy(5, 6), [once], [ALL], Period(FROM_S, FROM_S + 8 * DAY_S, 3_600, FROM_S, None), LOCAL)
    assert once.taught == [FROM_S]
    assert once.moments == weekly_taught.moments


def test_a_method_that_cannot_learn_is_left_out_and_said() -> None:
    """The others go on."""
    bins = noisy(5, 6)
    answer = roll(bins, [Unteachable(bins), WeeklyNaive(bins, LOCAL)], [ALL], PERIOD, LOCAL)
    assert [each["method"] for each in answer["sets"][0]["methods"]] == ["weekly_naive"]
    assert answer["remarks"] == [f"Plans: nothing was known at {FROM_S}"]


def test_what_is_unknown_does_not_count() -> None:
    """Neither truths nor last weeks that nobody knows; all methods are related to the same cases."""
    bins = noisy(5, 6)
    hole = (FROM_S - START_S) // BIN_S
    bins.mean[:, hole : hole + 96] = np.nan
    answer = roll(bins, [Knowing(weekly(5, 6)), WeeklyNaive(bins, LOCAL)], [ALL], PERIOD, LOCAL)
    model, naive = answer["sets"][0]["methods"]
    # The first day is lost as truth, the eighth as last week.
    assert model["leads"][0]["cases"] == naive["leads"][0]["cases"] == 6 * 24 * 6


def test_the_same_again_gives_the_same() -> None:
    """Chance comes from the day and the seed, not from the order of methods."""
    bins = noisy(5, 6)
    first = roll(bins, [Knowing(bins)], [ALL], PERIOD, LOCAL)
    more = roll(bins, [HourOfWeek(bins, LOCAL), Knowing(bins)], [ALL], PERIOD, LOCAL)
    assert first["sets"][0]["methods"][0] == more["sets"][0]["methods"][1]


def test_sets_are_counted_apart() -> None:
    """Two sets of a sector each have what one set of both has, together."""
    bins = noisy(5, 6)
    parts = [SectorSet(str(number), "fir", np.array([number])) for number in range(2)]
    both = SectorSet("both", "fir", np.arange(2))
    answer = roll(bins, [Knowing(weekly(5, 6))], [*parts, both], PERIOD, LOCAL)
    one, other, whole = (each["methods"][0]["leads"][4]["mae"] for each in answer["sets"])
    assert whole == pytest.approx((one + other) / 2, abs=1e-3)


@given(st.integers(0, 200), st.integers(1, 300), st.sampled_from([1, 2, 4]), st.integers(1, 40))
def test_days_hold_every_moment_once(start: int, length: int, every: int, retrain: int) -> None:
    """In order, each day's within a day and after no learning that was due in it."""
    period = Period(
        START_S + start * BIN_S,
        START_S + (start + length) * BIN_S,
        every * BIN_S,
        START_S,
        retrain * 3_600,
    )
    days = list(period.days())
    moments = np.concatenate([day for _, day in days])
    assert np.array_equal(moments, np.arange(period.from_s, period.to_s, period.every_s))
    assert days[0][0]
    last = -1
    for due, day in days:
        assert day[0] // DAY_S == day[-1] // DAY_S
        turns = (day - period.from_s) // (retrain * 3_600)
        assert turns.min() == turns.max()
        assert due == (turns[0] != last)
        last = turns[0]


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ((FROM_S + 1, FROM_S + DAY_S, 3_600, FROM_S, None), "no bins"),
        ((FROM_S, FROM_S + DAY_S, 60, FROM_S, None), "no bins"),
        ((FROM_S, FROM_S, 3_600, FROM_S, None), "ends first"),
        ((FROM_S, FROM_S + DAY_S, 3_600, FROM_S + 900, None), "ends first"),
    ],
)
def test_a_period_that_is_none_is_refused(
    period: tuple[int, int, int, int, None], said: str
) -> None:
    """Moments between bins, nothing to score, or training that sees what it is scored on."""
    with pytest.raises(ValueError, match=said):
        Period(*period)


def test_the_median_is_scored_beside_the_mean() -> None:
    """Of three bins in a thin sector two are empty: to say so errs less than to say the mean."""
    truth = np.array([0.0, 0.0, 3.0], np.float32).reshape(1, 3, 1)
    naive = np.full_like(truth, 3.0)
    naive[0, 2] = np.nan
    shape, chance = np.zeros((3, 1), np.intp), np.full_like(truth, 0.5)
    quantiles = np.tile(np.array([0, 0, 0.5, 2, 3], np.float32), (1, 3, 1, 1))
    tally = Tally(1, 1)
    case = Case(truth, naive, shape, np.zeros(1, np.intp), chance)
    tally.add(case, Forecasts(np.ones_like(truth), quantiles, chance))
    [row] = method_figures(tally, [0], np.ones(1), [1.0])["leads"]
    assert (row["cases"], row["mae"], row["ratio_to_weekly_naive"]) == (2, 1.0, 0.3333)
    assert (row["mae_median"], row["ratio_median_to_weekly_naive"]) == (0.5, 0.1667)
