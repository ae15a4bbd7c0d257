"""Tails of counts, and false discoveries, against what scipy and chance say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sectorwatch.forecast.anomalies.tails import at_least, normal_score
from sectorwatch.forecast.discoveries import q_values


@given(st.integers(0, 60), st.floats(0.2, 40), st.floats(1.05, 5))
def test_a_whole_count_lies_between_the_two_tails_that_scipy_knows(
    count: int, mean: float, ratio: float
) -> None:
    """Above P(X > x) and below P(X >= x) of the negative binomial with that mean and variance."""
    p = float(at_least(normal_score(count, mean, ratio)))
    size = mean / (ratio - 1)
    law = stats.nbinom(size, size / (size + mean))
    assert law.sf(count) - 1e-9 <= p <= law.sf(count - 1) + 1e-9


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.8])
def test_scores_of_chance_are_about_normal(ratio: float) -> None:
    """Mean 0, deviation 1: for counts drawn with the variance that was said."""
    chance = np.random.default_rng(1)
    mean = 9.0
    if ratio > 1:
        size = mean / (ratio - 1)
        counts = chance.negative_binomial(size, size / (size + mean), 20_000).astype(float)
    else:
        counts = chance.poisson(mean / ratio, 20_000) * ratio
    scores = normal_score(counts, mean, ratio)
    assert abs(scores.mean()) < 0.05
    assert abs(scores.std() - 1) < 0.07


def test_more_is_never_less_striking() -> None:
    """The score rises with the count, far out too, and stays finite."""
    scores = normal_score(np.arange(0, 4_000, 0.5), 3.0, 1.4)
    assert (np.diff(scores) >= 0).all()
    assert np.isfinite(scores).all()


def test_what_never_comes_is_more_striking_than_what_hardly_does_if_that_is_known() -> None:
    """By default a mean below a twentieth is one: of load nobody knows more."""
    never, hardly = normal_score(4.0, [0.002, 0.05], 1.0, least_mean=0.002)
    assert never > hardly + 1.0
    assert np.ptp(normal_score(4.0, [0.002, 0.05], 1.0)) == 0.0


def test_what_is_unknown_has_no_score() -> None:
    """Neither of the count nor of the mean."""
    assert np.isnan(normal_score([np.nan, 3.0], [3.0, np.nan], 1.0)).all()


def test_of_discoveries_no_more_are_false_than_was_said() -> None:
    """Among 200 tests, 20 of them of something real; over 300 rounds."""
    chance = np.random.default_rng(2)
    false = []
    for _ in range(300):
        scores = chance.normal(size=200)
        scores[:20] += 3.5
        found = q_values(at_least(scores)) <= 0.1
        false.append(found[20:].sum() / max(1, found.sum()))
    assert np.mean(false) <= 0.11


def test_tests_that_found_nothing_count_too() -> None:
    """A p-value among many tests says less than alone; what was not tested says nothing."""
    assert q_values([0.01], tests=5)[0] == pytest.approx(0.05)
    assert np.isnan(q_values([0.01, np.nan])[1])
    assert q_values([]).size == 0
