"""A distribution out of a mean, a spread and the chance that nobody is there."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.forecast.issued import QUANTILES
from sectorwatch.forecast.plan_basis import spread_of

DRAWS = 40_000


def test_it_is_close_to_what_flights_come_to() -> None:
    """Flights with probabilities of their own, there for a part of the bin: drawn and compared."""
    random = np.random.default_rng(7)
    for flights, unseen in ((1, 0.1), (3, 0.3), (10, 1.0), (30, 2.0)):
        there = random.random((DRAWS, flights)) < random.uniform(0.1, 0.9, flights)
        share = random.uniform(0.2, 1.0, (DRAWS, flights)) * there
        late = random.poisson(unseen, DRAWS)
        load = share.sum(axis=1) + np.array([random.random(count).sum() for count in late])
        drawn = np.quantile(load, QUANTILES)
        found = spread_of(load.mean(), load.var(), np.mean(load == 0))
        assert np.abs(found - drawn).max() < 0.15, (flights, found, drawn)


@given(
    mean=st.floats(0, 500),
    share=st.floats(0, 3),
    p_zero=st.floats(0, 1),
)
def test_quantiles_rise_and_are_never_less_than_nothing(
    mean: float, share: float, p_zero: float
) -> None:
    """Whatever it is given, also what cannot go together (a full sector that is surely empty)."""
    found = spread_of(mean, share * mean, p_zero)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (np.diff(found) >= 0).all()
    if p_zero >= QUANTILES[-1]:
        assert not found.any()


def test_shapes_go_through() -> None:
    """Sectors by leads come out as sectors by leads by quantiles."""
    mean = np.full((4, 17), 3.0)
    found = spread_of(mean, mean / 2, np.exp(-mean))
    assert found.shape == (4, 17, len(QUANTILES))
    assert found.dtype == np.float32
