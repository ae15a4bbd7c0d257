"""How likely a load is above a level, for one bin and for two on end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from sectorwatch.forecast.breach import (
    ADJACENT_CORRELATION,
    ErrorCorrelation,
    breached,
    by_lead,
    p_above,
    sustained,
)
from sectorwatch.forecast.issued import QUANTILES

NORMAL = 10.0 + 2.0 * ndtri(np.array(QUANTILES))
ZERO = np.array(0.0)


@pytest.mark.parametrize(
    ("level", "p"), [(10.0, 0.5), (12.0, 0.1587), (14.0, 0.0228), (8.0, 0.8413)]
)
def test_of_a_normal_forecast_it_is_the_normal_tail(level: float, p: float) -> None:
    """Between the quantiles and beyond the last one."""
    assert float(p_above(NORMAL, ZERO, level)) == pytest.approx(p, abs=0.005)


def test_of_counts_it_is_close_to_how_often_they_are_above() -> None:
    """Quantiles of bursty traffic give its tail to within four hundredths."""
    chance = np.random.default_rng(5)
    rate = chance.gamma(4.0, 1.5, 200_000)
    load = chance.poisson(rate[:, None], (200_000, 3)).mean(axis=1)
    quantiles = np.quantile(load, QUANTILES)
    for level in (4.5, 7.5, 10.5, 13.5):
        p = float(p_above(quantiles, np.array((load == 0).mean()), level))
        assert p == pytest.approx(float((load > level).mean()), abs=0.04)


def test_a_load_that_cannot_be_otherwise_is_not_above_itself() -> None:
    """Above means more than; where all quantiles are one, the rest is certain."""
    certain = np.full(5, 5.0)
    assert float(p_above(certain, ZERO, 5.0)) <= 0.1 + 1e-9
    assert float(p_above(certain, ZERO, 5.1)) == 0.0
    assert float(p_above(certain, ZERO, 4.9)) >= 0.9


def test_an_empty_sector_is_above_nothing_only_as_often_as_somebody_comes() -> None:
    """The share of empty bins bounds it."""
    quiet = np.array([0.0, 0.0, 0.0, 0.2, 1.0])
    assert float(p_above(quiet, np.array(0.7), 0.0)) <= 0.3 + 1e-9
    assert float(p_above(quiet, np.array(0.7), -1.0)) == 1.0


def test_what_is_not_known_stays_unknown() -> None:
    """Without a capacity, or without a forecast, there is no probability."""
    assert np.isnan(p_above(NORMAL, ZERO, np.nan))
    assert np.isnan(p_above(np.full(5, np.nan), ZERO, 5.0))


@given(
    st.lists(st.floats(0, 60), min_size=5, max_size=5),
    st.floats(0, 0.99),
    st.lists(st.floats(0, 90), min_size=2, max_size=12),
)
def test_it_is_a_probability_and_falls_with_the_level(
    knots: list[float], p_zero: float, levels: list[float]
) -> None:
    """Whatever the quantiles are, ties and zeros among them."""
    ordered = np.sort(levels)
    p = p_above(np.sort(knots), np.array(p_zero), ordered)
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p) <= 1e-9).all()


def test_bins_that_know_nothing_of_each_other_are_counted_exactly() -> None:
    """Without correlation, the chance of two on end of 17 at one quarter each, by recursion."""
    p = 0.25
    quiet, once = 1.0, 0.0
    for _ in range(17):
        quiet, once = (quiet + once) * (1 - p), quiet * p
    found = sustained(np.full((1, 17), p), 0.0, draws=40_000)
    assert found.p[0] == pytest.approx(1 - quiet - once, abs=0.01)
    assert found.pair[0] == pytest.approx(np.full(16, p * p), abs=0.01)


def test_bins_that_go_wholly_together_are_above_together() -> None:
    """Then a pair is as likely as the less likely of the two."""
    p = np.array([[0.1, 0.4, 0.6, 0.2]])
    found = sustained(p, 1.0, draws=20_000)
    assert found.pair[0] == pytest.approx([0.1, 0.4, 0.2], abs=0.03)
    assert found.p[0] == pytest.approx(0.4, abs=0.03)


def test_the_same_forecast_has_the_same_probability() -> None:
    """Also beside other sectors: no dice are thrown anew."""
    p = np.random.default_rng(1).uniform(0, 0.7, (90, 17))
    whole, alone = sustained(p), sustained(p[40:41])
    assert whole.p[40] == alone.p[0]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=17), st.floats(0, 1))
def test_it_lies_within_what_any_correlation_leaves(p: list[float], correlation: float) -> None:
    """Never below the surest pair, never above all of them added."""
    found = sustained(np.array([p]), correlation, draws=64)
    assert found.lower[0] <= found.p[0] <= found.upper[0] <= 1
    assert found.pair[0].max() <= found.hour[0] <= found.p[0]


def test_a_single_bin_above_is_no_sustained_breach() -> None:
    """A quarter of an hour passes; so does one of which nothing is known in between."""
    found = sustained(np.array([[0, 1.0, 0, 0], [np.nan] * 4]))
    assert found.p[0] == 0.0
    assert np.isnan(found.p[1])
    load = np.array([[9.0, 1, 9, np.nan, 9, 9, 9]])
    assert breached(load, np.array([8.0])).tolist() == [[False] * 4 + [True] * 3]
    assert not breached(load, np.array([np.nan])).any()


def test_the_likeliest_hour_is_found() -> None:
    """Its probability lies between that of its likeliest two quarters and that of all 4 h."""
    p = np.full((1, 17), 0.2)
    p[0, 9:12] = 0.7
    found = sustained(p)
    assert 8 <= found.hour_at[0] <= 9
    assert found.pair[0].max() <= found.hour[0] <= found.p[0]
    assert 0.6 < found.hour[0] < 0.8


def test_correlation_is_measured_once_there_is_enough() -> None:
    """A few forecasts change little, many say what it is."""
    chance = np.random.default_rng(2)
    z = chance.standard_normal((4_000, 17))
    for at in range(1, 17):
        z[:, at] = 0.4 * z[:, at - 1] + np.sqrt(1 - 0.16) * z[:, at]
    pit = ndtr(z)
    pit[::7, 3] = np.nan
    many, few, none = ErrorCorrelation(), ErrorCorrelation(), ErrorCorrelation()
    many.take(pit)
    few.take(pit[:3])
    none.take(np.full((2, 17), np.nan))
    assert many.value == pytest.approx(0.41, abs=0.02)
    assert few.value == pytest.approx(ADJACENT_CORRELATION, abs=0.02)
    assert none.value == ADJACENT_CORRELATION


def test_scored_forecasts_are_put_side_by_side() -> None:
    """A row an issue and sector, NaN for what is not scored."""
    table = by_lead(
        np.array([100, 100, 400, 100]),
        np.array([0, 1, 0, 0]),
        np.array([900, 0, 0, 0]),
        np.array([0.2, 0.3, 0.4, 0.5]),
        np.array([0, 900]),
    )
    assert np.nan_to_num(table, nan=-1).tolist() == [[0.5, 0.2], [0.3, -1], [0.4, -1]]
