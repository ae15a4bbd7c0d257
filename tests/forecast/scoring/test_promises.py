"""Probabilities of more than the capacity are set right by how often it was so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.scoring.promises import FEW, Promises

TENTHS = (np.arange(10) + 0.5) / 10


def sums(
    count: np.ndarray, happened: np.ndarray, computed: np.ndarray = TENTHS
) -> dict[str, np.ndarray]:
    """By tenth (10,), alike for every lead: of `computed` probability each, so many happened."""
    each = np.ones((1, LEADS.size))
    return {
        "count": count[:, None] * each,
        "computed": (count * computed)[:, None] * each,
        "happened": happened[:, None] * each,
    }


def told(promises: Promises, p: np.ndarray) -> np.ndarray:
    """What is told of these (n,), at each lead."""
    return promises.told(np.repeat(p[:, None], LEADS.size, axis=1))


def by_part(p: np.ndarray, happened: np.ndarray) -> dict[str, np.ndarray]:
    """As figures sum it up."""
    part = np.minimum((10 * p).astype(int), 9)
    count = np.bincount(part, minlength=10)
    computed = np.bincount(part, p, 10) / np.maximum(count, 1)
    return sums(count, np.bincount(part, happened, 10), computed)


def test_before_anything_is_scored_it_is_what_was_computed() -> None:
    """To the last."""
    nothing = np.zeros(10)
    p = np.linspace(0, 1, 101)
    assert told(Promises.of(sums(nothing, nothing)), p) == pytest.approx(
        np.repeat(p[:, None], LEADS.size, axis=1), abs=1e-6
    )


def test_nothing_stays_nothing_where_all_that_was_scored_was_nothing() -> None:
    """However often it happened all the same; the least that is more than nothing is told of."""
    count = np.zeros(10)
    count[0] = 5_000
    set_right = Promises.of(sums(count, count * 0.05, np.zeros(10)))
    found = told(set_right, np.array([0.0, 1e-9, 1.0]))
    assert not found[0].any()
    # Each group of leads has several of so many.
    assert ((found[1] > 0.047) & (found[1] < 0.05)).all()
    assert (found[2] == 1.0).all()


@given(
    st.lists(
        st.tuples(st.integers(0, 5_000), st.floats(0, 1), st.floats(0, 1)),
        min_size=10,
        max_size=10,
    )
)
def test_more_computed_is_never_less_told_and_all_is_within_bounds(
    scored: list[tuple[int, float, float]],
) -> None:
    """Whatever happened: rising, in 0..1, nothing of nothing, and sure of what is sure."""
    count, share, within = (np.array(each, np.float64) for each in zip(*scored, strict=True))
    promises = Promises.of(sums(count, count * share, (np.arange(10) + within) / 10))
    found = told(promises, np.linspace(0.001, 0.999, 500))
    assert (np.diff(found, axis=0) >= -1e-6).all()
    assert ((found >= 0) & (found <= 1)).all()
    assert np.isnan(told(promises, np.array([np.nan]))).all()


def test_it_is_drawn_to_what_was_computed_while_few_are_scored() -> None:
    """As many as count weigh as much as the word itself; the four leads of an hour go together."""
    count = np.full(10, FEW / 4)
    found = told(Promises.of(sums(count, np.zeros(10))), TENTHS)[:, 0]
    assert found == pytest.approx(TENTHS / 2, abs=1e-6)
    few = told(Promises.of(sums(np.full(10, 4.0), np.zeros(10))), TENTHS)[:, 0]
    assert (few > 0.94 * TENTHS).all()


@pytest.mark.parametrize("seed", range(4))
def test_what_holds_is_left_alone_and_what_is_too_sure_becomes_better(seed: int) -> None:
    """By Brier's score of days that came later, which it had not seen."""
    chance = np.random.default_rng(seed)
    p = chance.beta(0.4, 1.2, 8_000)
    before, after = slice(0, 4_000), slice(4_000, None)
    for truth, gain in ((p, -0.001), (0.1 + 0.15 * p, 0.02)):
        happened = chance.random(p.size) < truth
        promises = Promises.of(by_part(p[before], happened[before]))
        right = told(promises, p[after])[:, 4]
        was = np.mean((p[after] - happened[after]) ** 2)
        assert was - np.mean((right - happened[after]) ** 2) > gain


def test_how_far_ahead_it_was_matters() -> None:
    """What is wrong at 4 h is not taken from what is told of 1 h."""
    made = sums(np.full(10, 1_000.0), 1_000 * TENTHS)
    made["happened"][:, LEADS >= 10_800] = 0.0
    found = told(Promises.of(made), np.array([0.65]))[0]
    assert found[LEADS < 10_800] == pytest.approx(0.65, abs=1e-6)
    assert (found[LEADS >= 10_800] < 0.07).all()
