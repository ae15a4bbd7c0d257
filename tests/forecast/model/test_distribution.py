"""The distribution that five quantiles and a chance of zero stand for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sectorwatch.forecast.issued import QUANTILES
from sectorwatch.forecast.model.distribution import at_level, at_most, pit, settled

chances = st.floats(0, 1, allow_subnormal=False)
knots = hnp.arrays(np.float64, 5, elements=st.floats(0, 500, allow_subnormal=False))


@given(knots, chances)
def test_settled_quantiles_are_in_order_and_zero_just_within_the_chance_of_zero(
    quantiles: np.ndarray, p_zero: float
) -> None:
    """Whatever the trees say, what is given out can be meant."""
    found = settled(quantiles, p_zero)
    assert (np.diff(found) >= 0).all()
    assert ((found == 0) == (np.array(QUANTILES) <= p_zero)).all()


@given(knots, chances, st.floats(0.001, 0.999))
def test_levels_and_values_undo_each_other(
    quantiles: np.ndarray, p_zero: float, level: float
) -> None:
    """The value at a level is the least that is reached with that probability."""
    zero = np.array(p_zero)
    found = settled(quantiles, zero)
    value = at_level(level, found, zero)
    assert at_most(value, found, zero) >= level - 1e-6
    assert at_most(value - 1e-3, found, zero) <= level + 1e-6
    assert (value == 0) == (level <= p_zero) or value < 0.05


@given(knots, chances)
def test_more_is_never_less_likely_to_hold(quantiles: np.ndarray, p_zero: float) -> None:
    """A distribution rises from the chance of zero to one."""
    values = np.linspace(-1, 800, 400)
    zero = np.full(400, p_zero)
    found = at_most(values, settled(quantiles, zero)[..., :] + np.zeros((400, 1)), zero)
    assert (np.diff(found) >= -1e-9).all()
    assert found[0] == 0
    assert found[-1] <= 1


def test_truths_drawn_from_a_forecast_lie_evenly_in_it() -> None:
    """Also where half of them are zero, and the rest are fifteenths."""
    chance = np.random.default_rng(3)
    count = 40_000
    zero = np.full(count, 0.45)
    quantiles = settled(np.tile([0.2, 0.4, 0.8, 2.0, 4.0], (count, 1)), zero)
    truth = np.round(at_level(chance.random(count), quantiles, zero) * 15) / 15
    lies_at = pit(truth, quantiles, zero, chance.random(count))
    shares = np.histogram(lies_at, np.linspace(0, 1, 11))[0] / count
    assert np.abs(shares - 0.1).max() < 0.012
