"""The quantile of a leaf is found as scikit-learn finds it, which sorts all of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sectorwatch.forecast.model.pinball import pinball_loss, weighted_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.mark.parametrize("level", [0.02, 0.1, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("rows", [1, 200, 1_501, 20_000])
def test_it_is_that_of_all_rows_sorted(level: float, rows: int) -> None:
    """Heavy and light rows, many of one value, in any order and in order of their size."""
    chance = np.random.default_rng(rows)
    for decimals in (0, 1, 9):
        values = np.round(chance.normal(0.0, 5.0, rows), decimals)
        weights = chance.gamma(0.5, 1.0, rows) + 0.01
        for order in (np.arange(rows), np.argsort(values), np.argsort(-values)):
            found = weighted_quantile(values[order], weights[order], level)
            assert found == _sorted_through(values, weights, level)


def test_weights_that_grow_with_the_values_mislead_nobody() -> None:
    """All of the weight lies on a few rows: those looked at first may have none of it."""
    values = np.arange(10_000.0)
    weights = np.where(values % 100 == 7, 1.0, 1e-6)
    for level in (0.1, 0.5, 0.9):
        assert weighted_quantile(values, weights, level) == _sorted_through(values, weights, level)


def _sorted_through(
    values: NDArray[np.float64], weights: NDArray[np.float64], level: float
) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(reached, level * weights.sum())]])


def test_a_forest_of_quantiles_is_the_one_that_scikit_learn_makes_by_itself() -> None:
    """Leaf by leaf, weights and all."""
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415 - nobody else's

    chance = np.random.default_rng(5)
    asked = chance.normal(size=(8_000, 3))
    wanted = asked[:, 0] + chance.gamma(2.0, 1.0, 8_000)
    weights = chance.gamma(2.0, 1.0, 8_000) + 0.1
    said = [
        HistGradientBoostingRegressor(
            loss=loss, quantile=0.9, max_iter=8, early_stopping=False, random_state=1
        )
        .fit(asked, wanted, sample_weight=weights)
        .predict(asked)
        for loss in (pinball_loss(0.9), "quantile")
    ]
    np.testing.assert_array_equal(*said)
