"""Where truths lie in their forecasts, and what wrong quantiles cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sectorwatch.forecast.issued import QUANTILES
from sectorwatch.forecast.measures import cdf, pinball, randomised_pit, within_80

FINITE = st.floats(-5, 60)


@pytest.mark.parametrize("expected", [0.03, 0.6, 3.0, 25.0])
def test_right_forecasts_of_means_hold_what_they_promise(expected: float) -> None:
    """A known distribution, cut into fifteenths, forecast exactly: a tenth of PITs in each tenth."""
    chance = np.random.default_rng(5)
    truth = chance.poisson(expected * 15, 40_000) / 15
    levels = stats.poisson.ppf(QUANTILES, expected * 15) / 15
    quantiles = np.broadcast_to(levels, (truth.size, len(QUANTILES)))
    p_zero = np.full(truth.shape, np.exp(-expected * 15))
    pit = randomised_pit(truth, quantiles, p_zero, chance.random(truth.size))
    assert within_80(pit).mean() == pytest.approx(0.8, abs=0.07 if expected < 1 else 0.025)
    assert pit.mean() == pytest.approx(0.5, abs=0.04)


def test_an_empty_sector_foreseen_is_held() -> None:
    """All probability at nought: the PIT of nought is even, that of anything else is at the end."""
    chance = np.linspace(0, 1, 1_001)
    quantiles = np.zeros((chance.size, 5))
    pit = randomised_pit(np.zeros(chance.size), quantiles, np.ones(chance.size), chance)
    assert np.allclose(pit, chance)
    assert within_80(pit).mean() == pytest.approx(0.8, abs=0.01)
    seldom = randomised_pit(np.ones(1), quantiles[:1], np.array([0.97]), np.array([0.5]))
    assert seldom[0] > 0.97


def test_the_interval_is_found_where_it_is() -> None:
    """What lies clearly inside the interval is inside, what lies clearly outside is not."""
    quantiles = np.array([2.0, 3.0, 5.0, 7.0, 9.0])
    truth = np.array([0.0, 1.8, 2.2, 5.0, 8.8, 9.2, 30.0, np.nan])
    shape = (truth.size, 5)
    pit = randomised_pit(
        truth,
        np.broadcast_to(quantiles, shape),
        np.full(truth.size, 0.01),
        np.full(truth.size, 0.5),
    )
    assert within_80(pit).tolist() == [False, False, True, True, True, False, False, False]
    assert np.isnan(pit[-1])


@given(FINITE, st.lists(FINITE, min_size=5, max_size=5), st.floats(0, 1), st.floats(0, 1))
def test_any_quantiles_give_a_probability(
    value: float, quantiles: list[float], p_zero: float, chance: float
) -> None:
    """Crossing, negative or all alike: a distribution function that only rises comes of it."""
    steps = np.linspace(-1, 70, 300)
    every = np.broadcast_to(np.array(quantiles), (steps.size, 5))
    found = cdf(steps, every, np.full(steps.size, p_zero))
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert (np.diff(found) >= -1e-9).all()
    pit = randomised_pit(
        np.array(abs(value)), np.array(quantiles), np.array(p_zero), np.array(chance)
    )
    assert 0 <= pit <= 1


def test_the_best_quantile_costs_least() -> None:
    """Over many truths no other number has less pinball loss than the quantile itself."""
    truth = np.random.default_rng(3).gamma(2.0, 3.0, 20_000)
    best = np.quantile(truth, QUANTILES)
    loss = pinball(truth, np.broadcast_to(best, (truth.size, 5))).mean(axis=0)
    for shift in (-0.4, 0.4):
        other = pinball(truth, np.broadcast_to(best + shift, (truth.size, 5))).mean(axis=0)
        assert (other > loss).all()
