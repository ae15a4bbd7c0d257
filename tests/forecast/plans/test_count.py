"""The sum of flights that may each be there: exact, and adding up."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.forecast.plans import poisson_binomial


@given(st.lists(st.floats(0, 1), max_size=9))
def test_the_distribution_is_that_of_every_way_it_can_come_out(chances: list[float]) -> None:
    """Against brute force: all 2^n outcomes, each with its probability."""
    brute = np.zeros(len(chances) + 1)
    for outcome in itertools.product((0, 1), repeat=len(chances)):
        brute[sum(outcome)] += np.prod(
            [p if there else 1 - p for p, there in zip(chances, outcome, strict=True)]
        )
    assert np.allclose(poisson_binomial(chances), brute, atol=1e-12)


def test_of_many_it_has_their_mean_and_variance() -> None:
    """Of a thousand flights it is still a distribution, with the moments of the sum."""
    chances = np.random.default_rng(1).uniform(size=1_000)
    pmf = poisson_binomial(chances)
    count = np.arange(pmf.size)
    mean = (pmf * count).sum()
    assert np.isclose(pmf.sum(), 1.0)
    assert np.isclose(mean, chances.sum())
    assert np.isclose((pmf * (count - mean) ** 2).sum(), (chances * (1 - chances)).sum())
