"""What is learned, kept as arrays and read back; and what is no such thing."""

from __future__ import annotations

import numpy as np
import pytest

from sectorwatch.forecast.plans import LearnedPlans, priors
from sectorwatch.forecast.plans.hazards import OFF_STEPS, take_off


def test_what_is_kept_is_what_is_read() -> None:
    """Every table, to the last bit."""
    learned = LearnedPlans.priors()
    again = LearnedPlans.from_arrays(learned.to_arrays())
    for name, array in learned.to_arrays().items():
        assert np.array_equal(array, again.to_arrays()[name])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", np.asarray(99)),
        ("format", np.array([1, 1])),
        ("ground", np.zeros((2, 3))),
        ("sd_s", np.full((4, 4, 12), np.nan)),
        ("quits_per_h", np.asarray("often")),
    ],
)
def test_arrays_that_are_something_else_are_refused(name: str, value: np.ndarray) -> None:
    """A file may be of another version, cut, or made up."""
    with pytest.raises(ValueError, match="learned of plans"):
        LearnedPlans.from_arrays({**LearnedPlans.priors().to_arrays(), name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("until_s", -1.0),
        ("until_s", 1e300),
        ("bias_s", 1e30),
        ("bias_s", np.inf),
        ("sd_s", -1.0),
        ("delay_weights", np.nan),
        ("quits_per_h", -0.1),
        ("quits_per_h", 1e9),
        ("usual_pace", 0.0),
        ("usual_spread_s", 0.0),
        ("usual_late", 1.1),
        ("usual_floor", 0.0),
        ("usual_weight", 50.0),
    ],
)
def test_numbers_that_nobody_can_have_learned_are_refused(name: str, value: float) -> None:
    """One of them alone: forecasts would be made with it."""
    arrays = LearnedPlans.priors().to_arrays()
    with pytest.raises(ValueError, match=f"{name}.* of what was learned of plans is not from"):
        LearnedPlans.from_arrays({**arrays, name: np.full(np.shape(arrays[name]), value)})


@pytest.mark.parametrize(("pairs", "pace"), [(1, 0.0), (1, np.nan), (100_001, 1.0)])
def test_pairs_without_measure_are_refused(pairs: int, pace: float) -> None:
    """Nobody flies in no time, and there are not so many pairs of airports."""
    codes = np.full((pairs, 8), ord("A"), dtype=np.uint8)
    arrays = LearnedPlans.priors().to_arrays()
    arrays |= {"pair_from": codes, "pair_to": codes, "pair_pace": np.full(pairs, pace, np.float32)}
    with pytest.raises(ValueError, match="learned of plans"):
        LearnedPlans.from_arrays(arrays)


def test_tables_that_are_no_probabilities_are_refused() -> None:
    """A table has to add up to one."""
    arrays = LearnedPlans.priors().to_arrays()
    with pytest.raises(ValueError, match="no probabilities"):
        LearnedPlans.from_arrays({**arrays, "prefiled": LearnedPlans.priors().prefiled / 2})


@pytest.mark.parametrize("hazard", [priors.GROUND, priors.PREFILED])
def test_whoever_waits_leaves_in_some_step_or_never(hazard: object) -> None:
    """Probabilities over the steps and never add up, in every state, without a filed time too."""
    late = np.array([-600.0, -30.0, 0.0, 45.0, 900.0, np.nan])
    off = take_off(hazard, late, np.full(6, 12.0), np.array([False, True] * 3))  # type: ignore[arg-type]
    assert off.shape == (6, OFF_STEPS + 1)
    assert off.sum(axis=1) == pytest.approx(1)
    assert (off >= 0).all()
