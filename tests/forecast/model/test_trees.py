"""What boosted trees say, without scikit-learn: exactly what it would have said."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.model.trees import Forest, Forests, forest_of

FEATURES = 7


def rows(count: int, seed: int) -> np.ndarray:
    """Rows of all kinds of values."""
    chance = np.random.default_rng(seed)
    made = chance.normal(size=(count, FEATURES)).astype(np.float32)
    made[:, 3] = chance.integers(0, 4, count)
    made[chance.random(made.shape) < 0.1] = np.nan
    made[0] = np.nan
    made[1], made[2] = np.inf, -np.inf
    return made


@cache
def boosted(loss: str, leaves: int) -> Any:
    """What scikit-learn has fitted."""
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415

    asked = rows(3_000, 1)
    asked = asked[~np.isinf(asked).any(axis=1)]
    known = np.nan_to_num(asked)
    truth = np.exp(known[:, 0] + known[:, 3] * known[:, 2] / 4)
    regressor = HistGradientBoostingRegressor(
        loss=loss,
        quantile=0.9 if loss == "quantile" else None,
        max_iter=30,
        max_leaf_nodes=leaves,
        early_stopping=False,
        random_state=1,
    )
    return regressor.fit(asked, truth)


@pytest.mark.parametrize("leaves", [31, 64])
def test_forests_say_exactly_what_scikit_learn_says(leaves: int) -> None:
    """Also of what is missing, infinite, or just at a threshold; to the last bit."""
    regressors = [boosted("poisson", leaves), boosted("quantile", leaves)]
    forests = [forest_of(each) for each in regressors]
    asked = rows(9_000, 2)
    # Values that are thresholds themselves.
    asked[5 : 5 + FEATURES, :] = np.float32(np.median(asked[10:], axis=0))
    for column in range(FEATURES):
        edges = forests[0].threshold[forests[0].feature == column].astype(np.float32)
        asked[20 : 20 + edges.size, column] = edges
    said = Forests(forests, FEATURES).raw(asked)
    for number, regressor in enumerate(regressors):
        expected = regressor._raw_predict(asked.astype(np.float64)).ravel()
        assert (said[:, number] == expected).all()


def test_a_forest_of_one_leaf_says_its_value() -> None:
    """Where there was nothing to tell rows apart by, every row is alike."""
    none = np.zeros(1)
    forest = Forest(
        baseline=np.array([2.0]),
        first=np.array([0, 1], dtype=np.int32),
        feature=np.array([-1], dtype=np.int16),
        threshold=none,
        missing_left=np.array([False]),
        left=none.astype(np.int32),
        right=none.astype(np.int32),
        value=np.array([0.5]),
    )
    assert Forests([forest], 2).raw(np.zeros((3, 2))).tolist() == [[2.5]] * 3


def test_rows_of_another_width_are_refused() -> None:
    """A caller's mistake is said, and not answered with a number."""
    forests = Forests([forest_of(boosted("poisson", 31))], FEATURES)
    with pytest.raises(ValueError, match=r"shape \(2, 3\); the trees know 7"):
        forests.raw(np.zeros((2, 3)))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_arrays_that_are_no_forest_are_refused_or_harmless(data: st.DataObject) -> None:
    """Whatever a file's arrays say, asking them ends, and within them."""
    arrays = forest_of(boosted("poisson", 31)).to_arrays()
    name = data.draw(st.sampled_from(sorted(arrays)))
    array = arrays[name].copy()
    at = data.draw(st.integers(0, array.size - 1))
    if array.dtype.kind == "f":
        array[at] = data.draw(st.floats(width=64))
    elif array.dtype.kind == "b":
        array[at] = not array[at]
    else:
        array[at] = data.draw(st.integers(-100, 3_000))
    if data.draw(st.booleans()):
        array = array[: data.draw(st.integers(0, array.size))]
    arrays[name] = array
    try:
        forest = Forest.from_arrays(arrays, FEATURES)
    except ModelFileError as error:
        assert str(error)  # noqa: PT017 - either may happen
        return
    assert np.isfinite(Forests([forest], FEATURES).raw(rows(50, 3))).all()


def test_a_forest_without_a_part_is_refused() -> None:
    """The message names what is missing."""
    arrays = forest_of(boosted("poisson", 31)).to_arrays()
    del arrays["left"]
    with pytest.raises(ModelFileError, match="no 'left'"):
        Forest.from_arrays(arrays, FEATURES)


@pytest.mark.parametrize("part", ["feature", "left", "first", "value", "missing_left"])
def test_a_forest_of_other_numbers_is_refused(part: str) -> None:
    """When it is read, and not when it is first asked: an index with a fraction is none."""
    arrays = Forest(
        baseline=np.zeros(1),
        first=np.array([0, 3], np.int32),
        feature=np.array([0, -1, -1], np.int16),
        threshold=np.zeros(3),
        missing_left=np.zeros(3, np.bool_),
        left=np.array([1, 0, 0], np.int32),
        right=np.array([2, 0, 0], np.int32),
        value=np.array([0.0, 1.0, 2.0]),
    ).to_arrays()
    Forest.from_arrays(arrays, 1)
    other = arrays[part].astype(np.int64 if part in {"value", "missing_left"} else np.float64)
    with pytest.raises(ModelFileError, match=part):
        Forest.from_arrays(arrays | {part: other}, 1)
