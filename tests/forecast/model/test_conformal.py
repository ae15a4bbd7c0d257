"""Intervals that hold, whatever the model's own are, and go on holding."""

from __future__ import annotations

import numpy as np
import pytest

from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.measures import randomised_pit, within_80
from sectorwatch.forecast.model.conformal import Conformal, size_class
from sectorwatch.forecast.model.distribution import LEVELS, pit, settled

CHANCE = np.random.default_rng(5)
COUNT = 60_000
MEAN = np.exp(CHANCE.normal(1.0, 1.4, COUNT))
LEAD = CHANCE.integers(0, LEADS.size, COUNT)
TRUTH = CHANCE.poisson(MEAN * CHANCE.gamma(12, 1 / 12, COUNT) * 3) / 3
# A model that is too sure of itself, and of zero as sure as can be.
Z_ERO = np.exp(-3 * MEAN) * 0.97
OWN = settled(
    np.maximum(MEAN[:, None] + np.sqrt(MEAN)[:, None] * [-0.6, -0.3, 0, 0.3, 0.6], 0), Z_ERO
)


def coverage(quantiles: np.ndarray, p_zero: np.ndarray, rows: np.ndarray) -> float:
    """The share of truths that the 80 % intervals hold."""
    lies_at = randomised_pit(TRUTH[rows], quantiles, p_zero, CHANCE.random(rows.sum()))
    return float(within_80(lies_at).mean())


def test_intervals_hold_on_what_they_were_not_learned_from() -> None:
    """In each class of sizes, though the model's own hold far too little."""
    first = np.arange(COUNT) < COUNT // 2
    lies_at = pit(TRUTH[first], OWN[first], Z_ERO[first], CHANCE.random(first.sum()))
    taught = Conformal.fit(lies_at, MEAN[first], LEAD[first])
    assert coverage(OWN[~first], Z_ERO[~first], ~first) < 0.65
    for size in range(1, 7):
        rows = ~first & (size_class(MEAN) == size)
        found = taught.corrected(MEAN[rows], LEAD[rows], OWN[rows], Z_ERO[rows])
        assert abs(coverage(*found, rows) - 0.8) < 0.05, size


def test_intervals_come_to_hold_by_forecasts_that_are_scored() -> None:
    """Nothing was held back, and the model is wrong: some days later its intervals hold."""
    taught = Conformal.untaught()
    held = []
    for begin in range(0, COUNT, 1_000):
        rows = (np.arange(COUNT) >= begin) & (np.arange(COUNT) < begin + 1_000)
        found = taught.corrected(MEAN[rows], LEAD[rows], OWN[rows], Z_ERO[rows])
        held.append(coverage(*found, rows))
        truth = TRUTH[rows].copy()
        truth[:10] = np.nan
        taught.adapt(MEAN[rows], LEADS[LEAD[rows]], *found, truth, 6 * 3_600)
    assert held[0] < 0.7
    assert abs(np.mean(held[-20:]) - 0.8) < 0.05


def test_no_time_and_no_truth_teach_nothing() -> None:
    """An issue that is scored twice, or of which nothing is known, changes no interval."""
    taught = Conformal.untaught()
    few = slice(0, 50)
    said = (OWN[few], Z_ERO[few])
    taught.adapt(MEAN[few], LEADS[LEAD[few]], *said, TRUTH[few], 0.0)
    taught.adapt(MEAN[few], LEADS[LEAD[few]], *said, np.full(50, np.nan), 3_600.0)
    assert (taught.levels == LEVELS).all()
    assert not taught.zero_shift.any()


def test_what_was_learned_is_kept_exactly() -> None:
    """A restart forgets nothing."""
    taught = Conformal.untaught()
    taught.adapt(MEAN, LEADS[LEAD], OWN, Z_ERO, TRUTH, 86_400.0)
    again = Conformal.from_arrays(taught.to_arrays())
    assert (again.levels == taught.levels).all()
    assert (again.zero_shift == taught.zero_shift).all()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("levels", np.zeros((2, 2)), "shapes"),
        ("levels", Conformal.untaught().levels[..., ::-1], "not in order"),
        ("levels", Conformal.untaught().levels * np.nan, "not in order"),
        ("zero_shift", Conformal.untaught().zero_shift + 99, "no shift"),
        ("zero_shift", Conformal.untaught().zero_shift * np.nan, "no shift"),
    ],
)
def test_arrays_that_are_no_intervals_are_refused(name: str, value: np.ndarray, words: str) -> None:
    """The message says what is wrong."""
    with pytest.raises(ModelFileError, match=words):
        Conformal.from_arrays({**Conformal.untaught().to_arrays(), name: value})
